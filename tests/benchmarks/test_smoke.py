"""The benchmarks at a tiny scale: real registries, real tools, every copy checked."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main
from tests.fixtures.tools import program

TOOLS = ("mirrorfarm", "quay", "curl")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the JSON, the chart and the tables of one small run."""
    program("docker-registry")
    program("skopeo")
    directory = tmp_path_factory.mktemp("benchmarks")
    outputs = ["--json", directory / "a.json", "--chart", directory / "a.svg", "--markdown", directory / "a.md"]
    assert main([*_tiny("small", TOOLS), "--goals", *map(str, outputs)]) == 0
    return directory


def test_every_tool_is_timed_at_every_step_it_knows(results: Path) -> None:
    assert set(_costs(results / "a.json")) == {
        ("mirrorfarm", "first copy"),
        ("mirrorfarm", "unchanged"),
        ("mirrorfarm", "unchanged, recorded state"),
        ("mirrorfarm", "5 % moved"),
        ("quay", "first copy"),
        ("quay", "unchanged"),
        ("quay", "5 % moved"),
        ("curl", "first copy"),
    }


def test_a_run_tells_time_cpu_memory_and_requests(results: Path) -> None:
    cost = _costs(results / "a.json")["quay", "unchanged"]

    assert 0 < cost["cpu"] < cost["wall"] * 4
    assert cost["peak"] > 5_000_000
    # Quay's way writes every tag again, though none has changed.
    assert cost["target_requests"]["PUT manifest"] == 4


def test_the_recorded_state_spares_the_target_every_question_but_the_list(results: Path) -> None:
    cost = _costs(results / "a.json")["mirrorfarm", "unchanged, recorded state"]

    assert cost["target_requests"] == {"GET tag list": 1}


def test_curl_sends_nothing_but_what_a_copy_needs(results: Path) -> None:
    cost = _costs(results / "a.json")["curl", "first copy"]

    blobs = cost["source_requests"]["GET blob"]
    assert cost["target_requests"] == {"POST upload": blobs, "PUT upload": blobs, "PUT manifest": 4}


def test_the_chart_has_a_bar_for_every_tool(results: Path) -> None:
    bars = ET.fromstring((results / "a.svg").read_text(encoding="utf-8")).iter("{http://www.w3.org/2000/svg}rect")

    assert len(list(bars)) == len(TOOLS) + 2 + 2  # first copy; unchanged and moved, where curl has nothing to do


def test_the_tables_hold_tools_and_goals(results: Path) -> None:
    text = (results / "a.md").read_text(encoding="utf-8")

    assert "| skopeo, as Quay runs it |" in text
    assert "≥ 16 × as fast as skopeo, as Quay runs it" in text


def test_what_was_measured_can_be_shown_again(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--read", str(results / "a.json")]) == 0

    assert "bare curl -Z, 4 at a time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("preset", "tools"),
    [("fleet", ("mirrorfarm",)), ("big-tls", ("mirrorfarm", "curl-pipe")), ("huge", ("engine",))],
)
def test_the_other_kinds_of_presets_run_too(preset: str, tools: tuple[str, ...], tmp_path: Path) -> None:
    program("docker-registry")

    assert main([*_tiny(preset, tools), "--json", str(tmp_path / "a.json")]) == 0

    assert {tool for tool, _ in _costs(tmp_path / "a.json")} == set(tools)


def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"tags": []}')

    assert main(["--read", str(path)]) == 1

    assert "other.json holds no results of these benchmarks" in capsys.readouterr().err


def test_no_tool_at_all_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("docker-registry")
    monkeypatch.setattr("benchmarks.tools.Tool.is_installed", False)

    assert main(["--preset", "small", "--tools", "crane"]) == 1

    printed = capsys.readouterr()
    assert "crane is not installed" in printed.out
    assert "None of these tools is installed" in printed.err


def _tiny(preset: str, tools: tuple[str, ...]) -> list[str]:
    return ["--rounds", "1", "--scale", "0.002", "--preset", preset, "--tools", *tools]


def _costs(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    runs = json.loads(path.read_text())["presets"][0]["runs"]
    return {(run["tool"], run["step"]): run["cost"] for run in runs}
