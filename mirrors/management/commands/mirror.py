"""`manage.py mirror add|list|show|sync|cancel`."""

from __future__ import annotations

import getpass
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection, transaction
from django.utils import timezone

from mirrors.errors import AlreadySyncing, InvalidInput, MirrorError, NotFound, NotSyncing
from mirrors.management.command import MirrorfarmCommand, acting_user, shell_command
from mirrors.management.progress import end_of, follow
from mirrors.management.tables import failed_tag_lines, mirror_details, mirror_table, sync_lines
from mirrors.models import Mirror, Namespace, Repository, Robot, Sync, User
from mirrors.models.sync import Status
from mirrors.oci import IndexMode
from mirrors.services import access
from mirrors.services.accounts import namespaces, organizations
from mirrors.services.mirroring import mirrors
from mirrors.services.mirroring.intervals import interval_text, parse_interval
from mirrors.services.mirroring.mirror_status import status_of
from mirrors.services.repositories import repositories
from mirrors.services.syncs import sync_runs, syncs
from mirrors.tag_filters import split_patterns

PASSWORD_VARIABLE = "MIRROR_PASSWORD"  # noqa: S105 - its name
SYNCS_SHOWN = 5
INTERRUPTED = 130

ARGUMENTS = {
    "source_reference": "SOURCE",
    "repository": "TARGET",
    "name": "TARGET",
    "namespace": "TARGET",
    "tag_patterns": "--tags",
    "sync_interval": "--every",
    "platforms": "--platforms",
    "index_mode": "--rewrite-indexes",
    "source_username": "--username",
    "source_password": "--password-stdin",
    "robot": "--robot",
    "user": "--by",
}
"""The argument that each input came from."""


