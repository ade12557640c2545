"""Metrics before and after adaptation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.models import load_networks
from AIDEALLib.training import before_after
from AIDEALLib.training.before_after import metrics


def test_metrics_show_swapped_networks(scan: EchoSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before_after, "METHODS", ("one-shot",))
    networks = load_networks()
    own_scan, simulated = metrics(networks, [scan], 0.05, batches=2, size=64)
    assert (own_scan.data, simulated.data) == ("scan 1", "simulated, held out")
    assert 1 < own_scan.residual_percent < 20
    assert own_scan.suspected_percent < 20
    assert np.isnan(own_scan.swapped_percent)
    assert simulated.swapped_percent < 15

    class Turned:
        def __call__(self, echoes: torch.Tensor, *protocol: Any) -> tuple[torch.Tensor, ...]:
            q, mean, variance = networks.field(echoes, *protocol)
            period = 1 / float((protocol[0][1:] - protocol[0][:-1]).min())
            return q.roll(q.shape[1] // 2, 1), mean + period / 2, variance

    turned = metrics(replace(networks, field=Turned()), [scan], 0.05, batches=2, size=64)
    assert turned[1].swapped_percent > 30
    assert turned[0].residual_percent > own_scan.residual_percent
