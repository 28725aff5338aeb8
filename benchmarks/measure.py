"""Runs a tool once and says what it cost: the tool itself, the registries, and whoever else was busy meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import NotMeasurable
from benchmarks.job import Job
from benchmarks.registries import Line, Registry
from benchmarks.tools import Tool

ROOT = Path(__file__).resolve().parent.parent
_LAUNCHER = ROOT / "benchmarks" / "launcher.py"
_TICKS = os.sysconf("SC_CLK_TCK")
_THINGS = (("/manifests/", "manifest"), ("/blobs/", "blob"), ("/referrers/", "referrers"), ("/tags/list", "tag list"))
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3})')


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock; CPU seconds of the tool (all its processes), of both registries and of everything else on
    the machine; bytes of memory of the largest process of the tool; requests by kind at each side.
    """

    wall: float
    cpu: float
    peak: int
    source_cpu: float = 0.0
    target_cpu: float = 0.0
    others_cpu: float = 0.0
    source_requests: dict[str, int] = field(default_factory=dict)
    target_requests: dict[str, int] = field(default_factory=dict)


def measured(tool: Tool, job: Job, line: Line) -> Cost:
    """One run. Raises NotMeasurable, with the end of the tool's output, where it fails."""
    description = {"commands": tool.commands(job), "environment": job.environment, "log": str(job.scratch / "log")}
    path = job.scratch / "job.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    logs = [registry.log.stat().st_size for registry in (line.source, line.target)]
    busy, cpu = _machine_cpu(), (line.source.cpu, line.target.cpu)
    cost = json.loads(_launched(path))
    if cost["code"]:
        raise NotMeasurable(f"{tool.title} ended with {cost['code']}: {_tail(job.scratch / 'log')}")
    used = cost["user"] + cost["system"]
    source_cpu, target_cpu = line.source.cpu - cpu[0], line.target.cpu - cpu[1]
    told = (
        json.loads(_tail(job.scratch / "log").splitlines()[-1]) if tool.inside else {"wall": cost["wall"], "cpu": used}
    )
    return Cost(
        wall=told["wall"],
        cpu=told["cpu"],
        peak=cost["peak"],
        source_cpu=source_cpu,
        target_cpu=target_cpu,
        others_cpu=max(_machine_cpu() - busy - used - source_cpu - target_cpu, 0.0),
        source_requests=_requests(line.source, start=logs[0]),
        target_requests=_requests(line.target, start=logs[1]),
    )


def _launched(job: Path) -> bytes:
    """What the launcher says. Whatever ends this ends the tool too, which may be many processes."""
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), str(job)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as launcher:
        try:
            return launcher.communicate()[0]
        except BaseException:  # a Ctrl-C above all; raised again
            os.killpg(launcher.pid, signal.SIGKILL)
            raise


def kind_of(method: str, path: str, status: str) -> str:
    """What a request is about, as `HEAD manifest` or `POST mount`."""
    if "/blobs/uploads/" in path:
        if "mount=" in path:
            return "POST mount" if status == "201" else "POST mount, refused"
        return f"{method} upload"
    for part, thing in _THINGS:
        if part in path:
            return f"{method} {thing}"
    return f"{method} {path.partition('?')[0]}"


def _requests(registry: Registry, *, start: int) -> dict[str, int]:
    with registry.log.open("rb") as log:
        log.seek(start)
        text = log.read().decode(errors="replace")
    counts = Counter(kind_of(*match.group("method", "path", "status")) for match in _REQUEST.finditer(text))
    return dict(sorted(counts.items()))


def _machine_cpu() -> float:
    """Seconds that all processors together were not idle since the machine started."""
    fields = [int(value) for value in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
