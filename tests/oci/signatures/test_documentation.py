"""The policies that the documentation shows are policies."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mirrors.oci import Reference
from mirrors.oci.signatures import SignaturePolicy
from mirrors.oci.signatures.policy import AcceptAnything, Reject, SigstoreSigned

PAGE = (Path(__file__).parents[3] / "docs" / "signatures.md").read_text()
DIGEST = "sha256:" + "ab" * 32


def test_the_policies_of_the_page_are_read_and_given_back() -> None:
    texts = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(texts) == 2
    whole, listed = map(SignaturePolicy.parse, texts)
    assert whole.to_json() == json.loads(texts[0])
    assert listed.to_json() == {"default": json.loads(texts[1])}


def test_the_first_policy_of_the_page_says_what_the_page_says_of_it() -> None:
    policy = SignaturePolicy.parse(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])

    def kinds(name: str) -> list[type]:
        return [type(each) for each in policy.requirements_for(Reference.parse(name), digest=DIGEST)]

    assert kinds("quay.io/vendor/app:v1") == [SigstoreSigned]
    assert kinds("busybox:1") == [AcceptAnything]
    assert kinds("quay.io/other/app:v1") == [Reject]
