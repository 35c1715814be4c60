"""What the API's page makes of the document's shapes."""

import pytest

from config.api_page import ApiPage, Kind, Schema, kind_of

NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, Kind("whole number")),
        ({"type": "string", "format": "date-time"}, Kind("time")),
        ({"anyOf": [{"type": "number"}, NULL]}, Kind("number", null=True)),
        ({"$ref": "#/components/schemas/Named"}, Kind("", "Named")),
        ({"type": "array", "items": {"$ref": "#/components/schemas/A"}}, Kind("", "A", many=True)),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, Kind("any value")),
        ({}, Kind("any value")),
    ],
)
def test_it_says_in_words_what_a_value_is(schema: Schema, kind: Kind) -> None:
    assert kind_of(schema) == kind


def test_it_tells_what_is_sent_and_answered_whatever_the_number_of_success() -> None:
    shape = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Run"}}}}
    told = {"operationId": "history_api_add_run", "summary": "A run", "requestBody": shape}
    schemas = {"Run": {"properties": {}}, "Error": {"properties": {}}}
    document = {
        "paths": {"/api/v1/runs": {"post": {**told, "responses": {"201": shape, "400": {}}}}},
        "components": {"schemas": schemas},
    }

    page = ApiPage(document)

    [route] = page.routes
    assert (route.method, route.anchor, route.body, route.answer) == (
        "POST",
        "add-run",
        "Run",
        "Run",
    )
    assert [shape.name for shape in page.shapes] == ["Run", "Error"]
