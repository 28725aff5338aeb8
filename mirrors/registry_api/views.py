"""The read-only distribution API over the built-in store, and the endpoint where clients get their tokens."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from mirrors.errors import InvalidInput, TooManyAttempts
from mirrors.oci.store.distribution import Endpoint, ErrorCode, Kind, Refusal, parse_path, read
from mirrors.registry_api.responses import respond
from mirrors.services.accounts import registry_tokens
from mirrors.services.accounts.registry_tokens import Account, PullAccess, RegistryToken
from mirrors.services.syncs import connections


@csrf_exempt
def registry(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Everything but the token endpoint: the version check, tags, manifests, referrers, blobs."""
    method = request.method or ""
    try:
        endpoint = parse_path(path, method=method)
        _check_access(request, endpoint)
        answer = read(connections.store(), endpoint, query=request.GET.dict(), headers=request.headers, method=method)
        return respond(answer, method=method)
    except Refusal as refusal:
        return respond(refusal.answer, method=method)
    except FileNotFoundError:  # collected as garbage between finding and opening
        return respond(Refusal(404, ErrorCode.BLOB_UNKNOWN, "The blob is gone.").answer, method=method)


@csrf_exempt
def token(request: HttpRequest) -> HttpResponseBase:
    """A token for the scopes asked for; without credentials, for what is public."""
    try:
        # Anything else is refused in the words of the specification.
        parse_path("", method=request.method or "")
        account = _account(request)
        text = registry_tokens.issue(account, scopes=request.GET.getlist("scope"))
    except InvalidInput as error:
        return respond(Refusal(400, ErrorCode.UNSUPPORTED, error.message).answer, method=request.method or "")
    except TooManyAttempts as error:
        wait = {"Retry-After": str(error.retry_after)}
        refusal = Refusal(429, ErrorCode.TOOMANYREQUESTS, error.message, headers=wait)
        return respond(refusal.answer, method=request.method or "")
    except Refusal as refusal:
        return respond(refusal.answer, method=request.method or "")
    body = {
        "token": text,
        "access_token": text,
        "expires_in": int(registry_tokens.LIFETIME.total_seconds()),
        "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})


def _check_access(request: HttpRequest, endpoint: Endpoint) -> None:
    """Raise the Refusal that the caller gets, if any."""
    held = _bearer_token(request)
    if endpoint.kind is Kind.VERSION:
        if held is None:
            raise _sign_in(request)
        return
    decision = registry_tokens.pull_access(endpoint.name, token=held)
    if decision is PullAccess.SIGN_IN:
        raise _sign_in(request, name=endpoint.name)
    if decision is PullAccess.DENIED:
        message = f"There is no repository {endpoint.name} here, or this account may not pull it."
        raise Refusal(403, ErrorCode.DENIED, message)


def _bearer_token(request: HttpRequest) -> RegistryToken | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return registry_tokens.verify(text.strip()) if scheme.lower() == "bearer" else None


def _sign_in(request: HttpRequest, *, name: str = "") -> Refusal:
    realm = request.build_absolute_uri(reverse("registry_api:token"))
    challenge = f'Bearer realm="{realm}",service="{request.get_host()}"'
    if name:
        challenge += f',scope="repository:{name}:pull"'
    message = "Sign in first: docker login, or credentials of a robot or user with the right to pull."
    return Refusal(401, ErrorCode.UNAUTHORIZED, message, headers={"WWW-Authenticate": challenge})


@sensitive_variables("password")
def _account(request: HttpRequest) -> Account | None:
    """Whose credentials the request carries; None where it carries none. Raises Refusal for wrong ones."""
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    username, password = _basic_credentials(header)
    account = registry_tokens.authenticate_account(username, password)
    if account is None:
        challenge = {"WWW-Authenticate": f'Basic realm="{request.get_host()}"'}
        message = "The user name or the password is wrong. A robot signs in as namespace+name with its token."
        raise Refusal(401, ErrorCode.UNAUTHORIZED, message, headers=challenge)
    return account


def _basic_credentials(header: str) -> tuple[str, str]:
    """User name and password of a Basic header; empty ones, which fit no account, where it cannot be read."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:  # neither Base64, nor ASCII, nor UTF-8 inside
        return "", ""
    username, _, password = text.partition(":")
    # RFC 7617 forbids control characters, and PostgreSQL takes no NUL.
    return (username, password) if text.isprintable() else ("", "")
