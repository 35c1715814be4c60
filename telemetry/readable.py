"""What templates read names from, at the first try."""


class Readable:
    """A row for a template: its fields can be asked for as `row["name"]` too.

    Django's templates try that before `row.name`, each time they come across a name; being refused
    costs them more than the value. A page of rows asks some thousand times.
    """

    __slots__ = ()
    __getitem__ = object.__getattribute__
