"""Results as they are kept: medians, the JSON file, and the machine they come from."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.farm_result import FarmResult
from benchmarks.measure import Cost
from benchmarks.session import PresetResult, Run

_VERSIONS = {
    "docker-registry": ("docker-registry", "--version"),
    "skopeo": ("skopeo", "--version"),
    "crane": ("crane", "version"),
    "regsync": ("regsync", "version", "--format", "{{.VCSTag}}"),
    "curl": ("curl", "--version"),
}


@dataclass(frozen=True)
class Medians:
    """The medians of the rounds of one tool at one step; requests are those of the last round."""

    rounds: int
    wall: float
    fastest: float
    slowest: float
    cost: Cost


@dataclass
class Results:
    """Everything one call has measured, or several calls one after another."""

    machine: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    presets: list[PresetResult] = field(default_factory=list)
    farm: list[FarmResult] = field(default_factory=list)

    def preset(self, name: str) -> PresetResult | None:
        """What was measured of a preset, if anything."""
        return next((each for each in self.presets if each.preset == name), None)

    def medians(self, preset: str, step: str, tool: str) -> Medians | None:
        """What a tool took for a step, or None where it was not measured."""
        result = self.preset(preset)
        costs = [run.cost for run in result.runs if (run.step, run.tool) == (step, tool)] if result else []
        return medians_of(costs) if costs else None

    def add(self, other: Results) -> None:
        """Take in the presets of another call, in place of older ones."""
        self.machine, self.scale = other.machine, other.scale
        names = {each.preset for each in other.presets}
        self.presets = [each for each in self.presets if each.preset not in names] + other.presets
        self.farm = other.farm or self.farm

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Results:
        """What earlier calls have written; raises ValueError for a file of something else."""
        results = cls()
        for path in paths:
            try:
                results.add(cls._from_json(json.loads(path.read_text(encoding="utf-8"))))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path} holds no results of these benchmarks.") from error
        return results

    @classmethod
    def _from_json(cls, document: dict[str, Any]) -> Results:
        presets = [
            PresetResult(**each | {"runs": [Run(**run | {"cost": Cost(**run["cost"])}) for run in each["runs"]]})
            for each in document["presets"]
        ]
        farm = [FarmResult(**each) for each in document["farm"]]
        return cls(machine=document["machine"], scale=document["scale"], presets=presets, farm=farm)


def medians_of(costs: list[Cost]) -> Medians:
    """Each figure's own median."""

    def median(figure: str) -> float:
        return float(statistics.median(getattr(cost, figure) for cost in costs))

    walls = [cost.wall for cost in costs]
    cost = Cost(
        wall=median("wall"),
        cpu=median("cpu"),
        peak=max(cost.peak for cost in costs),
        source_cpu=median("source_cpu"),
        target_cpu=median("target_cpu"),
        others_cpu=median("others_cpu"),
        source_requests=costs[-1].source_requests,
        target_requests=costs[-1].target_requests,
    )
    return Medians(len(costs), cost.wall, min(walls), max(walls), cost)


def machine_facts() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "system": _distribution(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "content_in_memory": Path("/dev/shm").is_dir(),
        "load_at_start": os.getloadavg()[0],
        "versions": {name: version for name, command in _VERSIONS.items() if (version := _version(command))},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _version(command: tuple[str, ...]) -> str:
    if not shutil.which(command[0]):
        return ""
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\S*", answer.stdout)
    return found.group() if found else answer.stdout.strip()[:40]
