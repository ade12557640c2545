"""The entry point of estimation: slices are independent, bad requests are refused, provenance is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from AIDEALLib.choices import Method
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import Cancelled, DeviceError, InputError
from AIDEALLib.estimation import estimate as module
from AIDEALLib.estimation.device import choose_device
from AIDEALLib.estimation.estimate import estimate, fat_spectrum
from AIDEALLib.estimation.methods.registry import METHODS
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.models import load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.progress import Monitor, Step
from AIDEALLib.simulation.demo import demo_liver


@pytest.fixture(scope="module")
def scan() -> EchoSeries:
    return demo_liver(matrix=(3, 56, 56))[0]


def maps_of(series: EchoSeries, **options: Any) -> ParameterMaps:
    return estimate(series, RunOptions(device="cpu", **options), corrections=NO_CORRECTIONS)


def test_every_method_is_registered() -> None:
    assert set(METHODS) == set(Method)


@pytest.mark.parametrize("method", Method)
def test_a_slice_does_not_depend_on_the_others(scan: EchoSeries, method: Method) -> None:
    whole, alone = maps_of(scan, method=method), maps_of(replace(scan, echoes=scan.echoes[:, 1:2]), method=method)
    assert alone.mask.any()
    np.testing.assert_array_equal(whole.mask[1], alone.mask[0])
    for (name, array), (_, single) in zip(whole.items(), alone.items(), strict=True):
        np.testing.assert_array_equal(array[1], single[0], err_msg=name)


@pytest.mark.parametrize("method", Method)
def test_maps_are_finite_inside_the_mask_and_zero_outside(scan: EchoSeries, method: Method) -> None:
    maps = maps_of(scan, method=method)
    # standard deviations are infinite where magnitudes determine nothing
    unknown = ("pdff_sd", "pdff_total_sd", "r2star_sd") if method is Method.MAGNITUDE else ()
    for name, array in maps.items():
        assert name in unknown or np.isfinite(array[maps.mask]).all(), name
        assert not array[~maps.mask].any(), name
    np.testing.assert_allclose(
        maps.pdff[maps.mask] * (maps.water + maps.fat)[maps.mask], 100 * maps.fat[maps.mask], rtol=1e-3, atol=1e-2
    )


def test_noise_alone_gives_empty_maps_and_a_note(scan: EchoSeries) -> None:
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=scan.echoes.shape) + 1j * rng.normal(size=scan.echoes.shape)).astype(np.complex64)
    maps = maps_of(replace(scan, echoes=noise), method="one-shot")
    assert not maps.mask.any()
    assert any("all maps are empty" in note for note in maps.provenance.notes)


def test_provenance_is_complete(scan: EchoSeries) -> None:
    options = RunOptions(device="cpu", method="one-shot", preset="phantom")
    provenance = estimate(scan, options).provenance
    assert provenance.options["run"] == options.as_dict()
    assert set(provenance.options) == {"run", "phase_corrections", "excitation"}
    assert provenance.models.keys() == {"G_phi", "G_R2star"}
    assert provenance.spectrum["ppm"] == pytest.approx(fat_spectrum(options).ppm)
    assert provenance.te_s == tuple(scan.te_s)
    assert len(provenance.noise_sd) == 3
    assert provenance.seconds.keys() >= {"network", "least squares"}
    assert maps_of(scan, method="graph-cuts").provenance.options["graph_cuts"]["bins"] == 128
    assert set(MAP_INFO) == {name for name, _ in maps_of(scan, method="magnitude").items()}


def test_the_spectrum_in_use_is_that_of_preset_and_offset() -> None:
    assert fat_spectrum(RunOptions()).ppm == SIX_PEAK.ppm
    cold = fat_spectrum(RunOptions(preset="phantom")).ppm
    np.testing.assert_allclose(np.subtract(cold, SIX_PEAK.ppm), -0.0101 * 15, atol=1e-9)
    given = fat_spectrum(RunOptions(preset="phantom", ppm_offset=0.1)).ppm
    np.testing.assert_allclose(np.subtract(given, SIX_PEAK.ppm), 0.1, atol=1e-9)


def test_steps_and_slices_are_reported(scan: EchoSeries) -> None:
    steps: list[Step] = []
    slices: list[tuple[int, int]] = []
    estimate(
        scan, RunOptions(device="cpu", method="one-shot"), monitor=Monitor(steps.append, lambda *done: slices.append(done))
    )
    assert steps == [Step.PREPARE, Step.NETWORKS]
    assert slices == [(n, 3) for n in range(4)]
    with pytest.raises(Cancelled):
        estimate(scan, RunOptions(device="cpu", method="magnitude"), monitor=Monitor(cancelled=lambda: True))


def test_bad_requests_are_refused(scan: EchoSeries) -> None:
    magnitudes = replace(scan, echoes=np.abs(scan.echoes))
    with pytest.raises(InputError, match="magnitudes without phase"):
        estimate(magnitudes, RunOptions(device="cpu"))
    with pytest.raises(InputError, match="has none"):
        estimate(scan, RunOptions(device="cpu", method="one-shot", first_echo="mixed"))
    with pytest.raises(DeviceError, match="auto, cpu or cuda was expected"):
        estimate(scan, RunOptions(device="gpu"))
    with pytest.raises(DeviceError, match="no CUDA device"):
        choose_device("cuda") if not torch.cuda.is_available() else choose_device("cuda0")


def test_a_graphics_card_without_memory_falls_back_to_the_cpu(scan: EchoSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def networks(device: str) -> Any:
        tried.append(device)
        if len(tried) == 1:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return load_networks(device)

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(module, "choose_device", lambda _: torch.device("cpu", 0))
    maps = estimate(scan, RunOptions(method="one-shot"), corrections=NO_CORRECTIONS, networks=networks)
    assert tried == ["cpu:0", "cpu"]
    assert maps.provenance.device == "cpu"
    assert any("ran out of memory" in note for note in maps.provenance.notes)
