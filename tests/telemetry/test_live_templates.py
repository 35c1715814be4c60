"""templates/telemetry/live.html: the parts of a card, rendered as the collector renders them."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template.loader import get_template

from telemetry.activity import Happening
from telemetry.cards import Card
from telemetry.condition import Notice
from telemetry.hot import Hot
from telemetry.live import PARTS, feed_line, rendered
from telemetry.words import Tone
from tests.telemetry.sample_cards import (
    FIRST,
    NOW,
    SENSORS,
    ago,
    card,
    device,
    ended,
    executing,
    happenings,
    leased,
    measured,
    part,
    running,
    samples,
    shell,
    waiting,
    wall,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 }}"


class Elements(HTMLParser):
    """The elements of a piece of HTML: (tag, attributes) each, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> stands twice"
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def root(self) -> dict[str, str | None]:
        """Return the attributes of the outermost element."""
        return self.found[0][1]


def words(html: str) -> str:
    """Return the text of a piece of HTML, with single spaces."""
    return re.sub(r"[ \n]+", " ", Elements(html).text).strip()


def hostile(value: Any) -> Any:
    """Return a card, or a row of one, with hostile text wherever something comes from outside."""
    if isinstance(value, Hot):
        return replace(value, value=HOSTILE)
    own = {"status", "icon", "state", "tone", "key", "label", "lead", "note"}
    changed = {}
    for place in fields(value):
        old = getattr(value, place.name)
        if isinstance(old, str) and place.name not in own:
            changed[place.name] = HOSTILE
        elif isinstance(old, list):
            changed[place.name] = [hostile(row) if is_dataclass(row) else row for row in old]
        elif is_dataclass(old):
            changed[place.name] = hostile(old)
    return replace(value, **changed)


SAMPLES = {f"{shown.badge.label} {shown.server_id}": shown for shown in samples()}
each_sample = pytest.mark.parametrize("shown", SAMPLES.values(), ids=SAMPLES)


@each_sample
@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_one_element_with_its_own_id(name: str, shown: Card) -> None:
    html = part(name, shown).strip()

    assert Elements(html).root["id"] == f"server-{shown.server_id}-{name}"
    assert html.endswith(f"</{Elements(html).found[0][0]}>")


@pytest.mark.parametrize("name", [name for name in PARTS if name != "head"])
def test_a_part_without_anything_to_show_is_there_and_hidden(name: str) -> None:
    html = part(name, card(devices=[]))

    assert "hidden" in Elements(html).root


def test_the_shell_has_a_place_for_every_part() -> None:
    ids = {attributes.get("id") for _, attributes in Elements(shell(card(3))).found}

    assert {f"server-3-{name}" for name in PARTS} < ids
    assert "server-3-name" in ids


def test_the_shell_takes_parts_as_they_are() -> None:
    shown = executing(3)
    parts = {name: part(name, shown) for name in PARTS}

    html = shell(shown, parts)

    assert "Scene 9" in html
    assert html.count('id="server-3-exec"') == 1


def test_the_shell_of_a_server_that_nobody_told_of_says_so() -> None:
    server = {"pk": 3, "name": "kino-03", "simulated": False}
    context = {"server": server, "attrs": {}, "parts": {}}

    html = get_template("telemetry/live.html#shell").render(context)

    assert "data-pending" in Elements(html).root
    assert "Not heard of yet" in html


@each_sample
def test_nothing_in_it_needs_inline_script_or_style(shown: Card) -> None:
    for html in (shell(shown), *rendered(shown).values()):
        for tag, attributes in Elements(html).found:
            assert tag not in ("script", "style")
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]


@each_sample
def test_hostile_texts_stay_texts(shown: Card) -> None:
    for element, html in rendered(hostile(shown)).items():
        assert {tag for tag, _ in Elements(html).found}.isdisjoint({"script", "img"}), element
        assert not [
            name for _, found in Elements(html).found for name in found if name.startswith("on")
        ]


def test_hostile_texts_are_shown_as_they_are() -> None:
    html = part("exec", executing(running=[running(title=HOSTILE)]))

    assert HOSTILE in Elements(html).text


