"""The grammar of repository names, tags and digests.

Source: OCI distribution-spec v1.1, "Pulling manifests", and image-spec v1.1, descriptor.md, "Digests".
"""

from __future__ import annotations

import re

from mirrors.oci.errors import InvalidReference

MAX_NAME = 255
DIGEST_LENGTHS = {"sha256": 64, "sha512": 128}
"""The registered algorithms and how many hexadecimal digits each has."""

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_NAME = re.compile(rf"{_COMPONENT.pattern}(?:/{_COMPONENT.pattern})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HEX = re.compile(r"[0-9a-f]+")


def is_repository_name(text: str) -> bool:
    """Whether this is `part/part...` of the distribution-spec; never true of a path that climbs."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether this is a tag: at most 128 characters of `A-Z a-z 0-9 _ . -`, not starting with a dot or dash."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether this is `sha256:` or `sha512:` with the right number of lowercase hexadecimal digits."""
    algorithm, _, digits = text.partition(":")
    return len(digits) == DIGEST_LENGTHS.get(algorithm, -1) and _HEX.fullmatch(digits) is not None


def check_repository_name(path: str) -> str:
    """The name itself; raises InvalidReference where the grammar forbids it."""
    if not path:
        raise InvalidReference("The repository is missing: give its name, as in quay.io/organization/repository.")
    if path != path.lower():
        raise InvalidReference(
            f"The repository {path!r} has upper-case letters. Repositories are written in lower case."
        )
    if len(path) > MAX_NAME:
        raise InvalidReference(f"The repository is {len(path)} characters long. At most {MAX_NAME} are allowed.")
    for component in path.split("/"):
        if not component:
            raise InvalidReference(f"The repository {path!r} has an empty part. Take out the extra slash.")
        if not _COMPONENT.fullmatch(component):
            raise InvalidReference(
                f"{component!r} in the repository {path!r} is not allowed. Each part has letters and digits, "
                "joined by single dots, one or two underscores, or dashes."
            )
    return path


def check_tag(text: str) -> str:
    """The tag itself; raises InvalidReference where it is none."""
    if not is_tag(text):
        raise InvalidReference(
            f"{text[:128]!r} is not a tag. Use up to 128 letters, digits, . _ and -, not starting with . or -."
        )
    return text


def check_digest(text: str) -> str:
    """The digest itself; raises InvalidReference where it is none that can be verified here."""
    if not is_digest(text):
        raise InvalidReference(f"{text[:160]!r} is not a digest. Write sha256: and 64 lowercase hexadecimal digits.")
    return text
