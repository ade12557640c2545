"""NIfTI and NRRD series come in as the same echoes, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from image_files import TE_S, assert_same_scan, bids, write

from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series
from AIDEALLib.options import Overrides


def test_bids_folder(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    assert_same_scan(load_series(tmp_path), echoes)


def test_one_file_of_a_series_stands_for_all(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    write(tmp_path / "mask.nii.gz", np.ones((3, 16, 12), np.uint8))
    assert_same_scan(load_series(tmp_path / "sub-01_echo-2_part-mag_MEGRE.nii.gz"), echoes)


def test_echo_numbers_are_no_places_and_agree_with_the_times(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path / "a", echoes, order=(1, 2, 7, 10))
    assert_same_scan(load_series(tmp_path / "a"), echoes)
    bids(tmp_path / "b", echoes, order=(10, 2, 7, 1))
    with pytest.raises(InputError, match="contradict each other: in the order of the times"):
        load_series(tmp_path / "b")


def test_numbers_of_names_and_sidecars_are_kept(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path / "a", echoes, order=(1, 2, 4, 5))
    assert load_series(tmp_path / "a").echo_numbers == (1, 2, 4, 5)


def test_two_runs_are_refused_and_one_can_be_named(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    for path in sorted(tmp_path.iterdir()):
        path.with_name(path.name.replace("sub-01", "sub-01_run-2")).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="2 multi-echo series"):
        load_series(tmp_path)
    assert_same_scan(load_series(sorted(tmp_path.glob("*run-2*.nii.gz"))), echoes)
    assert_same_scan(load_series(tmp_path / "sub-01_run-2_echo-1_part-phase_MEGRE.nii.gz"), echoes)


def test_several_series_are_listed_with_what_distinguishes_them(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for run in (1, 2):
        bids(tmp_path / str(run), echoes)
        for path in (tmp_path / str(run)).iterdir():
            path.rename(tmp_path / path.name.replace("_echo", f"_run-{run}_echo"))
        (tmp_path / str(run)).rmdir()
    listed = r"file 2.nii.gz ..., run-1, magnitude \+ phase, 4 image\(s\) each; file \d+.nii.gz ..., run-2, .*differ in 'run-'"
    with pytest.raises(InputError, match=listed):
        load_series(tmp_path)


def test_a_folder_named_as_a_part_leaves_messages_as_they_are(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for name in ("phase", "nii"):
        bids(tmp_path / name, echoes)
        for path in (tmp_path / name).glob("*part-mag*"):
            path.unlink()
        with pytest.raises(InputError, match=f"Found only phase in {name}; magnitude and phase"):
            load_series(tmp_path / name)


def test_dcm2niix_names_magnitude_unmarked_and_phase_with_its_own_series_number(
    tmp_path: Path, echoes: npt.NDArray[np.complex64]
) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        sidecar: dict[str, object] = {"EchoTime": te, "MagneticFieldStrength": 3}
        write(tmp_path / f"liver_20_e{number}.nii.gz", np.abs(echo), sidecar=sidecar)
        stored = np.round(np.angle(echo) / np.pi * 4096).astype(np.int16)
        write(tmp_path / f"liver_21_e{number}_ph.nii.gz", stored, sidecar=sidecar)
    assert_same_scan(load_series(tmp_path), echoes, tolerance=1e-3)


@pytest.mark.parametrize("marked", [True, False])
def test_magnitudes_alone(tmp_path: Path, echoes: npt.NDArray[np.complex64], marked: bool) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        name = f"mag{number}.nii.gz" if marked else f"liver_e{number}.nii.gz"
        write(tmp_path / name, np.abs(echo), sidecar={"EchoTime": te, "MagneticFieldStrength": 3})
    series = load_series(tmp_path)
    assert not series.has_phase
    np.testing.assert_allclose(series.echoes.real, np.abs(echoes), rtol=1e-4)


def test_images_of_unknown_kind_are_no_magnitudes(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for name, echo in zip(("anatomy", "mask", "map"), echoes, strict=False):
        write(tmp_path / f"{name}.nii.gz", np.abs(echo))
    with pytest.raises(InputError, match="Found only unmarked"):
        load_series(tmp_path, Overrides(te_s=TE_S[:3], field_strength_t=3.0))


def test_four_dimensional_files(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    write(tmp_path / "magnitude.nii.gz", np.abs(echoes), sidecar={"EchoTime": list(TE_S), "MagneticFieldStrength": 3})
    write(tmp_path / "phase.nii.gz", np.angle(echoes))
    assert_same_scan(load_series(tmp_path), echoes)
    assert_same_scan(load_series([tmp_path / "magnitude.nii.gz", tmp_path / "phase.nii.gz"]), echoes)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_complex_files(tmp_path: Path, echoes: npt.NDArray[np.complex64], suffix: str) -> None:
    write(tmp_path / f"scan{suffix}", echoes)
    assert_same_scan(load_series(tmp_path / f"scan{suffix}", Overrides(te_s=TE_S, field_strength_t=3.0)), echoes)
    (tmp_path / "each").mkdir()
    for number, echo in enumerate(echoes):
        write(tmp_path / "each" / f"scan{number + 8}{suffix}", echo)
    write(tmp_path / "each" / f"mask{suffix}", np.ones((3, 16, 12), np.uint8))
    assert_same_scan(load_series(tmp_path / "each", Overrides(te_s=TE_S, field_strength_t=3.0)), echoes)


def test_real_and_imaginary_nrrd_with_times_in_the_header(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        header = {"te_s": str(te), "field_strength_t": "3"}
        write(tmp_path / f"real{number}.nrrd", echo.real, header)
        write(tmp_path / f"imag{number}.nrrd", echo.imag, header)
    assert_same_scan(load_series(tmp_path), echoes)


def test_slicer_sequences_give_times_in_ms(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    values = " ".join(str(1000 * te) for te in TE_S)
    for name, array in (("scan-mag", np.abs(echoes)), ("scan-phase", np.angle(echoes))):
        header = f"""NRRD0005
