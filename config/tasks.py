"""What may be late, by beat: housekeeping, and the nightly purge."""

import logging

from celery import shared_task
from celery.worker import state as worker_state
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.utils import timezone

from history import nightly
from history.closing import close_deleted
from history.gpu_samples import roll_up
from telemetry import tokens
from telemetry.models import SignInLink

log = logging.getLogger(__name__)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=1, retry_backoff_max=30, max_retries=8
)
def housekeeping() -> None:
    """Delete sessions, sign-in links and API tokens that ended; a locked database is retried.

    Attempts that were open on a server when it was deleted become lost. Samples of GPUs are rolled
    up.
    """
    sessions, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    links, _ = SignInLink.objects.filter(expires_at__lt=timezone.now()).delete()
    lost = close_deleted(timezone.now())
    ended = tokens.delete_ended(timezone.now())
    rolled = roll_up(timezone.now())
    log.info("housekeeping: %d expired sessions and %d sign-in links deleted", sessions, links)
    if ended:
        log.info("housekeeping: %d API tokens deleted that ended a month ago", ended)
    if rolled:
        log.debug("housekeeping: %d minutes and hours of GPUs brought up to date", rolled)
    if lost:
        log.info("housekeeping: %d attempts lost with their deleted servers", lost)


@shared_task(
    autoretry_for=(OperationalError,), retry_backoff=1, retry_backoff_max=30, max_retries=8
)
def purge() -> None:
    """Delete what is older than the settings allow, once a day; stops with the worker."""
    nightly.purge(timezone.now(), _worker_stops)


def _worker_stops() -> bool:
    """Say whether this process's worker was told to stop; a pool of processes is not told."""
    return worker_state.should_stop is not None or worker_state.should_terminate is not None
