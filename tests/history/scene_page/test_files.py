"""Files of attempts: recorded by name, asked from their server by members alone."""

import asyncio
import ipaddress
import re
import threading

import pytest
from aiohttp import web
from django.db import connection

from history.models import Attempt
from history.scene_page import files
from telemetry.comfyui import File
from telemetry.models import Server
from telemetry.secrets import encrypt
from tests import cast
from tests.history.scene_page.test_page import page, tried

pytestmark = pytest.mark.django_db

PICTURE = b"\x89PNG\r\n\x1a\n not really"


class Comfy:
    """A server that answers /view as it is told; `asked` are the queries, `told` the headers."""

    def __init__(self):
        self.body, self.kind, self.status, self.headers = PICTURE, "image/png", 200, {}
        self.asked, self.told, self.wait_s = [], [], 0.0
        self.url, self.is_endless = "", False

    async def in_pieces(self):
        """Yield a body that does not say how long it is."""
        for _ in range(64):
            yield b"x" * (1 << 17)

    async def view(self, request):
        self.asked.append(dict(request.query))
        self.told.append(dict(request.headers))
        await asyncio.sleep(self.wait_s)
        body = self.in_pieces() if self.is_endless else self.body
        return web.Response(
            body=body, content_type=self.kind, status=self.status, headers=self.headers
        )

    async def run(self, ready, ended):
        app = web.Application()
        app.router.add_get("/view", self.view)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await asyncio.to_thread(ended.wait)
        await runner.cleanup()


@pytest.fixture
def comfy():
    one, ready, ended = Comfy(), threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(one.run(ready, ended),), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield one
    ended.set()
    thread.join(10)


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def bob(people, client):
    client.force_login(people.bob)
    return client


@pytest.fixture
def scene(people, comfy):
    server = cast.make_server(people.northlight, name="kino-01", url=comfy.url)
    return left(tried(server, "success"), "harbor.png", "harbor.mp4", "notes.txt")


def left(scene, *names):
    attempt = Attempt.objects.get(scene=scene)
    rows = [["9", "output", "dusk", name] for name in names]
    cast.make_outputs(attempt, files=rows, count=len(rows))
    return scene


def address(scene, number=0):
    attempt = Attempt.objects.get(scene=scene)
    base = f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}"
    return f"{base}/files/{attempt.pk}/{number}/"


def test_a_member_sees_the_picture_as_the_server_has_it(bob, scene, comfy):
    answer = bob.get(address(scene))

    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert comfy.asked == [{"filename": "harbor.png", "subfolder": "dusk", "type": "output"}]
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox;")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_the_server_is_asked(bob, scene, monkeypatch):
    """A server may take ten seconds, and a web process has twenty connections for all pages."""
    held = []

    def asked(server, query):
        held.append(connection.connection)
        return File(PICTURE, "image/png")

    monkeypatch.setattr(files, "async_to_sync", lambda _: asked)

    assert bob.get(address(scene)).status_code == 200

    assert held == [None]


def test_a_player_gets_the_part_that_it_asks_for(bob, scene, comfy):
    comfy.body, comfy.kind = bytes(range(100)), "video/mp4"

    answer = bob.get(address(scene), HTTP_RANGE="bytes=10-19")

    assert (answer.status_code, answer.content) == (206, bytes(range(10, 20)))
    assert answer["Content-Range"] == "bytes 10-19/100"
    assert (answer["Content-Type"], answer["Accept-Ranges"]) == ("video/mp4", "bytes")


def test_a_part_beyond_the_end_is_refused_with_the_size(bob, scene, comfy):
    comfy.body, comfy.kind = bytes(100), "video/mp4"

    answer = bob.get(address(scene), HTTP_RANGE="bytes=100-")

    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */100")


def test_it_asks_with_the_server_s_own_secret(bob, scene, comfy):
    server = Attempt.objects.get(scene=scene).server
    server.bearer_encrypted = encrypt("hush")
    server.save()

    bob.get(address(scene))

    assert comfy.told[0]["Authorization"] == "Bearer hush"
    assert "Cookie" not in comfy.told[0]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/octet-stream"])
def test_what_is_no_picture_or_video_is_not_passed_on(bob, scene, comfy, kind):
    comfy.kind, comfy.body = kind, b"<script>alert(1)</script>"

    answer = bob.get(address(scene))

    assert answer.status_code == 502
    assert b"alert(1)" not in answer.content
    assert "no picture or video" in answer.content.decode()


