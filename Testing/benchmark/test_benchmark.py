"""The benchmark: its methods on known truth, what is kept on disk, and its tables."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from AIDEALLib.benchmark import method, worker
from AIDEALLib.benchmark.cases import Plan, quick_plan
from AIDEALLib.benchmark.memory import peak_mib
from AIDEALLib.benchmark.method import METHODS, Unavailable, load
from AIDEALLib.benchmark.paired import PairedRun
from AIDEALLib.benchmark.plots import save_scaling
from AIDEALLib.benchmark.report import write_report
from AIDEALLib.benchmark.run import Benchmark, Results
from AIDEALLib.benchmark.scaling import Size
from AIDEALLib.benchmark.scaling_row import LARGE, ScalingRow
from AIDEALLib.benchmark.scaling_summary import summarise
from AIDEALLib.benchmark.score import Cost, ProtocolScore, real_score, score
from AIDEALLib.benchmark.summary import summaries
from AIDEALLib.benchmark.worker import MethodDescription
from AIDEALLib.cli.main import app
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.protocol import PROTOCOLS
from AIDEALLib.validation.cases import Abdomen, Case, Scan

CASE = Case(Abdomen(300, (3, 64, 64), 20.0), PROTOCOLS[0], (300,))
COST = Cost(0.5, 0.8, 3, 100.0)


@pytest.fixture(scope="module")
def scan() -> Scan:
    return CASE.scan()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_liver_of_an_easy_scan(name: str, scan: Scan) -> None:
    try:
        comparator = load(name)
    except Unavailable as missing:
        pytest.skip(str(missing))
    found = score(name, comparator.estimate(scan.series), CASE, scan, COST)
    assert found.liver_swap_percent < 2
    assert max(found.lobe_biases) < (4 if name == "PyCSEMRI LUT" else 0.6)
    assert abs(found.r2star_bias_percent) < 30
    assert len(found.rois) >= 1
    assert comparator.settings and comparator.version
    if math.isfinite(found.coverage_68_percent):
        assert 45 < found.coverage_68_percent < 80


def test_all_methods_are_scored_on_the_same_voxels(scan: Scan) -> None:
    ours, plain = load("one-shot").estimate(scan.series), load("voxelwise VARPRO").estimate(scan.series)
    assert np.array_equal(ours.mask, plain.mask)


def test_score_counts_errors_as_they_are(scan: Scan) -> None:
    maps = load("one-shot").estimate(scan.series)
    truth = scan.truth
    for name, values in (("pdff", truth.pdff_percent + 3), ("field", truth.field_hz), ("r2star", truth.r2star_per_s * 1.1)):
        getattr(maps, name)[...] = values
    maps.pdff_sd[...] = 4.0
    off = score("x", maps, CASE, scan, COST)
    assert off.absolute_error == pytest.approx(3, abs=1e-3)
    assert off.lobe_biases == pytest.approx([3] * len(off.lobe_biases), abs=1e-3)
    assert off.r2star_bias_percent == pytest.approx(10, abs=0.1)
    assert off.liver_swap_percent == off.body_swap_percent == 0
    assert off.coverage_68_percent == off.coverage_95_percent == 100
    assert all(found - true == pytest.approx(3, abs=1e-3) for true, found in off.rois)
    maps.field[...] += 180.0
    maps.pdff_sd[...] = np.nan
    swapped = score("x", maps, CASE, scan, COST)
    assert swapped.liver_swap_percent == 100
    assert math.isnan(swapped.coverage_68_percent)


def test_residual_on_a_real_scan_is_least_at_the_right_field(scan: Scan) -> None:
    maps = load("voxelwise VARPRO").estimate(scan.series)
    right = real_score("x", "scan", maps, scan.series, COST).residual_percent
    maps.field[...] += 60.0
    assert right < 0.5 * real_score("x", "scan", maps, scan.series, COST).residual_percent


def made_up(name: str, protocol: int, bias: float, seconds: float) -> ProtocolScore:
    rois = ((5.0, 5.0 + bias), (10.0, 10.0 + bias))
    return ProtocolScore(
        name,
        PROTOCOLS[protocol].name,
        300 + protocol,
        bias,
        -bias / 2,
        1.0,
        -4.0,
        10.0 * protocol,
        1.0,
        math.nan,
        math.nan,
        seconds,
        2 * seconds,
        3,
        200.0,
        rois,
    )


def test_summary_and_report_of_made_up_scores(tmp_path: Path) -> None:
    scores = (
        made_up("refined", 0, 0.2, 0.1),
        made_up("refined", 1, 0.4, 0.3),
        made_up("b", 0, -1.0, 1.0),
        made_up("b", 1, 3.0, 6.0),
    )
    descriptions = {
        "refined": MethodDescription("defaults", "1"),
        "b": MethodDescription("as it is", "2"),
        "c": MethodDescription(failure="not installed: pip install c"),
    }
    results = Results(Plan(PROTOCOLS[:2], patients=1), descriptions, scores, ())
    refined, b, c = summaries(results)
    assert (refined.median_bias, refined.worst_bias) == pytest.approx((0.2, 0.4))
    assert (b.median_bias, b.worst_bias, b.agreement_bias) == pytest.approx((1.25, 3.0, 1.0))
    assert (refined.times_refined, b.times_refined) == pytest.approx((1.0, 15.0))
    assert (b.liver_swap_percent, b.worst_liver_swap_percent, b.r2star_bias_percent) == pytest.approx((5.0, 10.0, 4.0))
    assert math.isnan(c.seconds_per_slice) and math.isnan(b.times_graph_cuts)
    assert c.title == "c (not installed: pip install c)"
    text = write_report(results, tmp_path)
    assert not (tmp_path / "paired.json").exists() and "The last run in which" not in text, "no graph cut of the peer"
    assert f"| {PROTOCOLS[1].name} | 10.0 / 0.40 | 10.0 / 3.00 |" in text
    assert (tmp_path / "accuracy_time.png").stat().st_size > 10_000 < (tmp_path / "bland_altman.png").stat().st_size
    with (tmp_path / "methods.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [r["method"] for r in rows] == ["refined", "b", "c"]
    assert rows[2]["seconds_per_slice"] == ""


def test_run_with_the_peer_is_stored_for_machines_where_it_cannot_run(tmp_path: Path) -> None:
    scores = tuple(made_up(name, 0, 0.2, s) for name, s in (("refined", 0.1), ("PyCSEMRI graph cut", 2.0)))
    descriptions = {name: MethodDescription("defaults", "1") for name in ("refined", "PyCSEMRI graph cut")}
    write_report(Results(Plan(PROTOCOLS[:1], patients=1), descriptions, scores, ()), tmp_path)
    stored = PairedRun.load(tmp_path / "paired.json")
    assert [row.method for row in stored.rows] == ["refined", "PyCSEMRI graph cut"]
    assert stored.rows[1].times_refined == pytest.approx(20.0)
    assert math.isnan(stored.rows[1].coverage_68_percent)
    assert stored.scans == Plan(PROTOCOLS[:1], patients=1).sentence()


def test_package_carries_a_paired_run() -> None:
    rows = {row.method: row for row in PairedRun.load().rows}
    assert rows["refined"].times_refined == 1
    assert rows["PyCSEMRI graph cut"].times_refined > 1 > rows["refined"].times_graph_cuts


def test_finished_results_are_kept_and_reused(tmp_path: Path, monkeypatch: Any) -> None:
    arguments = ["benchmark", "--quick", "--out", str(tmp_path), "--threads", "1", "--method", "voxelwise VARPRO"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    finished = sorted((tmp_path / "finished").glob("*.json"))
    assert len(finished) == len(quick_plan(300, 1).protocols)
    first = (tmp_path / "protocols.csv").read_text()
    monkeypatch.setattr(worker.Runner, "run", lambda *_: pytest.fail("a finished case was repeated"))
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert (tmp_path / "protocols.csv").read_text() == first


def test_missing_device_and_unknown_name_are_reported(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match="CUDA"):
        load("refined, CUDA")
    with pytest.raises(InputError, match="no such"):
        method.check_names(["no such"])


def test_memory_is_that_of_the_method(tmp_path: Path) -> None:
    grown = np.ones(60 * 2**17)  # 60 MiB here, not in the process of the method
    with worker.Runner("voxelwise VARPRO", 1) as runner:
        small = runner.run(Size(64, 1, 4, 1).series()).cost.peak_mib
        large = runner.run(Size(192, 2, 12, 1).series()).cost.peak_mib
    assert peak_mib() > grown.nbytes / 2**20
    assert 50 < small < large


def test_more_slices_repeat() -> None:
    series = Size(48, 8, 4, 1).series()
    assert series.shape == (8, 48, 48)
    assert np.array_equal(series.echoes[:, 0], series.echoes[:, 6])
    assert not np.array_equal(series.echoes[:, 0], series.echoes[:, 1])


def test_plan_gives_equal_scans() -> None:
    first, second = (Plan(matrix=48).cases()[16].scan() for _ in range(2))
    assert np.array_equal(first.series.echoes, second.series.echoes)
    assert first.series.field_strength_t == 0.35
    assert len({p.name for p in Plan().protocols}) == len(Plan().protocols) >= 8
    seeds = [case.target.seed for case in Plan().cases()]
    assert len(set(seeds)) == len(seeds) == 2 * len(Plan().protocols)


def test_nothing_is_kept_half_written(tmp_path: Path) -> None:
    bench = Benchmark(quick_plan(300, 1), ["voxelwise VARPRO"], [], tmp_path, lambda what: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Runner, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bench.run()
    assert not list(tmp_path.rglob("*"))


def test_scaling_command(tmp_path: Path) -> None:
    arguments = ["benchmark", "--scaling", "--quick", "--out", str(tmp_path), "--threads", "1", "--method", "voxelwise VARPRO"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    with (tmp_path / "scaling.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["varied"], r["value"]) for r in rows] == [("matrix", "48"), ("matrix", "64")]
    assert all(float(r["seconds_per_slice"]) > 0 and float(r["peak_mib"]) > 50 for r in rows)
    assert all(float(r["cpu_s"]) > 0 for r in rows)
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
    assert "CPU time ~ (voxels of a slice)^" in done.stdout


def scaling_rows(name: str, power: float, overhead_s: float = 0.0) -> list[ScalingRow]:
    """Rows of a method whose CPU time is a power of the size, and which gains 1.8 from two threads."""

    def row(varied: str, value: int, cpu_s: float, threads: int = 2) -> ScalingRow:
        wall = cpu_s if threads == 1 else cpu_s / 1.8
        return ScalingRow(name, varied, value, wall, cpu_s, wall / 2, 300.0)

    sizes = {"slices": (1, 2, 8), "echoes": (3, 6, 12)}
    rows = [row("matrix", n, overhead_s + 1e-4 * n ** (2 * power)) for n in (96, 192, 384)]
    rows += [row(varied, n, float(n) ** power) for varied, values in sizes.items() for n in values]
    return [*rows, row("threads", 1, 4.0, threads=1), row("threads", 2, 4.0), replace(row(LARGE, 60, 90.0), peak_mib=950.0)]


def test_scaling_is_summed_up_in_exponents_and_efficiency(tmp_path: Path) -> None:
    linear, slow = summarise([*scaling_rows("a", 1.0), *scaling_rows("b", 1.5)])
    assert list(linear.exponents.values()) == pytest.approx([1, 1, 1])
    assert list(slow.exponents.values()) == pytest.approx([1.5, 1.5, 1.5])
    assert linear.efficiency == pytest.approx(0.9)
    assert (linear.large_mib, linear.threads) == (950, 2)
    assert linear.cells() == ["a", "1.00", "1.00", "1.00", "0.90", "950", "50.0"]
    (fixed,) = summarise(scaling_rows("c", 1.0, overhead_s=1.0))
    assert fixed.exponents["voxels of a slice"] < 0.9, "a share that does not grow"
    save_scaling(scaling_rows("a", 1.0), tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 10_000


def test_scaling_that_was_not_measured_has_dashes() -> None:
    ended = ScalingRow("a", "matrix", 96, math.nan, math.nan, math.nan, math.nan, "its process ended: SIGILL")
    assert summarise([ended])[0].cells() == ["a", *["-"] * 6]
