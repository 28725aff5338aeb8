"""Every route of the API against every kind of caller, compared with authorization.txt, which people read.

After a route is added or a rule changed: `WRITE_AUTHORIZATION=1 pytest tests/api/test_authorization.py`, then look at
every line of the difference. Routes come from the URL resolver, so that none is left out.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from mirrors.api.operations import operation_of
from mirrors.models import (
    AccessToken,
    Application,
    Mirror,
    Namespace,
    NotificationTarget,
    OrganizationMirror,
    Preview,
    Repository,
    RepositoryPermission,
    Robot,
    Sync,
    Team,
    TeamMember,
    User,
    UserNotification,
)
from mirrors.services.accounts import access_tokens
from tests.api.conftest import BODY
from tests.fixtures.domain import join, mirror_organization

TABLE = Path(__file__).parent / "authorization.txt"
CALLERS = ("anonymous", "robot", "stranger", "reader", "writer", "admin", "org-admin", "auditor", "superuser")
POWERLESS = ("anonymous", "robot", "stranger", "reader", "auditor")
CSRF_TOKEN = "a" * 32
HEADER = """\
# What each caller is answered, by route and method; the requests are valid, so that who may do it gets a 2xx, or what
# the thing itself answers. Written by tests/api/test_authorization.py; see there.
#
# anonymous: nobody. robot: acme+mirror with its token, which is for /v2/ alone. stranger: has nothing to do with acme.
# reader, writer, admin: have that role on acme/app. org-admin: administers acme. auditor: read-only superuser.
# All who sign in have a token with every scope, and nobody is refused for want of a CSRF token. acme/app is private and
# in the MIRROR state; routes of organization mirrors are asked of another organization, which is mirrored as a whole
# and has the same administrator.
#
"""


@dataclass(frozen=True)
class Call:
    """One method of one address, as the router has it."""

    route: str
    method: str
    view: Callable[..., Any]

    @property
    def address(self) -> str:
        """The route in the table's words."""
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.route)

    @property
    def nickname(self) -> str:
        """What the documents call it; "" for a page."""
        described = operation_of(getattr(getattr(self.view, "cls", None), self.method.lower(), None))
        return described.nickname if described else ""

    @property
    def example(self) -> Any:
        """The body that the documents show."""
        described = operation_of(getattr(getattr(self.view, "cls", None), self.method.lower(), None))
        return described.example if described else None


def calls() -> list[Call]:
    """Every method of every address under /api/, the form with and without a slash once."""
    found: dict[tuple[Callable[..., Any], str], Call] = {}
    for route, view in routes(get_resolver().url_patterns):
        endpoint = getattr(view, "cls", None)
        names = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(endpoint, name)]
        for name in names if endpoint else ["get"]:
            if route.startswith("api/v1") or route == "api/docs":
                found.setdefault((view, name), Call(route, name.upper(), view))
    return sorted(found.values(), key=lambda call: (call.route, call.method))


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every route of the resolver with its view."""
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


BODIES: dict[str, Any] = {
    "createRepo": {"namespace": "acme", "repository": "new", "visibility": "private", "description": ""},
    "createRepoMirrorConfig": BODY,
    "changeRepoMirrorConfig": {"sync_interval": 7200},
    "verifyRepoMirrorConnection": {"external_reference": "127.0.0.1:1/team/app"},
    "previewRepoMirror": {"external_reference": "127.0.0.1:1/team/app"},
    "createOrgMirrorConfig": {
        "external_registry_type": "quay",
        "external_registry_url": "https://registry.example.com",
        "external_namespace": "team",
        "robot_username": "empty+mirror",
        "visibility": "private",
        "sync_interval": 3600,
        "sync_start_date": "2020-01-02T06:30:00Z",
    },
}
"""By nickname, where the documents' example does not fit this world."""
QUERIES = {"listRepos": "?namespace=acme"}
"""By nickname, what the query needs."""
PLACES: dict[str, dict[str, str]] = {
    "createRepoMirrorConfig": {"repository": "acme/plain"},
    "createOrgMirrorConfig": {"organization": "empty"},
    "changeOrganization": {"organization": "empty"},
    "createOrgRobot": {"robot": "new"},
    "createUserRobot": {"robot": "new"},
}
"""By nickname, what an address names where it is not what all others do."""


