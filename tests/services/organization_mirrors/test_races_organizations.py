"""Organizations that are removed or robbed of their administrators while others are at it too."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import LogEntry, Mirror, Namespace, Repository, Sync, TagCopy, User
from mirrors.services.accounts import organizations, teams
from mirrors.services.logs import log_entries
from tests.fixtures.domain import join

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[BaseException | None]:
    """Do all of it in threads that start together; what each raised."""
    ready = threading.Barrier(len(acts))
    faults: list[BaseException | None] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        try:
            ready.wait()
            act()
        except BaseException as fault:  # a thread's fault reaches the test this way alone
            faults[number] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


@pytest.fixture
def recording(make_mirror: Callable[..., Mirror]) -> Iterator[list[BaseException]]:
    """A running sync whose worker records tags and log entries as fast as it can, until its lease is gone."""
    sync = Sync.objects.create(mirror=make_mirror("one"))
    assert sync.start(worker="w1", snapshot={})
    ended = threading.Event()
    faults: list[BaseException] = []

    def record() -> None:
        numbers = itertools.count()
        try:
            while not ended.is_set():
                with transaction.atomic():
                    if not sync.renew():
                        return
                    TagCopy.objects.create(sync=sync, tag=f"v{next(numbers)}", action="copied")
                    log_entries.record("repo_mirror_sync_tag_success", repository=sync.mirror.repository)
                time.sleep(0.02)  # SQLite lets others in only between transactions
        except BaseException as fault:  # a thread's fault reaches the test this way alone
            faults.append(fault)
        finally:
            connection.close()

    worker = threading.Thread(target=record)
    worker.start()
    yield faults
    ended.set()
    worker.join()


@pytest.mark.parametrize("number", range(4))
def test_an_organization_is_removed_while_its_worker_records_tags(
    recording: list[BaseException], organization: Namespace, store_dir: Path, number: int
) -> None:
    time.sleep(0.05 + number / 50)

    organizations.delete_organization(organization)

    left = [model.objects.count() for model in (Repository, Mirror, Sync, TagCopy)]
    assert (left, recording) == ([0, 0, 0, 0], [])


def test_two_administrators_do_not_throw_each_other_out(organization: Namespace, stranger: User) -> None:
    join(organization, stranger, role="admin")
    owners = teams.find_team(organization, "owners")

    faults = at_once(lambda: teams.remove_member(owners, "owner"), lambda: teams.remove_member(owners, "stranger"))

    assert [type(fault) for fault in faults if fault] == [InvalidInput]
    assert owners.members.count() == 1


def test_an_organization_is_removed_by_two_people_at_once(
    organization: Namespace, make_mirror: Callable[..., Mirror], store_dir: Path
) -> None:
    make_mirror()
    same = Namespace.objects.get(pk=organization.pk)

    faults = at_once(
        lambda: organizations.delete_organization(organization), lambda: organizations.delete_organization(same)
    )

    assert [type(fault) for fault in faults if fault] == [NotFound]
    assert not Namespace.objects.filter(name="acme").exists()
    assert LogEntry.objects.filter(kind="org_delete").count() == 1


def test_one_name_is_given_to_one_organization(owner: User, stranger: User) -> None:
    faults = at_once(
        lambda: organizations.create_organization("fresh", by=owner),
        lambda: organizations.create_organization("fresh", by=stranger),
    )

    assert len([fault for fault in faults if fault]) == 1
    assert Namespace.objects.filter(name="fresh").count() == 1
