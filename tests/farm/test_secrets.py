"""No secret gets out: logs, broker, database, process list, API answers and pages are searched for planted ones."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import requests

from mirrors.sample.images import small_image
from tests.fixtures.databases import BROKER_PASSWORD, DATABASE_PASSWORD, PostgresServer, RedisServer
from tests.fixtures.farms import ADMIN_PASSWORD, SECRET_KEY, Farm, FarmMirror, Organization
from tests.fixtures.processes import ROOT
from tests.fixtures.registries import SOURCE_ACCOUNT, TARGET_ACCOUNT, DockerRegistry

pytestmark = pytest.mark.farm

WRONG_PASSWORD = "wrong-password-6Hd3"
PROXY_PASSWORD = "proxy-password-4Fe7"
REFERENCE_PASSWORD = "reference-password-8Uy5"


class Eavesdropper:
    """Hears every command that reaches the broker (MONITOR) while it is open, task messages decoded."""

    def __init__(self, broker: RedisServer) -> None:
        self.heard: list[str] = []
        self._client = broker.client()
        self._monitor = self._client.monitor()
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._monitor.connection.disconnect()
        self._thread.join(5)

    @property
    def tasks(self) -> list[tuple[str, list[object]]]:
        """Name and positional arguments of every task message."""
        return [(message["headers"]["task"], json.loads(body)[0]) for message, body in self._messages()]

    @property
    def text(self) -> str:
        """All of it, with the bodies of messages in clear."""
        return "\n".join([*self.heard, *(body for _, body in self._messages())])

    def _listen(self) -> None:
        try:
            for command in self._monitor.listen():
                self.heard.append(str(command["command"]))
        except (redis.RedisError, OSError, ValueError, AttributeError):
            return  # closed

    def _messages(self) -> Iterator[tuple[dict[str, dict[str, str]], str]]:
        for command in self.heard:
            found = re.match(r"LPUSH mirrorfarm:\S+ (\{.*\})$", command, re.DOTALL)
            if found:
                message = json.loads(found[1].replace('\\"', '"').replace("\\\\", "\\"))
                yield message, base64.b64decode(message["body"]).decode()


@pytest.fixture
def eavesdropper(farm: Farm) -> Iterator[Eavesdropper]:
    """One at the farm's broker."""
    listener = Eavesdropper(farm.broker)
    yield listener
    listener.close()


