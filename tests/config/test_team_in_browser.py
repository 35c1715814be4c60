"""The team mode in a real browser: two web processes behind one proxy, and a Redis that dies."""

import glob
import shutil
import urllib.request

import pytest
from playwright.sync_api import expect

from benchmarks.stack import Stack
from tests.nginx import Nginx, find_nginx
from tests.processes import until as comes

pytest_plugins = ("tests.browser",)

PASSWORD = "correct horse battery"
MOST_PAGES = 12
PEOPLE = f"""
from django.contrib.auth.models import User
from telemetry.models import Membership, Team
user = User.objects.create_superuser("admin", password="{PASSWORD}")
Membership.objects.create(team=Team.objects.get(slug="bench"), user=user, role="admin")
"""
# What is there also while Redis is away.
PAGES = (
    "/login/",
    "/password/",
    "/admin/",
    "/teams/bench/live/",
    "/teams/bench/settings/servers/",
    "/teams/bench/runs/",
    "/teams/bench/servers/1/",
    "/settings/me/",
)
MISSING = [
    name
    for name, found in {
        "redis-server": shutil.which("redis-server"),
        "postgresql": glob.glob("/usr/lib/postgresql/*/bin/initdb"),
        "nginx": find_nginx(),
    }.items()
    if not found
]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """Return a whole team mode: (stack, web processes, nginx before them)."""
    with Stack(SCENEWATCH_ALLOWED_HOSTS="127.0.0.1") as stack:
        _, urls = stack.simulators("servers", 2, "--scenario", "steady", "--events", "5")
        stack.add_servers(urls)
        stack.shell(PEOPLE)
        webs = [stack.web(f"web-{number}") for number in range(2)]
        stack.collector()
        nginx = Nginx(tmp_path_factory.mktemp("proxy"), *(port for _, port in webs))
        nginx.start()
        yield stack, webs, nginx
        nginx.stop()


def sign_in(page, port):
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=15_000)


def place(page):
    """Return how far the page is in its first topic."""
    return page.evaluate("live.place(live.topics[0])")


def served(process, port):
    """Return how many connections of the proxy to its port a web process has open."""
    found = process._psutil.net_connections("tcp")
    return sum(each.status == "ESTABLISHED" and each.laddr.port == port for each in found)


def hold_both(page, webs):
    """Say whether both web processes have a socket, once other requests had time to be over."""
    page.wait_for_timeout(1_000)
    return all(served(process, port) for process, port in webs)


def test_pages_of_both_web_processes_are_live(team, page):
    _, webs, nginx = team
    sign_in(page, nginx.port)
    pages = [page]
    # nginx asks them in turn for all that a page asks for, so the sockets may all fall to one.
    while len(pages) < MOST_PAGES and not hold_both(page, webs):
        pages.append(page.context.new_page())
        pages[-1].goto(page.url)
        expect(pages[-1].locator("#conn")).to_have_attribute("data-state", "live", timeout=15_000)

    before = [place(each)["seq"] for each in pages]
    for each, seq in zip(pages, before, strict=True):
        each.wait_for_timeout(500)
        assert place(each)["seq"] > seq
    assert len({place(each)["epoch"] for each in pages}) == 1
    assert all(served(process, port) for process, port in webs)
    for other in pages[1:]:
        other.close()


def test_it_says_that_redis_is_gone_and_comes_back_with_it(team, page, complaints):
    stack, _, nginx = team
    sign_in(page, nginx.port)
    page.evaluate("window.sameDocument = true")
    epoch = place(page)["epoch"]

    stack.redis.kill()
    conn = page.locator("#conn")
    expect(conn).not_to_have_attribute("data-state", "live", timeout=15_000)
    other = page.context.new_page()
    for path in PAGES:
        assert other.goto(f"http://127.0.0.1:{nginx.port}{path}").ok, path
    other.close()
    stack.start_redis()

    expect(conn).to_have_attribute("data-state", "live", timeout=40_000)
    comes(lambda: place(page)["epoch"] != epoch, "the new epoch")
    expect(page.locator("article.server[data-state=executing]")).to_have_count(2, timeout=15_000)
    assert page.evaluate("sameDocument")
    with urllib.request.urlopen(f"http://127.0.0.1:{nginx.port}/login/", timeout=5) as answer:
        assert answer.status == 200
    page.goto("about:blank")
    complaints.clear()


END_ALL = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def _get(port):
    """Ask for a page that reads the database; return its status."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/settings/me/", headers={"Cookie": f"sessionid={'0' * 32}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.status


def _to_database(stack, process):
    """Return a web process's connections to PostgreSQL, by its own ports."""
    found = process._psutil.net_connections("tcp")
    there = stack.postgres_port
    return {each.laddr.port for each in found if each.raddr and each.raddr.port == there}


def test_pages_do_not_each_connect_to_the_database_anew(team):
    stack, [(process, port), _], _ = team
    _get(port)
    before = _to_database(stack, process)

    assert [_get(port) for _ in range(10)] == [200] * 10

    assert before & _to_database(stack, process)


def test_a_page_is_there_after_the_database_ended_all_connections(team):
    stack, webs, _ = team
    assert _get(webs[0][1]) == 200

    stack.query(END_ALL)

    assert [_get(webs[0][1]) for _ in range(5)] == [200] * 5