class Command(MirrorfarmCommand):
    """Set up and watch mirrors from the shell."""

    help = "Add, list, show, sync and cancel mirrors."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|show|sync|cancel")
        _add_arguments_of_add(verbs.add_parser("add", help="mirror a repository; what is missing is made"))
        listing = verbs.add_parser("list", help="all mirrors in a table")
        listing.add_argument("namespace", nargs="?", help="only this organization's or user's")
        show = verbs.add_parser("show", help="one mirror with its last syncs and failed tags")
        sync = verbs.add_parser("sync", help="sync now, and watch it to its end; exit status 1 when it fails")
        sync.add_argument("--no-wait", dest="wait", action="store_false", help="only ask for it")
        sync.add_argument("--wait", dest="wait", action="store_true", default=True, help="watch it (the default)")
        sync.add_argument("--here", action="store_true", help="copy in this process instead of in a worker")
        cancel = verbs.add_parser("cancel", help="stop the queued or running sync; nothing is deleted")
        for each in (show, sync, cancel):
            each.add_argument("target", metavar="TARGET", help="namespace/name")
        for each in (sync, cancel):
            each.add_argument("--by", metavar="USER", help="who asks for it (default: the first administrator)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the verb."""
        getattr(self, f"_{options['verb']}")(options)

    def sentence(self, error: MirrorError) -> str:
        """The error, after the argument that it is about."""
        argument = ARGUMENTS.get(error.field)
        return f"{argument}: {error.message}" if argument else error.message

    def _add(self, options: dict[str, Any]) -> None:
        user = acting_user(options["by"])
        values = _values(options)
        with transaction.atomic():
            repository, made = _repository(options["target"], by=user, public=options["public"])
            values["robot"] = _robot(repository, name=options["robot"], made=made)
            mirror = mirrors.create_mirror(repository, values)
        if made:
            self._print(f"Made {', '.join(made)}.")
        self._print(
            f"{repository} mirrors {mirror.source_reference}, tags {', '.join(mirror.tag_patterns)}, "
            f"every {interval_text(mirror.sync_interval)}."
        )
        if mirror.is_enabled:
            self._print("The first sync starts as soon as a worker is free. Watch it:")
        else:
            self._print("It is disabled: the schedule never syncs it. Sync it once:")
        self._print(f"  {shell_command(f'mirror sync {repository}')}")

    def _list(self, options: dict[str, Any]) -> None:
        found = Mirror.objects.select_related("repository__namespace").order_by(
            "repository__namespace__name", "repository__name"
        )
        if options["namespace"]:
            found = found.filter(repository__namespace=namespaces.find_namespace(options["namespace"]))
        if found.exists():
            self.console().print(mirror_table(found))
            return
        example = shell_command("mirror add quay.io/org/app myorg/app --tags latest")
        self._print(f"There are no mirrors yet. Add one: {example}")

    def _show(self, options: dict[str, Any]) -> None:
        mirror = _mirror(options["target"], account=acting_user(None))
        status = status_of(mirror)
        self.console().print(mirror_details(status))
        history = list(mirror.syncs.all()[:SYNCS_SHOWN])
        if history:
            self._print("\nlast syncs (UTC)")
            for line in sync_lines(history):
                self._print(f"  {line}")
        failed = list(failed_tag_lines(status.finished)) if status.finished else []
        if failed:
            self._print("\nfailed tags of the last sync")
            for line in failed:
                self._print(f"  {line}")

    def _sync(self, options: dict[str, Any]) -> None:
        user = acting_user(options["by"])
        mirror = _mirror(options["target"], account=user)
        try:
            sync = syncs.request_sync(mirror, by=user)
        except AlreadySyncing:
            running = status_of(mirror).active
            if running is None or not options["wait"]:
                raise
            self._print("It is being synced already; this is how that goes on:")
            self._follow(running, options | {"here": False})
            return
        if options["here"]:
            threading.Thread(target=_run_attempts, args=(sync,), daemon=True).start()
        elif not options["wait"]:
            self._print(f"Asked for. Look at it: {shell_command('mirror show ' + options['target'])}")
            return
        self._follow(sync, options)

    def _follow(self, sync: Sync, options: dict[str, Any]) -> None:
        """Watch the sync to its end; exit status 1 unless it succeeds."""
        target = options["target"]
        advice = "start the farm with make up, or copy in this process with --here."
        try:
            sync = follow(sync, console=self.console(), advice=advice)
        except KeyboardInterrupt:
            if options["here"]:
                self._cancel_and_wait(sync)
            else:
                self._print(f"The sync goes on. To stop it: {shell_command(f'mirror cancel {target}')}")
            sys.exit(INTERRUPTED)
        self._print(end_of(sync))
        for line in failed_tag_lines(sync):
            self._print(f"  {line}")
        if sync.status != Status.SUCCEEDED:
            sys.exit(1)

    def _cancel_and_wait(self, sync: Sync) -> None:
        """The copy runs in this process: stop it properly before the process ends."""
        with suppress(NotSyncing):  # it has ended by now, or somebody else has cancelled it
            syncs.cancel_sync(sync.mirror)
        self._print(end_of(follow(sync, console=self.console(), advice="")))

    def _cancel(self, options: dict[str, Any]) -> None:
        user = acting_user(options["by"])
        sync = syncs.cancel_sync(_mirror(options["target"], account=user), by=user)
        if sync.is_active:
            self._print("Cancelling: the worker stops within seconds. Nothing is deleted, and the schedule goes on.")
        else:
            self._print("Cancelled before it started. The schedule goes on.")

    def _print(self, text: str) -> None:
        self.console().print(text, markup=False, soft_wrap=True)


def _add_arguments_of_add(parser: CommandParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="what to mirror: registry[:port]/path, without scheme and tag")
    parser.add_argument("target", metavar="TARGET", help="where to keep it: namespace/name")
    parser.add_argument("--tags", default="", help="comma-separated globs, for example 'v1.*,latest'")
    parser.add_argument("--every", default="1d", help="how often: 30m, 6h, 1d (the default)")
    parser.add_argument("--platforms", default="", help="only these, for example amd64,linux/arm/v7 (default: all)")
    parser.add_argument(
        "--rewrite-indexes", action="store_true", help="list only these platforms in indexes; their digests change"
    )
    parser.add_argument("--no-referrers", action="store_true", help="leave signatures and attestations behind")
    parser.add_argument(
        "--foreign-layers", action="store_true", help="copy layers that images only link to; mind their licence"
    )
    parser.add_argument("--username", help="the user name at the source")
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=f"read the source's password from standard input (else {PASSWORD_VARIABLE} of the environment is used)",
    )
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unverified certificates")
    parser.add_argument("--public", action="store_true", help="anyone may pull; for a repository that is made here")
    parser.add_argument("--robot", default="mirror", help="the robot that writes (default: mirror; made if missing)")
    parser.add_argument("--disabled", action="store_true", help="do not sync by schedule")
    parser.add_argument("--by", metavar="USER", help="who does it (default: the first administrator)")


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """The mirror's columns."""
    if options["rewrite_indexes"] and not split_patterns(options["platforms"]):
        raise InvalidInput("Say with --platforms for which ones indexes are rewritten.", field="index_mode")
    values = {
        "source_reference": options["source"],
        "tag_patterns": split_patterns(options["tags"]),
        "sync_interval": parse_interval(options["every"]),
        "platforms": split_patterns(options["platforms"]),
        "index_mode": IndexMode.REWRITTEN if options["rewrite_indexes"] else IndexMode.SPARSE,
        "copies_referrers": not options["no_referrers"],
        "copies_foreign_layers": options["foreign_layers"],
        "is_enabled": not options["disabled"],
        "starts_at": timezone.now(),
    }
    if options["insecure"]:
        values["verify_tls"] = False
    if options["username"]:
        values["source_username"] = options["username"]
    if password := _password(from_stdin=options["password_stdin"], needed=bool(options["username"])):
        values["source_password"] = password
    return values


