"""ComfyUI's HTTP routes, as far as a monitor or a submitter uses them."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from .jobs import BadQuery, files_of, get_job, list_jobs
from .logs import SIZE
from .nodes import Json
from .object_info import object_info
from .pictures import picture
from .prompt_server import PromptRefused, PromptServer
from .stats import FEATURES, system_stats
from .validation import is_prompt_id
from .websocket import websocket

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """Answer requests about whatever PromptServer is alive just now."""

    def __init__(self, server: Callable[[], PromptServer], argv: Sequence[str]) -> None:
        self._server = server
        self.argv = argv

    @property
    def server(self) -> PromptServer:
        return self._server()

    def table(self) -> list[tuple[str, str, Handler]]:
        """Return all routes; the server adds them a second time below /api."""
        return [
            ("GET", "/ws", self.ws),
            ("GET", "/prompt", self.get_prompt),
            ("POST", "/prompt", self.post_prompt),
            ("GET", "/queue", self.get_queue),
            ("POST", "/queue", self.post_queue),
            ("GET", "/history", self.get_history),
            ("POST", "/history", self.post_history),
            ("GET", "/history/{prompt_id}", self.get_history_of),
            ("POST", "/interrupt", self.post_interrupt),
            ("POST", "/free", self.post_free),
            ("GET", "/api/jobs", self.get_jobs),
            ("POST", "/api/jobs/cancel", self.cancel_jobs),
            ("GET", "/api/jobs/{job_id}", self.get_job),
            ("POST", "/api/jobs/{job_id}/cancel", self.cancel_job),
            ("GET", "/system_stats", self.get_system_stats),
            ("GET", "/features", self.get_features),
            ("GET", "/object_info", self.get_object_info),
            ("GET", "/view", self.view),
            ("GET", "/internal/logs/raw", self.get_logs),
            ("PATCH", "/internal/logs/subscribe", self.subscribe_logs),
        ]

    async def ws(self, request: web.Request) -> web.StreamResponse:
        return await websocket(request, self.server)

    async def get_prompt(self, request: web.Request) -> web.Response:
        return web.json_response(self.server.get_queue_info())

    async def post_prompt(self, request: web.Request) -> web.Response:
        usage_source = request.headers.get("Comfy-Usage-Source")
        try:
            answer = self.server.accept(await request.json(), usage_source)
        except PromptRefused as refused:
            return web.json_response(refused.body, status=400)
        return web.json_response(answer)

    async def get_queue(self, request: web.Request) -> web.Response:
        queue = self.server.prompt_queue
        running = [queue.running.as_list()] if queue.running else []
        pending = [item.as_list() for item in queue.pending]
        return web.json_response({"queue_running": running, "queue_pending": pending})

    async def post_queue(self, request: web.Request) -> web.Response:
        asked, queue = await request.json(), self.server.prompt_queue
        if asked.get("clear"):
            queue.wipe()
        for prompt_id in asked.get("delete", ()):
            queue.delete(prompt_id)
        return web.Response()

    async def get_history(self, request: web.Request) -> web.Response:
        asked = {
            name: int(request.query[name])
            for name in ("max_items", "offset")
            if name in request.query
        }
        return web.json_response(self.server.prompt_queue.get_history(**asked))

    async def get_history_of(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["prompt_id"]
        entry = self.server.prompt_queue.history.get(prompt_id)
        return web.json_response({} if entry is None else {prompt_id: entry})

    async def post_history(self, request: web.Request) -> web.Response:
        asked, history = await request.json(), self.server.prompt_queue.history
        if asked.get("clear"):
            history.clear()
        for prompt_id in asked.get("delete", ()):
            history.pop(prompt_id, None)
        return web.Response()

    async def post_interrupt(self, request: web.Request) -> web.Response:
        asked = await request.json() if request.can_read_body else {}
        self.server.interrupt(asked.get("prompt_id"))
        return web.Response()

    async def post_free(self, request: web.Request) -> web.Response:
        self.server.free(await request.json())
        return web.Response()

    async def get_jobs(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(list_jobs(self.server.prompt_queue, request.query))
        except BadQuery as error:
            return web.json_response({"error": str(error)}, status=400)

    async def get_job(self, request: web.Request) -> web.Response:
        job = get_job(self.server.prompt_queue, request.match_info["job_id"])
        if job is None:
            return web.json_response({"error": "Job not found"}, status=404)
        return web.json_response(job)

    async def cancel_job(self, request: web.Request) -> web.Response:
        cancelled = self.server.cancel(request.match_info["job_id"])
        return web.json_response({"cancelled": cancelled})

    async def cancel_jobs(self, request: web.Request) -> web.Response:
        asked: Json = await request.json()
        job_ids = asked.get("job_ids", [])
        if not all(is_prompt_id(job_id) for job_id in job_ids):
            return web.json_response({"error": "job_ids must be UUIDs"}, status=400)
        cancelled = [self.server.cancel(job_id) for job_id in job_ids]
        return web.json_response({"cancelled": any(cancelled)})

    async def get_system_stats(self, request: web.Request) -> web.Response:
        return web.json_response(system_stats(self.server.memory, self.argv))

    async def get_features(self, request: web.Request) -> web.Response:
        return web.json_response(FEATURES)

    async def get_object_info(self, request: web.Request) -> web.Response:
        return web.json_response(object_info())

    async def view(self, request: web.Request) -> web.Response:
        """Answer with a picture under the name of one that a prompt of the history left."""
        name = request.query.get("filename", "")
        entries = self.server.prompt_queue.history.values()
        known = any(
            file.get("filename") == name for e in entries for file in files_of(e["outputs"])
        )
        if not known:
            return web.Response(status=404)
        return web.Response(body=picture(name), content_type="image/png")

    async def get_logs(self, request: web.Request) -> web.Response:
        logs = self.server.logs
        logs.changed_size()
        return web.json_response({"entries": list(logs.entries), "size": SIZE})

    async def subscribe_logs(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.server.subscribe_logs(asked["clientId"], asked["enabled"])
        return web.Response()
