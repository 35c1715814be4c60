"""Whatever a true ComfyUI does, and in whatever order its channels reach us, the record is right.

SCENEWATCH_TEST_FUZZ=long tries for about 20 minutes from a new seed, which it prints; else the same
examples are tried each time, within seconds. See docs/fuzzing.md.
"""

import os
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from telemetry import machine
from telemetry import transitions as t
from telemetry.contact import (
    Answered,
    Passed,
    SocketClosed,
    SocketOpened,
    StatsTold,
    Unanswered,
    Waiting,
)
from telemetry.machine import ServerState
from telemetry.protocol import decode, read_history, read_queue, read_stats
from telemetry.referee import HistoryTold, PagedBack, PagingBack, QueueTold, unjudged
from telemetry.words import Grade, Outcome, Status
from tests.telemetry.true_comfyui import ENDS, TrueComfyUI

BEGAN = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
NEWEST = 2
MOMENT = timedelta(milliseconds=7)


@dataclass
class Asked:
    """A request on its way: first to ComfyUI, then (with its body) back to us."""

    path: str
    at: datetime
    only: str | None = None
    body: bytes | None = None


class Interleavings(RuleBasedStateMachine):
    """A ComfyUI, what is under way from it to us, and our state of it."""

    def __init__(self):
        super().__init__()
        self.comfyui = TrueComfyUI()
        self.state = ServerState()
        self.now = BEGAN
        self.wire = deque()
        self.heard = deque(maxlen=6)
        self.connected = False
        self.asked = None
        self.ends_asked = False
        # The answers that have come since the process was last started.
        self.answered = {"queue", "all"}
        self.seen, self.started, self.ends = {}, {}, {}
        self.nodes = set()

    @initialize(
        connected=st.booleans(),
        audiences=st.lists(st.sampled_from(["other", "all", "own"]), max_size=3),
        listed=st.booleans(),
    )
    def begin(self, connected, audiences, listed):
        if connected:
            self.connect(True)
        for audience in audiences:
            self.submit(audience, front=False, again=1)
        if listed:
            self.poll("queue")

    # --- What we hear ---------------------------------------------------------------------------

    def hear(self, event):
        for change in self.state.apply(event, self.now):
            self.check(change)

    def check(self, change):
        """Hold a transition against those before it."""
        key = getattr(change, "key", None)
        if isinstance(change, t.AttemptSeen):
            self.seen[key] = change
        elif key is not None:
            assert key in self.seen, f"{change} before AttemptSeen"
        if isinstance(change, t.AttemptStarted):
            assert key not in self.ends, f"{change} after its end"
            self.started.setdefault(key, change)
        elif isinstance(change, t.AttemptEnded):
            before = self.ends.get(key)
            if before is not None:
                assert change.grade.rank <= before.grade.rank, (before, change)
                assert change.grade is not before.grade or change.outcome is before.outcome
            uses = [use for use in self.comfyui.uses if use.prompt_id == key.prompt_id]
            at_work = uses[0].fate in ("pending", "running")
            assert len(uses) > 1 or not at_work, f"{change}, but it goes on"
            self.ends[key] = change
        elif isinstance(change, t.NodeFinished) and not change.cached:
            assert (key, change.node) not in self.nodes, f"{change} twice"
            self.nodes.add((key, change.node))

    def send(self, frames):
        """Put what ComfyUI says on the wire, if we are connected."""
        frames = list(frames)
        if self.connected:
            self.wire.extend(frames)

    def receive(self, count):
        for _ in range(min(count, len(self.wire))):
            self.now += MOMENT
            frame = self.wire.popleft()
            self.heard.append(frame)
            self.hear(decode(frame))

    @invariant()
    def believes_what_can_be(self):
        state = self.state
        assert not state.untold
        assert all(a.is_open for a in state.attempts.values())
        assert len(state.attempts) <= len(self.comfyui.uses)
        assert len(state.ended) <= machine.KNOWN_LIMIT
        assert len(state.recent) <= machine.RECENT_LIMIT
        assert len(state.logbook.waiting) + len(state.logbook.orphaned) <= 1000
        running = [a.key for a in state.attempts.values() if a.status is Status.RUNNING]
        believed = state.running_attempt()
        assert (believed and believed.key) == max(
            running, key=list(self.started).index, default=None
        )

    # --- What happens at ComfyUI ----------------------------------------------------------------

    @rule(
        audience=st.sampled_from(["other", "all", "own"]),
        front=st.booleans(),
        again=st.integers(0, 5),
    )
    def submit(self, audience, front, again):
        # Of an id that is used again before its end was asked for, nobody can tell the uses apart.
        busy = self.comfyui.queued_ids() | self.state.attempts.keys()
        used = sorted({use.prompt_id for use in self.comfyui.uses} - busy)
        fresh = f"p{len(self.comfyui.uses)}"
        prompt_id = used[-1] if again == 0 and used else fresh
        if not self.answered >= {"queue", "all"}:
            prompt_id, audience = fresh, "other"
        if prompt_id != fresh:
            # Nobody uses an id again within the milliseconds that a frame is under way.
            self.receive(len(self.wire))
            self.heard.clear()
        self.now += MOMENT
        self.send(self.comfyui.submit(self.now, prompt_id, audience, front))
        self.start_if_idle()

    def start_if_idle(self):
        """ComfyUI lets nobody wait while nobody runs."""
        if self.comfyui.pending and self.comfyui.running is None:
            self.now += MOMENT
            self.send(self.comfyui.start(self.now))

    def runs(self):
        return self.comfyui.running is not None

    @precondition(lambda self: self.runs() and self.comfyui.running.step < 4)
    @rule(seconds=st.sampled_from([0.01, 0.4, 3]))
    def step(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.send(self.comfyui.step(self.now))

    @precondition(runs)
    @rule(outcome=st.sampled_from(sorted(ENDS)))
    def end(self, outcome):
        self.now += MOMENT
        self.send(self.comfyui.end(self.now, outcome))
        self.start_if_idle()

    @precondition(runs)
    @rule(outcomes=st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=3))
    def end_some(self, outcomes):
        for outcome in outcomes:
            if self.runs():
                self.end(outcome)

    @precondition(lambda self: self.comfyui.pending)
    @rule(place=st.integers(0, 9))
    def delete(self, place):
        self.now += MOMENT
        self.send(self.comfyui.delete(place % len(self.comfyui.pending)))

    @precondition(lambda self: self.comfyui.history)
    @rule(place=st.integers(0, 9))
    def forget(self, place):
        ids = list(self.comfyui.history)
        del self.comfyui.history[ids[place % len(ids)]]

    @precondition(lambda self: self.comfyui.history)
    @rule()
    def clear_history(self):
        self.comfyui.history.clear()

    @precondition(lambda self: self.comfyui.life < 2)
    @rule(received=st.integers(0, 20), answered=st.booleans(), down_s=st.sampled_from([1, 8, 40]))
    def restart(self, received, answered, down_s):
        """End the process and start it: seconds, in which the socket closes or a poll is refused.

        An answer that had left may still arrive; a start so quick that nobody could notice is not
        ComfyUI's.
        """
        self.receive(received)
        if answered:
            self.answer()
            self.arrive()
        self.comfyui.stop()
        self.ends_asked = False
        self.answered = set()
        was_connected = self.connected
        self.lose_socket("1006")
        self.now += timedelta(seconds=down_s / 2)
        if self.asked is not None or not was_connected:
            self.asked = None
            self.hear(Unanswered("connection refused", refused=True, since=self.now))
        self.now += timedelta(seconds=down_s / 2)
        self.comfyui.begin_again()

    # --- The socket -----------------------------------------------------------------------------

    def lose_socket(self, reason):
        self.wire.clear()
        self.heard.clear()
        if self.connected:
            self.connected = False
            self.hear(SocketClosed(reason))

    @precondition(lambda self: not self.connected)
    @rule(log_stream=st.booleans())
    def connect(self, log_stream):
        self.now += MOMENT
        self.connected = True
        self.wire.append(self.comfyui.status())
        self.receive(1)
        self.hear(SocketOpened(log_stream))

    @precondition(lambda self: self.connected)
    @rule(received=st.integers(0, 20))
    def cut(self, received):
        self.receive(received)
        self.lose_socket("cut")

    @precondition(lambda self: self.wire)
    @rule(count=st.integers(1, 12))
    def deliver(self, count):
        self.receive(count)

    @precondition(lambda self: self.wire)
    @rule(place=st.integers(0, 20))
    def drop(self, place):
        del self.wire[place % len(self.wire)]

    @precondition(lambda self: self.heard)
    @rule(place=st.integers(0, 5))
    def double(self, place):
        self.now += MOMENT
        frame = self.heard[place % len(self.heard)]
        if '"type": "logs"' not in frame:  # a log line told twice was written twice
            self.hear(decode(frame))

    # --- The referee ----------------------------------------------------------------------------

    def free(self):
        return self.asked is None

    @precondition(free)
    @rule(path=st.sampled_from(["queue", "queue", "newest", "all"]))
    def ask(self, path):
        """Ask the referee; the queue first after a restart, as Watch does after each failure."""
        if "queue" not in self.answered:
            path = "queue"
        self.now += MOMENT
        self.asked = Asked(path, self.now)

    @precondition(lambda self: self.free() and self.ends_asked and unjudged(self.state))
    @rule(place=st.integers(0, 9))
    def ask_one(self, place):
        """Ask for one prompt, as Watch does: only after the newest, read back to what was known."""
        ids = unjudged(self.state)
        self.now += MOMENT
        self.asked = Asked("one", self.now, only=ids[place % len(ids)])

    @precondition(lambda self: self.asked is not None and self.asked.body is None)
    @rule()
    def answer(self):
        if self.asked is None or self.asked.body is not None:
            return
        self.now += MOMENT
        told = {
            "queue": self.comfyui.queue,
            "newest": lambda: self.comfyui.told_history(newest=NEWEST),
            "all": self.comfyui.told_history,
            "one": lambda: self.comfyui.told_history(only=self.asked.only),
        }
        self.asked.body = told[self.asked.path]()

    @precondition(lambda self: self.asked is not None and self.asked.body is not None)
    @rule()
    def arrive(self):
        if self.asked is None or self.asked.body is None:
            return
        self.now += MOMENT
        asked, self.asked = self.asked, None
        self.hear(Answered(0.0))
        if asked.path == "queue" or "queue" in self.answered:
            self.answered.add(asked.path)
        if asked.path == "queue":
            self.hear(QueueTold(read_queue(asked.body), asked.at))
            return
        told = read_history(asked.body)
        newest = asked.path == "newest"
        complete = asked.path == "all" or (newest and len(told.entries) < NEWEST)
        known = any(entry.item.prompt_id in self.state.ended for entry in told.entries)
        self.ends_asked = self.ends_asked or complete or known
        if asked.path == "all":
            self.hear(PagingBack())
        self.hear(HistoryTold(told, asked.at, complete, asked.only))
        if asked.path == "all":
            self.hear(PagedBack())

    @precondition(free)
    @rule(heard=st.booleans())
    def ask_at_once(self, heard):
        """Ask for the queue and all of the history, after all frames or before."""
        if heard:
            self.receive(len(self.wire))
        self.poll("queue")
        self.poll("all")

    @precondition(free)
    @rule(
        audience=st.sampled_from(["other", "all", "own"]),
        outcome=st.sampled_from([None, None, *sorted(ENDS)]),
        again=st.integers(0, 2),
    )
    def frames_overtake_an_answer(self, audience, outcome, again):
        """What ends and comes while an answer is under way is heard of before the answer."""
        self.ask("queue")
        self.answer()
        if outcome is not None and self.runs():
            self.end(outcome)
        self.submit(audience, front=False, again=again)
        self.receive(len(self.wire))
        self.arrive()
        self.poll("all")

    @precondition(lambda self: self.asked is not None)
    @rule()
    def time_out(self):
        self.now += timedelta(seconds=10)
        self.hear(Waiting(self.asked.at))
        self.hear(Unanswered("no answer within 10 s", refused=False, since=self.asked.at))
        self.asked = None

    # --- The rest -------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1, 2.5, 35]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.hear(Passed())

    @rule()
    def stats(self):
        self.hear(StatsTold(read_stats(b'{"system":{"comfyui_version":"0.24"},"devices":[]}')))

    def poll(self, path):
        self.ask(path)
        self.answer()
        self.arrive()

    # --- The last word --------------------------------------------------------------------------

    def teardown(self):
        if self.asked is not None:
            self.answer()
            self.arrive()
        self.receive(len(self.wire))
        for _ in range(2):
            self.time_passes(3)
            self.poll("queue")
            self.poll("all")
        self.believes_what_can_be()
        self.knows_the_queue()
        self.knows_every_entry_of_the_history()
        self.knows_no_more_than_there_was()
        self.excuses_what_comfyui_forgot()

    def knows_the_queue(self):
        truth = self.comfyui
        running = {truth.running.prompt_id} if truth.running else set()
        open_ = self.state.attempts
        assert {k for k, a in open_.items() if a.status is Status.RUNNING} == running
        waiting = {use.prompt_id for use in truth.pending}
        assert {k for k, a in open_.items() if a.status is Status.QUEUED} == waiting

    def knows_every_entry_of_the_history(self):
        for use in self.comfyui.history.values():
            found = self.keys_of(use)
            if not found and use.prompt_id in self.comfyui.queued_ids():
                continue  # used again before anybody asked how the first use had ended
            assert len(found) == 1, (use, found, self.of_id(use.prompt_id))
            end = self.ends[found[0]]
            assert (str(end.outcome), end.grade) == (use.outcome, Grade.MEASURED)
            assert end.started_at == _time(use.started_ms), (use, end)

    def keys_of(self, use):
        """Return the keys whose end is that of this use, by ComfyUI's clock."""
        ended_at = _time(use.ended_ms)
        ends = self.of_id(use.prompt_id)
        return [key for key, end in ends.items() if end.ended_at == ended_at]

    def of_id(self, prompt_id):
        return {key: end for key, end in self.ends.items() if key.prompt_id == prompt_id}

    def knows_no_more_than_there_was(self):
        uses = [use.prompt_id for use in self.comfyui.uses]
        for prompt_id in set(uses):
            keys = [key for key in self.seen if key.prompt_id == prompt_id]
            assert len(keys) <= uses.count(prompt_id), keys
            assert sorted(key.repeat for key in keys) == list(range(len(keys)))
        assert set(self.seen) == {*self.ends, *(a.key for a in self.state.open_attempts())}

    def excuses_what_comfyui_forgot(self):
        """Judge the ends of prompt_ids that were used once: whose end it is, is plain there."""
        uses = [use.prompt_id for use in self.comfyui.uses]
        for use in self.comfyui.uses:
            end = self.ends.get(t.Key(use.prompt_id, 0))
            if end is None or uses.count(use.prompt_id) > 1 or end.grade is Grade.LOG:
                continue  # a line that an answer overtook may be the prompt's before
            assert end.outcome in self.excused(use), (use, end)

    def excused(self, use):
        """Return what may be said of a prompt that no answer tells of any more."""
        if use.fate == "ended":
            unseen = t.Key(use.prompt_id, 0) not in self.started
            lost = {Outcome.LOST, Outcome.CANCELLED} if unseen else {Outcome.LOST}
            return {Outcome(use.outcome), *lost}
        return {Outcome.LOST} if use.fate == "gone" else {Outcome.LOST, Outcome.CANCELLED}


def _time(ms):
    return datetime.fromtimestamp(ms / 1000, UTC)


LONG = os.environ.get("SCENEWATCH_TEST_FUZZ") == "long"
CI = settings(
    max_examples=200,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)
LONG_SETTINGS = settings(CI, max_examples=15_000, stateful_step_count=60, derandomize=False)


def test_it_comes_to_what_truly_happened():
    if not LONG:
        run_state_machine_as_test(Interleavings, settings=CI)
        return
    told = os.environ.get("SCENEWATCH_TEST_FUZZ_SEED")
    seed = int(told) if told else int.from_bytes(os.urandom(4))
    sys.stdout.write(f"SCENEWATCH_TEST_FUZZ_SEED={seed}\n")
    run_state_machine_as_test(hypothesis.seed(seed)(Interleavings), settings=LONG_SETTINGS)
