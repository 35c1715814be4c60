"""config/tasks.py: what beat has done."""

from datetime import timedelta

import pytest
from celery import current_app
from celery.worker import state as worker_state
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from config import tasks
from history.models import ActivityEvent
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_line():
    server = cast.make_server(cast.make_team("Northlight"))
    return cast.make_activity(server, at=timezone.now() - timedelta(days=31))


def test_every_task_that_is_planned_is_there():
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in current_app.tasks


def test_the_purge_deletes_what_is_old(old_line):
    tasks.purge()

    assert not ActivityEvent.objects.exists()


@pytest.mark.parametrize("word", ["should_stop", "should_terminate"])
def test_the_purge_ends_when_the_worker_stops(old_line, monkeypatch, word):
    monkeypatch.setattr(worker_state, word, 0)

    tasks.purge()

    assert ActivityEvent.objects.exists()


def test_the_purge_is_tried_again_while_the_database_is_away():
    assert OperationalError in tasks.purge.autoretry_for
