from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mirrors.sample.images import small_image, small_index
from tests.oci.artifacts import put_cosign
from tests.registry import FaultyRegistry
from tests.registry.switches import Login

ROOT = Path(__file__).parents[2]

BLOCKER = """\
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "rest_framework", "celery", "kombu", "redis", "environ", "requests"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from mirrors.oci.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def engine(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with Django, Celery and their kin blocked."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKER, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
    )


@pytest.fixture
def filled(source_registry: FaultyRegistry) -> str:
    """A repository with two versions and `latest`."""
    for tag, image in {"v1.0": small_image(1), "v1.1": small_index(2), "latest": small_index(2)}.items():
        source_registry.repository("library/app").put(image, tag=tag)
    return f"{source_registry.address}/library/app"


def test_tags_are_listed(filled: str) -> None:
    result = engine("tags", filled, "--insecure")
    assert (result.returncode, result.stdout.split(), result.stderr) == (0, ["latest", "v1.0", "v1.1"], "")


def test_the_matching_tags_are_synced_without_django_and_celery(filled: str, target_registry: FaultyRegistry) -> None:
    target = f"{target_registry.address}/mirror/app"
    command = ("sync", filled, target, "--tags", "v1.[0], lat*", "--insecure-source", "--insecure-target")
    result = engine(*command)
    assert result.returncode == 0, result.stderr
    assert set(target_registry.repository("mirror/app").tags) == {"v1.0", "latest"}
    assert f"copied     v1.0  {small_image(1).manifest.digest}" in result.stdout
    assert "2 tags: 2 copied" in result.stdout
    assert "2 tags: 2 unchanged. 0 B" in engine(*command).stdout


def test_signatures_come_along_unless_they_are_not_wanted(filled: str, source_registry: FaultyRegistry) -> None:
    digest = source_registry.repository("library/app").tags["v1.0"]
    put_cosign(source_registry.repository("library/app"), digest)
    command = ("sync", filled, f"{source_registry.address}/mirror/app", "--tags", "v1.0", "--insecure-source")
    assert "1 tag: 1 copied. " in engine(*command, "--insecure-target", "--no-referrers").stdout
    assert "1 tag: 1 copied, with 1 referrer. " in engine(*command, "--insecure-target").stdout
    assert len(source_registry.repository("mirror/app").tags) == 2


def test_a_store_on_disk_is_synced_to_and_from(filled: str, target_registry: FaultyRegistry, tmp_path: Path) -> None:
    store = f"store:{tmp_path}//library/app"
    assert engine("sync", filled, store, "--insecure-source").returncode == 0
    back = engine("sync", store, f"{target_registry.address}/mirror/app", "--insecure-target")
    assert back.returncode == 0, back.stderr
    assert target_registry.repository("mirror/app").tags["v1.1"] == small_index(2).manifest.digest
    assert json.loads(engine("inspect", f"{store}:v1.1").stdout)["digest"] == small_index(2).manifest.digest


def test_inspect_prints_the_exact_bytes_or_a_description(filled: str) -> None:
    assert engine("inspect", f"{filled}:v1.0", "--raw", "--insecure").stdout.encode() == small_image(1).manifest.content
    description = json.loads(engine("inspect", filled, "--insecure").stdout)
    assert [entry["platform"] for entry in description["manifests"]][:2] == ["linux/amd64", "linux/arm64"]


def test_a_failed_tag_is_exit_code_1(filled: str, source_registry: FaultyRegistry, tmp_path: Path) -> None:
    source_registry.repository("library/app").blobs.clear()
    result = engine("sync", filled, f"store:{tmp_path}//library/app", "--tags", "v1.0", "--insecure-source")
    assert result.returncode == 1
    assert "failed     v1.0" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tags", "https://quay.io/a"], "no scheme"),
        (["tags", "quay.io/a:v1"], "ends with the tag"),
        (["tags", "store:nonsense"], "is no store"),
        (["sync", "FILLED", "store:/nowhere//a", "--tags", " , "], "no pattern"),
        (["sync", "FILLED", "store:/nowhere//a", "--tags", "nothing*", "--insecure-source"], "matches nothing"),
        (["tags", "FILLED", "--insecure", "--source-credentials-file", "/nowhere"], "cannot be read"),
    ],
)
def test_bad_input_is_exit_code_2_and_a_sentence(filled: str, arguments: list[str], says: str) -> None:
    result = engine(*(filled if argument == "FILLED" else argument for argument in arguments))
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unreachable_registry_is_exit_code_1_and_a_sentence() -> None:
    result = engine("tags", "127.0.0.1:9/a", "--insecure")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: 127.0.0.1:9 does not accept connections. Check host and port of the source.\n"


def test_credentials_come_from_the_environment_or_a_file(
    filled: str, source_registry: FaultyRegistry, tmp_path: Path
) -> None:
    source_registry.switches.login = Login(username="robot", password="pa:ss")
    environment = {"MIRRORFARM_SOURCE_USERNAME": "robot", "MIRRORFARM_SOURCE_PASSWORD": "pa:ss"}
    assert engine("tags", filled, "--insecure", **environment).returncode == 0
    path = tmp_path / "credentials"
    path.write_text("robot:pa:ss\n", encoding="utf-8")
    assert engine("tags", filled, "--insecure", "--source-credentials-file", str(path)).returncode == 0
    path.write_text("robot:wrong-planted\n", encoding="utf-8")
    refused = engine("tags", filled, "--insecure", "--source-credentials-file", str(path))
    assert refused.returncode == 1
    assert "refused the credentials" in refused.stderr
    assert "planted" not in refused.stderr


def test_platforms_are_chosen_and_a_rewritten_index_is_told_of(source_registry: FaultyRegistry, tmp_path: Path) -> None:
    source_registry.repository("library/app").put(small_index(), tag="v1")
    command = ["sync", f"{source_registry.address}/library/app", f"store:{tmp_path}//mirror/app", "--insecure-source"]
    command += ["--platforms", "linux/arm64, s390x", "--index-mode", "rewritten"]
    first = engine(*command)
    assert first.returncode == 0, first.stderr
    assert "Rewritten for linux/arm64, s390x: 2 of 4 images" in first.stdout
    assert "unchanged" in engine(*command).stdout


def test_a_deep_sync_completes_what_one_of_fewer_platforms_has_left(
    source_registry: FaultyRegistry, target_registry: FaultyRegistry
) -> None:
    image = small_index(1, architectures=("amd64", "arm64"))
    source_registry.repository("library/app").put(image, tag="v1")
    target = f"{target_registry.address}/mirror/app"
    command = ("sync", f"{source_registry.address}/library/app", target, "--insecure-source", "--insecure-target")
    held = target_registry.repository("mirror/app")
    for more, is_complete in ((("--platforms", "amd64"), False), ((), False), (("--deep",), True)):
        assert engine(*command, *more).returncode == 0
        assert held.is_complete(image.manifest.digest) is is_complete


def test_a_platform_that_is_none_is_bad_input() -> None:
    refused = engine("sync", "127.0.0.1:1/library/app", "store:x//mirror/app", "--platforms", "linux")
    assert refused.returncode == 2
    assert "Write it like linux/amd64" in refused.stderr
