"""What is mirrored is what the source has, byte for byte, whatever the media type and wherever the target is."""

from __future__ import annotations

import json
import subprocess

import pytest

from mirrors.sample.images import Family, Image, small_image, small_index
from tests.fixtures.farms import Farm, Organization
from tests.fixtures.registries import TARGET_ACCOUNT, DockerRegistry
from tests.fixtures.tools import program

pytestmark = pytest.mark.farm

IMAGES = {
    "schema-2": small_image(1, family=Family.DOCKER),
    "manifest-list": small_index(2, family=Family.DOCKER),
    "oci-manifest": small_image(3, family=Family.OCI),
    "oci-index": small_index(4, family=Family.OCI),
}


@pytest.fixture
def source(docker_registry: DockerRegistry) -> str:
    """A repository with one tag of every media type."""
    if docker_registry.tags("content/every-type") != sorted(IMAGES):
        docker_registry.push("content/every-type", IMAGES)
    return f"{docker_registry.address}/content/every-type"


def test_every_media_type_arrives_in_the_built_in_store_byte_for_byte(farm: Farm, source: str) -> None:
    mirror = farm.mirror(source)

    assert mirror.sync().status == "succeeded"

    target = f"127.0.0.1:{farm.port}/{mirror.full_name}"
    for tag, image in IMAGES.items():
        assert_same(f"{source}:{tag}", f"{target}:{tag}", image)


def test_every_media_type_arrives_in_a_remote_registry_byte_for_byte(
    remote_organization: Organization, target_registry: DockerRegistry, source: str
) -> None:
    mirror = remote_organization.mirror(source)

    assert mirror.sync().status == "succeeded"

    target = f"{target_registry.address}/{mirror.full_name}"
    credentials = f"{TARGET_ACCOUNT.username}:{TARGET_ACCOUNT.password}"
    for tag, image in IMAGES.items():
        assert_same(f"{source}:{tag}", f"{target}:{tag}", image, credentials=credentials)


def test_the_history_tells_the_digest_of_every_tag(farm: Farm, source: str) -> None:
    mirror = farm.mirror(source)

    sync = mirror.sync()

    copies = mirror.tag_copies(sync)
    assert {tag: copy.target_digest for tag, copy in copies.items()} == {
        tag: image.manifest.digest for tag, image in IMAGES.items()
    }
    assert {copy.action for copy in copies.values()} == {"copied"}
    assert sync.tags_total == sync.tags_copied == len(IMAGES)


def assert_same(source: str, target: str, image: Image, *, credentials: str = "") -> None:
    """skopeo sees the same bytes on both sides, they are the image's, and the target has everything below them."""
    raw = inspect(target, "--raw", credentials=credentials)
    assert raw == inspect(source, "--raw") == image.manifest.content
    for architecture in architectures(image):
        config = inspect(target, "--config", "--raw", credentials=credentials, architecture=architecture)
        assert json.loads(config)["architecture"] == architecture


def architectures(image: Image) -> list[str]:
    """The platforms of an index; what our single images are for otherwise."""
    entries = json.loads(image.manifest.content).get("manifests", [])
    return [entry["platform"]["architecture"] for entry in entries] or ["amd64"]


def inspect(reference: str, *options: str, credentials: str = "", architecture: str = "amd64") -> bytes:
    """What `skopeo inspect` writes, to the byte."""
    command = [program("skopeo"), f"--override-arch={architecture}", "inspect", "--tls-verify=false", *options]
    command += ["--creds", credentials] if credentials else ["--no-creds"]
    done = subprocess.run([*command, f"docker://{reference}"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
