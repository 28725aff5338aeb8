"""`make up` as a newcomer types it: in a copy of the project without a virtual environment or data.

Slow, because it installs the requirements from the package index and starts whole farms.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.fixtures.processes import BARE, ROOT, Process
from tests.fixtures.tools import program
from tests.fixtures.waiting import free_port, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds processes by way of /proc"),
]

READY = "Mirrorfarm is ready."
PACKAGE_INDEX = re.compile(r"PIP_|PYENV_|.*_PROXY$|.*_proxy$|.*CERT|.*_CA_|XDG_CACHE")
"""What pip may need of the environment besides BARE."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree's files as a fresh clone would have them."""
    target = tmp_path_factory.mktemp("up") / "mirrorfarm"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    return target


class Up:
    """`make up` in the checkout, on free ports."""

    def __init__(self, checkout: Path, log: Path) -> None:
        self.checkout = checkout
        self.port, self.flower_port = free_port(), free_port()
        python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        options = f"--port {self.port} --flower-port {self.flower_port}"
        command = ["make", "-C", checkout, "up", f"PYTHON={python}", f"ARGS={options}"]
        environment = {name: value for name, value in os.environ.items() if PACKAGE_INDEX.match(name)}
        self.process = Process("make up", command, log=log, environment=environment)

    def start(self, *, timeout: float) -> str:
        """Start it and wait until it is ready; gives its output."""
        self.process.start()
        wait_until(self._is_ready, timeout, lambda: f"{READY} Its output:\n{self.process.tail(80)}")
        return self.process.output

    def wait_for(self, text: str, timeout: float = 30) -> None:
        """Wait until it has printed this."""
        wait_until(lambda: text in self.process.output, timeout, lambda: f"{text} in:\n{self.process.tail(80)}")

    def interrupt(self) -> None:
        """Press Ctrl-C and wait for the end."""
        self.process.signal(signal.SIGINT)
        wait_until(lambda: not self.process.is_running, 60, lambda: f"the end. Its output:\n{self.process.tail(80)}")

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py beside it, as in another terminal."""
        command = [self.checkout / ".venv/bin/python", "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.checkout, env=BARE | environment, capture_output=True, text=True, check=False
        )

    def children(self) -> dict[int, str]:
        """Every process of this farm: process id and command line."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                directory = (entry / "cwd").readlink()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if command and directory.is_relative_to(self.checkout):
                found[int(entry.name)] = command
        return found

    def child(self, part: str) -> int:
        """The first process with this in its command line."""
        return min(pid for pid, command in self.children().items() if part in command)

    def _is_ready(self) -> bool:
        assert self.process.is_running, f"make up ended:\n{self.process.tail(80)}"
        return READY in self.process.output and "mirror list" in self.process.output


@pytest.fixture
def make_up(checkout: Path, tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """A `make up` that is not started yet."""
    runs: list[Up] = []

    def make() -> Up:
        run = Up(checkout, tmp_path / f"up-{len(runs)}.log")
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.process.kill()


def test_a_newcomer_types_make_up(make_up: Callable[[], Up], tmp_path: Path) -> None:
    skopeo = program("skopeo")
    up = make_up()
    output = up.start(timeout=400)
    registry = f"127.0.0.1:{up.port}"
    password = _printed(r"Sign in   admin, password (\S+)", output)
    token = _printed(r"Token     (\S+)", output)

    # The demonstration came the real way: the schedule, not a person, asked for it.
    assert re.search(r"demo/hello: The sync succeeded after [\d.]+ s\. Tags: 4 copied\.", output)
    mirror = requests.get(
        f"http://{registry}/api/v1/repository/demo/hello/mirror",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert mirror.json()["sync_status"] == "SUCCESS"
    _sign_in(f"http://{registry}", password)
    assert requests.get(f"http://127.0.0.1:{up.flower_port}/", timeout=10).ok

    image = f"docker://{registry}/demo/hello:latest"
    inspected = subprocess.run([skopeo, "inspect", "--tls-verify=false", image], check=True, capture_output=True)
    assert json.loads(inspected.stdout)["RepoTags"] == ["1.0", "1.1", "2.0", "latest"]
    copy = ["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", image, f"dir:{tmp_path / 'hello'}"]
    subprocess.run([skopeo, *copy], check=True)

    broker_password = _printed(r"requirepass (\S+)", (up.checkout / "data/run/valkey.conf").read_text())
    commands = "\n".join(up.children().values())
    assert not any(secret in commands for secret in (password, token, broker_password))

    os.kill(up.child("gunicorn"), signal.SIGKILL)
    up.wait_for("web was ended by signal 9 (Killed); starting it again in 1 s.")
    wait_until(lambda: _answers(f"http://{registry}/"), 30, "the web server is back")

    up.interrupt()
    assert "Mirrorfarm has stopped." in up.process.output
    assert up.children() == {}


def test_the_next_run_reuses_everything_even_after_a_kill(make_up: Callable[[], Up]) -> None:
    first = make_up()
    first.start(timeout=400)
    os.kill(first.child("manage.py up"), signal.SIGKILL)

    second = make_up()
    output = second.start(timeout=60)

    assert "demo/hello has been mirrored before." in output
    assert "password" not in output.replace("a new password", "").replace("changepassword", "")
    listed = second.manage("mirror", "list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["REPOSITORY", "demo/hello"]
    watched = second.manage("mirror", "sync", "demo/hello")
    assert (watched.returncode, "Tags: 4 unchanged." in watched.stdout) == (0, True)

    third = second.manage("up")
    assert (third.returncode, third.stderr.startswith("A farm is running already on")) == (2, True)
    ports = ["--port", str(second.port), "--flower-port", str(free_port())]
    fourth = second.manage("up", *ports, DATA_DIR=str(second.checkout / "elsewhere"))
    assert fourth.returncode == 2
    assert f"Port {second.port} of 127.0.0.1 is taken by another program. Choose another with --port" in fourth.stderr

    second.interrupt()
    assert second.children() == {}


def _printed(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    assert match, f"{pattern} in:\n{output}"
    return match[1]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _sign_in(url: str, password: str) -> None:
    with requests.Session() as session:
        page = session.get(f"{url}/admin/login/", timeout=10)
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post(page.url, data=form, headers={"Referer": url}, timeout=10, allow_redirects=False)
        assert answer.status_code == 302, answer.text
