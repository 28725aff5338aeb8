"""Keeps secrets out of the audit log, whatever its callers pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mirrors.oci.redaction import MASK, without_password
from mirrors.services.storable import storable

_SECRET = re.compile(
    r"(password|passwd|secret|token|credentials?|authorization|ciphertext|private_key)$", re.IGNORECASE
)
_PROXY = re.compile(r"https?_proxy$", re.IGNORECASE)
# Bounded: without that, two megabytes of letters would be looked through for hours.
_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}://\S+", re.IGNORECASE)
_IN_TEXT = (
    # What registries send, and what their storage signs: X-Amz-Signature=…, "identitytoken": "…"
    re.compile(r"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"([?&][\w-]*(?:signature|credential|token|secret|password|\bsig)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(\"(?:\w*(?:password|secret|token)|auth)\"\s*:\s*\")[^\"]+", re.IGNORECASE),
)


def without_secrets(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with secrets masked: by the name of their key, by what `changed` names, and in URLs within texts."""
    changed = str(metadata.get("changed", ""))
    return {key: _cleaned(changed if key == "to" else key, value) for key, value in metadata.items()}


def _cleaned(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET.search(key):
        return MASK if value else value
    if isinstance(value, Mapping):
        return {str(inner): _cleaned(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(key, element) for element in value]
    return _text(str(value), is_proxy=bool(_PROXY.search(key)))


def _text(text: str, *, is_proxy: bool) -> str:
    if is_proxy:  # its userinfo may stand there without a scheme
        text = without_password(text) or ""
    text = _URL.sub(lambda url: without_password(url[0]) or "", text)
    for pattern in _IN_TEXT:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return storable(text)
