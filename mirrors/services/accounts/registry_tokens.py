"""Tokens for pulling from `/v2/`: who gets one, what it lets its holder pull, and whether a request may be answered.

Source: the token authentication specification of CNCF distribution (docs/content/spec/auth). Tokens live for minutes
and are not stored: a right that is taken away ends with the token at the latest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

import jwt
from django.contrib.auth import authenticate
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

from mirrors.errors import InvalidInput
from mirrors.models import Repository, Robot, User
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci.images.names import is_repository_name
from mirrors.services import access
from mirrors.services.accounts import access_tokens

logger = logging.getLogger(__name__)

Account = User | Robot

LIFETIME = timedelta(minutes=5)
MAX_SCOPES = 10
ACCESS_TOKEN_USER = "$oauthtoken"  # noqa: S105 - the user name that says "the password is an access token"
PULL_SCOPES = frozenset({"repo:read", "repo:write", "repo:admin"})
USE_IS_NOTED_EVERY = timedelta(minutes=1)

_ISSUER, _AUDIENCE, _ALGORITHM = "mirrorfarm", "mirrorfarm-registry", "HS256"


class PullAccess(Enum):
    """Whether a repository may be read with a token (or without one), and if not, what helps."""

    GRANTED = auto()
    SIGN_IN = auto()
    DENIED = auto()


@dataclass(frozen=True, slots=True)
class RegistryToken:
    """What a token says: whose it is (empty: nobody's), and whether each repository asked for may be pulled."""

    subject: str
    pulls: dict[str, bool]


@sensitive_variables("password")
def authenticate_account(username: str, password: str) -> Account | None:
    """The account of these credentials, or None; nothing tells a wrong name from a wrong password."""
    if username == ACCESS_TOKEN_USER:
        return _user_of_access_token(password)
    if "+" in username:
        return _robot(username, password)
    user = authenticate(username=username, password=password)
    return user if isinstance(user, User) else None


def issue(account: Account | None, *, scopes: Iterable[str]) -> str:
    """A signed token for what the account may pull of what it asks for; None is an anonymous client.

    scopes: `repository:namespace/name:pull,push`, several to a string or not. Only pulling is ever granted.
    Raises InvalidInput for more than MAX_SCOPES repositories.
    """
    names = {name for scope in scopes for part in scope.split() if (name := _name_to_pull(part))}
    if len(names) > MAX_SCOPES:
        raise InvalidInput(f"Ask for at most {MAX_SCOPES} repositories with one token.", field="scope")
    now = int(time.time())
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": _subject(account),
        "iat": now,
        "exp": now + int(LIFETIME.total_seconds()),
        "access": [_entry(account, name) for name in sorted(names)],
    }
    return jwt.encode(claims, _signing_key(), algorithm=_ALGORITHM)


def verify(text: str) -> RegistryToken | None:
    """The token behind this text, or None where it is not ours, altered or expired."""
    try:
        claims = jwt.decode(
            text,
            _signing_key(),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": ["exp", "aud", "iss", "sub"]},
        )
    except jwt.InvalidTokenError:
        return None
    return RegistryToken(claims["sub"], {entry["name"]: "pull" in entry["actions"] for entry in claims["access"]})


def pull_access(name: str, *, token: RegistryToken | None) -> PullAccess:
    """Whether the repository may be read. An unknown repository looks like a forbidden one."""
    repository = _find(name)
    if token is None or name not in token.pulls:
        # Nobody has asked for this repository yet: only what is open to everyone is answered.
        return PullAccess.GRANTED if repository and access.may_pull(None, repository) else PullAccess.SIGN_IN
    if token.pulls[name] and repository:
        return PullAccess.GRANTED
    return PullAccess.DENIED if token.subject else PullAccess.SIGN_IN


def _entry(account: Account | None, name: str) -> dict[str, object]:
    repository = _find(name)
    may_pull = repository is not None and access.may_pull(account, repository)
    return {"type": "repository", "name": name, "actions": ["pull"] if may_pull else []}


def _find(full_name: str) -> Repository | None:
    """The repository of this name whose content is kept in the built-in store."""
    namespace, _, name = full_name.partition("/")
    repositories = Repository.objects.select_related("namespace")
    return repositories.filter(namespace__name=namespace, name=name, namespace__target_registry=None).first()


def _name_to_pull(scope: str) -> str:
    """The name of `repository:<name>:<actions>` where pulling is among the actions, else nothing."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    wanted = kind == "repository" and "pull" in actions.split(",")
    return name if wanted and is_repository_name(name) else ""


def _subject(account: Account | None) -> str:
    if account is None:
        return ""
    return account.full_name if isinstance(account, Robot) else account.username


@sensitive_variables("text")
def _user_of_access_token(text: str) -> User | None:
    token = access_tokens.find_token(text)
    if token is None or not token.scope_set & PULL_SCOPES:
        return None
    return access.user_of(token)


@sensitive_variables("password")
def _robot(full_name: str, password: str) -> Robot | None:
    namespace, _, name = full_name.partition("+")
    robots = Robot.objects.select_related("namespace__user")
    robot = robots.filter(namespace__name=namespace, name=name).first()
    if robot is None or not _is_token_of(robot, password):
        return None
    owner = robot.namespace.user
    if owner is not None and not owner.is_active:
        return None
    _note_use(robot)
    return robot


@sensitive_variables("password")
def _is_token_of(robot: Robot, password: str) -> bool:
    try:
        return constant_time_compare(robot.token or "", password) and bool(password)
    except DecryptionFailed:
        logger.exception("The token of the robot %s cannot be decrypted; it cannot sign in", robot.full_name)
        return False


def _note_use(robot: Robot) -> None:
    now = timezone.now()
    if robot.last_accessed_at is None or now - robot.last_accessed_at > USE_IS_NOTED_EVERY:
        Robot.objects.filter(pk=robot.pk).update(last_accessed_at=now)


def _signing_key() -> bytes:
    return salted_hmac("mirrors.services.accounts.registry_tokens", "signing key", algorithm="sha256").digest()
