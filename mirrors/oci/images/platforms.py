"""What an image runs on, and patterns of what is wanted: `linux/amd64`, `linux/arm/v7`, or `arm64` on any system.

Names are compared in the form that Go has for them, as containerd does: x86_64 is amd64, and arm64 is arm64/v8.
The version of an operating system (of Windows) is not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from mirrors.oci.errors import InvalidPlatform, PlatformMismatch, Side
from mirrors.oci.images.manifest import Platform

_SYSTEMS = {"macos": "darwin"}
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "x86": "386",
    "ppc64el": "ppc64le",
    "mips64el": "mips64le",
    "mipsel": "mipsle",
}
_WITH_VARIANT = {"armhf": ("arm", "v7"), "armv7l": ("arm", "v7"), "armel": ("arm", "v6"), "armv6l": ("arm", "v6")}
_DEFAULT_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
_KNOWN_SYSTEMS = frozenset({"android", "darwin", "freebsd", "ios", "linux", "solaris", "wasip1", "windows"})
_KNOWN_ARCHITECTURES = frozenset(
    {"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"}
)
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_EXAMPLE = "Write it like linux/amd64, linux/arm/v7 or arm64."


@dataclass(frozen=True, slots=True)
class PlatformPattern:
    """Platforms that are wanted. An empty system or variant stands for any."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `os/architecture[/variant]` or a bare `architecture`; raises InvalidPlatform."""
        parts = text.strip().lower().split("/")
        if len(parts) > 3 or not all(_WORD.fullmatch(part) for part in parts):
            raise InvalidPlatform(f"{text[:100]!r} is not a platform. {_EXAMPLE}")
        if len(parts) == 1:
            parts = ["", *parts]
        system, architecture, variant = _normal(parts[0], parts[1], "".join(parts[2:]))
        if architecture in _KNOWN_SYSTEMS:
            raise InvalidPlatform(f"{text!r} has an operating system where its architecture belongs. {_EXAMPLE}")
        if system in _KNOWN_ARCHITECTURES or "unknown" in (system, architecture):
            raise InvalidPlatform(f"{text!r} does not begin with an operating system. {_EXAMPLE}")
        if variant and not system:
            system = "linux"  # armhf and its like are names of Linux distributions; arm/v7 could not be read again
        return cls(system, architecture, variant)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def matches(self, platform: Platform) -> bool:
        """Whether an image of this platform is wanted."""
        system, architecture, variant = _normal(platform.os, platform.architecture, platform.variant)
        return (
            architecture == self.architecture
            and self.os in ("", system)
            and self.variant in ("", variant or _DEFAULT_VARIANTS.get(architecture, ""))
        )


def parse_platforms(texts: Iterable[str]) -> tuple[PlatformPattern, ...]:
    """The patterns in order, each once; raises InvalidPlatform for the first that is none."""
    return tuple(dict.fromkeys(PlatformPattern.parse(text) for text in texts))


def described(patterns: Iterable[PlatformPattern]) -> str:
    """`linux/amd64, linux/arm64`."""
    return ", ".join(map(str, patterns))


def platform_of(config: bytes) -> Platform | None:
    """What an image's config says it runs on; None for an artifact, which runs on nothing."""
    try:
        document = json.loads(config)
        parts = [document.get(name) or "" for name in ("os", "architecture", "variant")]
    except (ValueError, AttributeError, RecursionError):
        return None
    platform = Platform(*map(str, parts))
    return platform if is_named(platform) else None


def is_named(platform: Platform) -> bool:
    """False for what stands in the place of a platform at attestations and artifacts."""
    return platform.architecture not in ("", "unknown")


def no_wanted_platform(tag: str, *, wanted: Sequence[PlatformPattern], available: Iterable[str]) -> PlatformMismatch:
    """The error for an index without any wanted image; it lists both sides of the misunderstanding."""
    return PlatformMismatch(
        f"{tag} has no image for {described(wanted)}. It has {', '.join(sorted(available)) or 'none with a name'}. "
        "Change the platforms of the mirror, or leave the tag out.",
        side=Side.SOURCE,
    )


def _normal(system: str, architecture: str, variant: str) -> tuple[str, str, str]:
    system, architecture, variant = system.lower(), architecture.lower(), variant.lower()
    architecture, implied = _WITH_VARIANT.get(architecture, (_ARCHITECTURES.get(architecture, architecture), ""))
    variant = variant or implied
    if variant[:1].isdigit() and architecture in _DEFAULT_VARIANTS:
        variant = f"v{variant}"
    return _SYSTEMS.get(system, system), architecture, variant
