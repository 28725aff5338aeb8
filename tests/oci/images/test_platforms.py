"""Which platform a pattern wants."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrors.oci import Code, InvalidPlatform, Platform, PlatformPattern, parse_platforms
from mirrors.oci.images.platforms import platform_of

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
ARM_V8 = Platform("linux", "arm64", "v8")
ARM_V6 = Platform("linux", "arm", "v6")
ARM_V7 = Platform("linux", "arm", "v7")
WINDOWS = Platform("windows", "amd64")
ALL = (AMD64, ARM64, ARM_V8, ARM_V6, ARM_V7, WINDOWS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("amd64", {AMD64, WINDOWS}),
        ("linux/amd64", {AMD64}),
        ("windows/amd64", {WINDOWS}),
        (" Linux/X86_64 ", {AMD64}),
        ("aarch64", {ARM64, ARM_V8}),
        ("linux/arm64", {ARM64, ARM_V8}),
        ("linux/arm64/v8", {ARM64, ARM_V8}),
        ("linux/arm64/8", {ARM64, ARM_V8}),
        ("linux/arm64/v9", set()),
        ("linux/amd64/v1", {AMD64}),
        ("linux/amd64/v3", set()),
        ("arm", {ARM_V6, ARM_V7}),
        ("linux/arm/v7", {ARM_V7}),
        ("armhf", {ARM_V7}),
        ("armel", {ARM_V6}),
        ("s390x", set()),
        ("freebsd/amd64", set()),
    ],
)
def test_a_pattern_wants_what_it_names_in_every_spelling(text: str, wanted: set[Platform]) -> None:
    pattern = PlatformPattern.parse(text)
    assert {platform for platform in ALL if pattern.matches(platform)} == wanted


def test_an_arm_image_without_a_variant_is_the_seventh() -> None:
    assert PlatformPattern.parse("linux/arm/v7").matches(Platform("linux", "arm"))
    assert not PlatformPattern.parse("linux/arm/v6").matches(Platform("linux", "arm"))


@pytest.mark.parametrize("text", ["armhf", "arm64", "x86_64", "linux/ARM/7", "windows/amd64", "linux/armel"])
def test_a_pattern_is_read_again_from_its_own_text(text: str) -> None:
    pattern = PlatformPattern.parse(text)
    assert PlatformPattern.parse(str(pattern)) == pattern


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not a platform"),
        ("linux/", "not a platform"),
        ("linux//v8", "not a platform"),
        ("linux/arm/v7/x", "not a platform"),
        ("linux amd64", "not a platform"),
        ("*", "not a platform"),
        ("linux", "operating system where its architecture belongs"),
        ("arm/v7", "does not begin with an operating system"),
        ("unknown/unknown", "does not begin with an operating system"),
    ],
)
def test_what_is_no_platform_is_refused_with_an_example(text: str, named: str) -> None:
    with pytest.raises(InvalidPlatform, match=named) as raised:
        PlatformPattern.parse(text)
    assert raised.value.code is Code.UNSUPPORTED
    assert "linux/amd64" in raised.value.message


def test_a_list_keeps_its_order_and_names_each_platform_once() -> None:
    assert [str(pattern) for pattern in parse_platforms(["linux/arm64", "amd64", "linux/aarch64", "x86_64"])] == [
        "linux/arm64",
        "amd64",
    ]


words = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True)


@given(st.lists(words, min_size=1, max_size=3).map("/".join))
def test_what_is_read_and_written_again_stays_the_same(text: str) -> None:
    try:
        pattern = PlatformPattern.parse(text)
    except InvalidPlatform:
        return
    assert PlatformPattern.parse(str(pattern)) == pattern


@given(st.text(max_size=40))
def test_any_text_is_a_platform_or_refused_as_none(text: str) -> None:
    with suppress(InvalidPlatform):
        assert PlatformPattern.parse(text).architecture


@given(words, words, words | st.just(""))
def test_a_pattern_of_a_whole_platform_wants_it_and_so_does_its_architecture_alone(
    system: str, architecture: str, variant: str
) -> None:
    platform = Platform(system, architecture, variant)
    for text in (str(platform), architecture):
        try:
            pattern = PlatformPattern.parse(text)
        except InvalidPlatform:
            continue
        assert pattern.matches(platform)
        assert pattern.matches(Platform(system.upper(), architecture.upper(), variant.upper()))


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"os": "linux"}',
        b'{"architecture": "", "os": ""}',
        b'{"architecture": "unknown", "os": "unknown"}',
        b'{"architecture": null}',
        b"[" * 100_000,
    ],
)
def test_the_config_of_an_artifact_names_no_platform(config: bytes) -> None:
    assert platform_of(config) is None


def test_the_config_of_an_image_names_its_platform() -> None:
    config = {"architecture": "arm", "os": "linux", "variant": "v7"}
    assert platform_of(json.dumps(config).encode()) == ARM_V7
