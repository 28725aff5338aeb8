"""What a manifest says of itself."""

from __future__ import annotations

import json

import pytest

from mirrors.oci import Descriptor, MalformedAnswer, Manifest
from mirrors.oci.images.manifest import OCI_INDEX, OCI_MANIFEST, sha256_digest

DIGEST = sha256_digest(b"{}")
POINTER = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 2}


def manifest(media_type: str = OCI_MANIFEST, **members: object) -> Manifest:
    """A manifest with just these members."""
    return Manifest(json.dumps({"schemaVersion": 2, **members}).encode(), media_type)


def test_the_subject_of_a_signature_is_what_it_points_at() -> None:
    assert manifest(subject=POINTER).subject == Descriptor(OCI_MANIFEST, DIGEST, 2)
    assert manifest().subject is None
    assert manifest(subject=None).subject is None


@pytest.mark.parametrize("subject", [{"digest": DIGEST}, {**POINTER, "size": -1}, ["x"], {**POINTER, "digest": "no"}])
def test_a_subject_that_cannot_be_read_is_a_fault_of_the_registry(subject: object) -> None:
    with pytest.raises(MalformedAnswer, match="subject cannot be read"):
        assert manifest(subject=subject).subject


def test_an_artifact_has_its_own_type_or_that_of_its_config() -> None:
    config = {"mediaType": "application/vnd.example.config", "digest": DIGEST, "size": 2}
    assert manifest(artifactType="application/vnd.example", config=config).artifact_type == "application/vnd.example"
    assert manifest(config=config).artifact_type == "application/vnd.example.config"
    assert manifest(OCI_INDEX, artifactType="application/vnd.list").artifact_type == "application/vnd.list"
    assert manifest(OCI_INDEX).artifact_type == ""


def test_annotations_and_the_artifact_type_of_a_pointer_are_kept() -> None:
    entry = POINTER | {"artifactType": "application/vnd.example", "annotations": {"a": "b"}}
    (child,) = manifest(OCI_INDEX, manifests=[entry]).children()
    assert (child.artifact_type, child.annotations) == ("application/vnd.example", {"a": "b"})
    assert manifest(annotations={"a": "b"}).annotations == {"a": "b"}
    assert manifest().annotations == {}


@pytest.mark.parametrize(
    "more", ['"manifests": []', '"Manifests": []', '"manife\\u017fts": []', '"MediaType": "x"', '"fsLayers": []']
)
def test_a_manifest_that_others_would_read_otherwise_is_refused(more: str) -> None:
    content = '{"schemaVersion": 2, "mediaType": "%s", "manifests": [], "Unknown": {"layers": 1}, "unknown": 2, %s}'
    with pytest.raises(MalformedAnswer):
        Manifest.received((content % (OCI_INDEX, more)).encode(), content_type=OCI_INDEX)
    Manifest.received((content % (OCI_INDEX, '"annotations": {"a": "1", "a": "2"}')).encode(), content_type=OCI_INDEX)
