"""A method whose process ends has a row that gives the reason; the other methods are run as before."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from AIDEALLib.benchmark.cases import quick_plan
from AIDEALLib.benchmark.method import METHODS
from AIDEALLib.benchmark.paired import PairedRun
from AIDEALLib.benchmark.report import write_report
from AIDEALLib.benchmark.run import Benchmark
from AIDEALLib.benchmark.scaling import Size
from AIDEALLib.benchmark.summary import summaries
from AIDEALLib.benchmark.worker import ProcessEnded, Runner
from AIDEALLib.cli.main import app

KILLED, ILLEGAL = "its process ended: SIGKILL", "its process ended: SIGILL"
ENDING = ("ends at start", "ends in a run")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods that end, in the list of methods; the graph cut of PyCSEMRI is one of them."""
    for name, kind in zip(ENDING, ("EndsAtStart", "EndsInRun"), strict=True):
        monkeypatch.setitem(METHODS, name, f"ending_methods:{kind}")
    monkeypatch.setitem(METHODS, "PyCSEMRI graph cut", "ending_methods:IllegalInstruction")
    monkeypatch.setitem(METHODS, "raises", "ending_methods:Raises")


def test_other_methods_are_run(tmp_path: Path) -> None:
    names = [*ENDING, "PyCSEMRI graph cut", "graph-cuts", "voxelwise VARPRO"]
    plan = quick_plan(300, 1)
    results = Benchmark(plan, names, [], tmp_path / "finished", lambda what: None).run()
    assert results.complete == ["graph-cuts", "voxelwise VARPRO"]
    assert len(results.scores) == 2 * len(plan.protocols)
    text = write_report(results, tmp_path)
    for name, reason in zip(names, (KILLED, KILLED, ILLEGAL), strict=False):
        assert f"| {name} ({reason}) | - |" in text
    assert f"time relative to graph-cuts (PyCSEMRI graph cut did not run: {ILLEGAL})" in text
    last = PairedRun.load()
    assert f"The last run in which PyCSEMRI graph cut took part ({last.scans}; {last.machine.rstrip('.')})" in text
    of_peer = next(row for row in last.rows if row.method == "PyCSEMRI graph cut")
    assert f"| PyCSEMRI graph cut | {of_peer.seconds_per_slice:.3f} |" in text, "the figures of that run, beside the new ones"
    assert not (tmp_path / "paired.json").exists()
    with (tmp_path / "methods.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["failure"] for row in rows] == [KILLED, KILLED, ILLEGAL, "", ""]
    cuts, voxelwise = summaries(results)[3:]
    assert cuts.times_graph_cuts == 1
    assert voxelwise.times_graph_cuts > 0
    assert math.isnan(voxelwise.times_refined), "refined was not run"


def test_report_where_no_method_is_left(tmp_path: Path) -> None:
    arguments = ["benchmark", "--quick", "--out", str(tmp_path), "--threads", "1"]
    for name in ENDING:
        arguments += ["--method", name]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert all(f"{name} ({KILLED})" in done.stdout for name in ENDING)


def test_scaling_gives_the_reason(tmp_path: Path) -> None:
    arguments = ["benchmark", "--scaling", "--quick", "--out", str(tmp_path), "--threads", "1"]
    for name in (*ENDING, "voxelwise VARPRO"):
        arguments += ["--method", name]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    with (tmp_path / "scaling.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    ended = [(name, KILLED) for name in ENDING]
    assert [(row["method"], row["note"]) for row in rows] == [*ended, *[("voxelwise VARPRO", "")] * 2]


def test_ended_process_stays_ended() -> None:
    series = Size(48, 1, 4, 1).series()
    with Runner("ends in a run", 1) as runner:
        assert runner.description.settings
        for _ in range(2):
            with pytest.raises(ProcessEnded, match=KILLED):
                runner.run(series)
        assert runner.description.failure == KILLED


def test_error_of_a_method_is_raised() -> None:
    with Runner("raises", 1) as runner, pytest.raises(ValueError, match="no estimate"):
        runner.run(Size(48, 1, 4, 1).series())