@dataclass
class World:
    """acme with its repository, mirror, robots, teams and callers."""

    client: Client
    headers: dict[str, dict[str, str]]
    values: dict[str, str]
    secrets: dict[str, str]
    before: list[Any]

    def address(self, call: Call) -> str:
        """The address with names of this world in it."""
        values = self.values | ({"organization": "whole"} if "organization}/mirror" in call.address else {})
        values |= PLACES.get(call.nickname, {})
        missing = [name for name in re.findall(r"<(?:\w+:)?(\w+)>", call.route) if name not in values]
        assert not missing, f"{call.address}: say in `furnish` what {missing} is"
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values[part[1]], call.route)

    def status(self, call: Call, caller: str) -> int:
        """What the caller is answered; nothing stays of it."""
        body = BODIES.get(call.nickname, call.example)
        self.client.cookies.clear()
        self.client.cookies["csrftoken"] = CSRF_TOKEN
        with transaction.atomic():
            response = self.client.generic(
                call.method,
                self.address(call) + QUERIES.get(call.nickname, ""),
                b"" if call.method == "GET" else json.dumps({} if body is None else body).encode(),
                content_type="application/json",
                headers=self.headers[caller] | {"X-CSRFToken": CSRF_TOKEN},
            )
            if caller in POWERLESS and response.status_code < 400 and call.method != "GET":
                assert belongings() == self.before, f"{call.method} {call.address} lets the {caller} change acme"
            transaction.set_rollback(True)
        self.check_secrets(call, caller, b"" if response.streaming else response.content)
        if response.streaming:
            give_back(response)
        return response.status_code

    def check_secrets(self, call: Call, caller: str, content: bytes) -> None:
        """Tokens and passwords of acme are for who administers it."""
        if caller not in ("org-admin", "superuser"):
            shown = [name for name, secret in self.secrets.items() if secret.encode() in content]
            assert not shown, f"{call.method} {call.address} shows the {caller} {shown}"


@pytest.fixture
def world(mirror: Mirror, make_user: Callable[..., User], store_dir: Path, rung: list[int]) -> World:
    """The world, set up once for all calls."""
    people = {
        "stranger": make_user("stranger"),
        "reader": make_user("reader"),
        "writer": make_user("writer"),
        "admin": make_user("repo-admin"),
        "org-admin": User.objects.get(username="owner"),
        "auditor": make_user("auditor", is_readonly_superuser=True),
        "superuser": make_user("root", is_superuser=True),
    }
    plain = Repository.objects.create(namespace=mirror.repository.namespace, name="plain")
    for name, role in (("reader", "read"), ("writer", "write"), ("admin", "admin")):
        for repository in (mirror.repository, plain):
            RepositoryPermission.objects.create(repository=repository, user=people[name], role=role)
    headers = {"anonymous": {}, "robot": {"Authorization": basic(mirror.robot)}}
    for name, user in people.items():
        _, token = access_tokens.issue_token(user, name="matrix", scopes=list(access_tokens.SCOPES))
        headers[name] = {"Authorization": f"Bearer {token}"}
        Robot.objects.create(namespace=user.namespace, name="own")
    organizations_beside(people["org-admin"])
    client = Client(enforce_csrf_checks=True)  # one for all: each reads the list of static files anew
    values = furnish(mirror, people["reader"])
    return World(client, headers, values, secrets_of(mirror.repository.namespace), belongings())


