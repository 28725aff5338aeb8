from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from mirrors import oci
from mirrors.oci import Endpoint, NameNotResolved, RegistryClient, RegistryTimeout, RemoteRepository, Side, Timeouts


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set at the end of the test: until then the name server of example.com says nothing."""
    over, ask = threading.Event(), socket.getaddrinfo

    def wait(host: str, *arguments: Any, **options: Any) -> list[Any]:
        if host.endswith("example.com"):
            over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    return over


async def list_tags(host: str, *, connect: float = 10.0) -> list[str]:
    client = RegistryClient(Endpoint(host), side=Side.SOURCE, timeouts=Timeouts(connect=connect), attempts=1)
    async with client:
        return await RemoteRepository(client, "library/app").list_tags()


def test_a_cancelled_copy_does_not_wait_for_a_silent_name_server(silence: threading.Event) -> None:
    async def cancelled() -> None:
        listing = asyncio.create_task(list_tags("registry.example.com"))
        await asyncio.sleep(0.05)
        listing.cancel()
        await listing

    with pytest.raises(asyncio.CancelledError):
        oci.run(cancelled())
    silence.set()


def test_a_silent_name_server_is_given_up_after_the_time_for_a_connection(silence: threading.Event) -> None:
    with pytest.raises(RegistryTimeout):
        oci.run(list_tags("registry.example.com", connect=0.1))
    silence.set()


def test_a_name_that_does_not_exist_is_told_from_a_host_that_is_down() -> None:
    with pytest.raises(NameNotResolved):
        oci.run(list_tags("no-such-host.invalid"))
