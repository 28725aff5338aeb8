"""The Celery application: broker, queues, and the static timetable of beat.

The database is the truth and the broker a doorbell: nothing here is relied upon to happen once, or at all.
Queues: `preview` (somebody waits for it, a minute at most), `sync-now` and `sync` (one repository per worker process,
asked-for syncs first), `control` (the timetable's short tasks, on processes of their own so that long copies never hold
them up).
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.conf import settings

from mirrorfarm.start import refuse_to_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mirrorfarm.settings")

HOUR = 3600


def timetable() -> dict[str, dict[str, Any]]:
    """Task, period in seconds; a message older than its period is dropped, so that none pile up."""
    periods = {
        "tasks.schedules.enqueue_due_syncs": settings.REPO_MIRROR_INTERVAL,
        "tasks.schedules.sweep": settings.SWEEP_INTERVAL,
        "tasks.upkeep.collect_garbage": HOUR,
        "tasks.upkeep.forget_old_pauses": HOUR,
        "tasks.upkeep.forget_old_previews": HOUR,
        "tasks.upkeep.forget_old_sign_ins": HOUR,
        "tasks.upkeep.forget_old_syncs": 24 * HOUR,
    }
    return {
        name: {"task": name, "schedule": period, "options": {"queue": "control", "expires": period}}
        for name, period in periods.items()
    }


app = Celery("mirrorfarm")
app.conf.update(
    broker_url=settings.BROKER_URL or "redis://127.0.0.1:9/0",
    imports=["tasks.previews", "tasks.schedules", "tasks.syncs", "tasks.upkeep", "tasks.workers"],
    beat_schedule=timetable(),
    timezone="UTC",
    task_default_queue="control",
    task_routes={"tasks.syncs.*": {"queue": "sync"}, "tasks.previews.*": {"queue": "preview"}},
    task_ignore_result=True,
    result_backend=None,
    task_serializer="json",
    accept_content=["json"],
    # A message is acknowledged when its sync has ended, and a worker process never hoards a second one.
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # the lease brings a lost sync back, with a bound on attempts
    worker_prefetch_multiplier=1,
    task_track_started=True,
    worker_send_task_events=True,
    task_send_sent_event=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_max_tasks_per_child=200,
    worker_soft_shutdown_timeout=10,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Without socket_timeout a half-open connection hangs a worker for good.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 5,
        "retry_on_timeout": True,
        # Whoever sends a message while the broker is away is not kept waiting: the sweep sends it again.
        "max_retries": 1,
        "interval_start": 0.1,
        "connect_retries_timeout": 1,
        "visibility_timeout": 12 * HOUR,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "global_keyprefix": "mirrorfarm:",
        "queue_order_strategy": "priority",  # in the order the worker names them: -Q preview,sync-now,sync
    },
)

worker_init.connect(refuse_to_start)
beat_init.connect(refuse_to_start)
