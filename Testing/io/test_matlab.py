"""MATLAB files come in as the same echoes, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from image_files import TE_S
from scipy.io import savemat

from AIDEALLib.echoes import Geometry, PhaseSign
from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series
from AIDEALLib.options import Overrides


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


def test_bad_matlab_files_are_refused(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    path = tmp_path / "a.mat"
    for content, message in (
        ({"x": 1}, "holds 1 other variables"),
        ({"imDataParams": {"images": echoes, "TE": TE_S, "FieldStrength": 3}}, "x, y, slice, coil, echo"),
        ({"imDataParams": 3}, "no struct"),
        ({"data": np.zeros(3)}, "x, y, echo"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "Tesla": 3}, "echo times"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "te": TE_S}, "field strength"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "te": np.asarray(TE_S) * 1000, "Tesla": 3}, "milliseconds"),
        ({"data": np.transpose(echoes, (2, 3, 1, 0)), "te": "0.0012 0.0032", "Tesla": 3}, "has te stored as text"),
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
