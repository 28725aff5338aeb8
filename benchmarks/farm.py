"""The preset `farm`: what the farm adds to its engine for repositories of unchanged tags."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import content
from benchmarks.content import Content
from benchmarks.errors import NotMeasurable
from benchmarks.farm_result import FarmResult
from benchmarks.measure import ROOT
from benchmarks.registries import opened_line
from benchmarks.seeding import seed

TAGS = (500, 2000)


def run_farm(*, rounds: int, scale: float) -> list[FarmResult]:
    """Measure it for each number of tags; raises NotMeasurable with the process's last words where a sync fails."""
    counts = {f"bench/tags-{count}": max(round(count * scale), 4) for count in TAGS}
    repositories = {name: content.tiny_tags(count).repositories["bench/tiny"] for name, count in counts.items()}
    with opened_line() as line:
        seed(line.source.url, Content(repositories, content.tiny_tags(1).build))
        line.target.clone(line.source)
        job = {
            "source": line.source.address,
            "target": line.target.address,
            "directory": str(line.scratch / "data"),
            "repositories": counts,
            "rounds": rounds,
        }
        path = line.scratch / "farm.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.farm_process", str(path)]
        answer = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if answer.returncode:
        raise NotMeasurable(f"The farm could not be measured: {(answer.stdout + answer.stderr)[-2000:].strip()}")
    return [FarmResult(**result) for result in json.loads(answer.stdout.splitlines()[-1])]