def give_back(response: HttpResponseBase) -> None:
    """End a stream as a web server does: the places for them are few. The connection of the test stays open."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def organizations_beside(owner: User) -> None:
    """`empty`, and `whole`, which is mirrored as a whole."""
    for name in ("empty", "whole"):
        organization = Namespace.objects.create(name=name)
        join(organization, owner, role="admin")
        Robot.objects.create(namespace=organization, name="mirror")
    mirror_organization(organization.robots.get(), source_url="http://127.0.0.1:1")


def furnish(mirror: Mirror, person: User) -> dict[str, str]:
    """What the addresses name; gives the names."""
    organization = mirror.repository.namespace
    members = join(organization, person, role="member")
    RepositoryPermission.objects.create(repository=mirror.repository, team=members, role="read")
    Robot.objects.create(namespace=organization, name="own")
    application = Application(namespace=organization, name="ci")
    application.reset_client_secret()
    application.save()
    token, _ = access_tokens.issue_token(person, name="ci", scopes=["repo:read"])
    AccessToken.objects.filter(pk=token.pk).update(application=application)
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w1", snapshot={})
    sync.succeed(message="Done.")
    preview = Preview.objects.create(repository=mirror.repository, expires_at=timezone.now() + timedelta(days=1))
    target = NotificationTarget(repository=mirror.repository, event="repo_mirror_sync_failed", method="webhook")
    target.config_text = '{"url": "https://hooks.example.com/sync"}'
    target.save()
    UserNotification.objects.create(user=person, uuid=target.uuid, kind=target.event)
    return {
        "uuid": str(target.uuid),
        "repository": mirror.repository.full_name,
        "organization": organization.name,
        "orgname": organization.name,
        "client_id": application.client_id,
        "token": str(token.pk),
        "sync_id": str(sync.pk),
        "preview_id": str(preview.pk),
        "export_id": "unknown",
        "username": person.username,
        "person": person.username,
        "member": person.username,
        "team": members.name,
        "teamname": members.name,
        "robot": "own",
        "prefix": "rea",
        "external": "somebody",
        "error_type": "not_found",
        "tag": "latest",
    }


def belongings() -> list[Any]:
    """All rows that make up acme and the organizations beside it."""
    organizations = Namespace.objects.filter(name__in=("acme", "empty", "whole"))
    parts: list[QuerySet[Any]] = [
        organizations,
        Repository.objects.filter(namespace__in=organizations),
        Robot.objects.filter(namespace__in=organizations),
        Team.objects.filter(namespace__in=organizations),
        TeamMember.objects.filter(team__namespace__in=organizations),
        Application.objects.filter(namespace__in=organizations),
        RepositoryPermission.objects.all(),
        Mirror.objects.all(),
        Sync.objects.all(),
        OrganizationMirror.objects.all(),
        NotificationTarget.objects.all(),
    ]
    return [list(part.order_by("pk").values()) for part in parts]


def secrets_of(organization: Namespace) -> dict[str, str]:
    """What nobody but its administrators may read, by what it is."""
    secrets = {f"token of {robot}": robot.token or "" for robot in organization.robots.all()}
    return secrets | {f"secret of {each}": each.client_secret or "" for each in organization.applications.all()}


def basic(robot: Robot) -> str:
    """The credentials that docker would send."""
    return "Basic " + base64.b64encode(f"{robot.full_name}:{robot.token}".encode()).decode()


def table_of(world: World) -> str:
    """The table as it is now."""
    found = calls()
    width = max(len(call.address) for call in found) + 9
    lines = [" " * width + " ".join(f"{caller:>9}" for caller in CALLERS)]
    for call in found:
        statuses = " ".join(f"{world.status(call, caller):>9}" for caller in CALLERS)
        lines.append(f"{call.method:<7} {call.address}".ljust(width) + statuses)
    return HEADER + "\n".join(lines) + "\n"


def test_each_caller_is_answered_as_the_table_says(world: World) -> None:
    table = table_of(world)
    if os.environ.get("WRITE_AUTHORIZATION"):
        TABLE.write_text(table, encoding="utf-8")
    assert table == TABLE.read_text(encoding="utf-8")
