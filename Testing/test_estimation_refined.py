"""Method refined as a whole: where echoes hardly know the field, and where nothing but rounding tells two modes apart."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.estimation import refined as module
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import PROTOCOLS
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.validation.plan import PHANTOM_PROTOCOLS, phantom_case
from AIDEALLib.validation.scores import error_in


@pytest.mark.parametrize("vials", ["2", "3"])
def test_rounding_is_no_evidence(vials: str) -> None:
    """Three echoes without noise: every mode fits exactly, and single precision must not choose between them."""
    case = phantom_case(vials, PHANTOM_PROTOCOLS["3-echo"], None, 1, 102)
    scan = case.scan()
    maps = estimate(scan.series, conjugate="no", bipolar="no")
    error = error_in(maps, scan.truth, scan.truth.body, "vials", SIX_PEAK.mean_shift_hz(1.5))
    assert error.swap_percent == 0.0
    assert abs(error.median_bias) < 0.01


def test_neighbours_hold_the_field_of_an_iron_loaded_liver(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the field prior the field's error is within what is stated, and well below that of the voxels alone."""
    protocol = next(p for p in PROTOCOLS if p.liver_r2star_per_s)
    tissue = abdomen(7, protocol.field_strength_t, (3, 96, 96), (4.0, 4.0, 30.0), protocol.liver_r2star_per_s)
    series = acquire(tissue, protocol, np.random.default_rng(0))
    liver = np.isin(tissue.labels, (1, 2, 3))

    def errors() -> tuple[np.ndarray, np.ndarray]:
        maps = estimate(series, conjugate="no", bipolar="no")
        inside = liver & maps.mask
        return maps.field[inside] - tissue.field_hz[inside], maps.field_sd[inside]

    error, stated = errors()
    monkeypatch.setattr(module, "with_field_prior", lambda best, *_: best)
    alone, _ = errors()
    assert np.median(np.abs(error)) < 0.6 * np.median(np.abs(alone))
    assert np.mean(np.abs(error) < 1.96 * stated) > 0.8
