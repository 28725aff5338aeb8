"""What Quay and Harbor are asked, and say, about an organization of theirs that is to be mirrored.

Each product is a generator: questions come out, answers go in, and it returns the verdict. Whoever drives it speaks
HTTP. Source of the questions and of their answers: Quay's own organization mirroring (util/orgmirror).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class Account:
    """As whom to ask; an empty password asks as nobody. For Quay the password is an access token."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Question:
    """A GET of this path, below the address of the registry."""

    path: str
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """What came back. is_object: the body is a JSON object, as these questions are answered with."""

    status: int
    is_object: bool = True


@dataclass(frozen=True)
class Verdict:
    """Whether the organization can be read there, and a sentence that says what is wrong."""

    success: bool
    message: str


Conversation = Generator[Question, Reply, Verdict]
SUCCESS = Verdict(True, "Connection successful")


def ask_quay(namespace: str, account: Account) -> Conversation:
    """The token first, then the organization, and where there is none a user of that name."""
    authorization = f"Bearer {account.password}" if account.password else ""
    if authorization:
        reply = yield Question("/api/v1/user/", authorization)
        if reply.status == 401:
            return Verdict(False, "Authentication failed: invalid API token or credentials")
        if reply.status == 403:
            return Verdict(False, "Authentication failed: insufficient permissions")
        if 300 <= reply.status < 400:
            return Verdict(False, f"Registry returned redirect ({reply.status}) during auth check")
    name = quote(namespace, safe="")
    reply = yield Question(f"/api/v1/organization/{name}", authorization)
    if reply.status == 404:
        reply = yield Question(f"/api/v1/users/{name}", authorization)
    if reply.status == 404:
        return Verdict(False, f"Namespace '{namespace}' not found")
    if reply.status in (401, 403):
        return Verdict(False, "Authentication failed")
    return _of(reply)


def ask_harbor(namespace: str, account: Account) -> Conversation:
    """The project, with user name and password."""
    reply = yield Question(f"/api/v2.0/projects/{quote(namespace, safe='')}", _basic(account))
    if reply.status == 401:
        return Verdict(False, "Authentication failed")
    if reply.status == 403:
        return Verdict(False, "Access forbidden - check permissions")
    if reply.status == 404:
        return Verdict(False, f"Project '{namespace}' not found")
    return _of(reply)


def _of(reply: Reply) -> Verdict:
    if reply.status != 200:
        return Verdict(False, f"Unexpected response: {reply.status}")
    if not reply.is_object:
        return Verdict(False, "Unexpected response: 200, but no JSON object. Check the address and the type.")
    return SUCCESS


def _basic(account: Account) -> str:
    if not account.username:
        return ""
    return "Basic " + base64.b64encode(f"{account.username}:{account.password}".encode()).decode("ascii")


CONVERSATIONS: dict[str, Callable[[str, Account], Conversation]] = {"harbor": ask_harbor, "quay": ask_quay}
"""By the type of the source."""
