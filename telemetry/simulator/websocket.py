"""The /ws route: who connects, and the little that a client may say."""

import json
import uuid

from aiohttp import WSMessage, WSMsgType, web

from .prompt_server import PromptServer
from .sockets import encode, send
from .stats import FEATURES


async def websocket(request: web.Request, server: PromptServer) -> web.WebSocketResponse:
    """Serve one socket until it closes.

    Pings are answered by hand, because a frozen server must not answer them.
    """
    ws = web.WebSocketResponse(autoping=False)
    await ws.prepare(request)
    sid = request.query.get("clientId") or uuid.uuid4().hex
    server.sockets.register(sid, ws)
    try:
        await _greet(ws, sid, server)
        await _listen(ws, server)
    finally:
        server.sockets.unregister(sid)
    return ws


async def _greet(ws: web.WebSocketResponse, sid: str, server: PromptServer) -> None:
    await send(ws, encode("status", {"status": server.get_queue_info(), "sid": sid}))
    if server.client_id == sid and server.last_node_id is not None:
        await send(ws, encode("executing", {"node": server.last_node_id}))


async def _listen(ws: web.WebSocketResponse, server: PromptServer) -> None:
    first_message = True
    async for message in ws:
        await server.clock.running()
        if message.type is WSMsgType.PING:
            await ws.pong(message.data)
        elif message.type is WSMsgType.TEXT and not server.sockets.silent:
            first_message = await _answer(ws, message, first_message)


async def _answer(ws: web.WebSocketResponse, message: WSMessage, first_message: bool) -> bool:
    """Answer feature_flags; return whether the client's first message is still to come.

    What is not a JSON object does not count as a message, in ComfyUI too.
    """
    try:
        said = json.loads(message.data)
        asks = first_message and said.get("type") == "feature_flags"
    except (ValueError, AttributeError):
        return first_message
    if asks:
        await send(ws, encode("feature_flags", FEATURES))
    return False
