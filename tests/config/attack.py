"""A site that watches a healthy ComfyUI and, beside it, every hostile one there is, for a while.

Everything that tests ask of it is measured while it goes on, in threads of its own: what becomes of
each prompt of the healthy server, how long pages take, how much memory the site holds, what a wall
in a browser shows, and who calls at an address that nobody may be led to.
"""

import contextlib
import http.cookiejar
import itertools
import json
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import ROOT, Process, Site, free_port, get, post, simulator, starting, until

ATTACK_S = 14.0
# On a machine that is busy with ten servers as well.
ROW_S = PAGE_S = 5.0
STOP_S = 5.0
# 160 MiB of site, three servers that send without end, of each 64 MiB in pieces and once more
# joined, and a tenth for the allocator. Measured: 480 to 520; without the limits: 630 and more.
MIB_LIMIT = (160 + 3 * 2 * 64) * 1.1
PASSWORD = "correct horse battery"
REFUSED_HOST = "127.0.0.2"
HEALTHY, LIAR, STORM, DIRECT = "healthy", "liar", "storm", "direct"


@dataclass
class Seen:
    """What was measured."""

    # prompt_id: outcome, as the healthy server was asked to end it and as the site recorded it.
    expected: dict = field(default_factory=dict)
    recorded: dict = field(default_factory=dict)
    # Seconds from the end on the server to the row.
    row_lags_s: list = field(default_factory=list)
    page_times_s: list = field(default_factory=list)
    page_errors: list = field(default_factory=list)
    memory_mib: list = field(default_factory=list)
    strangers: int = 0
    wall: "Wall | None" = None
    admin_statuses: dict = field(default_factory=dict)
    stop_s: float = float("inf")
    exit_code: int | None = None
    output: str = ""