@pytest.fixture
def source(make_docker_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A registry that wants a login."""
    registry = make_docker_registry(account=SOURCE_ACCOUNT)
    registry.push("secret/app", {"v1": small_image(61)})
    return registry


def test_no_planted_secret_is_found_anywhere(
    farm: Farm,
    eavesdropper: Eavesdropper,
    source: DockerRegistry,
    remote_organization: Organization,
    request: pytest.FixtureRequest,
) -> None:
    answers: list[str] = []
    mirrors = use_every_secret(farm, remote_organization, source)
    answers += use_doors_wrongly(farm, mirrors[0])
    answers += look_at_everything(farm, mirrors)

    eavesdropper.close()
    assert [task for task in eavesdropper.tasks if task[0] == "tasks.syncs.run_sync"]
    assert all(isinstance(argument, int) for _, arguments in eavesdropper.tasks for argument in arguments)
    places = {
        **{f"log of {name}": text for name, text in farm.logs().items()},
        "broker": eavesdropper.text,
        "answers": "\n".join(answers),
        "database": database_of(farm, request),
        "process list": command_lines(),
    }
    for name, secret in secrets_of(farm, remote_organization).items():
        forms = {secret, base64.b64encode(secret.encode()).decode()}
        found = [place for place, text in places.items() if any(form in text for form in forms)]
        assert not found, f"{name} is in {found}"
    for place in ("answers", "database"):
        assert source.address in places[place], f"{place} was not looked at"


def secrets_of(farm: Farm, organization: Organization) -> dict[str, str]:
    """Everything that must stay inside, by what it is."""
    return {
        "the source's password": SOURCE_ACCOUNT.password,
        "the target's password": TARGET_ACCOUNT.password,
        "a wrong password": WRONG_PASSWORD,
        "a proxy's password": PROXY_PASSWORD,
        "a password in a reference": REFERENCE_PASSWORD,
        "the robot's token": organization.token,
        "the access token": farm.access_token,
        "the administrator's password": ADMIN_PASSWORD,
        "SECRET_KEY": SECRET_KEY,
        "the encryption key": farm.encryption_key,
        "the database's password": DATABASE_PASSWORD,
        "the broker's password": BROKER_PASSWORD,
    }


def use_every_secret(farm: Farm, organization: Organization, source: DockerRegistry) -> list[FarmMirror]:
    """Syncs that succeed and fail with credentials and proxies."""
    login = {"source_username": SOURCE_ACCOUNT.username, "source_password": SOURCE_ACCOUNT.password}
    reference = f"{source.address}/secret/app"
    proxy = f"http://proxy-user:{PROXY_PASSWORD}@127.0.0.1:9"
    right = organization.mirror(reference, public=False, **login)
    wrong = organization.mirror(reference, **login | {"source_password": WRONG_PASSWORD})
    # Not a loopback address: nobody takes a proxy to those.
    proxied = organization.mirror("registry.invalid/secret/app", **login, http_proxy=proxy, https_proxy=proxy)
    assert right.sync().status == "succeeded"
    assert wrong.sync().error_code == "auth_failed"
    assert proxied.first_failure().error_code == "connection"
    return [right, wrong, proxied]


def use_doors_wrongly(farm: Farm, mirror: FarmMirror) -> list[str]:
    """Secrets where they do not belong, and half of what is right; gives the answers."""
    reference = f"user:{REFERENCE_PASSWORD}@registry.example.com/team/app"
    api = farm.api("PUT", f"repository/{mirror.full_name}/mirror", json={"external_reference": reference})
    half = farm.api("PUT", f"repository/{mirror.full_name}/mirror", json={"external_registry_password": WRONG_PASSWORD})
    robot, token = mirror.organization.robot, mirror.organization.token
    scope = f"repository:{mirror.full_name}:pull"
    challenge = requests.get(f"{farm.public_url}/v2/{mirror.full_name}/tags/list", timeout=10)
    realm = re.search(r'realm="([^"]+)"', challenge.headers["WWW-Authenticate"])
    assert realm
    refused = requests.get(realm[1], params={"scope": scope}, auth=(robot, WRONG_PASSWORD), timeout=10)
    granted = requests.get(realm[1], params={"scope": scope}, auth=(robot, token), timeout=10)
    assert (api.status_code, half.status_code, refused.status_code, granted.status_code) == (400, 400, 401, 200)
    shell = farm.manage("mirror", "add", reference, "secret-org/app", "--tags=*", check=False)
    assert shell.returncode == 2
    sign_in = requests.post(
        f"{farm.public_url}/signin", data={"username": "admin", "password": WRONG_PASSWORD}, timeout=9
    )
    return [api.text, half.text, refused.text, shell.stdout + shell.stderr, sign_in.text]


def look_at_everything(farm: Farm, mirrors: list[FarmMirror]) -> list[str]:
    """What the doors show of these mirrors. (The robots' own endpoint gives their tokens: that is what it is for.)"""
    visitor = farm.visitor()
    shown = [farm.manage("mirror", "list").stdout, visitor.get("/repository").text]
    for mirror in mirrors:
        path = f"repository/{mirror.full_name}"
        shown += [farm.api("GET", f"{path}/mirror{end}").text for end in ("", "/syncs")]
        shown += [farm.api("GET", f"{path}/mirror/syncs/{sync.id}").text for sync in mirror.syncs()]
        shown += [visitor.get(f"/{path}?tab={tab}").text for tab in ("information", "mirroring")]
        shown.append(farm.manage("mirror", "show", mirror.full_name).stdout)
    for listing in set(re.findall(r'href="(/admin/mirrors/\w+/)"', visitor.get("/admin/").text)):
        page = visitor.get(listing).text
        shown += [page, *(visitor.get(link).text for link in set(re.findall(rf'href="({listing}\d+/change/)', page)))]
    return shown


def database_of(farm: Farm, request: pytest.FixtureRequest) -> str:
    """Everything that is at rest."""
    if farm.profile == "embedded":
        files = [path for path in (farm.directory / "data").glob("*.sqlite3*") if path.is_file()]
        assert files
        return "".join(path.read_bytes().decode("latin-1") for path in files)
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.dump("farm")


def command_lines() -> str:
    """How every process of the farm was started, as anyone on the machine can see it."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        if "mirrorfarm" in line or str(ROOT) in line:
            lines.append(line)
    assert any("celery" in line for line in lines)
    return "\n".join(line for line in lines if "requirepass" not in line)
