"""The grammar of names, for database constraints, forms and services alike.

`\\Z` and not `$`, which would let a newline follow.
Source: Quay's namespace rule, and `<name>` of the OCI distribution specification.
"""

from __future__ import annotations

from django.core.validators import RegexValidator

NAMESPACE_NAME = r"^[a-z0-9]+([._-][a-z0-9]+)*\Z"
REPOSITORY_NAME = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\Z"
ROBOT_NAME = NAMESPACE_NAME  # what follows the + in a robot's full name; Quay has one rule for all three
TEAM_NAME = NAMESPACE_NAME
REGISTRY_ADDRESS = r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?\Z"

LONGEST_FULL_NAME = 255
"""Of `namespace/name`: what registries accept."""

HINTS = {
    NAMESPACE_NAME: "Use 2 to 255 lower-case letters and digits, with single . _ - between them.",
    REPOSITORY_NAME: "Use lower-case letters and digits, with . _ - between them and / between parts.",
    REGISTRY_ADDRESS: "Give a host name or address and, if needed, a port: registry.example.com:5000.",
}


def name_validator(pattern: str) -> RegexValidator:
    """A validator whose message says what the grammar wants."""
    return RegexValidator(pattern, HINTS[pattern])