def test_a_hostile_server_name_stays_text_in_the_shell_and_the_feed() -> None:
    line = Happening("noted", Tone.WARN, "s-warn", HOSTILE, NOW, HOSTILE)

    for html in (shell(card(name=HOSTILE)), feed_line(line, leased(name=HOSTILE)).html):
        assert {tag for tag, _ in Elements(html).found}.isdisjoint({"script", "img"})
        assert HOSTILE in Elements(html).text


def test_the_same_card_renders_the_same_from_another_thread() -> None:
    shown = executing()

    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(rendered, [shown] * 20))

    assert all(other == rendered(shown) for other in others)


def test_head_tells_state_by_icon_and_word() -> None:
    html = part("head", card(state="offline"))

    assert 'href="#s-offline"' in html
    assert "Offline" in words(html)


def test_head_marks_what_is_simulated_and_what_is_not_yet_recorded() -> None:
    html = part("head", card(simulated=True, unrecorded=True))

    assert "Simulated" in words(html)
    assert "not yet recorded" in words(html)


def test_gpus_show_used_of_total() -> None:
    html = part("gpus", card(devices=[device(percent=89.2)]))

    assert words(html) == "RTX 4090 polled 21.4 / 24.0\u00a0GiB"
    assert '<rect width="89.2%"/>' in html


def test_gpus_without_numbers_show_a_dash_and_no_bar() -> None:
    html = part("gpus", card(devices=[device(percent=None, total="–")]))

    assert words(html) == "RTX 4090 polled – / –\u00a0GiB"
    assert "<rect" not in html


def test_gpus_that_are_nearly_full_are_told_apart_not_by_colour_alone() -> None:
    html = part("gpus", card(devices=[device(percent=97.5)]))

    assert 'data-tone="warn"' in html
    assert 'href="#s-warn"' in html
    assert "Nearly full" in words(html)


def test_gpus_carry_their_number_where_there_are_several() -> None:
    html = part("gpus", card(devices=[device(0), device(1)]))

    assert "#0" in words(html)
    assert "#1" in words(html)


def test_gpus_say_how_their_memory_is_known() -> None:
    html = part("gpus", card(devices=[measured(), device(1, note="the driver hangs")]))

    titles = re.findall(r'<li class="gpu" title="([^"]*)"', html)
    assert titles == ["Memory used, measured", "Memory used, polled. Sensors: the driver hangs"]


def test_gpus_show_what_is_measured_with_words_for_who_cannot_see_the_place() -> None:
    html = part("gpus", card(devices=[measured(sensors=replace(SENSORS, power="–"))]))

    told = "Utilisation 97% Temperature 74\u00a0°C Power –"
    assert words(html) == f"RTX 4090 {told} 21.4 / 24.0\u00a0GiB"


def test_gpus_show_no_sensors_where_nobody_measures() -> None:
    assert "Utilisation" not in words(part("gpus", card(devices=[device()])))


def test_gpus_say_in_words_that_a_card_is_lost() -> None:
    html = part("gpus", card(devices=[device(lost=True)]))

    assert "Lost: the driver no longer reaches it" in words(html)
    assert 'href="#s-lost"' in html


def test_values_that_are_only_the_last_known_are_grey() -> None:
    shown = card(state="slow", running=[running()])

    assert "last-known" in str(Elements(part("gpus", shown)).root["class"])
    assert "last-known" in str(Elements(part("exec", shown)).root["class"])


def test_exec_shows_node_step_rate_with_their_grades() -> None:
    html = words(part("exec", executing()))

    assert "Scene 9Harbor at Dusk" in html
    assert "KSampler · node 9/14" in html
    assert "step 14/20" in html
    assert "1.82 it/s, from the log" in html
    assert "waited 12s" in html


def test_exec_says_what_is_estimated() -> None:
    html = part("exec", executing(running=[running(node="sampling", node_note="estimated")]))

    assert "sampling · estimated" in words(html)


def test_exec_shows_a_dash_for_a_node_that_nobody_names_and_no_bar() -> None:
    row = running(node="–", step="", pace="", bar="", started_at=None)

    html = part("exec", executing(running=[row]))

    assert "<code>–</code>" in html
    assert "meter" not in html
    assert "data-since" not in html


def test_exec_streams_only_while_steps_come() -> None:
    assert "Streaming" in part("exec", executing(running=[running(progressing=True)]))
    assert "Streaming" not in part("exec", executing(running=[running(progressing=False)]))


