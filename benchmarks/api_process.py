"""Times the lists of the API on one database: `python -m benchmarks.api_process MIRRORS ROUNDS`.

Settings come from the environment. Makes the farm, then asks each address through the WSGI application, in this
process, as a worker of the web server does. Prints one JSON object per address.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.api_seeding import DISCOVERED, LARGE, Farm, seed_farm  # noqa: E402

ONE = f"/api/v1/repository/{LARGE}/team0/app0"
ADDRESSES = (
    ("admin", f"/api/v1/repository?namespace={LARGE}"),
    ("admin", f"/api/v1/repository?namespace={LARGE}&last_modified=true&popularity=true"),
    ("root", "/api/v1/repository?public=true"),
    ("admin", "/api/v1/mirrors"),
    ("admin", "/api/v1/mirrors?states=failed&sort=-last_sync"),
    ("root", "/api/v1/mirrors?limit=200"),
    ("root", "/api/v1/mirrors?late=true"),
    ("root", "/api/v1/mirrors/sums"),
    ("root", "/api/v1/repository/mirror/health"),
    ("root", "/api/v1/repository/mirror/health?detailed=true"),
    ("admin", f"/api/v1/repository/mirror/health?namespace={LARGE}&detailed=true"),
    ("root", "/api/v1/superuser/mirror/health"),
    ("admin", f"/api/v1/organization/{DISCOVERED}/mirror"),
    ("admin", f"/api/v1/organization/{DISCOVERED}/mirror/repositories"),
    ("admin", f"/api/v1/organization/{DISCOVERED}/mirror/repositories?status=FAIL&page=5"),
    ("admin", f"/api/v1/organization/{LARGE}"),
    ("admin", f"/api/v1/organization/{LARGE}/robots?permissions=true&token=false"),
    ("admin", f"/api/v1/organization/{LARGE}/robots"),
    ("admin", f"/api/v1/organization/{LARGE}/logs"),
    ("admin", f"/api/v1/organization/{LARGE}/aggregatelogs"),
    ("admin", f"{ONE}/logs"),
    ("admin", f"{ONE}/mirror"),
    ("admin", f"{ONE}/mirror/syncs?limit=100"),
    ("admin", f"{ONE}/mirror/syncs/SYNC?limit=1000"),
    ("admin", f"{ONE}?includeTags=true"),
    ("admin", f"{ONE}/tag/?limit=100"),
    ("admin", f"{ONE}/notification/"),
    ("admin", f"{ONE}/permissions/user/"),
    ("admin", "/api/v1/user/"),
    ("root", "/api/v1/superuser/users/"),
)


class Caller:
    """Asks the application as the web server does."""

    def __init__(self, farm: Farm) -> None:
        self._application: Any = get_wsgi_application()
        self._farm = farm

    def ask(self, account: str, address: str) -> tuple[str, bytes]:
        """Status and body."""
        path, _, query = address.replace("SYNC", str(self._farm.sync)).partition("?")
        status: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self._farm.tokens[account]}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        }
        answer = self._application(environ, lambda line, *_: status.append(line))
        body = b"".join(answer)
        answer.close()
        return status[0], body


def main(mirrors: int, rounds: int) -> None:
    """Measure all addresses."""
    call_command("migrate", verbosity=0)
    caller = Caller(seed_farm(mirrors))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for account, address in ADDRESSES:
        print(json.dumps(_measured(caller, account, address, rounds=rounds)), flush=True)


def _measured(caller: Caller, account: str, address: str, *, rounds: int) -> dict[str, Any]:
    status, body = caller.ask(account, address)
    with _counted() as queries:
        caller.ask(account, address)
    busy = time.process_time()
    times = sorted(_milliseconds(lambda: caller.ask(account, address)) for _ in range(rounds))
    busy = time.process_time() - busy
    return {
        "address": address,
        "account": account,
        "status": status,
        "bytes": len(body),
        "queries": len(queries),
        "cpu": busy * 1000 / rounds,
        "median": statistics.median(times),
        "p95": times[max(round(len(times) * 0.95) - 1, 0)],
    }


@contextmanager
def _counted() -> Iterator[list[str]]:
    queries: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield queries


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