def _password(*, from_stdin: bool, needed: bool) -> str:
    """Never an argument: everyone on the machine sees those."""
    if not from_stdin:
        return os.environ.get(PASSWORD_VARIABLE, "") if needed else ""
    if sys.stdin.isatty():
        return getpass.getpass("Password at the source: ")
    return sys.stdin.read().rstrip("\r\n")


def _repository(target: str, *, by: User, public: bool) -> tuple[Repository, list[str]]:
    """The target, made with its organization where missing; and what was made, in words."""
    namespace_name, _, name = target.partition("/")
    if not namespace_name or not name:
        raise InvalidInput("Give namespace/name, for example myorg/app.", field="repository")
    made = []
    namespace = Namespace.objects.filter(name=namespace_name).first()
    if namespace is None:
        namespace = organizations.create_organization(namespace_name, by=by)
        made.append(f"organization {namespace}")
    try:
        return access.find_repository(target, account=by, administer=True), made
    except NotFound:
        visibility = Repository.Visibility.PUBLIC if public else Repository.Visibility.PRIVATE
        repository = repositories.create_repository(namespace, name, by=by, visibility=visibility)
        return repository, [*made, f"{visibility} repository {repository}"]


def _robot(repository: Repository, *, name: str, made: list[str]) -> Robot:
    """The robot of this name; noted in `made` where it is new."""
    is_new = not repository.namespace.robots.filter(name=name).exists()
    try:
        robot = mirrors.robot_for(repository, name=name)
    except InvalidInput as error:
        raise InvalidInput(error.message, field="robot") from error
    if is_new:
        made.append(f"robot {robot}")
    return robot


def _mirror(target: str, *, account: User) -> Mirror:
    return mirrors.find_mirror(access.find_repository(target, account=account, administer=True))


def _run_attempts(sync: Sync | None) -> None:
    """Run a sync, and the attempts that follow it, in this process."""
    try:
        while sync is not None:
            wait = (sync.available_at - timezone.now()).total_seconds()
            time.sleep(max(wait, 0))
            sync_runs.run_sync(sync.pk, worker=f"manage.py {os.getpid()}")
            sync = sync.followers.first()
    finally:
        connection.close()