def test_exec_leaves_the_clocks_to_the_browser() -> None:
    html = part("exec", executing(running=[running(started_at=ago(108))]))

    times = [found for tag, found in Elements(html).found if tag == "time"]
    assert [("data-clock" in time, time.get("data-since")) for time in times] == [
        (False, None),  # how much is left, in the compact view
        (True, None),
        (False, ago(108).isoformat()),
    ]


def test_exec_says_why_there_is_no_end_in_sight() -> None:
    html = part("exec", executing(running=[running(eta=FIRST)]))

    assert "ETA –, first of its kind" in words(html)


def test_next_shows_who_waits_and_since_when() -> None:
    shown = executing(next=[waiting(12), waiting(13, eta=FIRST)], more="2 more prompts")

    html = part("next", shown)

    assert words(html).startswith("Up next Scene 12Harbor at DuskETA")
    assert "waiting – · mira · first of its kind" in words(html)
    assert words(html).endswith("2 more prompts")


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "lost"])
def test_ended_has_an_icon_of_its_own_for_every_status(status: str) -> None:
    html = part("ended", card(ended=[ended(status, status.title(), why="because")]))

    assert f'href="#s-{status}"' in html
    assert f'<symbol id="s-{status}"' in get_template("_sprite.svg").render()
    assert "took 1m\u00a052s · because" in words(html)


def test_ended_tells_what_was_found_later() -> None:
    html = part("ended", card(ended=[ended(found_later=True, ended_at=None)]))

    assert "found later" in words(html)
    assert "<time" not in html


def test_notice_counts_the_silence_up_and_the_wait_down() -> None:
    shown = card(state="offline", notice=Notice("bad", "s-offline", "Offline", "Why.", ago(5), NOW))

    html = part("notice", shown)

    assert words(html) == "Offline for –, next soon. Why."
    assert f'data-since="{ago(5).isoformat()}"' in html
    assert f'data-until="{NOW.isoformat()}"' in html


def test_chip_is_shown_for_a_server_in_trouble() -> None:
    shown = next(shown for shown in samples() if shown.badge.state == "reconnecting")

    html = part("chip", shown)

    assert "hidden" not in Elements(html).root
    assert words(html) == "kino-03 reconnecting, attempt 3 of 5"


@pytest.mark.parametrize("notice", [None, Notice("mute", "s-warn", "No log stream", "…")])
def test_chip_is_hidden_where_all_is_well(notice: Notice | None) -> None:
    html = part("chip", card(notice=notice))

    assert "hidden" in Elements(html).root
    assert words(html) == ""


def test_feed_item_tells_what_where_and_when() -> None:
    line = happenings()[1]

    fragment = feed_line(line, leased(4, "kino-04"))

    assert Elements(fragment.html).root["id"] == fragment.id
    assert words(fragment.html).startswith(
        "Warning: Dropped the connection14:31:22 · kino-04 · WebSocket"
    )


def test_the_wall_offers_a_first_step_where_there_is_no_server() -> None:
    assert "No servers yet" in wall([])


def test_the_wall_says_that_servers_are_simulated() -> None:
    assert "this is a demonstration" in wall([card(simulated=True)])
    assert "this is a demonstration" not in wall([card()])


@pytest.mark.parametrize(
    "name",
    [
        "403.html",
        "403_csrf.html",
        "404.html",
        "500.html",
        "503.html",
        "registration/locked.html",
        "registration/login.html",
        "registration/password_change_done.html",
        "registration/sign_in_link.html",
        "telemetry/no_team.html",
    ],
)
def test_a_page_renders_without_any_context(name: str) -> None:
    found = Elements(get_template(name).render({})).found

    assert [tag for tag, _ in found].count("h1") == 1 or name == "telemetry/no_team.html"
    assert not [a for _, attributes in found for a in attributes if a == "style" or a[:2] == "on"]


def test_every_icon_that_a_template_names_exists() -> None:
    sprite = get_template("_sprite.svg").render()
    pages = wall(samples()) + get_template("500.html").render({})

    named = set(re.findall(r'href="#((?:[sit]-|brand)[\w-]*)"', pages))
    assert "brand" in named
    assert {name for name in named if f'id="{name}"' not in sprite} == set()
