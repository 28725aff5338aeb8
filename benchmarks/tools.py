"""The tools that are timed, each as the commands that it takes for one step."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import curl
from benchmarks.job import Command, Job
from benchmarks.presets import Step

_HERE = Path(__file__).resolve().parent
_PARALLEL = 8
_MOST_CONNECTIONS = 16
_COPYING = (Step.FIRST, Step.UNCHANGED, Step.MOVED)


@dataclass(frozen=True)
class Tool:
    """A way to keep repositories in step.

    program: what has to be installed. steps: what it can do. fleets_only: only for presets of several repositories.
    inside: it tells its own cost, without the start of its process.
    """

    name: str
    title: str
    commands: Callable[[Job], list[Command]]
    program: str = ""
    steps: tuple[Step, ...] = _COPYING
    fleets_only: bool = False
    inside: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether its program is on the PATH."""
        return not self.program or shutil.which(self.program) is not None


def _mirrorfarm(job: Job) -> list[Command]:
    # One repository: the command line, from a cold start. A fleet: one process for all, as a worker is.
    return _command_line(job) if len(job.repositories) == 1 else _engine(job)


def _command_line(job: Job) -> list[Command]:
    return [_sync_command(job, repository) for repository in job.repositories]


def _sync_command(job: Job, repository: str) -> Command:
    command = [sys.executable, "-m", "mirrors.oci", "sync"]
    command += [f"{job.source}/{repository}", f"{job.target}/{repository}", "--tags", "*"]
    if not job.certificate:
        command += ["--insecure-source", "--insecure-target"]
    if job.step is Step.RECORDED:
        command += ["--state", str(job.scratch / f"state-{repository.replace('/', '-')}")]
    return command


def _engine(job: Job) -> list[Command]:
    description: dict[str, Any] = {
        "source": job.source,
        "target": job.target,
        "verify_tls": job.certificate is not None,
        "repositories": job.repositories,
        "state": str(job.scratch) if job.step is Step.RECORDED else "",
    }
    return [[sys.executable, "-m", "benchmarks.engine", _written(job.scratch / "engine.json", description)]]


def _quay(job: Job) -> list[Command]:
    nobody = _written(job.scratch / "nobody.json", {"auths": {}})
    description = {
        "source": job.source,
        "target": job.target,
        "verify_tls": job.certificate is not None,
        "repositories": job.repositories,
        "source_credentials": nobody,
        "target_credentials": _written(job.scratch / "nobody-else.json", {"auths": {}}),
    }
    script = str(_HERE / "quay_worker.py")
    return [[sys.executable, "-I", "-S", script, _written(job.scratch / "quay.json", description)]]


def _skopeo_sync(job: Job) -> list[Command]:
    verify = "true" if job.certificate else "false"
    command = ["skopeo", "--insecure-policy", "sync", "--all", "--src", "docker", "--dest", "docker"]
    command += [f"--src-tls-verify={verify}", f"--dest-tls-verify={verify}"]
    # It puts the last part of the name below the destination by itself.
    return [
        [*command, f"{job.source}/{repository}", f"{job.target}/{repository.rpartition('/')[0]}"]
        for repository in job.repositories
    ]


def _crane(job: Job) -> list[Command]:
    command = ["crane", "copy", "--all-tags", "--jobs", str(_PARALLEL)]
    if not job.certificate:
        command.append("--insecure")
    return [[*command, f"{job.source}/{repository}", f"{job.target}/{repository}"] for repository in job.repositories]


def _regsync(job: Job) -> list[Command]:
    access: dict[str, Any] = {"tls": "disabled", "reqConcurrent": _MOST_CONNECTIONS}
    if job.certificate:
        access |= {"tls": "enabled", "regcert": job.certificate.file.read_text(encoding="ascii")}
    configuration = {
        "version": 1,
        "creds": [{"registry": address, **access} for address in (job.source, job.target)],
        "defaults": {"parallel": _PARALLEL},
        "sync": [
            {"source": f"{job.source}/{repository}", "target": f"{job.target}/{repository}", "type": "repository"}
            for repository in job.repositories
        ],
    }
    # JSON is YAML too.
    path = _written(job.scratch / "regsync.yml", configuration)
    return [["regsync", "--config", path, "--verbosity", "warn", "once"]]


def _written(path: Path, document: object) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


ENGINE = "engine"
OURS, QUAY, CRANE, REGSYNC, CURL, CURL_PIPE = "mirrorfarm", "quay", "crane", "regsync", "curl", "curl-pipe"
TOOLS = {
    tool.name: tool
    for tool in (
        Tool(OURS, "Mirrorfarm", _mirrorfarm, steps=(*_COPYING, Step.RECORDED)),
        Tool(ENGINE, "its engine, already running", _engine, steps=(*_COPYING, Step.RECORDED), inside=True),
        Tool("mirrorfarm-cli", "Mirrorfarm, a process a repository", _command_line, fleets_only=True),
        Tool(QUAY, "skopeo, as Quay runs it", _quay, "skopeo"),
        Tool("skopeo-sync", "skopeo sync --all", _skopeo_sync, "skopeo"),
        Tool(CRANE, "crane copy -a -j 8", _crane, "crane"),
        Tool(REGSYNC, "regsync once, parallel 8", _regsync, "regsync"),
        Tool(CURL, "bare curl -Z, 4 at a time", curl.kept_alive, "curl", steps=(Step.FIRST,)),
        Tool(CURL_PIPE, "curl | curl, 4 at a time", curl.piped, "curl", steps=(Step.FIRST,)),
    )
}
