"""The rotation sense of the phase."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries, PhaseSign
from AIDEALLib.estimation.phase_correction.rotation_sense import decide_sign
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER, Protocol, echo_times
from AIDEALLib.simulation.scan import acquire


def vials(protocol: Protocol = PAPER) -> EchoSeries:
    tissue = phantom(1, protocol.field_strength_t, (1, 64, 64), pixel_mm=4.5)
    return replace(acquire(tissue, protocol, np.random.default_rng(0)), phase_sign=None)


def water(protocol: Protocol = PAPER) -> EchoSeries:
    tissue = phantom(1, protocol.field_strength_t, (1, 64, 64), pixel_mm=4.5)
    return replace(
        acquire(replace(tissue, pdff_percent=0 * tissue.pdff_percent), protocol, np.random.default_rng(0)), phase_sign=None
    )


@pytest.mark.parametrize("protocol", [PAPER, Protocol("3T", echo_times(1.2, 1.0, 6), 3.0, snr=40.0)], ids=lambda p: p.name)
def test_a_conjugated_copy_is_recognised(protocol: Protocol) -> None:
    series = vials(protocol)
    given, mirrored = decide_sign(series, SIX_PEAK), decide_sign(series.conjugate(), SIX_PEAK)
    assert given.decided
    assert given.sign is PhaseSign.AS_MODEL
    assert mirrored.decided
    assert mirrored.sign is PhaseSign.CONJUGATED
    assert mirrored.residual_conjugated == pytest.approx(given.residual_as_given, rel=1e-3)


def test_the_data_overrule_the_source() -> None:
    series = replace(vials().conjugate(), phase_sign=PhaseSign.AS_MODEL)
    assert decide_sign(series, SIX_PEAK).sign is PhaseSign.CONJUGATED


@pytest.mark.parametrize("stated", [None, PhaseSign.AS_MODEL, PhaseSign.CONJUGATED])
def test_without_fat_it_stays_undecided(stated: PhaseSign | None) -> None:
    decision = decide_sign(replace(water(), phase_sign=stated), SIX_PEAK)
    assert not decision.decided
    assert decision.sign is (stated or PhaseSign.AS_MODEL)
    assert "undecided" in decision.reason
    assert ("taken from the source" in decision.reason) is (stated is not None)


def test_three_echoes_cannot_decide() -> None:
    decision = decide_sign(vials(Protocol("3 echoes", echo_times(1.6, 1.55, 3), 1.5)).conjugate(), SIX_PEAK)
    assert not decision.decided
    assert decision.sign is PhaseSign.AS_MODEL
