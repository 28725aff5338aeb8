"""`manage.py mirror sync|cancel|list|show`."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from mirrors.management import progress
from mirrors.models import Mirror, Sync, User
from mirrors.models.sync import Status
from mirrors.oci import Store, StoredRepository
from mirrors.sample.images import small_image, store_image
from tests.fixtures.processes import Process
from tests.fixtures.waiting import free_port, wait_until
from tests.management.conftest import Ran


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sample registry as a process; gives its address."""
    directory, port = tmp_path_factory.mktemp("sample"), free_port()
    store = StoredRepository(Store(directory / "content"), "team/app")
    asyncio.run(store_image(small_image(1), store, tag="v1"))
    command = [
        ".venv/bin/python",
        "-m",
        "mirrors.sample.registry",
        "--port",
        str(port),
        "--root",
        directory / "content",
    ]
    process = Process("sample", command, log=directory / "log", port=port)
    process.start()
    yield f"127.0.0.1:{port}"
    process.stop()


@pytest.fixture
def add(run: Callable[..., Ran], administrator: User, sample: str, store_dir: Path) -> Callable[..., None]:
    """`add("team/app")`: a mirror of it, named myorg/app."""

    def add(source: str, tags: str = "*") -> None:
        ran = run("mirror", "add", f"{sample}/{source}", "myorg/app", "--tags", tags, "--insecure")
        assert ran.status == 0, ran.refused

    return add


def test_a_sync_here_shows_its_progress_and_succeeds(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    ran = run("mirror", "sync", "myorg/app", "--here")

    assert ran.status == 0
    assert re.search(r"The sync succeeded after [\d.]+ s\. Tags: 1 copied\.", ran.said)
    assert Sync.objects.get().requested_by.username == "admin"


def test_a_failed_sync_says_why_and_ends_with_status_1(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/nothing")
    ran = run("mirror", "sync", "myorg/app", "--here")

    assert ran.status == 1
    assert "The sync failed" in ran.said
    assert "nothing" in ran.said


def test_a_sync_that_no_worker_takes_says_so(
    run: Callable[..., Ran], add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.2)
    add("team/app")

    def cancel_soon() -> None:
        sync = wait_until(lambda: Sync.objects.filter(status=Status.QUEUED).first(), 10)
        threading.Event().wait(1.5)
        sync.withdraw(message="Cancelled before it started.")
        connection.close()

    thread = threading.Thread(target=cancel_soon)
    thread.start()
    ran = run("mirror", "sync", "myorg/app")
    thread.join()

    assert ran.status == 1
    assert "No worker has taken it yet: start the farm with make up, or copy in this process with --here." in ran.said
    assert "The sync was cancelled" in ran.said


def test_no_wait_only_asks(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    ran = run("mirror", "sync", "myorg/app", "--no-wait")
    assert ran.status == 0
    assert Sync.objects.get().status == Status.QUEUED
    assert "manage.py mirror show myorg/app" in ran.said


def test_a_sync_under_way_is_refused_without_waiting(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    run("mirror", "sync", "myorg/app", "--no-wait")
    Sync.objects.get().start(worker="a worker", snapshot={})
    ran = run("mirror", "sync", "myorg/app", "--no-wait")
    assert (ran.status, "being synced already" in ran.refused) == (2, True)


def test_cancel_withdraws_a_queued_sync(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    run("mirror", "sync", "myorg/app", "--no-wait")
    ran = run("mirror", "cancel", "myorg/app")
    assert (ran.status, ran.said) == (0, "Cancelled before it started. The schedule goes on.\n")
    assert Sync.objects.get().status == Status.CANCELLED


def test_cancel_without_a_sync_is_refused(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    ran = run("mirror", "cancel", "myorg/app")
    assert (ran.status, ran.refused) == (2, "No sync of myorg/app is queued or running.")


@pytest.mark.parametrize("verb", ["show", "sync", "cancel"])
def test_an_unknown_repository_is_refused(run: Callable[..., Ran], administrator: User, verb: str) -> None:
    ran = run("mirror", verb, "no/where")
    assert (ran.status, ran.refused) == (2, "There is no repository no/where.")


def test_list_has_a_line_a_mirror(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    assert "There are no mirrors yet. Add one:" in run("mirror", "list").said
    add("team/app", tags="v*,latest")
    ran = run("mirror", "list")
    assert re.search(r"^myorg/app +127\.0\.0\.1:\d+/team/app +v\*, latest +1d +scheduled +never ", ran.said, re.M)
    assert run("mirror", "list", "myorg").said == ran.said
    assert run("mirror", "list", "nowhere").status == 2


def test_show_names_failed_tags_and_no_secret(run: Callable[..., Ran], add: Callable[..., None]) -> None:
    add("team/app")
    mirror = Mirror.objects.get()
    mirror.source_username, mirror.source_password = "ada", "source-password-2Ld8"
    mirror.save()
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="a worker", snapshot={})
    sync.tag_copies.create(tag="v1", action="failed", message="The source does not answer.")
    sync.fail(code="timeout", side="source", message="1 of 1 tags failed.", tags_failed=1)

    ran = run("mirror", "show", "myorg/app")

    assert ran.status == 0
    assert "v1: The source does not answer." in ran.said
    assert "The sync failed" in ran.said
    assert "with stored credentials" in ran.said
    assert "source-password-2Ld8" not in ran.said
