"""manage.py purge: preview, progress, table, and clear words where it cannot."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from history import turn
from history.management.commands import purge
from history.models import ActivityEvent, Attempt, PurgeState, Run
from tests import cast
from tests.history.test_retention import an_end, furnished

pytestmark = pytest.mark.django_db
NOW = cast.NOON
OLD = NOW - timedelta(days=400)


@pytest.fixture
def server():
    return cast.make_server(cast.make_team("Northlight"))


def run(*args, stdout=None):
    out = stdout or StringIO()
    call_command("purge", "--now", NOW.isoformat(), *args, stdout=out, stderr=out)
    return out.getvalue()


def rows(output):
    """Return the counts of the printed table by what they count."""
    lines = output[output.index("what  ") :].splitlines()[1:]
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    return {cell[0]: int(cell[2].replace(",", "")) for cell in cells}


def test_a_dry_run_tells_what_the_same_call_would_delete_and_deletes_nothing(server):
    furnished(server, OLD)
    told = rows(run("--dry-run", "--keep-runs-days", "365"))
    assert Run.objects.count() == 1

    done = rows(run("--keep-runs-days", "365"))

    assert {what: count for what, count in told.items() if count} == {
        what: count for what, count in done.items() if count
    }
    assert done["runs"] == 1
    assert not Run.objects.exists()


def test_it_tells_for_each_what_how_old_how_many_and_how_long(server):
    furnished(server, OLD)

    head, first, *_ = run("--only", "activity").splitlines()

    assert head.split("  ")[0] == "what"
    assert "older than (UTC)" in head
    assert "slowest statement" in head
    assert first.startswith("activity  2026-02-02 12:00:00        1")
    assert first.endswith(" ms")


def test_it_keeps_runs_unless_asked(server):
    an_end(server, OLD)

    assert "runs" not in rows(run())

    assert Attempt.objects.count() == 1


def test_it_leaves_alone_what_only_does_not_name(server):
    furnished(server, OLD)

    assert set(rows(run("--only", "graphs, nodes"))) == {"graphs", "nodes"}

    assert ActivityEvent.objects.count() == 1


def test_it_says_so_where_all_is_kept_for_ever():
    assert "kept for ever" in run("--only", "runs")


def test_it_tells_how_far_it_is_where_there_is_no_terminal(server, monkeypatch):
    monkeypatch.setattr(purge, "TELL_S", 0)
    for _ in range(3):
        cast.make_activity(server, at=OLD)

    output = run("--batch", "2")

    assert "activity: 2 of 3 rows deleted so far" in output
    assert "activity: 3 of 3 rows deleted so far" in output


def test_it_shows_a_bar_with_the_time_left_on_a_terminal(server, monkeypatch):
    class Terminal(StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    for _ in range(3):
        cast.make_activity(server, at=OLD)

    run("--batch", "1", stdout=terminal)

    assert "Deleting" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert "so far" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "run"], "run is nothing that is purged; write some of: activity, nodes"),
        (["--only", ","], "nothing is nothing that is purged"),
        (["--keep-runs-days", "-1"], "'-1' is no whole number from 0 to 36500"),
        (["--keep-runs-days", "1.5"], "'1.5' is no whole number"),
        (["--batch", "0"], "'0' is no whole number from 1 to 5000"),
        (["--now", "yesterday"], "'yesterday' is no time; write it like"),
        (["--now", "2999-01-01"], "2999-01-01 is still to come"),
        (["--only", "nodes", "--keep-runs-days", "3"], "of no use where --only leaves out runs"),
    ],
)
def test_it_says_what_is_wrong_with_an_option(arguments, said):
    with pytest.raises(CommandError) as refused:
        run(*arguments)

    assert said in str(refused.value)


def test_it_refuses_while_another_purge_is_at_work(server):
    cast.make_activity(server, at=OLD)
    turn.take()

    with pytest.raises(CommandError, match="Another purge is at work"):
        run()

    assert ActivityEvent.objects.count() == 1


def test_a_dry_run_does_not_mind_another_purge(server):
    cast.make_activity(server, at=OLD)
    turn.take()

    assert rows(run("--dry-run"))["activity"] == 1


def test_it_says_what_to_do_where_the_database_gives_up(server, monkeypatch):
    cast.make_activity(server, at=OLD)
    monkeypatch.setattr("history.pace.RETRY_DELAYS_S", ())

    def refuse(execute, sql, *args):
        if sql.startswith("DELETE"):
            raise OperationalError("database is locked")
        return execute(sql, *args)

    with (
        connection.execute_wrapper(refuse),
        pytest.raises(CommandError, match=r"database is locked.*run the command again"),
    ):
        run()

    assert turn.take() is not None


def test_it_leaves_the_nightly_purge_due_unless_it_purged_everything_of_now(server):
    run()
    assert PurgeState.objects.get().finished_at is None
    call_command("purge", "--only", "nodes", stdout=StringIO())
    assert PurgeState.objects.get().finished_at is None

    call_command("purge", stdout=StringIO())

    assert PurgeState.objects.get().finished_at is not None