@pytest.mark.parametrize("is_endless", [False, True])
def test_what_is_too_large_is_not_passed_on(bob, scene, comfy, monkeypatch, is_endless):
    monkeypatch.setattr(files, "LARGEST_BYTES", 1 << 20)
    comfy.body, comfy.is_endless = b"x" * ((1 << 20) + 1), is_endless

    answer = bob.get(address(scene))

    assert answer.status_code == 502
    assert "larger than 1 MiB" in answer.content.decode()


def test_a_server_that_is_slow_is_not_waited_for(bob, scene, comfy, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_S", 0.2)
    comfy.wait_s = 2.0

    answer = bob.get(address(scene))

    assert answer.status_code == 502
    assert "kino-01: No answer within 0.2 s." in answer.content.decode()


def test_a_redirect_is_not_followed(bob, scene, comfy):
    comfy.status, comfy.headers = 302, {"Location": f"{comfy.url}/view?filename=other"}

    answer = bob.get(address(scene))

    assert answer.status_code == 502
    assert len(comfy.asked) == 1


def test_a_refused_address_is_never_asked(bob, scene, comfy, settings):
    settings.REFUSED_ADDRESSES = [ipaddress.ip_network("127.0.0.1/32")]

    answer = bob.get(address(scene))

    assert answer.status_code == 502
    assert comfy.asked == []


def test_a_file_that_is_gone_is_told(bob, scene, comfy):
    comfy.status = 404

    assert "The file is not there any more." in bob.get(address(scene)).content.decode()


def test_a_picture_that_cannot_be_had_says_so_as_a_picture(bob, scene, comfy):
    comfy.status = 404
    accept = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

    answer = bob.get(address(scene), headers={"accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (502, "image/svg+xml")
    assert "not there any more" in answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("sandbox;")


def test_a_server_whose_name_is_markup_is_told_as_text(bob, scene, comfy):
    comfy.status = 404
    Server.objects.update(name="<i q>")

    for accept in ("text/html", "image/svg+xml"):
        answer = bob.get(address(scene), headers={"accept": accept})
        assert "<i q>" not in answer.content.decode()
        assert "&lt;i q&gt;" in answer.content.decode()


def test_a_disconnected_server_is_not_asked(bob, scene, comfy):
    server = Attempt.objects.get(scene=scene).server
    server.enabled = False
    server.save()

    answer = bob.get(address(scene))

    assert "kino-01 is disconnected" in answer.content.decode()
    assert comfy.asked == []
    assert "<img" not in page(bob, scene).split('id="outputs-title"')[1].split("</section>")[0]


def test_a_file_beyond_the_last_is_not_there(bob, scene, comfy):
    assert bob.get(address(scene, 3)).status_code == 404
    assert comfy.asked == []


def test_nobody_else_is_let_to_a_file(people, client, scene, comfy):
    client.force_login(people.mallory)
    other = tried(cast.make_server(people.southdark, url=comfy.url), "success")
    foreign = address(scene).replace("northlight", "southdark")
    mixed = address(scene).replace(f"/scenes/{scene.pk}/", f"/scenes/{other.pk}/")

    for place in (address(scene), foreign, mixed.replace("northlight", "southdark")):
        assert client.get(place).status_code == 404, place
    assert comfy.asked == []


def test_the_page_lists_files_and_asks_for_pictures_only_once_they_are_opened(bob, scene, comfy):
    html = page(bob, scene)

    part = html.split('id="outputs-title"')[1].split("</section>")[0]
    assert "3 files on kino-01" in part
    assert re.findall(r"<code>([^<]*)</code>", part) == [
        "dusk/harbor.png",
        "dusk/harbor.mp4",
        "dusk/notes.txt",
    ]
    assert '<details class="fold">' in part
    assert re.findall(r'<(img|video)[^>]*(loading="lazy"|preload="none")', part) == [
        ("img", 'loading="lazy"'),
        ("video", 'preload="none"'),
    ]
    assert comfy.asked == []


def test_without_files_on_record_it_says_why(bob, people):
    server = cast.make_server(people.northlight, name="kino-02")

    assert "No file of it is on record" in page(bob, tried(server, "success"))


def test_a_name_that_is_markup_is_text(bob, people):
    scene = left(tried(cast.make_server(people.northlight), "success"), '"><i q>.png')

    assert "<i q>" not in page(bob, scene)
