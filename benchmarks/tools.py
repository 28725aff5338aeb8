"""The two ways to keep a repository in step: Quay's, one skopeo process a tag, and ours; each from a cold start."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from mirrors.oci.manifest import MANIFEST_TYPES


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and seconds of CPU of the client alone."""

    wall: float
    cpu: float


def measured(run: Callable[..., None], *arguments: str) -> Cost:
    """Run it once; the CPU is that of the processes it started."""
    before, started = _children_cpu(), time.monotonic()
    run(*arguments)
    return Cost(time.monotonic() - started, _children_cpu() - before)


def run_skopeo(source: str, target: str) -> None:
    """As Quay's worker does: list the tags, then one `skopeo copy --all` a tag, one after another."""
    listing = _run("skopeo", "list-tags", "--tls-verify=false", f"docker://{source}")
    for tag in sorted(json.loads(listing)["Tags"]):
        _run(
            "skopeo",
            "--insecure-policy",
            "copy",
            "--all",
            "--remove-signatures",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            f"docker://{source}:{tag}",
            f"docker://{target}:{tag}",
        )


def run_mirrorfarm(source: str, target: str) -> None:
    """Our engine, with the start of its interpreter."""
    _run(
        sys.executable,
        "-m",
        "mirrors.oci",
        "sync",
        source,
        target,
        "--tags",
        "*",
        "--insecure-source",
        "--insecure-target",
    )


def digests(address: str, repository: str, tags: list[str]) -> dict[str, str]:
    """What each tag points at, asked of the registry itself."""
    with requests.Session() as session:
        session.headers["Accept"] = ", ".join(MANIFEST_TYPES)
        return {
            tag: session.head(f"http://{address}/v2/{repository}/manifests/{tag}", timeout=30).headers[
                "Docker-Content-Digest"
            ]
            for tag in tags
        }


def _run(*command: str) -> str:
    answer = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ)
    if answer.returncode:
        raise RuntimeError(f"{command[0]} ended with {answer.returncode}: {answer.stderr[-2000:]}")
    return answer.stdout


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
