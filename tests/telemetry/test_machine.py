"""The state machine, event by event."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from telemetry import machine, referee
from telemetry import transitions as t
from telemetry.contact import (
    Answered,
    Passed,
    SocketClosed,
    SocketOpened,
    Unanswered,
    Waiting,
)
from telemetry.machine import ServerState
from telemetry.outlook import Outlook
from telemetry.protocol import HistoryAnswer, decode, read_history, read_queue
from telemetry.protocol import frames as f
from telemetry.protocol.outputs import Outputs
from telemetry.referee import HistoryTold, QueueTold, unjudged
from telemetry.words import Grade, Outcome, Status

BEGAN = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
SAMPLER = {"3": {"class_type": "KSampler", "inputs": {"steps": 20}}}
PLAIN = {"1": {"class_type": "EmptyImage", "inputs": {}}}


class Feed:
    """A server state, and events at seconds after BEGAN."""

    def __init__(self):
        self.state = ServerState()
        self.changes = []

    def at(self, second, event):
        changes = self.state.apply(event, BEGAN + timedelta(seconds=second))
        self.changes += changes
        return changes

    def queue(self, second, running=(), pending=(), asked=None):
        body = {"queue_running": list(running), "queue_pending": list(pending)}
        asked_at = BEGAN + timedelta(seconds=second if asked is None else asked)
        return self.at(second, QueueTold(read_queue(json.dumps(body).encode()), asked_at))

    def history(self, second, *entries, complete=True, only=None):
        answer = (
            HistoryAnswer(())
            if not entries
            else read_history(
                json.dumps(
                    {
                        prompt[1]: {"prompt": prompt, "status": status, "outputs": (*left, {})[0]}
                        for prompt, status, *left in entries
                    }
                ).encode()
            )
        )
        asked_at = BEGAN + timedelta(seconds=second)
        return self.at(second, HistoryTold(answer, asked_at, complete, only))

    def log(self, second, *lines):
        at = BEGAN + timedelta(seconds=second)
        entries = [{"t": at.replace(tzinfo=None).isoformat(), "m": line} for line in lines]
        return self.at(second, decode(json.dumps({"type": "logs", "data": {"entries": entries}})))

    def frame(self, second, kind, **data):
        return self.at(second, decode(json.dumps({"type": kind, "data": data})))

    def ends(self):
        ended = self.state.ended.items()
        return {prompt_id: (str(e.end.outcome), e.end.reason) for prompt_id, e in ended}


@pytest.fixture
def feed():
    return Feed()


def prompt(prompt_id, number=1, graph=PLAIN, **extra):
    return [number, prompt_id, graph, extra, []]


def ms(second):
    return int((BEGAN + timedelta(seconds=second)).timestamp() * 1000)


def success(start, end):
    return {
        "status_str": "success",
        "completed": True,
        "messages": [
            ["execution_start", {"prompt_id": "x", "timestamp": ms(start)}],
            ["execution_cached", {"nodes": ["1"], "prompt_id": "x", "timestamp": ms(start)}],
            ["execution_success", {"prompt_id": "x", "timestamp": ms(end)}],
        ],
    }


def step(value, total, rate="5.00it/s"):
    return f"\r 20%|██ | {value}/{total} [00:00<00:00,  {rate}]"


EXECUTED = "Prompt executed in 2.00 seconds\n"


def test_it_takes_waiting_and_running_from_the_queue(feed):
    feed.queue(0, running=[prompt("a")], pending=[prompt("c", 3), prompt("b", 2)])

    assert feed.state.running_attempt().key.prompt_id == "a"
    assert [a.key.prompt_id for a in feed.state.queued_attempts()] == ["b", "c"]


def test_it_tells_who_submitted_and_for_which_scene(feed):
    feed.queue(0, pending=[prompt("a", client_id="tab-7", user="mira", scene_id="scene-003")])

    (seen,) = [c for c in feed.changes if isinstance(c, t.AttemptSeen)]
    assert seen.identity.submitter == "mira"
    assert seen.identity.words["scene_id"] == "scene-003"


def test_of_files_that_a_prompt_left_it_remembers_only_how_many(feed):
    left = {"9": {"images": [{"filename": f"{n}.png"} for n in range(3)]}}

    feed.history(13, (prompt("a"), success(10, 12), left))

    (told,) = [c for c in feed.changes if isinstance(c, t.AttemptEnded)]
    assert [file.name for file in told.outputs.files] == ["0.png", "1.png", "2.png"]
    assert feed.state.ended["a"].end.outputs == Outputs(count=3)


def test_it_takes_begin_and_end_from_comfyuis_own_clock(feed):
    feed.queue(10.4, running=[prompt("a")])
    feed.queue(13)
    feed.history(13, (prompt("a"), success(10.0, 12.5)))

    (end,) = [c for c in feed.changes if isinstance(c, t.AttemptEnded)]
    assert (end.started_at, end.ended_at) == (
        BEGAN + timedelta(seconds=10),
        BEGAN + timedelta(seconds=12.5),
    )
    assert (end.outcome, end.grade, end.cached_nodes) == (Outcome.SUCCESS, Grade.MEASURED, 1)


def test_it_calls_a_history_entry_with_status_error_a_failure(feed):
    feed.history(1, (prompt("a"), {"status_str": "error", "completed": False, "messages": []}))

    assert feed.ends()["a"][0] == "failed"


def test_it_calls_a_prompt_removed_from_the_queue_cancelled(feed):
    feed.queue(0, running=[prompt("a")], pending=[prompt("b", 2)])
    feed.history(0)
    feed.queue(1, running=[prompt("a")])
    feed.history(1)

    assert feed.ends() == {"b": ("cancelled", "removed from the queue")}


def test_it_does_not_judge_by_a_history_that_may_leave_it_out(feed):
    feed.queue(0, pending=[prompt("b", 2)])
    feed.queue(1)
    feed.history(1, (prompt("z", 0), success(0, 1)), complete=False)

    assert feed.ends().keys() == {"z"}
    assert unjudged(feed.state) == ["b"]


def test_it_judges_by_a_history_answer_for_just_that_prompt(feed):
    feed.queue(0, pending=[prompt("b", 2)])
    feed.queue(1)
    feed.history(1, complete=False, only="b")

    assert feed.ends() == {"b": ("cancelled", "removed from the queue")}


def test_it_does_not_judge_by_an_answer_that_was_asked_for_before_the_prompt_vanished(feed):
    feed.queue(0, pending=[prompt("b", 2)])
    feed.queue(5)
    feed.history(4.9)

    assert feed.ends() == {}


def test_it_recognises_a_restart_and_keeps_what_was_lost(feed):
    feed.queue(0, running=[prompt("a", 5)], pending=[prompt("b", 6)])
    feed.history(0, (prompt("z", 4), success(-5, -1)))
    feed.at(1, SocketClosed("1006"))
    feed.at(1.5, Unanswered("connection refused", refused=True, since=BEGAN))
    feed.at(9, Answered())
    feed.queue(9)
    feed.history(9)

    assert feed.ends()["a"] == feed.ends()["b"] == ("lost", "ComfyUI restarted")
    assert [c.lost for c in feed.changes if isinstance(c, t.ServerRestarted)] == [2]
    seen = {c.key.prompt_id: c for c in feed.changes if isinstance(c, t.AttemptSeen)}
    assert seen["b"].graph is not None


def test_it_recognises_a_restart_by_numbers_that_begin_again(feed):
    feed.queue(0, running=[prompt("a", 5)], pending=[prompt("b", 6)])
    feed.queue(2, running=[prompt("n", 0)])

    assert feed.ends()["a"] == feed.ends()["b"] == ("lost", "ComfyUI restarted")
    assert feed.state.running_attempt().key.prompt_id == "n"


def test_it_does_not_take_front_of_the_queue_for_a_restart(feed):
    feed.queue(0, running=[prompt("a", 5)], pending=[prompt("b", 6)])
    feed.queue(2, running=[prompt("a", 5)], pending=[prompt("b", 6), prompt("c", -7)])

    assert feed.ends() == {}


def test_it_does_not_take_a_cleared_history_for_a_restart(feed):
    feed.history(0, (prompt("z", 4), success(-5, -1)))
    feed.queue(1, running=[prompt("a", 5)])
    feed.queue(2, running=[prompt("a", 5)])
    feed.history(2)

    assert [c for c in feed.changes if isinstance(c, t.ServerRestarted)] == []
    assert feed.state.running_attempt() is not None


def test_it_calls_a_running_prompt_that_nobody_knows_any_more_lost(feed):
    feed.history(0, (prompt("z", 4), success(-5, -1)))
    feed.queue(1, running=[prompt("a", 5)])
    feed.queue(2)
    feed.history(2)

    assert feed.ends()["a"][0] == "lost"


def test_it_corrects_lost_when_the_history_knows_better_after_all(feed):
    feed.queue(1, running=[prompt("a", 5)])
    feed.queue(2)
    feed.history(2)
    feed.history(3, (prompt("a", 5), success(1, 2)))

    assert feed.ends()["a"] == ("success", "")


def test_it_keeps_an_end_when_late_events_repeat_it_or_contradict_it(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(1, "execution_success", prompt_id="a", timestamp=ms(1))
    before = len(feed.changes)

    feed.frame(2, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(2, "progress", value=1, max=4, prompt_id="a", node="3")
    feed.frame(2, "execution_success", prompt_id="a", timestamp=ms(1))
    feed.queue(2, running=[prompt("a")], asked=0.5)

    assert len(feed.changes) == before
    assert feed.state.open_attempts() == []


def test_it_names_the_node_at_which_a_prompt_was_interrupted(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(
        1, "execution_interrupted", prompt_id="a", node_id="3", node_type="KSampler", executed=[]
    )

    end = feed.state.ended["a"].end
    assert (end.outcome, end.fault.node, end.fault.node_type) == (
        Outcome.CANCELLED,
        "3",
        "KSampler",
    )


def test_it_goes_on_after_a_blocked_branch(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(1, "execution_error", prompt_id="a", exception_type="ExecutionBlocked")

    assert feed.state.known("a").is_open


def test_it_groups_expanded_nodes_under_the_node_that_the_artist_sees(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    running = {"value": 0, "max": 1, "state": "running"}
    child = {**running, "node_id": "2.0.0.1", "display_node_id": "2", "parent_node_id": "2"}
    feed.frame(1, "progress_state", prompt_id="a", nodes={"2.0.0.1": child})
    done = {**child, "value": 1, "state": "finished"}
    feed.frame(2, "progress_state", prompt_id="a", nodes={"2.0.0.1": done})
    own = {**running, "node_id": "2", "display_node_id": "2", "value": 1, "state": "finished"}
    feed.frame(3, "progress_state", prompt_id="a", nodes={"2.0.0.1": done, "2": own})

    (node,) = [c for c in feed.changes if isinstance(c, t.NodeFinished)]
    assert (node.node, node.started_at, node.ended_at) == (
        "2",
        BEGAN + timedelta(seconds=1),
        BEGAN + timedelta(seconds=3),
    )


def test_it_keeps_a_used_prompt_id_as_an_attempt_of_its_own(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.queue(2)
    feed.history(2, (prompt("a", 1), success(0, 1)))
    feed.queue(3, running=[prompt("a", 2)])

    assert feed.state.running_attempt().key == t.Key("a", 1)


def test_it_lets_log_lines_wait_for_the_queue_to_say_whose_they_are(feed):
    feed.log(0.0, step(1, 20))
    assert feed.state.open_attempts() == []

    feed.queue(0.1, running=[prompt("a")], asked=0.05)

    assert feed.state.known("a").step.value == 1


def test_it_drops_log_lines_that_waited_too_long(feed):
    feed.log(0.0, step(1, 20))
    feed.at(2.1, Passed())
    feed.queue(2.2, running=[prompt("a")])

    assert feed.state.known("a").step is None


def test_it_does_not_give_lines_to_a_prompt_that_an_old_answer_names(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.log(1.0, EXECUTED, step(1, 8))
    feed.queue(1.1, running=[prompt("a", 1)], pending=[prompt("b", 2)], asked=0.9)
    feed.queue(1.3, running=[prompt("b", 2)], asked=1.2)

    assert feed.state.known("b").step.total == 8
    assert feed.state.known("a").step is None


def test_it_does_not_give_a_prompt_lines_from_before_it_was_submitted(feed):
    feed.log(1.0, step(7, 8))
    feed.queue(1.3, running=[prompt("b", 2, create_time=ms(1.1))], asked=1.2)

    assert feed.state.known("b").step is None


def test_it_takes_steps_back_from_a_prompt_that_still_runs_after_prompt_executed(feed):
    feed.log(1.0, step(7, 8))
    feed.queue(1.1, running=[prompt("b", 2)])
    feed.log(1.2, EXECUTED)
    feed.queue(1.4, running=[prompt("b", 2)], asked=1.3)

    assert feed.state.known("b").step is None
    assert feed.state.known("b").log_end is None


def test_it_ends_the_steps_at_prompt_executed(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.log(0.5, step(8, 8), EXECUTED, step(1, 20))

    assert feed.state.known("a").step.total == 8


def test_it_says_sampling_estimated_only_with_one_sampler_in_the_graph(feed):
    feed.queue(0, running=[prompt("a", 1, SAMPLER)])
    feed.log(0.5, step(8, 20))

    attempt = feed.state.known("a")
    assert (attempt.phase, attempt.node) == ("sampling", None)


@pytest.mark.parametrize("graph", [PLAIN, {**SAMPLER, "4": SAMPLER["3"]}])
def test_it_names_no_node_where_no_channel_and_no_single_sampler_tells(feed, graph):
    feed.queue(0, running=[prompt("a", 1, graph)])
    feed.log(0.5, step(8, 20))

    assert feed.state.known("a").phase is None


def test_it_keeps_a_measured_step_beside_log_lines_of_the_same_node(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.frame(
        1,
        "progress_state",
        prompt_id="a",
        nodes={"1": {"value": 3, "max": 9, "state": "running", "node_id": "1"}},
    )
    feed.log(1.5, step(8, 20))

    assert (feed.state.known("a").step.value, feed.state.known("a").step.grade) == (
        3,
        Grade.MEASURED,
    )


def test_it_counts_a_malformed_frame_and_changes_nothing_else(feed):
    feed.queue(0, running=[prompt("a", 1)])

    assert feed.at(1, f.Malformed("frame", "no json")) == []
    assert feed.state.malformed == 1
    assert feed.state.running_attempt() is not None


def test_it_counts_unknown_types_without_bound_on_kinds(feed):
    for number in range(1000):
        feed.at(0, f.Unknown(f"type-{number}"))

    assert len(feed.state.unknown) == 100
    assert feed.state.malformed == 0


def test_it_goes_offline_at_once_when_the_connection_is_refused(feed):
    feed.at(0, Answered())
    feed.at(1, Unanswered("connection refused", refused=True, since=BEGAN))

    assert [type(c) for c in feed.changes] == [t.ServerCameOnline, t.ServerWentOffline]


def test_it_goes_offline_after_thirty_seconds_without_an_answer(feed):
    feed.at(0, Answered())
    for second in (12, 22):
        assert feed.at(second, Unanswered("no answer", False, BEGAN + timedelta(seconds=2))) == []

    (change,) = feed.at(33, Unanswered("no answer", False, BEGAN + timedelta(seconds=32)))
    assert isinstance(change, t.ServerWentOffline)


def test_it_records_the_time_in_which_nothing_answered_as_a_blind_window(feed):
    feed.at(0, Answered())
    feed.at(6, Waiting(BEGAN + timedelta(seconds=2)))
    changes = feed.at(20, Answered())

    (window,) = [c for c in changes if isinstance(c, t.BlindWindowEnded)]
    assert (window.began_at, window.ended_at) == (BEGAN, BEGAN + timedelta(seconds=20))


def test_it_records_a_blind_window_however_short_where_nobody_listened(feed):
    feed.at(0, Answered())
    feed.at(1, Unanswered("connection refused", refused=True, since=BEGAN + timedelta(seconds=1)))
    changes = feed.at(2, Answered())

    (window,) = [c for c in changes if isinstance(c, t.BlindWindowEnded)]
    assert (window.began_at, window.ended_at) == (BEGAN, BEGAN + timedelta(seconds=2))
    assert feed.at(3, Answered()) == []


def test_it_tells_a_dropped_socket_once(feed):
    feed.at(0, SocketOpened(log_stream=True))
    feed.at(1, SocketClosed("1006"))
    feed.at(2, SocketClosed("1006"))

    assert len([c for c in feed.changes if isinstance(c, t.SocketDropped)]) == 1


def test_it_marks_prompts_that_ended_before_it_watched_as_found_later(feed):
    feed.at(100, Answered())
    feed.history(101, (prompt("old"), success(1, 2)), (prompt("new", 2), success(99.5, 100.5)))

    assert feed.state.ended["old"].end.found_later
    assert not feed.state.ended["new"].end.found_later


def test_it_forgets_the_oldest_ended_prompts_beyond_the_limit(feed, monkeypatch):
    monkeypatch.setattr("telemetry.machine.KNOWN_LIMIT", 3)
    for number in range(5):
        feed.history(number, (prompt(f"p{number}", number), success(0, 1)), complete=False)

    assert list(feed.state.ended) == ["p2", "p3", "p4"]


def test_it_starts_running_prompts_only_once(feed):
    feed.queue(0, running=[prompt("a")])
    feed.queue(2, running=[prompt("a")])

    assert len([c for c in feed.changes if isinstance(c, t.AttemptStarted)]) == 1
    assert feed.state.known("a").status is Status.RUNNING


@pytest.mark.parametrize("created", [10**400, -(10**400), 1e300, "soon", None])
def test_it_survives_a_submitter_that_lies_about_when(feed, created):
    feed.queue(
        0, running=[prompt("a", 1, scenewatch={"create_time": created}, create_time=created)]
    )

    assert feed.state.known("a").submitted_at is None


def test_it_does_not_let_a_submitter_date_its_prompt(feed):
    extra = {"scenewatch": {"create_time": ms(9000)}, "create_time": ms(0)}
    feed.queue(1, running=[prompt("a", 1, **extra)])

    assert feed.state.known("a").submitted_at == BEGAN


def test_it_takes_a_long_queue_in_without_delay(feed):
    began = time.process_time()

    feed.queue(0, pending=[prompt(f"p{n}", n) for n in range(4000)])

    # Well under a second; comparing each with all others took eight.
    assert time.process_time() - began < 4


def test_it_remembers_no_tracebacks(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    error = {"exception_type": "E", "exception_message": "m", "traceback": ["t" * 9000]}
    changes = feed.frame(1, "execution_error", prompt_id="a", node_id="1", **error)

    assert changes[-1].fault.traceback is not None
    assert feed.state.ended["a"].end.fault.traceback is None


def test_it_calls_waiting_prompts_lost_when_a_restarted_server_has_run_others_since(feed):
    feed.history(0, (prompt("z", 4), success(-5, -1)))
    feed.queue(1, pending=[prompt("b", 6)])
    feed.at(2, SocketClosed("1006"))
    feed.queue(60)
    feed.history(60, (prompt("n", 0), success(50, 55)))

    assert feed.ends()["b"] == ("lost", "ComfyUI restarted")


def test_it_does_not_believe_a_clock_that_is_millennia_off(feed):
    feed.at(0, Answered(1.5))
    feed.at(1, Answered(7973 * 365 * 86400.0))

    assert feed.state.skew_s == 1.5
    feed.history(2, (prompt("a"), success(0, 1)))
    assert feed.ends()["a"] == ("success", "")


def test_it_takes_the_last_to_begin_as_the_one_at_work(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.queue(1, running=[prompt("a")], pending=[prompt("b", 2)])
    feed.frame(2, "progress", value=1, max=4, prompt_id="b", node="3")

    assert feed.state.running_attempt().key.prompt_id == "b"


def test_it_corrects_a_beginning_that_it_had_to_guess_by_the_history(feed):
    feed.frame(1, "progress", value=1, max=4, prompt_id="a", node="3")
    feed.frame(2, "execution_interrupted", prompt_id="a", node_id="3", timestamp=ms(2))
    interrupted = ["execution_interrupted", {"prompt_id": "a", "node_id": "3", "timestamp": ms(2)}]
    status = {**success(0.5, 2), "status_str": "error"}
    status["messages"][2] = interrupted
    feed.history(3, (prompt("a"), status))

    end = feed.changes[-1]
    assert (end.started_at, end.ended_at) == (
        BEGAN + timedelta(seconds=0.5),
        BEGAN + timedelta(seconds=2),
    )
    assert feed.history(4, (prompt("a"), status)) == []


def test_it_ends_a_prompt_whose_id_is_used_again_before_anybody_told_how_it_ended(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.queue(2, pending=[prompt("a", 2)])

    assert feed.ends()["a"][0] == "lost"
    assert feed.state.known("a").key == t.Key("a", 1)
    feed.history(3, (prompt("a", 1), success(0, 1)))
    assert feed.ends()["a"] == ("success", "")
    assert feed.state.known("a").status is Status.QUEUED


def test_it_tells_a_used_prompt_id_by_its_time_where_a_restart_gave_it_the_same_number(feed):
    feed.history(1, (prompt("a", 0), success(0, 1)))
    feed.queue(5, running=[prompt("a", 0, create_time=ms(4))])

    assert feed.state.running_attempt().key == t.Key("a", 1)
    feed.queue(7)
    feed.history(7, (prompt("a", 0), success(5, 6)))
    ends = [c for c in feed.changes if isinstance(c, t.AttemptEnded)]
    assert [(c.key.repeat, c.ended_at) for c in ends] == [
        (0, BEGAN + timedelta(seconds=1)),
        (1, BEGAN + timedelta(seconds=6)),
    ]


def test_it_finds_a_use_in_the_history_that_a_restart_gave_a_known_number(feed):
    feed.history(1, (prompt("a", 0), success(0, 1)))
    feed.history(9, (prompt("a", 0), success(5, 6)))

    assert feed.state.ended["a"].key == t.Key("a", 1)


def test_it_knows_an_entry_again_whose_clock_was_set_back_while_it_ran(feed):
    feed.history(1, (prompt("a", 0), success(100, 1)))

    assert feed.history(2, (prompt("a", 0), success(100, 1))) == []


def test_it_remembers_no_more_nodes_of_a_prompt_than_people_draw(feed, monkeypatch):
    monkeypatch.setattr("telemetry.attempt.NODES_LIMIT", 3)
    for number in range(9):
        feed.frame(number, "executing", prompt_id="a", node=f"n{number}")

    attempt = feed.state.known("a")
    assert (len(attempt.nodes), attempt.node) == (3, "n8")


def test_it_judges_a_prompt_although_the_history_tells_of_an_earlier_use_of_its_id(feed):
    feed.history(1, (prompt("a", 1), success(0, 1)))
    feed.queue(2, pending=[prompt("a", 2)])
    feed.queue(3)
    feed.history(3, (prompt("a", 1), success(0, 1)))

    assert feed.ends()["a"] == ("cancelled", "removed from the queue")
    assert feed.state.open_attempts() == []
    assert feed.history(4, (prompt("a", 1), success(0, 1))) == []


def test_it_takes_a_lost_prompt_that_is_listed_again_for_another_use(feed):
    feed.queue(0, pending=[prompt("a", 1)])
    feed.queue(1)
    feed.history(1)
    feed.queue(1.1, pending=[prompt("a", 1)], asked=0.9)
    assert feed.state.open_attempts() == []

    feed.queue(1.2, pending=[prompt("a", 1)])

    assert feed.state.known("a").key == t.Key("a", 1)


def test_it_keeps_a_prompt_that_began_while_the_answer_that_shows_a_restart_was_under_way(feed):
    feed.queue(0, running=[prompt("a", 5)])
    feed.frame(2.1, "progress", value=1, max=4, prompt_id="c", node="3")
    feed.queue(2.2, running=[prompt("b", 0)], asked=2.0)

    assert feed.ends() == {"a": ("lost", "ComfyUI restarted")}
    assert feed.state.known("c").is_open


def test_it_finds_a_later_use_that_ended_before_the_earlier_one_was_given_up(feed):
    feed.queue(0, running=[prompt("a", 1)])
    feed.queue(5)
    later = (prompt("a", 2), success(2, 3))
    feed.history(5, later)
    feed.history(6, later)

    ends = [c for c in feed.changes if isinstance(c, t.AttemptEnded)]
    assert [(c.key.repeat, c.outcome) for c in ends] == [(0, Outcome.LOST), (1, Outcome.SUCCESS)]


def test_it_does_not_follow_prompts_that_frames_invent_without_end(feed, monkeypatch):
    monkeypatch.setattr(machine, "OPEN_LIMIT", 10)
    for number in range(30):
        feed.frame(number, "execution_start", prompt_id=f"p{number}", timestamp=ms(number))

    assert len(feed.state.attempts) == 10


def test_it_follows_the_next_prompts_of_a_queue_without_end(feed, monkeypatch):
    monkeypatch.setattr(referee, "PENDING_LIMIT", 10)
    feed.queue(0, pending=[prompt(f"p{number}", number) for number in range(30)])

    assert list(feed.state.attempts) == [f"p{number}" for number in range(10)]


def test_it_forgets_the_oldest_outlooks(monkeypatch):
    monkeypatch.setattr(machine, "OUTLOOKS_LIMIT", 2)
    state = ServerState()
    for workload in ("a", "b", "a", "c"):
        state.keep_outlook(workload, Outlook(3, 1.0, 1.0, 1.0))

    assert list(state.outlooks) == ["a", "c"]
