from __future__ import annotations

import json
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict

from mirrors.oci import AuthFailed, ImmutableTag, OCIError, QuotaExceeded, RateLimited, Refused, Side, Unsupported
from mirrors.oci.remote.http.faults import is_complaint, status_error

KEY = ConnectionKey("registry.example", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "complains"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ServerTimeoutError(), True),
        (aiohttp.ClientOSError(104, "reset"), True),
        (aiohttp.ClientPayloadError(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (aiohttp.ConnectionTimeoutError(), False),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), False),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown")), False),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("no TLS")), False),
        (aiohttp.ClientResponseError(None, ()), False),  # type: ignore[arg-type]
    ],
)
def test_a_host_complains_by_cutting_off_and_not_by_being_away(error: Exception, complains: bool) -> None:
    assert is_complaint(error) is complains


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (412, "PRECONDITION", "Failed to process request due to 'v1' configured as immutable.", ImmutableTag),
        (403, "DENIED", "the tag v1 is immutable", ImmutableTag),
        (400, "TAG_INVALID", "The image tag 'v1' already exists and cannot be overwritten", ImmutableTag),
        (409, "TAG_ALREADY_EXISTS", "tag v1 already exists", ImmutableTag),
        (412, "DENIED", "adding 5 MiB will exceed the configured upper limit of the quota", QuotaExceeded),
        (403, "DENIED", "Quota exceeded", QuotaExceeded),
        (429, "TOOMANYREQUESTS", "Quota exceeded for quota metric 'Requests'", RateLimited),
        (403, "TOOMANYREQUESTS", "slow down", RateLimited),
        (403, "DENIED", "requested access to the resource is denied", AuthFailed),
        (403, "UNSUPPORTED", "The operation is unsupported.", Unsupported),
        (400, "MANIFEST_INVALID", "the quotas of a manifest", Refused),
        (413, "SIZE_INVALID", "", Refused),
    ],
)
def test_what_a_registry_says_beside_its_code_tells_rules_from_rights(
    status: int, code: str, message: str, kind: type[OCIError]
) -> None:
    content = json.dumps({"errors": [{"code": code, "message": f"{message} planted"}]}).encode()
    error = status_error(
        status, headers=CIMultiDict(), content=content, host="a.example", side=Side.TARGET, what="tag v1 of app"
    )
    assert type(error) is kind
    assert "planted" not in str(error)
    assert "a.example" in str(error)
