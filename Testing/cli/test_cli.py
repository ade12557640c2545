"""The command from end to end, on small simulated scans."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from paths import MODULE
from typer.testing import CliRunner

from AIDEALLib import __version__
from AIDEALLib.cli.main import app
from AIDEALLib.cli.validate import Section
from AIDEALLib.echoes import Geometry
from AIDEALLib.estimation import estimate
from AIDEALLib.estimation.phase_correction import plan
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.io.load import load_series
from AIDEALLib.io.npz import write_npz
from AIDEALLib.io.output import overview
from AIDEALLib.io.segmentation import Segmentation, load_segmentation, save_segmentation
from AIDEALLib.model_files import sha256
from AIDEALLib.models import load_networks
from AIDEALLib.parameter_maps import MAP_INFO
from AIDEALLib.progress import Monitor
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.validation.run import SECTIONS

MAPS = {f"{name}.nrrd" for name in MAP_INFO} | {"mask.nrrd"}
PAGES = {"report.html", "report.pdf", "viewer.html", "overview.png"}
RESULTS = MAPS | PAGES | {"statistics.csv", "provenance.json", "quality.json", "files.json"}
RESEARCH = "Research use only, not for diagnosis."


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slices of small vials as .npz, and their segmentation beside it; two vials play the lobes."""
    folder = tmp_path_factory.mktemp("scan")
    tissue = phantom(1, 1.5, (2, 64, 64), pixel_mm=4.5)
    geometry = Geometry((4.5, 4.5, 6.0), (-10.0, 20.0, 5.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    series = acquire(tissue, replace(PAPER, snr=40.0), np.random.default_rng(0))
    write_npz(folder / "scan.npz", replace(series, geometry=geometry))
    names = {5: "Right lobe", 6: "Left lobe"}
    labels = np.where(np.isin(tissue.labels, list(names)), tissue.labels, 0).astype(np.int32)
    save_segmentation(Segmentation(labels, names), geometry, folder / "lobes.seg.nrrd")
    return folder


@pytest.fixture
def aideal() -> Any:
    """Run the command, with the bundled networks."""

    def invoke(*arguments: object) -> Any:
        return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "140", "TERM": "dumb"})

    return invoke


