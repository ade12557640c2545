"""The project's own file holds all of a scan, or is refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from image_files import GEOMETRY, TE_S

from AIDEALLib.choices import Readout
from AIDEALLib.echoes import EchoSeries, Geometry, PhaseSign
from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series
from AIDEALLib.io.npz import read_npz, write_npz
from AIDEALLib.options import Overrides


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(3, 5), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    spacing=st.tuples(*[st.floats(0.1, 20)] * 3),
    origin=st.tuples(*[st.floats(-1e3, 1e3)] * 3),
    readout=st.sampled_from(Readout),
    sign=st.sampled_from([None, *PhaseSign]),
    field=st.floats(0.3, 7),
    flip_angle_deg=st.none() | st.floats(1, 90),
    repetition_time_s=st.none() | st.floats(1e-3, 1),
    notes=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=3).map(tuple),
    data=st.data(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int, int],
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    readout: Readout,
    sign: PhaseSign | None,
    field: float,
    flip_angle_deg: float | None,
    repetition_time_s: float | None,
    notes: tuple[str, ...],
    data: st.DataObject,
) -> None:
    values = data.draw(st_numpy.arrays(np.complex64, shape, elements=st.complex_numbers(max_magnitude=1e3, width=64)))
    values[:, 0, 0, 0] = 1
    series = EchoSeries(
        values,
        np.arange(1, shape[0] + 1) * 1e-3,
        field,
        Geometry(spacing, origin, GEOMETRY.direction),
        readout,
        sign,
        "a scan",
        flip_angle_deg,
        repetition_time_s,
        notes=notes,
    )
    path = tmp_path_factory.mktemp("npz") / "scan.npz"
    write_npz(path, series, truth={"pdff": np.zeros(shape[1:])})
    read = read_npz(path)
    np.testing.assert_array_equal(read.echoes, series.echoes)
    np.testing.assert_array_equal(read.te_s, series.te_s)
    assert (read.field_strength_t, read.geometry, read.readout) == (series.field_strength_t, series.geometry, readout)
    assert (read.phase_sign, read.source, read.notes) == (sign, "a scan", notes)
    assert (read.flip_angle_deg, read.repetition_time_s) == (flip_angle_deg, repetition_time_s)
    assert [p.name for p in path.parent.iterdir()] == ["scan.npz"]


def test_overrides(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    write_npz(tmp_path / "scan.npz", EchoSeries(echoes, np.asarray(TE_S), 3.0))
    series = load_series(tmp_path, Overrides(te_s=[0.001, 0.002, 0.003, 0.004], field_strength_t=1.5, readout=Readout.BIPOLAR))
    assert series.te_s[1] == 0.002
    assert (series.field_strength_t, series.readout) == (1.5, Readout.BIPOLAR)


def test_file_without_optional_arrays(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    np.savez(tmp_path / "scan.npz", echoes=echoes, te_s=TE_S, field_strength_t=3.0)
    series = read_npz(tmp_path / "scan.npz")
    np.testing.assert_array_equal(series.echoes, echoes)
    assert (series.geometry, series.readout, series.phase_sign, series.source) == (
        Geometry(),
        Readout.UNKNOWN,
        None,
        "scan.npz",
    )
    assert (series.flip_angle_deg, series.repetition_time_s, series.notes) == (None, None, ())


def test_bad_files_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    path = tmp_path / "scan.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="could not be read"):
        read_npz(path)
    np.savez(path, echoes=echoes)
    with pytest.raises(InputError, match="lacks te_s, field_strength_t"):
        read_npz(path)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t=3.0, readout="sideways")
    with pytest.raises(InputError, match="another readout"):
        read_npz(path)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t="three")
    with pytest.raises(InputError, match="numbers"):
        read_npz(path)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t=3.0, flip_angle_deg=[3.0, 5.0])
    with pytest.raises(InputError, match="2 values of flip_angle_deg"):
        read_npz(path)
    with pytest.raises(InputError, match="Rename"):
        write_npz(path, EchoSeries(echoes, np.asarray(TE_S), 3.0), truth={"te_s": [1]})


def test_what_the_user_states_need_not_be_in_the_file(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    np.savez(tmp_path / "a.npz", echoes=echoes, te_s=np.array(["1.2ms", "3.2ms"]))
    with pytest.raises(InputError, match="something other than numbers for te_s"):
        read_npz(tmp_path / "a.npz", Overrides(field_strength_t=3.0))
    stated = Overrides(te_s=TE_S, field_strength_t=3.0)
    assert read_npz(tmp_path / "a.npz", stated).field_strength_t == 3.0


def test_echo_numbers_are_kept(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    path = tmp_path / "scan.npz"
    write_npz(path, EchoSeries(echoes, np.asarray(TE_S), 3.0, echo_numbers=(1, 2, 4, 5)))
    assert read_npz(path).echo_numbers == (1, 2, 4, 5)
    np.savez(path, echoes=echoes, te_s=TE_S, field_strength_t=3.0, echo_numbers=[1, 2, 2, 4])
    with pytest.raises(InputError, match="rising whole numbers"):
        read_npz(path)