type: float
dimension: 4
space: left-posterior-superior
sizes: 12 16 3 4
space directions: (0,1.5,0) (-2,0,0) (0,0,5) none
kinds: domain domain domain list
labels: "" "" "" "EchoTime"
endian: little
encoding: raw
space origin: (-20,30,7)
axis 3 index type:=numeric
axis 3 index values:={values}

"""
        (tmp_path / f"{name}.seq.nrrd").write_bytes(header.encode() + array.astype("<f4").tobytes())
    assert_same_scan(load_series(tmp_path, Overrides(field_strength_t=3.0)), echoes)


def test_a_single_slice_may_be_two_dimensional(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for number, echo in enumerate(echoes, start=1):
        sitk.WriteImage(sitk.GetImageFromArray(np.abs(echo[0])), str(tmp_path / f"mag{number}.nrrd"))
        sitk.WriteImage(sitk.GetImageFromArray(np.angle(echo[0])), str(tmp_path / f"phase{number}.nrrd"))
    series = load_series(tmp_path, Overrides(te_s=TE_S, field_strength_t=1.5))
    np.testing.assert_allclose(series.echoes, echoes[:, :1], atol=1e-3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "sub-01_echo-3_part-phase_MEGRE.nii.gz").unlink(), "4 magnitude and 3 phase"),
        (lambda f: [p.unlink() for p in f.glob("*mag*.nii.gz")], "Found only phase"),
        (lambda f: [p.unlink() for p in f.glob("*.json")], "echo times"),
        (lambda f: [p.write_text('{"EchoTime": 0.001}') for p in f.glob("*.json")], "field strength"),
        (lambda f: [p.write_text("{") for p in f.glob("*.json")], "no valid JSON"),
        (lambda f: [p.write_bytes(b"junk") for p in f.glob("*echo-2*.nii.gz")], "could not be read"),
        (lambda f: write(f / "sub-01_echo-2_part-mag_MEGRE.nii.gz", np.ones((3, 16, 13))), "another grid"),
        (lambda f: [write(p, np.full((3, 16, 12), 0.1)) for p in f.glob("*phase*.nii.gz")], "one full turn"),
        (lambda f: write(f / "sub-01_echo-2_part-mag_MEGRE.nii.gz", -np.ones((3, 16, 12))), "negative"),
    ],
)
def test_spoiled_series_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64], spoil: object, message: str) -> None:
    bids(tmp_path, echoes)
    assert callable(spoil)
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        load_series(tmp_path)


def test_real_images_without_their_offset_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    write(tmp_path / "real.nrrd", echoes.real + 2048)
    write(tmp_path / "imag.nrrd", echoes.imag + 2048)
    with pytest.raises(InputError, match="offset"):
        load_series(tmp_path, Overrides(te_s=TE_S, field_strength_t=3.0))