@pytest.fixture
def no_corrections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the search for phase errors, which tests of other things need not pay for."""
    monkeypatch.setattr(plan, "plan_corrections", lambda *_: NO_CORRECTIONS)


def table(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from AIDEALLib.cli.main import app\n"
        "for c in ([], ['run'], ['demo'], ['phantom'], ['speed'], ['train']):\n"
        "    assert CliRunner().invoke(app, [*c, '--help']).exit_code == 0\n"
        "print([m for m in ('torch', 'scipy', 'SimpleITK', 'matplotlib', 'lightning', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=MODULE)
    assert done.stdout.strip() == "[]"


def test_version(aideal: Any) -> None:
    assert aideal("--version").output.strip() == f"aideal {__version__}"


def test_run_with_segmentation(aideal: Any, scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    done = aideal("run", scan / "scan.npz", "--out", out, "--segmentation", scan / "lobes.seg.nrrd")
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == RESULTS | {"segmentation.seg.nrrd"}
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    rows = table(out / "statistics.csv")
    assert [r["segment"] for r in rows] == ["Right lobe", "Left lobe", "whole liver"]
    assert float(rows[0]["pdff_median_percent"]) == pytest.approx(17.1, abs=1.0)
    assert float(rows[1]["pdff_median_percent"]) == pytest.approx(11.3, abs=1.0)
    assert int(rows[2]["voxels"]) == int(rows[0]["voxels"]) + int(rows[1]["voxels"])
    image = sitk.ReadImage(str(out / "pdff.nrrd"))
    assert image.GetSpacing() == (4.5, 4.5, 6.0)
    assert image.GetOrigin() == (-10.0, 20.0, 5.0)
    assert image.GetDirection() == (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    assert image.GetSize() == (64, 64, 2)
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["method"] == "refined"
    assert provenance["models"] == load_networks().checksums
    assert provenance["options"]["segmentation"] == "segmentation.seg.nrrd"
    assert {"reading", "network"} <= provenance["seconds"].keys()
    said = " ".join(done.output.split())
    assert said.count(RESEARCH) == 1
    for words in ("Right lobe", "whole liver", "Phase as given", "2 slices on cpu", "writing", str(out.resolve())):
        assert words in said


@pytest.mark.usefixtures("no_corrections")
def test_a_script_notices_that_one_region_has_no_number(aideal: Any, scan: Path, tmp_path: Path) -> None:
    """Echoes 3 and 4 are exchanged in one of two lobes only, which no finding stops the run for."""
    series = load_series(scan / "scan.npz")
    labels = load_segmentation(scan / "lobes.seg.nrrd", series.geometry, series.shape).labels
    left = np.where(labels == 6, series.echoes[[0, 1, 3, 2, *range(4, series.n_echoes)]], series.echoes)
    write_npz(tmp_path / "scan.npz", replace(series, echoes=left))
    words = ("run", tmp_path / "scan.npz", "--out", tmp_path / "out", "--segmentation", scan / "lobes.seg.nrrd")
    done = aideal(*words, "--method", "one-shot")
    assert done.exit_code == 3, done.output
    assert "Left lobe: number withheld: " in " ".join(done.output.split())
    rows = {row["segment"]: row for row in table(tmp_path / "out" / "statistics.csv")}
    assert rows["Right lobe"]["pdff_reported_percent"] and not rows["Right lobe"]["not_measured_because"]
    assert not rows["Left lobe"]["pdff_reported_percent"] and rows["Left lobe"]["not_measured_because"]
    findings = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))["findings"]
    assert "stop" not in {finding["severity"] for finding in findings}


@pytest.mark.usefixtures("no_corrections")
def test_run_leaves_out_edges_and_vessels_and_suggests_circles(aideal: Any, tmp_path: Path) -> None:
    series, truth = demo_liver(matrix=(8, 80, 80))
    write_npz(tmp_path / "scan.npz", series)
    segments = Segmentation(truth.labels.astype(np.int32), truth.label_names)
    save_segmentation(segments, series.geometry, tmp_path / "lobes.seg.nrrd")
    out = tmp_path / "out"
    done = aideal(
        *("run", tmp_path / "scan.npz", "--out", out, "--segmentation", tmp_path / "lobes.seg.nrrd", "--suggest-circles"),
        *("--circles-per-segment", 2, "--leave-out-edges-mm", 8, "--leave-out-vessels", "--method", "one-shot"),
    )
    assert done.exit_code == 0, done.output
    rows = {row["segment"]: row for row in table(out / "statistics.csv")}
    circles = load_segmentation(out / "circles.seg.nrrd", series.geometry, series.shape)
    assert list(rows) == ["Right lobe", "Left lobe", "whole liver", *circles.names.values(), "all circles"]
    assert "Right lobe ROI 1" in rows
    assert int(rows["Right lobe"]["used_voxels"]) < int(rows["Right lobe"]["voxels"]) == np.count_nonzero(truth.labels == 1)
    for name, voxels in ((segment.name, segment.mask) for segment in circles.segments):
        assert set(truth.labels[voxels]) == {1 if name.startswith("Right") else 2}
        assert int(rows[name]["voxels"]) == np.count_nonzero(voxels)
    assert "% of the voxels are left" in done.output
    assert "off the edge of the liver" in done.output
    used = json.loads((out / "provenance.json").read_text(encoding="utf-8"))["options"]
    assert used["leave_out"]["edge_mm"] == 8.0
    assert used["circles"]["most"] == 2
    refused = aideal("run", tmp_path / "scan.npz", "--out", out, "--suggest-circles")
    assert refused.exit_code == 1
    assert "give a segmentation" in " ".join(refused.output.split())


@pytest.mark.usefixtures("no_corrections")
def test_run_one_shot_without_segmentation(aideal: Any, scan: Path, tmp_path: Path, fresh_models: Path) -> None:
    out = tmp_path / "out"
    own = ("--models", fresh_models, "--trust-models")
    done = aideal("run", scan / "scan.npz", "--out", out, "--method", "one-shot", "--device", "cpu", *own)
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == RESULTS
    (row,) = table(out / "statistics.csv")
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "mask.nrrd")))
    assert row["segment"] == "body mask"
    assert int(row["voxels"]) == int(mask.sum()) > 500
    assert row["steatosis_grade_research_use"] == ""
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["method"] == "one-shot"
    assert provenance["models"]["G_phi"] == sha256(fresh_models / "G_phi.pt")


def test_options_reach_the_estimate(aideal: Any, scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    te = ["0.001,0.002", "0.003", "0.004,0.005, 0.006"]
    done = aideal(
        *("run", scan / "scan.npz", "--out", out, "--method", "one-shot", "--field-strength", 3, "--conjugate", "yes"),
        *("--bipolar", "yes", "--first-echo", "no", "--gain-steps", "yes", "--preset", "phantom"),
        *("--spectrum", "single-peak", "--ppm-offset", 0.08, "--readout", "monopolar"),
        *(word for values in te for word in ("--te", values)),
    )
    assert done.exit_code == 0, done.output
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["te_s"] == [0.001, 0.002, 0.003, 0.004, 0.005, 0.006]
    assert provenance["field_strength_t"] == 3
    assert provenance["phase_sign"] == "conjugated on request"
    assert provenance["spectrum"]["ppm"] == [pytest.approx(-3.32)]
    assert provenance["readout"] == "monopolar"
    assert provenance["options"]["phase_corrections"]["bipolar"]["applied"]
    assert not provenance["options"]["phase_corrections"]["first_echo"]["applied"]
    assert len(provenance["options"]["phase_corrections"]["gains_taken_out"]) == 6
    assert provenance["options"]["run"]["preset"] == "phantom"


@pytest.mark.usefixtures("no_corrections")
def test_preset_of_phantoms_shifts_fat(aideal: Any, scan: Path, tmp_path: Path) -> None:
    done = aideal("run", scan / "scan.npz", "--out", tmp_path / "out", "--method", "magnitude", "--preset", "phantom")
    assert done.exit_code == 0, done.output
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["spectrum"]["ppm"][1] == pytest.approx(-3.55, abs=0.01)
    said = " ".join(done.output.split())
    assert "expect a PDFF standard deviation of at least" in said
    assert "report.html" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.npz"], "scan.npz does not exist"),
        (["scan.npz", "--te", "0.0013,3.4,5.5,7.6,9.7,11.8"], "seconds were expected"),
        (["scan.npz", "--te", "one,two"], "a time in seconds, or with its unit, was expected"),
        (["scan.npz", "--te", "0.001,0.002,0.003"], "6 echo images but 3 echo times"),
        (["scan.npz", "--field-strength", "0"], "tesla"),
        (["scan.npz", "--device", "gpu"], "auto, cpu or cuda was expected"),
        (["scan.npz", "--segmentation", "none.seg.nrrd"], "segmentation.seg.nrrd does not exist"),
        (["lobes.seg.nrrd"], "Cannot read scan.seg.nrrd as a scan"),
    ],
)
def test_bad_input_is_one_red_line_and_leaves_nothing(
    aideal: Any, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(scan)
    done = aideal("run", *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_error_itself(scan: Path, tmp_path: Path, place: str) -> None:
    words = ["run", str(tmp_path / "nothing.npz"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["--debug", *words] if place == "before" else [*words, "--debug"])
    assert done.exit_code != 0
    assert type(done.exception).__name__ == "InputError"
    quiet = CliRunner().invoke(app, words)
    assert isinstance(quiet.exception, SystemExit)


def test_missing_models_are_reported(scan: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["run", str(scan / "scan.npz"), "--out", str(tmp_path / "out"), "--models", str(scan)])
    assert done.exit_code == 1
    assert "No models.json in" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_out_that_is_a_file(aideal: Any, scan: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    done = aideal("run", scan / "scan.npz", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "is a file; a folder for the results was expected" in done.stderr
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("no_corrections")
def test_failure_while_writing_leaves_what_was_there(
    aideal: Any, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(overview, "save_overview", full_disk)
    out = tmp_path / "out"
    out.mkdir()
    (out / "pdff.nrrd").write_text("of yesterday", encoding="utf-8")
    done = aideal("run", scan / "scan.npz", "--out", out, "--method", "one-shot")
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert {p.name: p.read_text(encoding="utf-8") for p in out.iterdir()} == {"pdff.nrrd": "of yesterday"}


@pytest.mark.usefixtures("no_corrections")
def test_ctrl_c_cancels_cleanly(aideal: Any, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = estimate.estimate
    done_slices: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def interrupted(*given: Any, monitor: Monitor, **more: Any) -> Any:
        def pressing(done: int, total: int) -> None:
            monitor.slices(done, total)
            done_slices.append(done)
            if done == 1:
                signal.raise_signal(signal.SIGINT)

        return whole(*given, monitor=replace(monitor, slices=pressing), **more)

    monkeypatch.setattr(estimate, "estimate", interrupted)
    done = aideal("run", scan / "scan.npz", "--out", tmp_path / "out", "--method", "one-shot")
    assert done.exit_code == 130
    assert "Cancelled" in done.stderr
    assert done_slices == [0, 1]
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("no_corrections")
def test_demo(aideal: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = aideal("demo", "--out", out, "--slices", 6, "--matrix", 64)
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == RESULTS | {"error.csv", "input.npz", "segmentation.seg.nrrd"}
    lobes = table(out / "error.csv")
    assert [r["segment"] for r in lobes] == ["Right lobe", "Left lobe"]
    for row in lobes:
        assert abs(float(row["median_bias"])) < 1.5
        assert float(row["swap_percent"]) < 1
        assert 0.5 < float(row["stated_sd"]) < 10
    assert [r["segment"] for r in table(out / "statistics.csv")] == ["Right lobe", "Left lobe", "whole liver"]
    again = aideal(
        *("run", out / "input.npz", "--out", tmp_path / "again", "--segmentation", out / "segmentation.seg.nrrd"),
    )
    assert again.exit_code == 0, again.output
    first, second = (sitk.GetArrayFromImage(sitk.ReadImage(str(d / "pdff.nrrd"))) for d in (out, tmp_path / "again"))
    assert np.array_equal(first, second)


@pytest.mark.usefixtures("no_corrections")
def test_phantom(aideal: Any, tmp_path: Path) -> None:
    done = aideal("phantom", "--out", tmp_path / "out", "--set", 2, "--snr", 50, "--slices", 1)
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"phantom.npz", "vials.seg.nrrd", "vials.csv", "files.json"}
    rows = table(tmp_path / "out" / "vials.csv")
    assert [(r["method"], r["vial"]) for r in rows] == [(m, f"vial {n}") for m in ("refined", "one-shot") for n in range(1, 8)]
    assert [float(r["truth"]) for r in rows[:7]] == pytest.approx([100, 80, 50, 28, 17.1, 11.3, 5.2], abs=1e-4)
    assert float(rows[0]["r2star_per_s"]) == pytest.approx(116.3, abs=1e-3)
    for row in rows[:7]:
        assert abs(float(row["bias"])) < 0.5
        assert float(row["stated_sd"]) == pytest.approx(float(row["cramer_rao_sd"]), rel=0.05)
        assert float(row["ratio"]) == pytest.approx(float(row["stated_sd"]) / float(row["sd"]), rel=1e-6)
        assert 0.8 < float(row["ratio"]) < 1.2
    assert "vial 7" in done.stdout


@pytest.mark.usefixtures("no_corrections")
def test_phantom_without_noise_has_no_bound(aideal: Any, tmp_path: Path) -> None:
    done = aideal("phantom", "--out", tmp_path, "--snr", "none", "--slices", 1, "--method", "refined", "--protocol", "3-echo")
    assert done.exit_code == 0, done.output
    rows = table(tmp_path / "vials.csv")
    assert len(rows) == 7
    assert all(r["cramer_rao_sd"] == "" and r["ratio"] == "" for r in rows)


@pytest.mark.usefixtures("no_corrections")
def test_validate_writes_one_report_of_every_section(aideal: Any, tmp_path: Path) -> None:
    out = tmp_path / "v"
    done = aideal("validate", "--out", out, "--quick")
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {*SECTIONS, "cases", "report.html", "report.md"} - {"real"}
    assert (out / "report.html").read_text(encoding="utf-8").count("<h2") == len(SECTIONS)
    vials = table(out / "phantoms" / "vials.csv")
    assert {row["method"] for row in vials} == {"refined", "one-shot"}
    assert max(abs(float(row["bias"])) for row in vials) < 0.4
    errors = [row for row in table(out / "swaps" / "errors.csv") if row["scene"] == "plain"]
    assert len({row["protocol"] for row in errors}) == 8
    for row in errors:
        if row["segment"] == "liver" and not {"iron", "noisy"} & set(row["protocol"].replace(",", "").split()):
            assert float(row["swap_percent"]) < 1.0, row
            assert 85 < float(row["coverage_95_percent"]) <= 100, row
    ratios = [float(row["stated_over_bound"]) for row in table(out / "coverage" / "coverage.csv") if row["snr"] == "30.0"]
    assert min(ratios) > 0.9 and max(ratios) < 1.6
    again = [float(r["bias"]) for r in table(out / "repeatability" / "agreement.csv") if r["reading"] == "lobe"]
    assert len(again) == 3 and max(map(abs, again)) < 1.5


def test_validate_offers_every_section() -> None:
    assert tuple(section.value for section in Section) == SECTIONS


def test_validate_refuses_what_is_no_folder(aideal: Any, tmp_path: Path) -> None:
    done = aideal("validate", "--out", tmp_path / "v", "--quick", "--real-scans", tmp_path / "none")
    assert done.exit_code == 1
    assert "is no folder" in done.stderr
    (tmp_path / "file").write_text("")
    assert "is a file" in aideal("validate", "--out", tmp_path / "file", "--quick").stderr


def test_train_and_export(tmp_path: Path, aideal: Any) -> None:
    runs, to = tmp_path / "runs", tmp_path / "models"
    done = aideal("train", "export", "--directory", runs, "--to", to)
    assert done.exit_code == 1
    assert "Stage field has no checkpoint" in done.stderr
    small = ("--size", 32, "--batch", 1, "--cases", 2, "--calibration-cases", 2, "--passes", 1)
    done = aideal("train", "all", "--steps", 1, "--directory", runs, "--to", to, *small)
    assert done.exit_code == 0, done.output
    assert {p.name for p in to.iterdir()} == {"G_phi.pt", "G_phi.md", "G_R2star.pt", "G_R2star.md", "models.json"}
    assert "field 1, r2star 1, field-with-r2star 1" in (to / "G_phi.md").read_text(encoding="utf-8")
    again = aideal("train", "field", "--steps", 2, "--directory", runs, "--size", 32, "--batch", 1)
    assert again.exit_code == 1
    assert "steps 1 -> 2" in again.stderr


def test_training_without_lightning_says_what_to_install(aideal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    done = aideal("train", "field", "--directory", tmp_path)
    assert done.exit_code == 1
    assert "pip install 'aideal[train]'" in done.stderr


def test_lightning_refusals_are_one_line(aideal: Any, tmp_path: Path) -> None:
    done = aideal("train", "field", "--directory", tmp_path, "--accelerator", "abacus")
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_segmentation_round_trip(tmp_path: Path) -> None:
    geometry = Geometry((1.5, 2.0, 5.0), (-20.0, 30.0, 7.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    labels = np.zeros((3, 8, 9), np.int32)
    labels[1, 2:5, 3:6], labels[2, 1:3, 1:3] = 4, 2
    given = Segmentation(labels, {2: "Left lobe", 4: "Right lobe", 5: "empty"})
    save_segmentation(given, geometry, tmp_path / "s.seg.nrrd")
    found = load_segmentation(tmp_path / "s.seg.nrrd", geometry, (3, 8, 9))
    assert found.names == given.names
    assert np.array_equal(found.labels, labels)


@pytest.mark.parametrize(
    "words", [("run", "x", "--out", "y", "--method", "sorcery"), ("run", "x", "--no-such-option"), ("runs",)]
)
def test_a_wrong_option_is_an_error_of_use(words: tuple[str, ...], aideal: Any) -> None:
    refused = aideal(*words)
    assert refused.exit_code == 2
    assert "fault of AIDEAL" not in refused.output
