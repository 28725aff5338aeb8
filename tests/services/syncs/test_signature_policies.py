"""A namespace's signature policy decides which tags a mirror moves, unless the mirror accepts unsigned images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirrors.errors import InvalidInput
from mirrors.models import Mirror, Namespace, Sync
from mirrors.models.sync import Status
from mirrors.oci import Code
from mirrors.sample.images import small_image
from mirrors.services.syncs import signature_policies, sync_runs
from tests.oci.signatures.signing import payload, put_tag, signed_layer, signer
from tests.registry import FaultyRegistry

pytestmark = pytest.mark.django_db(transaction=True)

SIGNED, UNSIGNED = small_image(1), small_image(2)


@pytest.fixture
def source() -> Iterator[FaultyRegistry]:
    """A registry with a signed image and one that is not."""
    with FaultyRegistry() as registry:
        held = registry.repository("team/app")
        held.put(SIGNED, tag="signed")
        held.put(UNSIGNED, tag="unsigned")
        name = f"{registry.address}/team/app"
        put_tag(held, SIGNED.manifest.digest, [signed_layer(payload(SIGNED.manifest.digest, name=name), signer())])
        yield registry


@pytest.fixture
def mirror_of_source(
    source: FaultyRegistry, organization: Namespace, mirror: Mirror, store_dir: Path, rung: list[int]
) -> Mirror:
    """A mirror of that registry, in a namespace that wants signatures by one key."""
    Mirror.objects.update(
        source_reference=f"{source.address}/team/app", verify_tls=False, tag_patterns=["signed", "unsigned"]
    )
    organization.signature_policy = signature_policies.check_policy(
        json.dumps(
            [
                {
                    "type": "sigstoreSigned",
                    "keyData": signer().key_data,
                    "signedIdentity": {"type": "matchRepository"},
                }
            ]
        )
    )
    organization.save()
    return mirror


def run(mirror: Mirror, **changes: object) -> Sync:
    """Run a sync of the mirror with these columns changed."""
    Mirror.objects.filter(pk=mirror.pk).update(**changes)
    sync = Sync.objects.create(mirror=mirror)
    sync_runs.run_sync(sync.pk)
    return Sync.objects.get(pk=sync.pk)


def test_only_signed_images_are_mirrored_where_the_policy_wants_signatures(mirror_of_source: Mirror) -> None:
    sync = run(mirror_of_source)
    assert {copy.tag: copy.action for copy in sync.tag_copies.all()} == {"signed": "copied", "unsigned": "failed"}
    assert (sync.status, sync.error_code, sync.error_side) == (Status.FAILED, Code.SIGNATURE, "source")
    assert not Sync.objects.filter(previous=sync).exists()  # another attempt would find the same


def test_a_mirror_that_accepts_unsigned_images_is_exempt(mirror_of_source: Mirror) -> None:
    sync = run(mirror_of_source, unsigned_images=True)
    assert (sync.status, sync.tags_copied) == (Status.SUCCEEDED, 2)


def test_without_a_policy_signatures_are_not_looked_at(mirror_of_source: Mirror, organization: Namespace) -> None:
    Namespace.objects.update(signature_policy=None)
    assert run(mirror_of_source, unsigned_images=False).status == Status.SUCCEEDED


@pytest.mark.parametrize("text", ["{", "[]", '[{"type": "maybe"}]', '{"default": [{"type": "reject"}], "more": 1}'])
def test_a_policy_that_cannot_be_enforced_is_refused_and_an_empty_text_is_none(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        signature_policies.check_policy(text)
    assert caught.value.field == "signature_policy"
    assert signature_policies.check_policy(" ") is None
