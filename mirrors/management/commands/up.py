"""`manage.py up`: the whole farm on this machine under one command; `make up` calls it."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser
from rich.console import Console

from mirrorfarm.environment import Environment
from mirrors.errors import InvalidInput, MirrorError
from mirrors.management import demonstration, farm_services
from mirrors.management.broker import HOST, forget_broker, is_free, prepare_broker
from mirrors.management.command import MirrorfarmCommand, shell_command
from mirrors.management.run_lock import only_one
from mirrors.management.supervisor import Supervisor
from mirrors.models import Mirror
from mirrors.sample import address as sample_address
from mirrors.services.accounts import access_tokens, people

FIRST_TOKEN_SCOPES = ["repo:admin", "repo:create", "org:admin", "user:admin"]
DUE_LOOK_SECONDS = "5"  # REPO_MIRROR_INTERVAL here, where nobody wants to wait half a minute for the first sync
BROKER_PATIENCE = 20.0
WEB_PATIENCE = 60.0
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only when it is asked for
LAST_PORT = 65535
MOST_WORKERS = 64
SUMMARY = """
Mirrorfarm is ready. Ctrl-C stops it. Its data is in {data_dir}.

  Pages     {url}/
  API       {url}/api/v1/
  Admin     {url}/admin/
  Flower    http://{host}:{flower_port}/ (to look at only)
  Sign in   {sign_in}
{token}
Try next, in another terminal:
{commands}
"""


@dataclass(frozen=True)
class Account:
    """Who may sign in; password and token are empty unless they were made just now."""

    username: str
    password: str = ""
    token: str = ""


class Command(MirrorfarmCommand):
    """Start web server, beat, workers, Flower and a broker, and keep them running."""

    help = (
        "Start the whole farm on this machine: broker, workers, beat, web server and Flower, and a demonstration "
        "repository. Ctrl-C stops it. DATA_DIR says where it keeps its data (default: data/)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ports, how many workers, and whether to demonstrate."""
        parser.add_argument("--port", type=_port, default=8000, help="port of the web server (8000)")
        parser.add_argument("--address", default=HOST, help=f"address the web server listens on ({HOST})")
        parser.add_argument("--flower-port", type=_port, default=5555, help="port of Flower (5555)")
        parser.add_argument("--workers", type=_count, default=2, help="syncs at the same time (2)")
        parser.add_argument(
            "--no-demo",
            dest="demo",
            action="store_false",
            help="do not mirror the sample repository",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until a signal; SIGTERM and SIGHUP are as good as Ctrl-C."""
        # SIGINT too: a shell that starts us in the background has it ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        directory = settings.DATA_DIR / "run"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        console = self.console()
        try:
            with only_one(directory, say=console.print) as leftovers:
                _check_ports(options)
                os.environ.update(farm_services.unset(_environment(options)))
                with _supervised(console, leftovers) as supervisor:
                    _run(supervisor, console, options)
        except KeyboardInterrupt:
            console.print("Mirrorfarm has stopped.")


def _run(supervisor: Supervisor, console: Console, options: dict[str, Any]) -> NoReturn:
    """Start everything, in the order of who needs whom; then wait for a signal."""
    console.print(f"Mirrorfarm is starting; its data is in {settings.DATA_DIR}.", markup=False, soft_wrap=True)
    _start_broker(supervisor)
    call_command("migrate", interactive=False, verbosity=0)
    account = _account()
    mirror = _set_up_demonstration(supervisor) if options["demo"] and settings.EMBEDDED else None
    supervisor.start(*farm_services.worker_services(workers=options["workers"]))
    supervisor.start(
        farm_services.web_service(address=options["address"], port=options["port"]),
        farm_services.beat_service(schedule=settings.DATA_DIR / "run" / "beat-schedule"),
        farm_services.flower_service(port=options["flower_port"]),
    )
    if mirror is not None:
        _show_demonstration(mirror, console)
    url = _local_url(options)
    _wait_for(lambda: _answers(url), WEB_PATIENCE, "The web server does not answer: see the log lines of web above.")
    console.print(_summary(account, options, demonstrated=mirror is not None), markup=False, soft_wrap=True)
    while True:
        signal.pause()


def _start_broker(supervisor: Supervisor) -> None:
    """Our own, unless BROKER_URL names one."""
    if Environment().text("BROKER_URL"):
        return
    broker = prepare_broker(settings.DATA_DIR)
    supervisor.start(farm_services.broker_service(broker))
    _wait_for(broker.answers, BROKER_PATIENCE, "The broker does not answer: see the log lines of valkey above.")


def _account() -> Account:
    """The administrator; made at the first start, with a token."""
    administrator = people.find_administrator()
    if administrator is not None:
        return Account(administrator.username)
    administrator, password = people.create_administrator()
    _, token = access_tokens.issue_token(administrator, name="made by manage.py up", scopes=FIRST_TOKEN_SCOPES)
    return Account(administrator.username, password, token)


def _set_up_demonstration(supervisor: Supervisor) -> Mirror | None:
    """Start the sample registry and make the mirror that reads from it."""
    administrator = people.find_administrator()
    if administrator is None:
        return None
    port = demonstration.choose_port()
    sample_address.announce(settings.DATA_DIR, address=f"{HOST}:{port}")
    supervisor.start(farm_services.sample_service(port=port, root=settings.DATA_DIR / "sample"))
    return demonstration.set_up(port=port, by=administrator)


def _show_demonstration(mirror: Mirror, console: Console) -> None:
    try:
        demonstration.show(mirror, console=console)
    except MirrorError as error:  # the farm runs all the same
        console.print(error.message, markup=False, soft_wrap=True)


@contextmanager
def _supervised(console: Console, leftovers: int) -> Iterator[Supervisor]:
    """A supervisor whose processes end with the block, however it ends."""
    supervisor = Supervisor(console=console, directory=settings.BASE_DIR, held_until_all_ended=leftovers)
    try:
        yield supervisor
    finally:
        supervisor.stop()
        forget_broker(settings.DATA_DIR)
        sample_address.forget(settings.DATA_DIR)


def _check_ports(options: dict[str, Any]) -> None:
    """Before anything is started, so that nothing has to be undone."""
    if options["port"] == options["flower_port"]:
        raise InvalidInput(f"--port and --flower-port are both {options['port']}: give two different ports.")
    for option, host in (("port", options["address"]), ("flower_port", HOST)):
        port, argument = options[option], "--" + option.replace("_", "-")
        if not is_free(port, host=host):
            raise InvalidInput(
                f"Port {port} of {host} is taken by another program. Choose another with {argument}, "
                f"for example: make up ARGS='{argument} {port + 1 if port < LAST_PORT else 8000}'"
            )


def _environment(options: dict[str, Any]) -> dict[str, str]:
    """What the processes find in their environment, unless it is set already."""
    return {"PUBLIC_URL": _local_url(options), "REPO_MIRROR_INTERVAL": DUE_LOOK_SECONDS}


def _local_url(options: dict[str, Any]) -> str:
    """How this machine reaches the web server."""
    host = HOST if options["address"] == EVERY_ADDRESS else options["address"]
    return f"http://{host}:{options['port']}"


def _answers(url: str) -> bool:
    try:
        # trust_env: a proxy of the environment is not for this machine's own address.
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{url}/", timeout=5, allow_redirects=False).status_code < 500
    except requests.RequestException:
        return False


def _wait_for(condition: Callable[[], bool], patience: float, sentence: str) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise MirrorError(sentence)
        time.sleep(0.2)


def _summary(account: Account, options: dict[str, Any], *, demonstrated: bool) -> str:
    url = Environment().url("PUBLIC_URL", schemes=("http", "https")).rstrip("/")
    sign_in = f"{account.username}, password {account.password} (shown this once)"
    token = f"  Token     {account.token} (for the API; shown this once)\n"
    if not account.password:
        sign_in = f"{account.username} (a new password: {shell_command(f'changepassword {account.username}')})"
        token = ""
    commands = "\n".join(f"  {line}" for line in _next_commands(url, account, demonstrated=demonstrated))
    return SUMMARY.format(
        data_dir=settings.DATA_DIR,
        url=url,
        host=HOST,
        flower_port=options["flower_port"],
        sign_in=sign_in,
        token=token,
        commands=commands,
    )


def _next_commands(url: str, account: Account, *, demonstrated: bool) -> Iterator[str]:
    scheme, _, registry = url.partition("://")
    if demonstrated:
        insecure = "--tls-verify=false " if scheme == "http" else ""
        image = f"{registry}/{demonstration.FULL_NAME}:latest"
        yield f"skopeo inspect {insecure}docker://{image}"
        yield f"skopeo copy {insecure.replace('--', '--src-')}docker://{image} dir:/tmp/hello"
        yield f"docker pull {image}"
        header = f'"Authorization: Bearer {account.token or "$TOKEN"}"'
        yield f"curl -H {header} {url}/api/v1/repository/{demonstration.FULL_NAME}/mirror"
    yield shell_command("mirror add quay.io/prometheus/busybox myorg/busybox --tags latest --every 6h")
    yield shell_command("mirror list")
    if not account.token:
        yield shell_command(f"access_token {account.username} --name mine --scopes 'repo:admin org:admin'")


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 1 to {LAST_PORT}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"give a number from 1 to {MOST_WORKERS}")
    return int(text)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
