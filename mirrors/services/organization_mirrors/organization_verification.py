"""Whether the source of an organization mirror can be reached, and lets its organization be read: asked over HTTP."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from django.conf import settings
from yarl import URL

from mirrors.models import OrganizationMirror, Registry
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci import (
    BlockedDestination,
    Endpoint,
    HostPauses,
    OCIError,
    RegistryTimeout,
    Side,
    Timeouts,
    TLSFailed,
    run_in_background,
)
from mirrors.oci.remote.http.transport import Transport
from mirrors.registries.organizations import CONVERSATIONS, Account, Conversation, Question, Reply, Verdict
from mirrors.services.syncs import connections

DEADLINE = 8.0
"""Seconds for all questions together: clients give up after ten."""
_LARGEST_ANSWER = 4 * 1024 * 1024


def verify(mirror: OrganizationMirror) -> Verdict:
    """Ask the source with the stored credentials; never follows a redirect, never raises for what is wrong there."""
    try:
        account = Account(mirror.source_username or "", mirror.source_password or "")
        endpoint = _endpoint(mirror)
    except DecryptionFailed:
        return Verdict(False, "The stored credentials cannot be decrypted. Enter them again.")
    conversation = CONVERSATIONS[mirror.source_type](mirror.source_namespace, account)
    try:
        return run_in_background(_drive(conversation, endpoint, base=mirror.source_url))
    except (RegistryTimeout, TimeoutError):
        return Verdict(False, "Connection timed out")
    except BlockedDestination:
        return Verdict(False, "The provided registry URL is not allowed")
    except TLSFailed as error:
        return Verdict(False, f"SSL error: {error.message}")
    except OCIError as error:
        return Verdict(False, f"Connection error: {error.message}")


async def _drive(conversation: Conversation, endpoint: Endpoint, *, base: str) -> Verdict:
    transport = Transport(
        endpoint,
        side=Side.SOURCE,
        guard=connections.guard(),
        timeouts=Timeouts(connect=DEADLINE, read=DEADLINE),
        pauses=HostPauses(),
        patience=0,
    )
    async with asyncio.timeout(DEADLINE), transport:
        question = next(conversation)
        while True:
            reply = await _ask(question, transport, base=base)
            try:
                question = conversation.send(reply)
            except StopIteration as end:
                verdict: Verdict = end.value
                return verdict


async def _ask(question: Question, transport: Transport, *, base: str) -> Reply:
    headers = {"Accept": "application/json"}
    if question.authorization:
        headers["Authorization"] = question.authorization
    # Encoded already: a name with a slash in it must stay one part of the path.
    url = URL(base.rstrip("/") + question.path, encoded=True)
    exchange = await transport.send("GET", url, headers=headers)
    try:
        content = await exchange.read(_LARGEST_ANSWER) if exchange.status == 200 else b""
        return Reply(exchange.status, is_object=_is_object(content))
    finally:
        exchange.close()


def _endpoint(mirror: OrganizationMirror) -> Endpoint:
    config = mirror.registry_config
    proxies = config.get("proxy") or {}
    host = urlsplit(mirror.source_url).netloc.lower()
    known = Registry.objects.filter(address=host).order_by("pk").first() or Registry()
    return Endpoint(
        registry=host,
        verify_tls=config.get("verify_tls") is not False,
        ca_certificates=known.ca_certificate or None,
        client_certificate=(known.client_certificate or None) if known.lends_client_certificate else None,
        http_proxy=proxies.get("http_proxy") or None,
        https_proxy=proxies.get("https_proxy") or None,
        no_proxy=proxies.get("no_proxy") or None,
        max_connections=settings.CONNECTIONS_PER_REGISTRY,
    )


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False
