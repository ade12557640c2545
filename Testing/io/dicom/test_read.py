"""DICOM of every vendor's dialect comes in as the same echoes, or is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dicom_writer as writer
import numpy as np
import pydicom
import pytest
import torch
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.choices import PhaseUnit
from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.voxelwise.fat_fraction import pdff_signed
from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.io.load import load_series
from AIDEALLib.options import Overrides
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.tissue import TissueMaps

OBLIQUE = (0.9659258, 0.0, 0.2588190, 0.0, 1.0, 0.0, -0.2588190, 0.0, 0.9659258)
RLE, JPEG_2000 = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"


@pytest.fixture(scope="module")
def scan() -> tuple[EchoSeries, TissueMaps]:
    series, truth = demo_liver(matrix=(3, 64, 64), snr=None)
    return replace(series, geometry=Geometry((2.5, 3.0, 6.0), (-80.0, 12.5, 40.0), OBLIQUE)), truth


@pytest.fixture(scope="module")
def liver(scan: tuple[EchoSeries, TissueMaps]) -> EchoSeries:
    return scan[0]


def matched(series: EchoSeries, original: EchoSeries) -> np.ndarray:
    """Echoes in the unit of the original: scanners store magnitudes in units of their own, the same for all echoes."""
    factor = np.vdot(series.echoes, original.echoes) / np.vdot(series.echoes, series.echoes)
    assert abs(np.angle(factor)) < 1e-3
    return series.echoes * abs(factor)


def assert_same(series: EchoSeries, original: EchoSeries) -> None:
    error = np.abs(matched(series, original) - original.echoes).max() / np.abs(original.echoes).max()
    assert error < 1e-3, f"{error:.1e} of the largest signal; 12 bits of phase allow 8e-4"
    np.testing.assert_allclose(series.te_s, original.te_s, atol=1e-8)
    assert series.field_strength_t == original.field_strength_t
    np.testing.assert_allclose(series.geometry.spacing_mm, original.geometry.spacing_mm, rtol=1e-4)
    np.testing.assert_allclose(series.geometry.origin_mm, original.geometry.origin_mm, atol=1e-3)
    np.testing.assert_allclose(series.geometry.direction, original.geometry.direction, atol=1e-5)


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect(name: str, liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, DIALECTS[name])
    series = load_series(tmp_path)
    assert_same(series, liver)
    assert series.flip_angle_deg == 3.0
    assert series.repetition_time_s == 0.012


@pytest.mark.parametrize("name", DIALECTS)
def test_pdff_through_every_dialect(name: str, scan: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    original, truth = scan
    write_scan(tmp_path, original, DIALECTS[name])
    series = load_series(tmp_path)
    liver = truth.labels > 0
    difference = pdff(series, truth, liver) - pdff(original, truth, liver)
    assert abs(float(difference.mean())) < 0.05
    assert float(np.abs(difference).mean()) < 0.05


def pdff(series: EchoSeries, truth: TissueMaps, where: np.ndarray) -> np.ndarray:
    """Complex fit from the true field, so that only what the files did to the echoes makes a difference."""
    voxels = torch.from_numpy(series.echoes[:, where])
    te = torch.from_numpy(series.te_s)
    basis = EchoBasis.of(te, SIX_PEAK.modulation(te, series.field_strength_t))
    at = gauss_newton(voxels, torch.from_numpy(truth.field_hz[where]), torch.from_numpy(truth.r2star_per_s[where]), basis, 4)
    found = fit(voxels, at.field_hz, at.r2star_per_s, basis)
    return pdff_signed(found.water, found.fat).numpy()


@pytest.mark.parametrize("syntax", [RLE, JPEG_2000], ids=["RLE", "JPEG 2000"])
@pytest.mark.parametrize("name", ["siemens classic", "philips enhanced", "ge real/imaginary"])
def test_compressed(name: str, syntax: str, liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, DIALECTS[name], compress=syntax)
    assert_same(load_series(tmp_path), liver)


def test_assumptions_are_noted_and_can_be_overridden(liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, DIALECTS["siemens classic 0..4095"])
    series = load_series(tmp_path)
    assert any("Phase was taken to be in 0..4095: Siemens stores one turn" in note for note in series.notes)
    overridden = load_series(tmp_path, Overrides(phase_unit=PhaseUnit.SIGNED_4096))
    assert any("as requested" in note for note in overridden.notes)
    assert not np.allclose(overridden.echoes, series.echoes)


def test_ge_second_echo_time_is_a_stated_guess(liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, DIALECTS["ge second echo time only"])
    assert any("second echo time" in note and "Override the echo times" in note for note in load_series(tmp_path).notes)


def test_ge_number_of_echoes_is_not_taken_for_a_time(liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, writer.GE_ORDER_ONLY)
    with pytest.raises(InputError, match="do not state the echo times of the 6 echoes.*raw data run number"):
        load_series(tmp_path)
    assert_same(load_series(tmp_path, Overrides(te_s=tuple(liver.te_s.tolist()))), liver)


def test_files_may_lie_in_folders_beside_other_things(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path / "a" / "b", liver, DIALECTS["siemens classic"])
    (tmp_path / "readme.txt").write_text("scanned on a Tuesday")
    localizer = pydicom.dcmread(paths[0])
    localizer.ImageOrientationPatient, localizer.SOPInstanceUID = [1, 0, 0, 0, 0, -1], pydicom.uid.generate_uid()
    localizer.save_as(tmp_path / "localizer")
    fraction = pydicom.dcmread(paths[0])
    fraction.ImageType, fraction.SOPInstanceUID = ["DERIVED", "PRIMARY", "M", "FAT_FRACTION"], pydicom.uid.generate_uid()
    fraction.save_as(tmp_path / "fraction")
    series = load_series(tmp_path)
    assert_same(series, liver)
    assert any("1 image(s) of maps" in note for note in series.notes)
    assert any("1 image(s) of other scans" in note for note in series.notes)


def test_nothing_of_the_patient_is_kept(liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path / "Mustermann_Erika_4711-0815", liver, DIALECTS["philips enhanced"])
    series = load_series(tmp_path / "Mustermann_Erika_4711-0815")
    kept = json.dumps([series.source, series.notes]).lower()
    for secret in ("mustermann", "erika", "4711", "19640812"):
        assert secret not in kept


# Faults


Fault = Callable[[list[Path]], None]


def edit(path: Path, **elements: object) -> None:
    dataset = pydicom.dcmread(path)
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.save_as(path)


def which(paths: list[Path], echo: int | None = None, part: str | None = None, position: int | None = None) -> list[Path]:
    found = []
    for path in paths:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        depth = dataset.ImagePositionPatient
        if echo is not None and dataset.EchoNumbers != echo:
            continue
        if part is not None and dataset.ImageType[2] != part:
            continue
        if position is not None and abs(float(depth[2]) - (40 + position * 6 * 0.9659258)) > 0.1:
            continue
        found.append(path)
    return found


def remove_image(paths: list[Path]) -> None:
    which(paths, echo=3, part="P", position=1)[0].unlink()


def remove_slice(paths: list[Path]) -> None:
    for path in which(paths, position=1):
        path.unlink()


def remove_phase_echo(paths: list[Path]) -> None:
    for path in which(paths, echo=4, part="P"):
        path.unlink()


def copy_instance(paths: list[Path]) -> None:
    (paths[0].parent / "copy").write_bytes(paths[0].read_bytes())


def repeat_image(paths: list[Path]) -> None:
    dataset = pydicom.dcmread(paths[0])
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.save_as(paths[0].parent / "again")


def turn_echoes(paths: list[Path]) -> None:
    for echo in (3, 4, 5, 6):
        for path in which(paths, echo=echo):
            edit(path, ImageOrientationPatient=[1, 0, 0, 0, 0, -1] if echo < 5 else [0, 1, 0, 0, 0, -1])


def drop_orientation(paths: list[Path]) -> None:
    edit(paths[0], ImageOrientationPatient=None)


def drop_echo_times(paths: list[Path]) -> None:
    for path in paths:
        edit(path, EchoTime=None, EchoNumbers=None)


def drop_field(paths: list[Path]) -> None:
    for path in paths:
        edit(path, MagneticFieldStrength=None)


def truncate(paths: list[Path]) -> None:
    paths[0].write_bytes(paths[0].read_bytes()[:-500])


def mosaic(paths: list[Path]) -> None:
    edit(paths[0], ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])


def shift_sideways(paths: list[Path]) -> None:
    for path in which(paths, position=2):
        place = pydicom.dcmread(path).ImagePositionPatient
        edit(path, ImagePositionPatient=[place[0], place[1] + 30, place[2]])


def flat_phase(paths: list[Path]) -> None:
    for path in which(paths, part="P"):
        dataset = pydicom.dcmread(path)
        dataset.PixelData = (dataset.pixel_array // 7).astype(np.uint16).tobytes()
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        dataset.save_as(path)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (remove_image, r"phase images of echo 3 \(5.5\) lack slice\(s\) 2 of 3"),
        (remove_slice, None),
        (remove_phase_echo, r"no phase image of echo 4"),
        (copy_instance, r"are the same image"),
        (repeat_image, r"are both the (magnitude|phase) image of echo"),
        (turn_echoes, r"of 3 different planes"),
        (drop_orientation, r"lacks Image Orientation"),
        (drop_echo_times, r"Found 0 echo\(es\)"),
        (drop_field, r"Magnetic Field Strength"),
        (truncate, r"truncated"),
        (mosaic, r"mosaic"),
        (shift_sideways, r"to the side of"),
        (flat_phase, r"phase images \(Siemens\) run from"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_fault_is_named(fault: Fault, message: str | None, liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, DIALECTS["siemens classic"])
    fault(paths)
    if message is None:  # of three slices the middle one may be missing and the rest still be evenly spaced
        assert load_series(tmp_path).geometry.spacing_mm[2] == pytest.approx(12.0, rel=1e-3)
        return
    with pytest.raises(InputError, match=message):
        load_series(tmp_path)


@pytest.mark.parametrize("name", ["siemens classic", "philips enhanced"])
def test_magnitudes_alone(name: str, liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, replace(DIALECTS[name], parts="M"))
    series = load_series(tmp_path)
    assert not series.has_phase
    assert any("phase is missing" in note for note in series.notes)
    assert_same(replace(series, echoes=series.echoes.real), replace(liver, echoes=np.abs(liver.echoes)))


def test_missing_slice_in_the_middle_is_a_gap(liver: EchoSeries, tmp_path: Path) -> None:
    longer = replace(liver, echoes=np.concatenate([liver.echoes, liver.echoes[:, :1]], axis=1))
    paths = write_scan(tmp_path, longer, DIALECTS["siemens classic"])
    remove_slice(paths)
    with pytest.raises(InputError, match="Slices 1 and 2 are 12.00 mm apart, the others 6.00"):
        load_series(tmp_path)


def test_pydicoms_own_files_end_in_a_clear_error() -> None:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 50
    for path in files:
        with pytest.raises(InputError, match="expected|Export"):
            load_series(path)
    with pytest.raises(InputError):
        load_series(folder)


@pytest.mark.parametrize("name", ["philips enhanced", "philips classic phase"])
def test_philips_magnitudes_without_rescale_are_scaled_by_the_private_slope(
    liver: EchoSeries, tmp_path: Path, name: str
) -> None:
    for path in write_scan(tmp_path, liver, DIALECTS[name]):
        image = pydicom.dcmread(path)
        for place in (image, *(group for group in image.get("PerFrameFunctionalGroupsSequence", ()))):
            for keyword in ("PixelValueTransformationSequence", "RescaleSlope", "RescaleIntercept", "RescaleType"):
                if keyword in place:
                    delattr(place, keyword)
        image.save_as(path)
    series = load_series(tmp_path)
    ratio = np.abs(series.echoes).mean(axis=(1, 2, 3)) / np.abs(liver.echoes).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(ratio / ratio[0], 1, atol=0.01)


def test_echo_numbers_are_kept_where_an_echo_is_missing(liver: EchoSeries, tmp_path: Path) -> None:
    uneven = replace(liver, te_s=np.array([0.0013, 0.0030, 0.0053, 0.0069, 0.0093, 0.0110]))
    for path in which(write_scan(tmp_path, uneven, DIALECTS["siemens classic"]), echo=3):
        path.unlink()
    series = load_series(tmp_path)
    assert series.echo_numbers == (1, 2, 4, 5, 6) and series.missing_echoes == (3,) and series.echo_steps == (0, 1, 3, 4, 5)
