"""A file that an attempt left: asked from its server when a member looks, passed on, not kept.

Only what is on record may be asked for, never an address that the one who asks makes up. The server
is asked as the collector asks it (telemetry/client.py): with its secret, at no refused address,
never following a redirect. What comes is a picture or a video of bounded size, or is not passed on;
and browsers are told to run nothing in it.
"""

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from history.access import outputs_in
from history.models import AttemptOutputs
from history.scene_page.outputs import not_asked
from history.scene_page.ranges import Beyond, part_of
from telemetry.access import team_for
from telemetry.client import comfyui_of
from telemetry.comfyui import File
from telemetry.database import hand_back
from telemetry.models import Server
from telemetry.text import sentence
from telemetry.unanswered import NoAnswer, Refused

LARGEST_BYTES = 32 << 20
LONGEST_S = 10.0
# No SVG: it may hold a program.
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp")
VIDEOS = ("video/mp4", "video/webm", "video/ogg", "video/quicktime", "video/x-m4v")
KINDS = frozenset((*PICTURES, *VIDEOS))
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_safe
@login_required
def scene_file(
    request: HttpRequest, slug: str, run_pk: int, pk: int, attempt_pk: int, number: int
) -> HttpResponse:
    """Pass on a file that an attempt left; a server that is away is told in words, as 502."""
    outputs = outputs_in(team_for(request.user, slug), run_pk, pk, attempt_pk)
    query, server = _query(outputs, number), outputs.attempt.server
    why = not_asked(server)
    if server is None or why:
        return _away(request, why)
    hand_back()
    try:
        found = async_to_sync(_ask)(server, query)
    except (Refused, NoAnswer) as error:
        return _away(request, f"{server.name}: {sentence(str(error))}")
    return _passed_on(found, request.headers.get("Range", ""))


def _passed_on(found: File, asked: str) -> HttpResponse:
    """Return the file, or the part of it that was asked for."""
    size = len(found.body)
    try:
        part = part_of(asked, size)
    except Beyond:
        return HttpResponse(status=416, headers={**HEADERS, "Content-Range": f"bytes */{size}"})
    if part is None:
        return HttpResponse(found.body, content_type=found.kind, headers=HEADERS)
    body, told = found.body[part.first : part.last + 1], {**HEADERS, "Content-Range": part.told}
    return HttpResponse(body, status=206, content_type=found.kind, headers=told)


def _query(outputs: AttemptOutputs, number: int) -> dict[str, str]:
    """Return what ComfyUI is asked for the file of a number; raises Http404 beyond the last."""
    if number >= len(outputs.files):
        raise Http404
    _, place, folder, name = outputs.files[number]
    return {"filename": name, "subfolder": folder, "type": place}


async def _ask(server: Server, query: dict[str, str]) -> File:
    comfyui = comfyui_of(server, LONGEST_S)
    try:
        return await comfyui.file(LARGEST_BYTES, KINDS, **query)
    finally:
        await comfyui.close()


def _away(request: HttpRequest, why: str) -> HttpResponse:
    """Return why there is no file: as a picture where a picture was asked for, else as a page."""
    if request.get_preferred_type(["text/html", "image/svg+xml"]) == "text/html":
        return render(request, "history/scene/away.html", {"why": why}, status=502)
    kind = "image/svg+xml"
    answer = render(request, "history/scene/away.svg", {"why": why}, content_type=kind, status=502)
    for name, value in HEADERS.items():
        answer[name] = value
    return answer
