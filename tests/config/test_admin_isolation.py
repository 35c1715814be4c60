"""The isolation matrix (test_isolation.py) for the pages of the admin: the site admin's alone."""

import pytest
from django.contrib.contenttypes.models import ContentType

from telemetry.models import Membership, Team
from tests.config.test_isolation import (
    ADMIN_ROUTES,
    FORM,
    METHODS,
    PERSONAS,
    Route,
    Side,
    World,
    ask,
    leaks,
    verdict,
)

# Who comes nearest to being let in by mistake, asked in every way; the door looks at no method.
CLOSELY = ("anonymous", "alice")


def admin_arguments(route: Route, side: Side) -> dict[str, str]:
    """Return arguments for an admin page that lead to a row of the side."""
    row = side.rows.get(route.model or Team) or side.rows[Membership].user  # type: ignore[attr-defined]
    return {
        "object_id": str(row.pk),
        "id": str(row.pk),
        "content_type_id": str(ContentType.objects.get_for_model(type(row)).pk),
        "app_label": "telemetry",
        "url": "telemetry/nothing",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("persona", [p for p in PERSONAS if p != "root"])
def test_the_admin_is_there_for_no_one_else(persona: str) -> None:
    world = World()
    words = world.forbidden_words(persona)
    world.enter(persona)

    for route in ADMIN_ROUTES:
        path = route.filled(admin_arguments(route, world.foreign_side(persona)))
        for method in METHODS if persona in CLOSELY else ("GET", "POST"):
            response = world.browser.generic(method, path)
            case = f"{persona}: {method} {path}"

            wanted = "sign in" if persona == "anonymous" else "404"
            assert verdict(response) == wanted, f"{case} -> {verdict(response)}"
            # An address that holds a word is told back to who asked for it.
            told = leaks([response], [word for word in words if word.decode() not in path])
            assert not told, f"{case} leaks {told}"


@pytest.mark.django_db
def test_the_admin_answers_a_site_admin() -> None:
    world = World()

    for route in ADMIN_ROUTES:
        path = route.filled(admin_arguments(route, world.sides[0]))
        for method in METHODS:
            found = verdict(ask(world, "root", method, path, {})[0])

            # 403 where a record is read-only, 404 where Django leads on to a page that is not, 405
            # where it signs out, by POST alone.
            wanted = {"ok", "403", "404", "405"} if method in FORM else {"405"}
            assert found in wanted, f"root: {method} {path} -> {found}"
