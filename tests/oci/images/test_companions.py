from __future__ import annotations

import pytest

from mirrors.oci.images.companions import Companions, companion_tags, fallback_tag, subject_key

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
LONG = "sha512:" + "ab" * 64


@pytest.mark.parametrize(
    ("digest", "tag"),
    [
        (ONE, "sha256-" + "1" * 64),
        (LONG, "sha512-" + "ab" * 32),
        ("test+algorithm+using+algorithm+separators+and+lots+of+characters:alsoSome=InTheEncodedSectionToShow",
         "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSectionToShow"),
    ],
)  # fmt: skip
def test_a_fallback_tag_is_cut_and_cleaned_as_the_specification_says(digest: str, tag: str) -> None:
    assert fallback_tag(digest) == tag


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        (fallback_tag(ONE), fallback_tag(ONE)),
        (fallback_tag(ONE) + ".sig", fallback_tag(ONE)),
        (fallback_tag(ONE) + ".cosign.bundle", fallback_tag(ONE)),
        (fallback_tag(LONG) + ".att", fallback_tag(LONG)),
        (fallback_tag(ONE) + ".", None),
        (fallback_tag(ONE) + "-debug", None),
        ("sha256-1234.sig", None),
        ("v1.sig", None),
        ("latest", None),
    ],
)
def test_a_companion_is_known_by_its_name(tag: str, key: str | None) -> None:
    assert subject_key(tag) == key


def test_companions_are_found_by_the_digest_they_belong_to() -> None:
    one, two = fallback_tag(ONE), fallback_tag(TWO)
    companions = Companions(["v1", one, one + ".sig", one + ".att", two + ".sig"])
    assert companions.of(ONE) == [one + ".att", one + ".sig"]
    assert companions.of(TWO) == [two + ".sig"]
    assert companions.of(LONG) == []
    assert [companions.has_fallback(digest) for digest in (ONE, TWO, LONG)] == [True, False, False]


def test_the_companions_of_kept_digests_are_kept() -> None:
    one, two = fallback_tag(ONE), fallback_tag(TWO)
    tags = ["v1", one, one + ".sig", two, two + ".sbom", "latest"]
    assert companion_tags([ONE], tags) == {one, one + ".sig"}
    assert companion_tags([], tags) == set()
