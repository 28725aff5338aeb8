"""The stream of progress under the server of production, whose every stream takes a thread."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from mirrors.api.mirroring.progress_stream import SEATS
from tests.fixtures.processes import BARE, ROOT, Process
from tests.fixtures.waiting import free_port, wait_until

RUNNING_SYNC = """
from datetime import timedelta
from django.utils import timezone
from mirrors.models import Mirror, Namespace, Repository, Robot, Sync, User
from mirrors.services.accounts import access_tokens
user = User.objects.create_user("owner", "owner@example.com", "person-password-5Tw1")
namespace = Namespace.objects.get(user=user)
robot = Robot.objects.create(namespace=namespace, name="mirror")
repository = Repository.objects.create(namespace=namespace, name="app", state="MIRROR")
mirror = Mirror.objects.create(
    repository=repository, source_reference="registry.example.com/team/app", tag_patterns=["*"], robot=robot
)
Sync.objects.create(mirror=mirror).start(worker="worker-1", snapshot={})
Sync.objects.update(lease_expires_at=timezone.now() + timedelta(hours=1))
print("TOKEN", access_tokens.issue_token(user, name="test", scopes=["repo:admin"])[1])
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a mirror whose sync is running, and the headers to ask with."""
    data = tmp_path_factory.mktemp("data")
    environment = BARE | {"DATA_DIR": str(data), "BROKER_URL": "redis://127.0.0.1:9/0"}
    for words in (["migrate", "--verbosity=0"], ["shell", "--command", RUNNING_SYNC]):
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
    token = done.stdout.split("TOKEN ")[1].split()[0]
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "mirrorfarm.wsgi", *options]
    web = Process("web", command, log=Path(data) / "web.log", environment=environment, port=port)
    web.start()
    yield f"http://127.0.0.1:{port}/api/v1/repository/owner/app/mirror/progress", {"Authorization": f"Bearer {token}"}
    web.stop()


def opened(api: tuple[str, dict[str, str]]) -> requests.Response:
    address, headers = api
    return requests.get(f"{address}/events", headers=headers, stream=True, timeout=10)


def test_events_arrive_as_they_happen_and_clients_that_leave_free_their_places(
    api: tuple[str, dict[str, str]],
) -> None:
    streams = [opened(api) for _ in range(SEATS.most)]
    for stream in streams:
        assert stream.headers["Content-Type"] == "text/event-stream"
        lines = stream.iter_lines()
        assert [next(lines) for _ in range(3)] == [b"retry: 3000", b"", b"event: progress"]
        assert b'"is_active": true' in next(lines)

    refused = opened(api)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert requests.get(api[0], headers=api[1], timeout=10).status_code == 200, "the other threads serve"

    for stream in streams:
        stream.close()
    again: list[requests.Response] = []

    def is_served() -> bool:
        again.append(opened(api))
        return again[-1].status_code == 200

    wait_until(is_served, timeout=30)
    again[-1].close()


def test_asking_for_the_headers_alone_takes_no_place(api: tuple[str, dict[str, str]]) -> None:
    address, headers = api

    def is_served() -> bool:
        return requests.head(f"{address}/events", headers=headers, timeout=10).status_code == 200

    wait_until(is_served, timeout=30)  # what was opened before has been left
    for _ in range(2 * SEATS.most):
        wait_until(is_served, timeout=5)