class Doorbell:
    """A listener at the address that stands in for a cloud's metadata: it counts who comes."""

    def __init__(self):
        self.rung = 0
        self._socket = socket.create_server((REFUSED_HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.rung += 1

    def close(self):
        # A close alone does not end an accept that waits.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


class Visitor:
    """Somebody who is signed in, without a browser."""

    def __init__(self, site):
        self.base = f"http://127.0.0.1:{site.port}"
        self._jar = jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.get("/login/")
        token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
        headers = {"Referer": self.base}
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.base}/login/", data, headers)
        with self._opener.open(request, timeout=10) as response:
            assert b'id="servers"' in response.read()

    @property
    def cookies(self):
        """Return what a browser would send as its cookies."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def get(self, path):
        with self._opener.open(self.base + path, timeout=10) as response:
            return response.status, response.read().decode()


def watching(work, every_s, ended):
    """Return a started thread that does work every so often until `ended`."""

    def run():
        while not ended.wait(every_s):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


# --- The healthy server ---------------------------------------------------------------------------


def prompt(port, number, outcome):
    """Submit a prompt that will end so, and return its id."""
    work = {
        "success": {"class_type": "TTSlow", "inputs": {"steps": 3, "delay": 0.1}},
        "failed": {"class_type": "TTFail", "inputs": {"steps": 2, "delay": 0.1}},
        "cancelled": {"class_type": "TTSlow", "inputs": {"steps": 600, "delay": 0.1}},
    }[outcome]
    work["inputs"] |= {"image": ["0", 0], "seed": number}
    source = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "seed": number}}
    preview = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    graph = {"0": source, "1": work, "2": preview}
    scene = {"run_id": "healthy", "scene_id": f"scene-{number:03}", "user": "mira"}
    body = {"prompt": graph, "client_id": "artist-1", "extra_data": scene}
    return post(port, "/prompt", body)["prompt_id"]


def ended_s(port, prompt_id):
    """Return when the server says that the prompt ended; None while it has not."""
    entry = get(port, f"/history/{prompt_id}").get(prompt_id)
    return entry["status"]["messages"][-1][1]["timestamp"] / 1000 if entry else None


def work(port, seen, ended):
    """Submit prompts one after the other until the end, and wait for each one's end."""
    for number, outcome in enumerate(itertools.cycle(("success", "failed", "cancelled"))):
        if ended.is_set():
            return
        prompt_id = prompt(port, number, outcome)
        seen.expected[prompt_id] = outcome
        if outcome == "cancelled":
            until(lambda: get(port, "/queue")["queue_running"], "the prompt at work")
            time.sleep(0.2)  # so long it works before somebody interrupts it
            post(port, "/interrupt", {})
        until(lambda: ended_s(port, prompt_id), "the end of a prompt")  # noqa: B023


def follow(site, port, seen):
    """Note which of the prompts are on record as ended by now, and how long each took."""
    missing = [key for key in list(seen.expected) if key not in seen.recorded]
    if not missing:
        return
    marks = ",".join("?" * len(missing))
    sql = f"select prompt_id, outcome from history_attempt where prompt_id in ({marks})"
    with contextlib.closing(sqlite3.connect(site.data / "scenewatch.sqlite3", timeout=20)) as db:
        found = db.execute(f"{sql} and status = 'ended'", missing).fetchall()
    at = time.time()
    for prompt_id, outcome in found:
        seen.recorded[prompt_id] = outcome
        seen.row_lags_s.append(at - ended_s(port, prompt_id))


# --- The wall in a browser ------------------------------------------------------------------------

TEMPLATE = (ROOT / "templates/telemetry/live.html").read_text("utf-8")
TEMPLATE_TAGS = frozenset(re.findall(r"<([a-z][a-z0-9]*)", TEMPLATE))
# data-heard is sent by itself, beside the HTML; data-changed tints what changed.
BESIDE = {"data-heard", "data-changed"}
TEMPLATE_ATTRS = {*re.findall(r"[\s}]([a-zA-Z-]+)(?==\"|[\s>{])", TEMPLATE), *BESIDE}
WATCHED = "#servers, #feed, #attention"
SPY = """
window.spied = [];
addEventListener('securitypolicyviolation',
  e => spied.push(`policy: ${e.violatedDirective} ${e.sample}`));
const noteTitle = () => document.title.startsWith('Live') || spied.push(`title: ${document.title}`);
new MutationObserver(noteTitle)
  .observe(document, {subtree: true, childList: true, characterData: true});
"""
LOOK = """selector => {
  const of = [...document.querySelectorAll(selector)].flatMap(n => [...n.querySelectorAll('*')]);
  const cards = [...document.querySelectorAll('article.server')].map(card => [
    card.querySelector('h3').textContent, {
      state: card.dataset.state, pending: 'pending' in card.dataset,
      heard_s: (Date.now() - Date.parse(card.dataset.heard)) / 1000, text: card.innerText}]);
  return {
    tags: [...new Set(of.map(n => n.localName))],
    attrs: [...new Set(of.flatMap(n => n.getAttributeNames()))],
    links: [...new Set(of.filter(n => n.localName === 'a').map(n => n.getAttribute('href')))],
    cards: Object.fromEntries(cards), feed: document.querySelector('#feed').innerText,
    conn: document.querySelector('#conn').dataset.state, spied: window.spied,
    path: location.pathname};
}"""


@dataclass
class Wall:
    """What a browser showed, looked at again and again."""

    looks: list = field(default_factory=list)
    complaints: list = field(default_factory=list)

    def all(self, name):
        return {value for look in self.looks for value in look[name]}

    def texts(self, server):
        return [look["cards"][server]["text"] for look in self.looks if server in look["cards"]]


@contextlib.contextmanager
def wall(browser, site):
    """Open the wall in a browser; yield (what it showed so far, how to look again)."""
    shown = Wall()
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.add_init_script(SPY)
    page = context.new_page()
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and shown.complaints.append(said.text))
    page.on("dialog", lambda dialog: (shown.complaints.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: _note_foreign(shown, site, request.url))
    page.goto(f"http://127.0.0.1:{site.port}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#conn[data-state=live]").wait_for(timeout=15_000)

    def look():
        shown.looks.append(page.evaluate(LOOK, WATCHED))
        page.wait_for_timeout(250)

    yield shown, look
    context.close()


def _note_foreign(shown, site, url):
    parts = urllib.parse.urlsplit(url)
    ours = parts.port == site.port and parts.path.startswith(
        ("/static/", "/login/", "/teams/", "/live/")
    )
    if not ours and parts.path not in ("/", "/favicon.ico") and parts.scheme != "data":
        shown.complaints.append(f"asked for {url}")


FOLLOWED = """select s.name from telemetry_lease l join telemetry_server s on s.id = l.server_id
    where l.owner <> ''"""
ONLINE = f"""select 1 from history_activityevent join telemetry_server s on s.id = server_id
    where kind = 'online' and s.name = '{HEALTHY}'"""

# --- The attack -----------------------------------------------------------------------------------


class Crowd(Process):
    """The hostile servers, in a process beside the healthy one's: that one is not slowed down."""

    script = ROOT / "tests/config/crowd.py"

    def __init__(self, folder, redirect_to):
        super().__init__(folder, redirect_to, PYTHONPATH=str(ROOT))

    def urls(self):
        self.said("}\n")
        return json.loads(self.output)


def watch_all(site, urls):
    """Put servers into the site's database, past the form that would refuse some."""
    place = itertools.count(1)
    rows = [(name, url, next(place)) for name, url in urls.items()]
    with contextlib.closing(sqlite3.connect(site.data / "scenewatch.sqlite3", timeout=20)) as db:
        db.executemany(
            "insert into telemetry_server (team_id, name, url, position, enabled, simulated, "
            "created_at, bearer_encrypted, basic_encrypted, authorities) "
            "select id, ?, ?, ?, 1, 0, datetime('now'), '', '', '' from telemetry_team",
            rows,
        )
        db.commit()


def attack(folder, browser, seconds=ATTACK_S):
    """Let the site stand it for so long, then stop the hostile servers and the site."""
    seen, doorbell = Seen(), Doorbell()
    with contextlib.closing(doorbell), starting(folder) as started:
        port = free_port()
        at_door = f"http://{REFUSED_HOST}:{doorbell.port}"
        crowd = started(Crowd, at_door)
        site = started(
            Site,
            SCENEWATCH_ADMIN_PASSWORD=PASSWORD,
            SCENEWATCH_REFUSED_ADDRESSES=REFUSED_HOST,
            SCENEWATCH_RECONNECT_DELAYS_S="1",
        )
        simulator(started, port)
        site.up()
        visitor = Visitor(site)
        urls = {HEALTHY: f"http://127.0.0.1:{port}", **crowd.urls(), DIRECT: at_door}
        watch_all(site, urls)
        # A ComfyUI that happens to run on this machine is watched besides.
        until(
            lambda: urls.keys() <= {row[0] for row in site.rows(FOLLOWED)}, "all servers followed"
        )
        until(lambda: site.rows(ONLINE), "the healthy server")
        _stand(seen, site, port, visitor, browser, seconds)
        seen.strangers = doorbell.rung
        crowd.popen.kill()
        _look_at_admin(seen, site, visitor)
        _stop(seen, site)
    return seen


def _stand(seen, site, port, visitor, browser, seconds):
    """Measure for so long."""
    ended = threading.Event()
    pid = site.popen.pid
    threads = [
        watching(lambda: seen.memory_mib.append(resident_mib(pid)), 0.2, ended),
        watching(lambda: _ask(seen, visitor), 0.25, ended),
        watching(lambda: follow(site, port, seen), 0.05, ended),
    ]
    worker_ended = threading.Event()
    worker = threading.Thread(target=work, args=(port, seen, worker_ended), daemon=True)
    worker.start()
    until_s = time.monotonic() + seconds
    if browser is None:
        time.sleep(seconds)
    else:
        with wall(browser, site) as (seen.wall, look):
            while time.monotonic() < until_s:
                look()
    worker_ended.set()
    worker.join(15)
    with contextlib.suppress(AssertionError):
        until(lambda: seen.expected.keys() <= seen.recorded.keys(), "all rows")
    ended.set()
    for thread in threads:
        thread.join(15)


def _ask(seen, visitor):
    began = time.monotonic()
    try:
        status, text = visitor.get("/")
        if status != 200 or 'id="servers"' not in text:
            seen.page_errors.append(status)
    except OSError as error:
        seen.page_errors.append(str(error))
    seen.page_times_s.append(time.monotonic() - began)


LIARS = f"server_id = (select id from telemetry_server where name = '{LIAR}')"
LIARS_ATTEMPTS = f"attempt_id in (select id from history_attempt where {LIARS})"
# Pages of the admin, and which of their rows tell what a liar said.
ADMIN_PAGES = {
    "telemetry/device": LIARS,
    "telemetry/environment": LIARS,
    "telemetry/blindwindow": LIARS,
    "history/run": "id in (select run_id from history_scene where id in "
    f"(select scene_id from history_attempt where {LIARS}))",
    "history/scene": f"id in (select scene_id from history_attempt where {LIARS})",
    "history/attempt": LIARS,
    "history/nodeexecution": LIARS_ATTEMPTS,
    "history/attemptmemory": LIARS_ATTEMPTS,
    "history/activityevent": LIARS,
}


def _look_at_admin(seen, site, visitor):
    """Ask for each list of the admin, from both ends, and for some rows of the liar."""
    for page, liars in ADMIN_PAGES.items():
        table = page.replace("/", "_")
        rows = site.rows(f"select id from {table} where {liars} order by id desc limit 3")
        rows = [f"{pk}/change/" for (pk,) in rows]
        for path in ("", "?o=-1", "?o=1", *rows):
            _note_status(seen, visitor, f"/admin/{page}/{path}")


def _note_status(seen, visitor, path):
    try:
        seen.admin_statuses[path] = visitor.get(path)[0]
    except OSError as error:
        seen.admin_statuses[path] = getattr(error, "code", str(error))


def _stop(seen, site):
    began = time.monotonic()
    site.signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        seen.exit_code = site.ends(within=15)
    seen.stop_s, seen.output = time.monotonic() - began, site.output
