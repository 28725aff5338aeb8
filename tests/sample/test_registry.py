"""The sample registry as it is run: a process of its own, asked by real clients."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from mirrors.sample.images import sample_repository

HEAD_OF_LINE = "Sample registry is ready: "
TAGS = sample_repository()


@contextmanager
def registry(root: Path, *options: str, port: int = 0) -> Iterator[str]:
    """Start one; its `host:port`."""
    argv = [sys.executable, "-m", "mirrors.sample.registry", "--port", str(port), "--root", str(root), *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(HEAD_OF_LINE)
            yield line.removeprefix(HEAD_OF_LINE).partition("/")[0]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("sample")) as address:
        yield address


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
@pytest.mark.parametrize("tag", TAGS)
def test_skopeo_copies_every_tag_byte_for_byte(served: str, tmp_path: Path, tag: str) -> None:
    source = f"docker://{served}/hello:{tag}"
    subprocess.run(["skopeo", "copy", "--all", "-q", "--src-tls-verify=false", source, f"dir:{tmp_path}"], check=True)
    assert (tmp_path / "manifest.json").read_bytes() == TAGS[tag].manifest.content
    for digest, content in TAGS[tag].all_blobs().items():
        assert (tmp_path / digest.removeprefix("sha256:")).read_bytes() == content


def test_tags_come_in_pages_that_link_to_the_next(served: str) -> None:
    found, url = [], f"http://{served}/v2/hello/tags/list?n=2"
    for _ in range(3):
        answer = requests.get(url, timeout=10)
        found.append(answer.json()["tags"])
        url = f"http://{served}{answer.links['next']['url']}" if "next" in answer.links else ""
    assert found == [["1.0", "1.1"], ["2.0", "latest"], ["legacy"]]
    assert url == ""


def test_a_head_has_the_headers_of_the_get_and_no_body(served: str) -> None:
    blob = next(iter(TAGS["legacy"].blobs))
    for path in ("", "hello/tags/list", "hello/manifests/latest", f"hello/blobs/{blob}"):
        with requests.Session() as session:
            head = session.head(f"http://{served}/v2/{path}", timeout=10)
            get = session.get(f"http://{served}/v2/{path}", timeout=10)
        assert head.content == b""
        varying = {"Date"}
        assert {k: v for k, v in head.headers.items() if k not in varying} == {
            k: v for k, v in get.headers.items() if k not in varying
        }
        assert int(get.headers["Content-Length"]) == len(get.content)


def test_a_download_resumes_where_it_was_cut(served: str) -> None:
    digest, content = max(TAGS["legacy"].blobs.items(), key=lambda item: len(item[1]))
    url = f"http://{served}/v2/hello/blobs/{digest}"
    answer = requests.get(url, headers={"Range": "bytes=1000-"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, content[1000:])
    assert answer.headers["Content-Range"] == f"bytes 1000-{len(content) - 1}/{len(content)}"
    behind = requests.get(url, headers={"Range": f"bytes={len(content)}-"}, timeout=10)
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(content)}")


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_writing_is_refused(served: str, method: str) -> None:
    answer = requests.request(method, f"http://{served}/v2/hello/manifests/latest", data=b"{}", timeout=10)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing/tags/list", 404, "NAME_UNKNOWN"),
        ("hello/manifests/3.0", 404, "MANIFEST_UNKNOWN"),
        (f"hello/blobs/sha256:{'0' * 64}", 404, "BLOB_UNKNOWN"),
        ("_catalog", 404, "UNSUPPORTED"),
        ("hello/tags/list?n=two", 400, "PAGINATION_NUMBER_INVALID"),
    ],
)
def test_what_is_not_there_is_said_in_the_words_of_the_specification(
    served: str, path: str, status: int, code: str
) -> None:
    answer = requests.get(f"http://{served}/v2/{path}", timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_a_taken_port_is_one_sentence(served: str, tmp_path: Path) -> None:
    port = served.rpartition(":")[2]
    argv = [sys.executable, "-m", "mirrors.sample.registry", "--port", port, "--root", str(tmp_path)]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr == f"Port {port} on 127.0.0.1 is taken. Choose another with --port.\n"


def test_a_folder_that_cannot_be_one_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    argv = [sys.executable, "-m", "mirrors.sample.registry", "--port", "0", "--root", str(tmp_path / "file")]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "Check the folder and its owner." in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_second_start_reuses_the_content_and_a_rate_slows_downloads(tmp_path: Path) -> None:
    with registry(tmp_path):
        before = {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()}
    with registry(tmp_path, "--bytes-per-second", "400000") as address:
        assert {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()} == before
        digest, content = max(TAGS["legacy"].blobs.items(), key=lambda item: len(item[1]))
        started = time.monotonic()
        assert requests.get(f"http://{address}/v2/hello/blobs/{digest}", timeout=10).content == content
        assert time.monotonic() - started > 0.9 * len(content) / 400_000
        assert json.loads(requests.get(f"http://{address}/v2/", timeout=10).content) == {}
