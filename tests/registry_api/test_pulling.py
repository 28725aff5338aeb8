"""/v2/ as clients use it: what is public without credentials, what is private with them, nothing written ever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from mirrors.models import Namespace, Registry, Repository
from mirrors.oci.images.manifest import OCI_INDEX
from tests.fixtures.tools import program
from tests.registry_api.conftest import INDEX, LARGE, PRIVATE_IMAGE, Door

WRITING = ["PUT", "POST", "PATCH", "DELETE"]


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=10)


def skopeo(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("skopeo"), *words], capture_output=True, check=False, timeout=60)


def code(answer: requests.Response) -> str:
    return answer.json()["errors"][0]["code"]


def test_skopeo_inspects_a_public_image_byte_for_byte_without_credentials(door: Door) -> None:
    run = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{door.address}/acme/public:latest")
    assert run.stdout == INDEX.manifest.content, run.stderr


def test_skopeo_copies_a_public_index_whole(door: Door, tmp_path: Path) -> None:
    run = skopeo(
        "copy",
        "--all",
        "--src-tls-verify=false",
        f"docker://{door.address}/acme/public:1.0",
        f"dir:{tmp_path / 'image'}",
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "image" / "manifest.json").read_bytes() == INDEX.manifest.content
    for digest, content in INDEX.all_blobs().items():
        assert (tmp_path / "image" / digest.removeprefix("sha256:")).read_bytes() == content


def test_skopeo_copies_a_private_image_with_the_robots_credentials(door: Door, tmp_path: Path) -> None:
    credentials = f"--src-creds={door.robot.full_name}:{door.robot.token}"
    source = f"docker://{door.address}/acme/private:secret"
    run = skopeo("copy", credentials, "--src-tls-verify=false", source, f"dir:{tmp_path / 'image'}")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "image" / "manifest.json").read_bytes() == PRIVATE_IMAGE.manifest.content


@pytest.mark.parametrize("credentials", [[], ["--creds=acme+mirror:wrong"], ["--creds=nobody:wrong"]])
def test_skopeo_is_refused_a_private_image_without_the_right_credentials(door: Door, credentials: list[str]) -> None:
    run = skopeo("inspect", *credentials, "--tls-verify=false", f"docker://{door.address}/acme/private:secret")
    assert run.returncode != 0
    assert b"unauthorized" in run.stderr.lower() or b"authentication required" in run.stderr.lower()


def test_skopeo_logs_in_with_a_robot(door: Door, tmp_path: Path) -> None:
    words = ("login", "--tls-verify=false", f"--authfile={tmp_path / 'auth.json'}")
    good = skopeo(*words, f"--username={door.robot.full_name}", f"--password={door.robot.token}", door.address)
    assert good.returncode == 0, good.stderr
    bad = skopeo(*words, f"--username={door.robot.full_name}", "--password=wrong", door.address)
    assert b"invalid username/password" in bad.stderr


def test_skopeo_lists_tags(door: Door) -> None:
    run = skopeo("list-tags", "--tls-verify=false", f"docker://{door.address}/acme/public")
    assert b'"1.0",\n        "2.0",\n        "latest"' in run.stdout, run.stderr


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_version_check_says_where_tokens_are(door: Door, path: str) -> None:
    answer = get(door.url + path)
    assert answer.status_code == 401
    assert code(answer) == "UNAUTHORIZED"
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{door.url}/v2/auth",service="{door.address}"'


def test_a_public_repository_answers_without_any_token(door: Door) -> None:
    answer = get(f"{door.url}/v2/acme/public/manifests/latest")
    assert answer.content == INDEX.manifest.content
    assert answer.headers["Content-Type"] == OCI_INDEX
    assert answer.headers["Docker-Content-Digest"] == INDEX.manifest.digest
    assert get(f"{door.url}/v2/acme/public/tags/list?n=2").json() == {"name": "acme/public", "tags": ["1.0", "2.0"]}


@pytest.mark.parametrize("name", ["acme/private", "acme/unknown", "nobody/nothing", "single"])
def test_unknown_and_forbidden_look_the_same_without_a_token(door: Door, name: str) -> None:
    for path in ("tags/list", "manifests/secret", f"blobs/{next(iter(PRIVATE_IMAGE.blobs))}"):
        answer = get(f"{door.url}/v2/{name}/{path}")
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].endswith(f',scope="repository:{name}:pull"')


def test_a_private_blob_is_not_served_through_a_public_repository(door: Door) -> None:
    answer = get(f"{door.url}/v2/acme/public/blobs/{next(iter(PRIVATE_IMAGE.blobs))}")
    assert (answer.status_code, code(answer)) == (404, "BLOB_UNKNOWN")


def test_content_without_a_repository_in_the_database_is_not_served(door: Door) -> None:
    Repository.objects.filter(name="public").delete()
    assert door.store.has_repository("acme/public")
    assert get(f"{door.url}/v2/acme/public/manifests/latest").status_code == 401


def test_a_repository_that_is_kept_in_another_registry_is_not_served(door: Door) -> None:
    registry = Registry.objects.create(name="elsewhere", address="registry.example.com")
    Namespace.objects.filter(name="acme").update(target_registry=registry)
    assert get(f"{door.url}/v2/acme/public/manifests/latest").status_code == 401


def test_a_repository_that_was_never_synced_has_no_tags(door: Door) -> None:
    organization = Namespace.objects.get(name="acme")
    Repository.objects.create(namespace=organization, name="empty", visibility=Repository.Visibility.PUBLIC)
    assert get(f"{door.url}/v2/acme/empty/tags/list").json() == {"name": "acme/empty", "tags": []}
    assert code(get(f"{door.url}/v2/acme/empty/manifests/latest")) == "MANIFEST_UNKNOWN"


def test_a_head_has_the_headers_of_the_get_and_no_body(door: Door) -> None:
    blob = max(LARGE.blobs, key=lambda digest: len(LARGE.blobs[digest]))
    for path in (
        "",
        "acme/public/tags/list",
        "acme/public/manifests/2.0",
        f"acme/public/blobs/{blob}",
        "acme/x/tags/list",
    ):
        head = requests.head(f"{door.url}/v2/{path}", timeout=10)
        full = get(f"{door.url}/v2/{path}")
        assert head.content == b""
        assert head.status_code == full.status_code
        assert {**head.headers, "Date": ""} == {**full.headers, "Date": ""}
        assert int(full.headers["Content-Length"]) == len(full.content)


def test_blobs_are_served_in_ranges_and_unchanged_ones_not_at_all(door: Door) -> None:
    digest, content = max(LARGE.blobs.items(), key=lambda item: len(item[1]))
    url = f"{door.url}/v2/acme/public/blobs/{digest}"
    assert get(url).content == content
    for wanted, part in (
        ("bytes=10-19", content[10:20]),
        ("bytes=2000000-", content[2_000_000:]),
        ("bytes=-5", content[-5:]),
    ):
        answer = get(url, Range=wanted)
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["Content-Type"] == "application/octet-stream"
    behind = get(url, Range=f"bytes={len(content)}-")
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert get(url, If_None_Match=f'"{digest}"').status_code == 304


@pytest.mark.parametrize("method", WRITING)
@pytest.mark.parametrize("path", ["", "auth", "acme/public/manifests/latest", "acme/public/blobs/uploads/"])
def test_writing_is_refused_everywhere(door: Door, method: str, path: str) -> None:
    answer = requests.request(method, f"{door.url}/v2/{path}", data=b"{}", timeout=10)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("_catalog", 404, "UNSUPPORTED"),
        ("acme/public/manifests/3.0", 404, "MANIFEST_UNKNOWN"),
        ("acme/public/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"),
        ("ACME/public/tags/list", 400, "NAME_INVALID"),
        ("acme/public/blobs/latest", 400, "DIGEST_INVALID"),
    ],
)
def test_errors_speak_the_specifications_language(door: Door, path: str, status: int, expected: str) -> None:
    answer = get(f"{door.url}/v2/{path}")
    assert (answer.status_code, code(answer)) == (status, expected)
    assert answer.headers["Content-Type"] == "application/json"
