"""Scans of every format come in as the same echoes, or are refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from paths import REAL_DATA
from scipy.io import savemat

from AIDEALLib.echoes import EchoSeries, Geometry, PhaseSign, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.io.coils import combine_coils
from AIDEALLib.io.load import load_series
from AIDEALLib.io.npz import read_npz, write_npz
from AIDEALLib.io.phase_units import PhaseUnit, detect_phase_unit, to_radians
from AIDEALLib.options import Overrides

TE_S = (0.0012, 0.0032, 0.0052, 0.0072)
GEOMETRY = Geometry(
    spacing_mm=(1.5, 2.0, 5.0), origin_mm=(-20.0, 30.0, 7.0), direction=(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
)


@pytest.fixture
def echoes() -> npt.NDArray[np.complex64]:
    rng = np.random.default_rng(4)
    shape = (4, 3, 16, 12)
    return (rng.uniform(1, 100, shape) * np.exp(1j * rng.uniform(-np.pi, np.pi, shape))).astype(np.complex64)


def image(array: npt.ArrayLike, header: dict[str, str] | None = None) -> sitk.Image:
    result = sitk.GetImageFromArray(np.asarray(array))
    result.SetSpacing(GEOMETRY.spacing_mm)
    result.SetOrigin(GEOMETRY.origin_mm)
    result.SetDirection(GEOMETRY.direction)
    for key, value in (header or {}).items():
        result.SetMetaData(key, value)
    return result


def write(
    path: Path, array: npt.ArrayLike, header: dict[str, str] | None = None, sidecar: dict[str, object] | None = None
) -> None:
    data = np.asarray(array)
    picture = image(data, header) if data.ndim == 3 else sitk.JoinSeries([image(volume) for volume in data])
    for key, value in (header or {}).items():
        picture.SetMetaData(key, value)
    sitk.WriteImage(picture, str(path))
    if sidecar is not None:
        (path.parent / (path.name.split(".")[0] + ".json")).write_text(json.dumps(sidecar))


def assert_same(series: EchoSeries, echoes: npt.NDArray[np.complex64], tolerance: float = 1e-4) -> None:
    np.testing.assert_allclose(series.echoes, echoes, atol=tolerance * np.abs(echoes).max())
    np.testing.assert_allclose(series.te_s, TE_S)
    assert series.field_strength_t == 3.0
    np.testing.assert_allclose(series.geometry.spacing_mm, GEOMETRY.spacing_mm, rtol=1e-5)
    np.testing.assert_allclose(series.geometry.origin_mm, GEOMETRY.origin_mm, rtol=1e-5)
    np.testing.assert_allclose(series.geometry.direction, GEOMETRY.direction, atol=1e-5)


# BIDS and other NIfTI


def bids(folder: Path, echoes: npt.NDArray[np.complex64], order: tuple[int, ...] = (1, 2, 3, 4)) -> None:
    for number, te, echo in zip(order, TE_S, echoes, strict=True):
        for part, values in (("mag", np.abs(echo)), ("phase", np.angle(echo))):
            write(
                folder / f"sub-01_echo-{number}_part-{part}_MEGRE.nii.gz",
                values,
                sidecar={"EchoTime": te, "MagneticFieldStrength": 3},
            )


def test_bids_folder(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    assert_same(load_series(tmp_path), echoes)


def test_one_file_of_a_series_stands_for_all(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    write(tmp_path / "mask.nii.gz", np.ones((3, 16, 12), np.uint8))
    assert_same(load_series(tmp_path / "sub-01_echo-2_part-mag_MEGRE.nii.gz"), echoes)


def test_echo_time_orders_the_echoes_before_their_numbers(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes, order=(10, 2, 7, 1))
    assert_same(load_series(tmp_path), echoes)


def test_two_runs_are_refused_and_one_can_be_named(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    for path in sorted(tmp_path.iterdir()):
        path.with_name(path.name.replace("sub-01", "sub-01_run-2")).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="2 multi-echo series"):
        load_series(tmp_path)
    assert_same(load_series(sorted(tmp_path.glob("*run-2*.nii.gz"))), echoes)
    assert_same(load_series(tmp_path / "sub-01_run-2_echo-1_part-phase_MEGRE.nii.gz"), echoes)


def test_dcm2niix_names_magnitude_unmarked_and_phase_with_its_own_series_number(
    tmp_path: Path, echoes: npt.NDArray[np.complex64]
) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        sidecar: dict[str, object] = {"EchoTime": te, "MagneticFieldStrength": 3}
        write(tmp_path / f"liver_20_e{number}.nii.gz", np.abs(echo), sidecar=sidecar)
        stored = np.round(np.angle(echo) / np.pi * 4096).astype(np.int16)
        write(tmp_path / f"liver_21_e{number}_ph.nii.gz", stored, sidecar=sidecar)
    assert_same(load_series(tmp_path), echoes, tolerance=1e-3)


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
    assert_same(load_series(tmp_path), echoes)
    assert_same(load_series([tmp_path / "magnitude.nii.gz", tmp_path / "phase.nii.gz"]), echoes)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_complex_files(tmp_path: Path, echoes: npt.NDArray[np.complex64], suffix: str) -> None:
    write(tmp_path / f"scan{suffix}", echoes)
    assert_same(load_series(tmp_path / f"scan{suffix}", Overrides(te_s=TE_S, field_strength_t=3.0)), echoes)
    (tmp_path / "each").mkdir()
    for number, echo in enumerate(echoes):
        write(tmp_path / "each" / f"scan{number + 8}{suffix}", echo)
    write(tmp_path / "each" / f"mask{suffix}", np.ones((3, 16, 12), np.uint8))
    assert_same(load_series(tmp_path / "each", Overrides(te_s=TE_S, field_strength_t=3.0)), echoes)


# NRRD


def test_real_and_imaginary_nrrd_with_times_in_the_header(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        header = {"te_s": str(te), "field_strength_t": "3"}
        write(tmp_path / f"real{number}.nrrd", echo.real, header)
        write(tmp_path / f"imag{number}.nrrd", echo.imag, header)
    assert_same(load_series(tmp_path), echoes)


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
    assert_same(load_series(tmp_path, Overrides(field_strength_t=3.0)), echoes)


def test_a_single_slice_may_be_two_dimensional(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for number, echo in enumerate(echoes, start=1):
        sitk.WriteImage(sitk.GetImageFromArray(np.abs(echo[0])), str(tmp_path / f"mag{number}.nrrd"))
        sitk.WriteImage(sitk.GetImageFromArray(np.angle(echo[0])), str(tmp_path / f"phase{number}.nrrd"))
    series = load_series(tmp_path, Overrides(te_s=TE_S, field_strength_t=1.5))
    np.testing.assert_allclose(series.echoes, echoes[:, :1], atol=1e-3)


# what is refused


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


def test_paths_that_are_no_scan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_series(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds nothing"):
        load_series(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="Cannot read notes.txt"):
        load_series(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="No input"):
        load_series([])


# phase units


@pytest.mark.parametrize(
    ("unit", "low", "high"),
    [
        (PhaseUnit.RADIANS, -3.1, 3.12),
        (PhaseUnit.RADIANS, -2.0, 1.9),
        (PhaseUnit.RADIANS_POSITIVE, 0.0, 6.27),
        (PhaseUnit.MILLIRADIANS, -3142, 3141),
        (PhaseUnit.MILLIRADIANS_POSITIVE, 0, 6283),
        (PhaseUnit.DEGREES, -180, 179.9),
        (PhaseUnit.DEGREES_POSITIVE, 0, 359.9),
        (PhaseUnit.SIGNED_4096, -4096, 4094),
        (PhaseUnit.UNSIGNED_4096, 0, 4095),
    ],
)
def test_phase_units_are_told_by_their_range(unit: PhaseUnit, low: float, high: float) -> None:
    phase = np.linspace(low, high, 101)
    assert detect_phase_unit(phase) is unit
    radians = to_radians(phase, unit)
    assert radians.min() > -3.15
    assert radians.max() < 6.3
    assert np.ptp(radians) >= np.pi


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 3.1), (-2000, 2000), (0, 255), (0, 0), (-32768, 32767), (0, np.nan)])
def test_unclear_phase_units_are_refused(low: float, high: float) -> None:
    with pytest.raises(InputError):
        detect_phase_unit(np.array([low, high]))


# .npz


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(3, 5), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    spacing=st.tuples(*[st.floats(0.1, 20)] * 3),
    origin=st.tuples(*[st.floats(-1e3, 1e3)] * 3),
    readout=st.sampled_from(Readout),
    sign=st.sampled_from([None, *PhaseSign]),
    field=st.floats(0.3, 7),
    data=st.data(),
)
def test_npz_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int, int],
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    readout: Readout,
    sign: PhaseSign | None,
    field: float,
    data: st.DataObject,
) -> None:
    values = data.draw(st_numpy.arrays(np.complex64, shape, elements=st.complex_numbers(max_magnitude=1e3, width=64)))
    values[:, 0, 0, 0] = 1
    series = EchoSeries(
        values, np.arange(1, shape[0] + 1) * 1e-3, field, Geometry(spacing, origin, GEOMETRY.direction), readout, sign, "a scan"
    )
    path = tmp_path_factory.mktemp("npz") / "scan.npz"
    write_npz(path, series, truth={"pdff": np.zeros(shape[1:])})
    again = load_series(path)
    np.testing.assert_array_equal(again.echoes, series.echoes)
    np.testing.assert_array_equal(again.te_s, series.te_s)
    assert (again.field_strength_t, again.geometry, again.readout) == (series.field_strength_t, series.geometry, readout)
    assert (again.phase_sign, again.source) == (sign, "a scan")
    assert [p.name for p in path.parent.iterdir()] == ["scan.npz"]


def test_npz_options_stand_over_the_file(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    write_npz(tmp_path / "scan.npz", EchoSeries(echoes, np.asarray(TE_S), 3.0))
    series = load_series(tmp_path, Overrides(te_s=[0.001, 0.002, 0.003, 0.004], field_strength_t=1.5, readout=Readout.BIPOLAR))
    assert series.te_s[1] == 0.002
    assert (series.field_strength_t, series.readout) == (1.5, Readout.BIPOLAR)


def test_bad_npz_files_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    path = tmp_path / "scan.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="could not be read"):
        read_npz(path)
    np.savez(path, echoes=echoes)
    with pytest.raises(InputError, match="lacks te_s, field_strength_t"):
        read_npz(path)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t=3.0, readout="sideways")
    with pytest.raises(InputError, match="sideways"):
        read_npz(path)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t="three")
    with pytest.raises(InputError, match="numbers"):
        read_npz(path)
    with pytest.raises(InputError, match="Rename"):
        write_npz(path, EchoSeries(echoes, np.asarray(TE_S), 3.0), truth={"te_s": [1]})


# MATLAB


def challenge(echoes: npt.NDArray[np.complex64], **fields: object) -> dict[str, object]:
    images = np.transpose(echoes, (2, 3, 1, 0))[:, :, :, np.newaxis, :]
    return {"imDataParams": {"images": images, "TE": np.asarray(TE_S), "FieldStrength": 3, **fields}}


@pytest.mark.parametrize(("precession", "sign"), [(1, PhaseSign.AS_MODEL), (-1, PhaseSign.CONJUGATED), (0, None)])
def test_challenge_struct(tmp_path: Path, echoes: npt.NDArray[np.complex64], precession: int, sign: PhaseSign | None) -> None:
    savemat(tmp_path / "a.mat", challenge(echoes, PrecessionIsClockwise=precession, voxelSize=[2.0, 1.5, 5.0]))
    series = load_series(tmp_path / "a.mat")
    np.testing.assert_array_equal(series.echoes, echoes)
    assert series.phase_sign is sign
    assert series.geometry == Geometry(spacing_mm=(1.5, 2.0, 5.0))


def test_plain_variables(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    data = np.transpose(echoes[:, 0], (1, 2, 0))
    savemat(tmp_path / "a.mat", {"data": data, "te": TE_S, "Tesla": 1.5})
    series = load_series(tmp_path)
    np.testing.assert_array_equal(series.echoes, echoes[:, :1])
    assert series.phase_sign is None
    assert load_series(tmp_path / "a.mat", Overrides(field_strength_t=3)).field_strength_t == 3


def test_coils_are_combined_without_touching_the_echo_evolution(tmp_path: Path) -> None:
    row, column = np.mgrid[0:24, 0:20] / 24
    te = np.asarray(TE_S)[:, None, None, None]
    truth = (1 + row)[None, None] * np.exp((2j * np.pi * 80 * column[None, None] - 40) * te)
    coils = [np.exp(-((row - r) ** 2) * 2 + 1j * (column * k + r)) for r, k in ((0, 1), (0.5, -2), (1, 0.5))]
    stacked = np.stack([truth * coil for coil in coils]).astype(np.complex64)
    combined = combine_coils(stacked)
    np.testing.assert_allclose(combined[1:] / combined[:1], truth[1:] / truth[:1], rtol=1e-4)
    images = np.transpose(stacked, (3, 4, 2, 0, 1))
    savemat(tmp_path / "a.mat", {"imDataParams": {"images": images, "TE": TE_S, "FieldStrength": 1.5}})
    series = load_series(tmp_path / "a.mat")
    assert "3 coils combined" in series.source
    np.testing.assert_allclose(np.abs(series.echoes), np.abs(combined), rtol=1e-5)


def test_bad_matlab_files_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    path = tmp_path / "a.mat"
    for content, message in (
        ({"x": 1}, "holds x"),
        ({"imDataParams": {"images": echoes, "TE": TE_S, "FieldStrength": 3}}, "x, y, slice, coil, echo"),
        ({"imDataParams": 3}, "no struct"),
        ({"data": np.zeros(3)}, "x, y, echo"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "Tesla": 3}, "echo times"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "te": TE_S}, "field strength"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "te": np.asarray(TE_S) * 1000, "Tesla": 3}, "milliseconds"),
    ):
        savemat(path, content)
        with pytest.raises(InputError, match=message):
            load_series(path)
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="could not be read"):
        load_series(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(116) + b" " * 8 + b"\x00\x02IM" + b"\0" * 400)
    with pytest.raises(InputError, match="v7"):
        load_series(path)


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real scans of ../shared/data are not here")
@pytest.mark.parametrize(
    ("name", "shape", "field", "sign"),
    [
        ("thorax3T_6echo/thorax.mat", (6, 1, 256, 256), 3.0, PhaseSign.CONJUGATED),
        ("abdomen3T_4echo/abdomen.mat", (4, 4, 256, 131), 3.0, PhaseSign.AS_MODEL),
        ("spine15T_5echo/spine.mat", (5, 3, 160, 208), 1.494, PhaseSign.AS_MODEL),
        ("bottles15T_16echo_bipolar/bottles.mat", (16, 1, 128, 128), 1.5, None),
    ],
)
def test_real_scans(name: str, shape: tuple[int, ...], field: float, sign: PhaseSign | None) -> None:
    series = load_series(REAL_DATA / name)
    assert series.echoes.shape == shape
    assert series.field_strength_t == field
    assert series.phase_sign is sign
    assert load_series((REAL_DATA / name).parent).source == Path(name).name
