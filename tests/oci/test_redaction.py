"""Passwords in URLs, also in URLs that are not well-formed."""

from __future__ import annotations

import pytest

from mirrors.oci.redaction import MASK, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:pw@proxy:3128", f"http://user:{MASK}@proxy:3128"),
        ("user:pw@proxy:3128", f"user:{MASK}@proxy:3128"),
        ("http://user:p@w@proxy", f"http://user:{MASK}@proxy"),
        ("http://user:p/w@proxy", f"http://user:{MASK}@proxy"),
        ("http://user:p w:x@proxy", f"http://user:{MASK}@proxy"),
        ("http://user@corp:pw@proxy", f"http://user@corp:{MASK}@proxy"),
        ("http://user:@proxy", f"http://user:{MASK}@proxy"),
        ("http://user@proxy", "http://user@proxy"),
        ("http://proxy:3128", "http://proxy:3128"),
        ("", ""),
        (None, None),
    ],
)
def test_the_password_of_a_url_is_masked(url: str | None, shown: str | None) -> None:
    assert without_password(url) == shown
