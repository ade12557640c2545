"""Two visits compared: registration and its checks, regions by name or carried over, protocols, the report."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIDEALLib.comparison import registration
from AIDEALLib.comparison.compare import Visit, compare, protocol_differences
from AIDEALLib.comparison.registration import RegistrationCheck
from AIDEALLib.comparison.report import save_comparison
from AIDEALLib.io.segmentation import Segmentation
from AIDEALLib.parameter_maps import Provenance
from AIDEALLib.regions.measure import circle_rows
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.visits import Movement
from AIDEALLib.simulation.visits import visit as simulated_visit
from AIDEALLib.statistics import Measuring, Repeatability

SHIFT = (11.0, -7.0, 5.0)


@pytest.fixture
def pair(visit: Callable[..., Visit]) -> tuple[Visit, Visit]:
    return visit("baseline", 12.0), visit("follow-up", 16.0, SHIFT)


def test_moved_liver_is_found_and_its_change_measured(pair: tuple[Visit, Visit], tmp_path: Path) -> None:
    found = compare(*pair)
    check = found.registration.check
    assert check.moved_mm == pytest.approx(np.linalg.norm(SHIFT), abs=2.0)
    assert check.folded_percent == 0
    assert check.residual_mm < 2.0
    assert check.reliable
    liver = pair[0].liver & np.isfinite(found.difference)
    assert np.median(found.difference[liver]) == pytest.approx(4.0, abs=0.3)
    assert [c.name for c in found.changes] == ["Right lobe", "Left lobe", "whole liver"]
    for change in found.changes:
        assert change.change == pytest.approx(4.0, abs=0.15)
        assert change.verdict == "changed"
    assert found.protocols == ()
    assert found.repeatability.points == 2.99
    save_comparison(found, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "compare.html", "change.csv", "agreement.png", "difference.png", "difference.nrrd", "follow_up_pdff.nrrd",
    }  # fmt: skip
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    for words in ("Right lobe", "changed", "Radiology 2018", "Research use only", "The protocols agree"):
        assert words in page
    lines = [line for line in (tmp_path / "change.csv").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert [row["name"] for row in csv.DictReader(lines)] == ["Right lobe", "Left lobe", "whole liver"]
    assert sitk.ReadImage(str(tmp_path / "difference.nrrd")).GetSpacing() == pair[0].maps.geometry.spacing_mm


def test_regions_are_carried_over(visit: Callable[..., Visit]) -> None:
    found = compare(visit("baseline", 12.0), visit("follow-up", 11.0, SHIFT, drawn=False))
    assert [c.name for c in found.changes] == ["Right lobe", "Left lobe", "whole liver"]
    assert "carried over" in found.notes[0]
    for change in found.changes:
        assert change.change == pytest.approx(-1.0, abs=0.4)
        assert not change.beyond_repeatability


def test_circles_are_measured_at_the_same_place(visit: Callable[..., Visit]) -> None:
    first = visit("baseline", 12.0)
    labels = np.zeros(first.maps.mask.shape, np.int32)
    labels[3, 18:24, 14:19], labels[3, 18:24, 21:26] = 1, 2
    circles = Segmentation(labels, {1: "Right lobe ROI 1", 2: "Left lobe ROI 1"})
    rows = circle_rows(first.maps, circles.segments, Measuring(1.0))
    later = visit("follow-up", 15.0, SHIFT)
    elsewhere = [replace(row, pdff_mean=99.0) for row in rows]
    found = compare(replace(first, rows=[*first.rows, *rows], circles=circles), replace(later, rows=[*later.rows, *elsewhere]))
    changes = {c.name: c for c in found.changes}
    assert list(changes) == ["Right lobe", "Left lobe", "whole liver", "Right lobe ROI 1", "Left lobe ROI 1", "all circles"]
    for change in changes.values():
        assert change.change == pytest.approx(3.0, abs=0.4)


def test_other_protocols_are_stated(visit: Callable[..., Visit], tmp_path: Path) -> None:
    first, second = visit("baseline", 12.0), visit("follow-up", 12.0, te_s=(0.0012, 0.0024, 0.0036))
    assert protocol_differences(first.maps.provenance, second.maps.provenance) == (
        "Echo times: 1, 2, 3 ms at baseline, 1.2, 2.4, 3.6 ms at follow-up.",
    )
    found = compare(first, second, registration=False)
    assert found.repeatability.points == 4.12
    assert not np.isfinite(found.difference).any()
    assert compare(first, second, Repeatability(1.5, "own"), registration=False).repeatability.source == "own"
    save_comparison(found, tmp_path)
    assert not (tmp_path / "difference.nrrd").exists()
    assert "not registered" in (tmp_path / "compare.html").read_text(encoding="utf-8")


def test_doubtful_registrations_are_stated() -> None:
    folded = RegistrationCheck(5.0, -0.1, 0.2, 1.0, 2.0, 100.0)
    far = RegistrationCheck(5.0, 0.9, 0.0, 3.0, 9.0, 100.0)
    unknown = RegistrationCheck(5.0, 0.9, 0.0, float("nan"), float("nan"), 100.0)
    assert not folded.reliable
    assert not far.reliable
    assert unknown.reliable
    assert any("doubtful" in s for s in folded.sentences())
    assert any("not known" in s for s in unknown.sentences())


def test_other_excitations_are_other_protocols(pair: tuple[Visit, Visit]) -> None:
    def stated(visit: Visit, correction: str = "no", **excitation: object) -> Provenance:
        return replace(visit.maps.provenance, options={"run": {"t1": correction}, "excitation": excitation})

    first = stated(pair[0], flip_angle_deg=4.0, repetition_time_s=0.012, contrast_agent=None)
    assert not protocol_differences(first, first)
    assert not protocol_differences(first, stated(pair[1], flip_angle_deg=None))
    other = protocol_differences(first, stated(pair[1], "correct", flip_angle_deg=20.0, repetition_time_s=0.012))
    assert other == (
        "Correction of T1 weighting: no at baseline, correct at follow-up.",
        "Flip angle: 4 degrees at baseline, 20 degrees at follow-up.",
    )


def test_rigid_registration_does_not_depend_on_the_voxels_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """In-phase images of wide voxels: a fifth of those of the coarse resolution are too few."""
    movement = Movement(offset_mm=(-12.0, 10.0), tilt_rad=0.04)
    scans = [simulated_visit(500, PAPER, (n,), (8, 48, 48), pdff=12.0, movement=m) for n, m in enumerate((None, movement))]
    images = [np.where(scan.truth.body, scan.truth.proton_density, 0) for scan in scans]
    body, geometry = scans[0].truth.body, scans[0].truth.geometry
    fixed, moving, mask = (registration.image_of(array, geometry) for array in (*images, body.astype(np.uint8)))
    expected = (-12.0 - 60 * np.sin(0.04), 10.0 + 60 * np.cos(0.04), 0.0)
    for seed in range(1, 11):
        monkeypatch.setattr(registration, "SEED", seed)
        found = registration.rigid(fixed, moving, mask)
        assert found.TransformPoint((0.0, 60.0, 0.0)) == pytest.approx(expected, abs=2.0)
