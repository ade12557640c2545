"""The time that users wait: the unchanged command and worker are timed, and compared with an earlier measurement."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from AIDEALLib.benchmark import speed
from AIDEALLib.benchmark.machine import Machine
from AIDEALLib.benchmark.speed import NO_BYTECODE, environment
from AIDEALLib.benchmark.speed_report import REMAINDER, Cost, SpeedReport, WayCost
from AIDEALLib.benchmark.speed_table import tables, warnings
from AIDEALLib.cli.main import app
from AIDEALLib.errors import InputError

SMALL = ["speed", "--matrix", "48", "--slices", "2", "--echoes", "4", "--threads", "1", "--method", "one-shot"]
MACHINE = Machine("AMD", 2, 24.0, "Linux x86_64", "3.11.7", "0.2.0", {"torch": "2.13", "numpy": "2.0"}, 0.1)
SETTINGS = {"method": "refined", "device": "auto", "threads": None}


def report(wall_s: float) -> SpeedReport:
    measured = {
        "wall_s": wall_s,
        "cpu_s": wall_s / 2,
        "seconds": {"reading": 1.0, "network": 2.0},
        "cpu_seconds": {"reading": 0.5, "network": 1.5},
        "peak_mib": 512.0,
    }
    return SpeedReport(MACHINE, SETTINGS, (WayCost.of("aideal run", "2 x 48 x 48 x 4", measured),))


def test_command_and_worker_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_BYTECODE, "1")
    monkeypatch.setattr(speed, "LOOKED_AT_S", 0.1)  # the run waits until the worker is warm
    file = tmp_path / "speed.json"
    done = CliRunner().invoke(app, [*SMALL, "--json", str(file)])
    assert done.exit_code == 0, done.output
    found = SpeedReport.load(file)
    assert [way.name.split(",")[0] for way in found.ways] == ["aideal run"] * 2 + ["Apply to maps"] * 3
    for way in found.ways:
        assert way.scan == "2 x 48 x 48 x 4"
        assert {"checking", "phase corrections", "network"} <= way.steps.keys()
        assert list(way.steps)[-1] == REMAINDER
        assert all(cost.wall_s >= 0 for cost in way.steps.values())
        assert way.total.wall_s > 0
        assert way.total.cpu_s is None or way.total.cpu_s > 0
    for way in found.ways[:2]:
        assert {"reading", "writing maps", "overview picture", "report page", "report PDF", "viewer"} <= way.steps.keys()
    at_once, first, later = found.ways[2:]
    assert "import of torch" in at_once.steps, "nothing was warmed up"
    assert not any("import of torch" in way.steps for way in (first, later))
    assert found.settings == {"method": "one-shot", "device": "auto", "threads": 1}
    assert "Apply to maps, later in a session: 2 x 48 x 48" in " ".join(done.stdout.split())


def test_timed_processes_keep_their_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_BYTECODE, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert NO_BYTECODE not in environment(None)
    assert environment(None)["OMP_NUM_THREADS"] == "1"
    assert environment(3)["OMP_NUM_THREADS"] == "3"


def test_failure_of_a_timed_process_is_reported(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*SMALL, "--models", str(tmp_path)])
    assert done.exit_code == 1
    assert "A timed process ended with exit code" in done.stderr


def test_saved_measurement_is_read_back(tmp_path: Path) -> None:
    report(10.0).save(tmp_path / "a.json")
    assert SpeedReport.load(tmp_path / "a.json") == report(10.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "machine": {}, "settings": {}, "ways": []}'])
def test_other_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(InputError, match="aideal speed --json"):
        SpeedReport.load(file)
    assert CliRunner().invoke(app, [*SMALL, "--against", str(file)]).exit_code == 1


def test_remainder_is_what_no_step_accounts_for() -> None:
    (way,) = report(10.0).ways
    assert way.steps[REMAINDER] == Cost(7.0, 3.0)
    overlapping = report(2.5).ways[0]
    assert overlapping.steps[REMAINDER] == Cost(0.0, 0.0), "steps side by side take longer together than the run"


def test_table_gives_ratios_to_an_earlier_measurement() -> None:
    (alone,) = tables(report(10.0), None)
    assert alone.columns == ("Step", "wall s", "CPU s", "% of wall")
    assert alone.lines[0] == ("reading", "1.00", "0.50", "10")
    assert alone.lines[-1] == ("in total", "10.00", "5.00", "100")
    (table,) = tables(report(5.0), report(10.0))
    assert table.lines[-1] == ("in total", "5.00", "2.50", "100", "10.00", "0.50", "0.50")
    gone = report(10.0)
    gone = replace(gone, ways=(replace(gone.ways[0], steps={"fusion": Cost(4.0, None)}),))
    lines = {line[0]: line[1:] for line in tables(report(5.0), gone)[0].lines}
    assert lines["fusion"] == ("-", "-", "-", "4.00", "-", "-")
    assert lines["reading"][-3:] == ("-", "-", "-")


def test_what_makes_ratios_doubtful_is_stated() -> None:
    assert warnings(report(5.0), report(10.0)) == []
    other = replace(
        report(10.0),
        machine=replace(MACHINE, processor="Intel", packages={"torch": "2.2", "numpy": "2.0"}),
        settings={**SETTINGS, "threads": 1},
        ways=(),
    )
    elsewhere, settings, absent = warnings(report(5.0), other)
    assert "processor AMD, before Intel; torch 2.13, before 2.2" in elsewhere
    assert "'threads': 1" in settings
    assert "aideal run (2 x 48 x 48 x 4)" in absent


def test_machine_is_described() -> None:
    here = Machine.here()
    assert here.processor and here.cores >= 1
    assert here.packages.keys() >= {"torch", "numpy"}
    assert here.differences(here) == []
    assert json.loads(json.dumps(here.as_dict()))["python"] == here.python
    assert f"torch {here.packages['torch']}" in here.sentence()
