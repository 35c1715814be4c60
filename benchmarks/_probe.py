"""Prompts sent to a quiet server while others are busy: when each is seen on record and live."""

import json
import threading
import time
import urllib.request
import uuid

import psycopg
import redis

from benchmarks.stack import HOST, Stack

EVERY_S = 0.5
LOOK_S = 0.005
PATIENCE_S = 10.0
GRAPH = {
    "1": {"class_type": "TqdmWork", "inputs": {"steps": 2, "delay": 0.05, "seed": 1}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}


class Probe:
    """A context: meanwhile a prompt is sent every EVERY_S, and looked for in both places."""

    def __init__(self, stack: Stack, url: str) -> None:
        self.recorded_s: list[float] = []
        self.published_s: list[float] = []
        self._url = url
        self._database_url = stack.database_url
        self._redis = redis.Redis(HOST, stack.redis_port)
        self._halt = threading.Event()
        self._heard: list[tuple[float, bytes]] = []
        self._deaf = threading.Event()
        self._listener = threading.Thread(target=self._listen)
        self._sender = threading.Thread(target=self._send)

    def __enter__(self) -> "Probe":
        self._listener.start()
        self._sender.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._halt.set()
        self._sender.join()
        self._deaf.set()  # only now: the last prompt is still listened for
        self._listener.join()
        self._redis.close()

    def _listen(self) -> None:
        with self._redis.pubsub() as messages:  # type: ignore[no-untyped-call]
            messages.psubscribe("*live.team-*")
            while not self._deaf.is_set():
                message = messages.get_message(timeout=0.2)
                if message and message["type"] == "pmessage":
                    self._heard.append((time.monotonic(), message["data"]))

    def _send(self) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            number = 0
            while not self._halt.is_set():
                number += 1
                self._follow(connection, number)
                self._halt.wait(EVERY_S)

    def _follow(self, connection: psycopg.Connection, number: int) -> None:
        prompt_id, self._heard = str(uuid.uuid4()), []
        sent_at = time.monotonic()
        self._submit(prompt_id, number)
        recorded_at = published_at = None
        while time.monotonic() < sent_at + PATIENCE_S and None in (recorded_at, published_at):
            published_at = published_at or self._heard_of(prompt_id)
            recorded_at = recorded_at or _on_record(connection, prompt_id)
            time.sleep(LOOK_S)
        never = sent_at + PATIENCE_S
        self.recorded_s.append((recorded_at or never) - sent_at)
        self.published_s.append((published_at or never) - sent_at)

    def _submit(self, prompt_id: str, number: int) -> None:
        graph = {
            **GRAPH,
            "1": {**GRAPH["1"], "inputs": {"steps": 2, "delay": 0.05, "seed": number}},
        }
        body = {"prompt": graph, "prompt_id": prompt_id, "client_id": "probe"}
        url = f"{self._url}/prompt"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def _heard_of(self, prompt_id: str) -> float | None:
        found = (at for at, text in list(self._heard) if prompt_id.encode() in text)
        return next(found, None)


def _on_record(connection: psycopg.Connection, prompt_id: str) -> float | None:
    query = "select 1 from history_attempt where prompt_id = %s"
    return time.monotonic() if connection.execute(query, (prompt_id,)).fetchone() else None
