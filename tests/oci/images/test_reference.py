from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mirrors.oci import InvalidReference, Reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("ubuntu", "docker.io/library/ubuntu"),
        ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
        ("prom/busybox", "docker.io/prom/busybox"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu"),
        ("registry-1.docker.io/a/b", "docker.io/a/b"),
        ("quay.io/a/b:v1", "quay.io/a/b:v1"),
        ("Quay.IO/a/b", "quay.io/a/b"),
        ("localhost/a", "localhost/a"),
        ("localhost:5000/a/b/c", "localhost:5000/a/b/c"),
        ("[::1]:5000/a:v1", "[::1]:5000/a:v1"),
        ("[0:0::1]/a", "[::1]/a"),
        ("10.0.0.1:80/a", "10.0.0.1:80/a"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
        (f"quay.io/a/b:v1@{DIGEST}", f"quay.io/a/b:v1@{DIGEST}"),
        ("a_b/c__d-e.f", "docker.io/a_b/c__d-e.f"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("https://quay.io/a", "no scheme"),
        ("quay.io/a b", "space"),
        ("user:secret@quay.io/a", "user name"),
        ("quay.io:0/a", "no port"),
        ("quay.io:70000/a", "no port"),
        ("quay.io:/a", "no port"),
        ("quay.io/A", "upper-case"),
        ("quay.io/", "missing"),
        ("quay.io//a", "empty part"),
        ("quay.io/a/", "empty part"),
        ("quay.io/a:", "no tag"),
        ("quay.io/a:.x", "no tag"),
        ("quay.io/a:" + "x" * 129, "no tag"),
        ("quay.io/a@sha256:12", "no digest"),
        ("quay.io/-a", "not allowed"),
        ("quay.io/a..b", "not allowed"),
        ("quay.io/../etc", "not allowed"),
        ("quay.io/" + "a" * 256, "256 characters"),
        ("[::1/a", "brackets"),
        ("[nonsense]/a", "no IPv6 address"),
        ("[::zz]/a", "no IPv6 address"),
        ("localhost:5000", "only a registry"),
        ("quay..io/a", "no registry"),
        ("quay.io/a?b", "character"),
        ("quay.io/a%2e", "character"),
    ],
)
def test_what_is_no_reference_is_told_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidReference, match=says) as caught:
        Reference.parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ubuntu", "does not begin with a registry"),
        ("prom/busybox", "does not begin with a registry"),
        ("quay.io/a:v1", "tag"),
        (f"quay.io/a@{DIGEST}", "digest"),
        ("quay.io", "does not begin with a registry"),
        ("http://quay.io/a", "scheme"),
    ],
)
def test_a_location_is_a_registry_and_a_repository_and_nothing_else(text: str, says: str) -> None:
    with pytest.raises(InvalidReference, match=says):
        Reference.parse_location(text)


def test_a_location_keeps_registry_and_port() -> None:
    assert Reference.parse_location("[2001:db8::1]:443/a/b") == Reference("[2001:db8::1]:443", "a/b")


COMPONENT = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
PORT = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
HOST = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.[a-z]{2,5}", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.just("localhost"),
)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)


@given(
    registry=st.builds(str.__add__, HOST, PORT),
    path=st.lists(COMPONENT, min_size=2, max_size=4).map("/".join),
    tag=st.none() | TAG,
    digest=st.none() | st.just(DIGEST),
)
def test_every_reference_reads_back_from_its_text(
    registry: str, path: str, tag: str | None, digest: str | None
) -> None:
    reference = Reference(registry, path, tag, digest)
    assert Reference.parse(str(reference)) == reference


@given(st.text(max_size=60) | st.text(alphabet="aA0.:/@[]-_ sh256", max_size=40))
@example("A/0")
def test_any_text_is_a_reference_that_reads_back_or_a_sentence(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReference as error:
        sentence = str(error)
    else:
        sentence = "It reads back." if Reference.parse(str(reference)) == reference else str(reference)
    assert sentence.endswith(".")
