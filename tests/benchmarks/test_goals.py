"""Goals are judged by medians of the same call."""

from __future__ import annotations

from benchmarks import goals
from benchmarks.farm_result import FarmResult
from benchmarks.measure import Cost
from benchmarks.results import Results
from benchmarks.session import PresetResult, Run


def _results(preset: str, runs: dict[tuple[str, str], list[float]], *, size: int = 0) -> Results:
    """Results with these wall times, as much CPU, and 60 MiB of memory."""
    measured = [
        Run(tool, step, number, Cost(wall, cpu=wall, peak=60 << 20))
        for (tool, step), walls in runs.items()
        for number, wall in enumerate(walls)
    ]
    return Results(presets=[PresetResult(preset, preset, 1, 500, 1020, size, measured)])


def _verdict(results: Results, *words: str) -> goals.Verdict:
    return next(each for each in goals.verdicts(results) if all(word in each.goal for word in words))


def test_the_median_decides_not_the_best_round() -> None:
    results = _results("small", {("mirrorfarm", "unchanged"): [0.1, 1.0, 3.0], ("quay", "unchanged"): [19.0]})

    assert _verdict(results, "20 ×", "Quay").reached is False


def test_a_ratio_at_the_goal_is_enough() -> None:
    results = _results("small", {("mirrorfarm", "unchanged"): [1.0], ("quay", "unchanged"): [20.0]})

    assert _verdict(results, "20 ×", "Quay").reached is True


def test_a_peer_that_was_not_measured_leaves_the_goal_open() -> None:
    results = _results("small", {("mirrorfarm", "unchanged"): [1.0]})

    assert _verdict(results, "crane").reached is None


def test_the_recorded_state_is_compared_with_what_others_take_when_nothing_changed() -> None:
    runs = {("mirrorfarm", "unchanged, recorded state"): [0.5], ("quay", "unchanged"): [20.0]}

    assert _verdict(_results("small", runs), "35 ×").measured == "40.0 ×"


def test_a_third_slower_than_crane_is_allowed_and_no_more() -> None:
    def verdict(wall: float) -> bool | None:
        runs = {("mirrorfarm", "unchanged"): [wall], ("crane", "unchanged"): [3.0]}
        return _verdict(_results("small", runs), "1.33 ×", "crane").reached

    assert verdict(4.0) is True
    assert verdict(4.1) is False


def test_throughput_is_bytes_per_second_of_cpu() -> None:
    results = _results("big", {("mirrorfarm", "first copy"): [4.0]}, size=2_400_000_000)

    assert _verdict(results, "MB per CPU second").measured == "600 MB"
    assert _verdict(results, "MiB of memory").reached is True


def test_the_farm_may_not_ask_its_database_once_per_tag() -> None:
    farm = [
        FarmResult(500, 3, sync_cpu=0.4, engine_cpu=0.2, queries=20, heartbeat_queries=6),
        FarmResult(2000, 3, sync_cpu=1.0, engine_cpu=0.8, queries=70, heartbeat_queries=6),
    ]

    verdict = _verdict(Results(farm=farm), "as many statements")

    assert (verdict.measured, verdict.reached) == ("20 and 70", False)
