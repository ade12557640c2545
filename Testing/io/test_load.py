"""Scans are found by path, and what is no scan is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from paths import REAL_DATA

from AIDEALLib.echoes import PhaseSign
from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series


def test_paths_that_are_no_scan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_series(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds nothing"):
        load_series(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="Cannot read notes.txt"):
        load_series(tmp_path / "notes.txt", keep_names=True)
    with pytest.raises(InputError, match="No input"):
        load_series([])


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
    assert load_series((REAL_DATA / name).parent, keep_names=True).source == Path(name).name
