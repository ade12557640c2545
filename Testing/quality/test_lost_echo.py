"""An echo that is missing, with its time given to the next one, is found by the residual; a clean scan has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.lost_echo import find_lost_echo
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import run
from AIDEALLib.quality.findings import Severity
from AIDEALLib.quality.lost_echo import assess_lost_echo
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.statistics.usability import Usability

PROTOCOLS = [Protocol("six", echo_times(1.3, 2.1, 6), 1.5, snr=15), Protocol("five", echo_times(1.1, 0.9, 5), 3.0, snr=40)]


def scan_of(protocol: Protocol) -> EchoSeries:
    truth = abdomen(5, protocol.field_strength_t, (2, 48, 48), (8.0, 8.0, 25.0), separate_dome=False)
    series = acquire(truth, protocol, np.random.default_rng(3))
    return replace(series, echoes=series.echoes[:, 1:2])


def without(series: EchoSeries, echo: int) -> EchoSeries:
    """Scan without an echo, with the times of the first ones."""
    kept = np.delete(np.arange(series.n_echoes), echo)
    return replace(series, echoes=series.echoes[kept], te_s=series.te_s[:-1])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("echo", [1, 2, 3])
def test_a_lost_echo_is_found_at_its_place(protocol: Protocol, echo: int) -> None:
    found = find_lost_echo(without(scan_of(protocol), echo), SIX_PEAK)
    assert found is not None and found.after == echo
    assert found.gain > 1.8 and found.z > 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_complete_train_and_a_gap_that_is_stated_have_none(protocol: Protocol) -> None:
    series = scan_of(protocol)
    kept = [0, 1, *range(3, series.n_echoes)]
    for complete in (series, replace(series, echoes=series.echoes[kept], te_s=series.te_s[kept])):
        assert not assess_lost_echo(complete, SIX_PEAK)


def test_a_run_without_an_echo_gives_no_number() -> None:
    outcome = run(without(scan_of(PROTOCOLS[0]), 2), RunOptions(device="cpu", anyway=True))
    assert outcome.quality is not None
    finding = next(f for f in outcome.quality.findings if f.code == "echo-lost")
    assert finding.severity is Severity.STOP and not finding.cause
    usability = Usability.of(outcome.maps.provenance.as_dict())
    assert usability.reason(outcome.maps, outcome.maps.mask)


def test_three_echoes_do_not_show_it() -> None:
    series = scan_of(PROTOCOLS[1])
    assert find_lost_echo(replace(series, echoes=series.echoes[:3], te_s=series.te_s[:3]), SIX_PEAK) is None
