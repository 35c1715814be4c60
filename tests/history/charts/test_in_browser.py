"""Charts in a browser, under the site's content security policy."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import expect

from history.charts import library
from history.charts.answers import chart_data
from history.charts.places import Place
from tests.history.charts.test_spec import ALL, LINES

pytest_plugins = ("tests.browser",)

PAGE = """<!doctype html><html lang="en"><head><title>Charts</title>
<link rel="stylesheet" href="/static/css/scenewatch.css"></head><body><main>
<h1>Charts</h1><h2>Of a run</h2><div id="part" data-refresh="/part" class="grid three even">%s</div>
</main><script type="module" src="/static/js/chart.js"></script></body></html>"""


@pytest.fixture
def asked():
    """Return how often each chart was asked for."""
    return {}


@pytest.fixture
def charts(page, stage, rf, asked):
    """Show the three kinds of charts; their addresses are answered as the site does."""
    cards = []
    for chart in ALL:
        address = f"/data/{chart.title}"
        place = Place(chart.title.lower(), chart.title, address, "/table", "/library.js")
        cards.append(render_to_string("history/_chart.html", {"chart": place}))
        page.route(f"**{address}", answering(rf, chart, asked))
    script = {"content_type": "text/javascript", "body": library_text()}
    page.route("**/library.js", lambda route: route.fulfill(**script))
    stage.pages["page"] = PAGE % "".join(cards)
    page.goto(f"{stage.url}/page")
    return page


def answering(rf, chart, asked):
    def answer(route):
        asked[chart.title] = asked.get(chart.title, 0) + 1
        told = chart_data(rf.get("/"), chart)
        headers = {"ETag": told["ETag"], "Content-Type": "application/json"}
        route.fulfill(status=200, headers=headers, body=told.content)

    return answer


def library_text():
    import gzip

    return gzip.decompress(library.zipped())


def plot(page, title="trend"):
    return page.locator(f"#chart-{title} [data-plot]")


def colour(page):
    line = page.locator("#chart-trend svg .mark-line path").first
    return line.evaluate("path => getComputedStyle(path).stroke")


def test_they_are_drawn_under_the_policy_without_a_barrier(charts):
    for chart in ALL:
        card = charts.locator(f"#chart-{chart.title.lower()}")
        expect(card.locator("[role=img] svg")).to_be_visible()
        expect(card.get_by_role("img", name=chart.sentence)).to_be_visible()
    charts.get_by_text("Table of the values").first.click()
    expect(charts.get_by_role("table").first).to_contain_text("2400.0 s")

    found = Axe().run(charts)

    assert [one["id"] for one in found.response["violations"]] == []


def test_the_arrow_keys_read_the_values(charts):
    expect(plot(charts).locator("svg")).to_be_visible()
    plot(charts).focus()

    charts.keyboard.press("End")
    expect(plot(charts).get_by_role("status")).to_have_text("run 2: Run 2400.0 s, Baseline 35m")
    charts.keyboard.press("ArrowLeft")
    expect(plot(charts).locator(".chart-tip")).to_contain_text("run 1")
    charts.keyboard.press("Escape")

    expect(plot(charts).locator(".chart-tip")).to_be_hidden()


def test_a_mouse_reads_what_it_is_next_to(charts):
    expect(plot(charts, "memory").locator("svg")).to_be_visible()
    dots = charts.locator("#chart-memory svg .mark-symbol path")
    at = dots.last.bounding_box()

    charts.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)

    expect(plot(charts, "memory").locator(".chart-tip")).to_contain_text("scene-1")
    ring = plot(charts, "memory").locator(".ring").bounding_box()
    middle = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    assert middle == pytest.approx((at["x"] + at["width"] / 2, at["y"] + at["height"] / 2), abs=1.5)


def test_another_scheme_paints_them_anew(charts, until):
    charts.emulate_media(color_scheme="light")
    expect(plot(charts).locator("svg .mark-line path").first).to_be_attached()
    light = colour(charts)

    charts.emulate_media(color_scheme="dark")

    line = "document.querySelector('#chart-trend svg .mark-line path')"
    until(f"{line} && getComputedStyle({line}).stroke !== {json.dumps(light)}")


def test_a_refresh_around_them_keeps_them_and_asks_again(charts, asked, until):
    expect(plot(charts).locator("svg")).to_be_visible()
    drawn = plot(charts).element_handle()
    before = asked[LINES.title]

    charts.evaluate(
        """async () => {
          const { morph } = await import("/static/js/morph.js");
          const part = document.getElementById("part");
          const fresh = part.cloneNode(true);
          for (const own of fresh.querySelectorAll("[data-own]")) own.replaceChildren("a link");
          fresh.querySelector("h3").textContent = "Another title";
          morph(part, fresh);
          part.dispatchEvent(new Event("refreshed", { bubbles: true }));
        }"""
    )

    expect(charts.get_by_text("Another title")).to_be_visible()
    assert drawn.evaluate("plot => plot.isConnected && plot.querySelector('svg') !== null")
    after(charts, asked, {**asked, LINES.title: before + 1})


def test_a_chart_whose_version_is_the_same_is_not_asked_for_again(charts, asked):
    expect(plot(charts).locator("svg")).to_be_visible()
    expect(plot(charts, "memory").locator("svg")).to_be_visible()
    before = dict(asked)

    charts.evaluate(
        """() => {
          for (const card of document.querySelectorAll("[data-chart]")) card.dataset.version = "1";
          document.dispatchEvent(new Event("refreshed"));
        }"""
    )
    after(charts, asked, {title: count + 1 for title, count in before.items()})
    charts.evaluate(
        """() => {
          document.getElementById("chart-memory").dataset.version = "2";
          document.dispatchEvent(new Event("refreshed"));
        }"""
    )

    after(charts, asked, {title: n + 1 + (title == "Memory") for title, n in before.items()})


def after(page, asked, wanted):
    """Wait until charts were asked for so often."""
    for _ in range(100):
        if asked == wanted:
            break
        page.wait_for_timeout(20)
    assert asked == wanted


def test_without_the_library_the_table_stands_open(charts, page, stage, complaints):
    page.unroute("**/library.js")
    page.route("**/library.js", lambda route: route.abort())
    page.goto(f"{stage.url}/page")

    card = page.locator("#chart-trend")
    expect(card.get_by_text("The chart could not be drawn")).to_be_visible()
    expect(card.get_by_role("table")).to_be_visible()
    complaints.clear()


def test_each_marks_when_it_was_painted_for_who_measures(charts, until):
    until("performance.getEntriesByName('chart-drawn').length === 3")

    marks = charts.evaluate("performance.getEntriesByName('chart-drawn').map((one) => one.detail)")

    assert sorted(marks) == ["chart-memory", "chart-success", "chart-trend"]


def test_series_are_told_apart_also_where_colours_are_forced(charts):
    charts.emulate_media(forced_colors="active")
    charts.reload()
    bars = charts.locator("#chart-success svg .mark-rect path")
    expect(bars.first).to_be_attached()

    colours = bars.evaluate_all("bars => bars.map((bar) => getComputedStyle(bar).fill)")
    text = charts.evaluate("getComputedStyle(document.querySelector('h1')).color")

    assert len(set(colours)) == 2
    assert text not in colours
