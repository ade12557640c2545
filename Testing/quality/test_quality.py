"""Every fault that is made raises its finding, and a clean scan raises none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from faults import FAULTS, clean_scan, clip, mask_echo, scale_echo, simulated, spoil, with_echoes
from paths import REAL_DATA
from random_faults import FAULTS as RANDOM_FAULTS
from random_faults import draw_scan, overflown

from AIDEALLib.advice import Setting
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.corrections import PhaseCorrections
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import run
from AIDEALLib.quality.assess import assess
from AIDEALLib.quality.preflight import Preflight, preflight
from AIDEALLib.quality.signal import SignalCheck
from AIDEALLib.quality.wrapped import assess_wrapped
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.protocol import PROTOCOLS, Protocol
from AIDEALLib.simulation.tissue import TissueMaps


@pytest.fixture(scope="module")
def scan() -> tuple[EchoSeries, TissueMaps]:
    return clean_scan()


@pytest.fixture(scope="module")
def clean(scan: tuple[EchoSeries, TissueMaps]) -> EchoSeries:
    return scan[0]


def check(series: EchoSeries, method: str = "refined") -> Preflight:
    return preflight(series, RunOptions(method=method), SIX_PEAK)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_raises_its_finding(fault: str, clean: EchoSeries) -> None:
    make, code, severity = FAULTS[fault]
    report = assess(make(clean))
    found = [f for f in report.findings if f.code == code]
    assert found, f"{fault}: found {report.codes()}"
    assert found[0].severity is severity
    assert found[0].sentence.endswith(".") and found[0].advice.worded().endswith(".")


def test_clean_scan_raises_none(clean: EchoSeries) -> None:
    assert assess(clean).codes() == set()


@pytest.mark.parametrize("index", [0, 1, 3, 4, 5], ids=lambda i: PROTOCOLS[i].name)
def test_clean_protocols_raise_none(index: int) -> None:
    assert assess(simulated(PROTOCOLS[index])).codes() == set()


@pytest.mark.parametrize("name", ["thorax3T_6echo/thorax.mat", "abdomen3T_4echo/abdomen.mat", "spine15T_5echo/spine.mat"])
def test_real_scans_raise_none_before_the_estimate(name: str) -> None:
    from AIDEALLib.io.load import load_series

    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"real scans are not in {REAL_DATA}")
    assert assess(load_series(path)).codes() == set()


def test_corrections_are_reported(clean: EchoSeries) -> None:
    stepped = with_echoes(clean, scale_echo)
    plan = plan_corrections(stepped, SIX_PEAK, RunOptions(gain_steps="yes"))
    assert assess(stepped, corrections=plan).codes() == {"gain-step-corrected"}
    turned = spoil(Pattern.FIRST)(clean)
    plan = plan_corrections(turned, SIX_PEAK, RunOptions(first_echo="yes"))
    assert assess(turned, corrections=plan).codes() == {"first-echo-corrected"}


@pytest.mark.parametrize("factor", [0.8, 1.3])
def test_imaginary_parts_of_another_scale_are_stopped_by_the_noise_of_air(factor: float) -> None:
    series, _ = draw_scan(np.random.default_rng(4))
    three = replace(series, echoes=series.echoes[:3], te_s=series.te_s[:3])
    spoilt = (three.echoes.real + 1j * factor * three.echoes.imag).astype(np.complex64)
    assert "imaginary-scale" in {f.code for f in SignalCheck.of(replace(three, echoes=spoilt)).findings}
    assert "imaginary-scale" not in {f.code for f in SignalCheck.of(three).findings}


@pytest.mark.parametrize("seed", [90_000_027, 90_000_057])
def test_water_and_fat_that_cancel_at_coarse_edges_are_no_overflow(seed: int) -> None:
    series, _ = draw_scan(np.random.default_rng([seed, sorted(["clean", *RANDOM_FAULTS]).index("clean")]))
    assert not assess_wrapped(series, SignalCheck.of(series).body)
    assert assess_wrapped(overflown(series, np.random.default_rng(0)), SignalCheck.of(series).body)


def test_a_scan_without_signal_is_stopped(clean: EchoSeries) -> None:
    rng = np.random.default_rng(0)
    noise = with_echoes(clean, lambda e: rng.normal(size=e.shape) + 1j * rng.normal(size=e.shape))
    assert [f.code for f in check(noise).stops] == ["no-signal"]
    with pytest.raises(InputError, match="stands clear of the noise"):
        check(noise).refuse()
    assert check(noise).expectation == ""


def test_hopeless_echo_times_are_stopped(clean: EchoSeries) -> None:
    """Fat turns by whole turns between all echoes: no method can tell it from water."""
    turn_s = 1 / abs(SIX_PEAK.mean_shift_hz(1.5))
    hopeless = simulated(Protocol("x", np.array([1, 2, 3]) * turn_s, 1.5, snr=8.0))
    assert [f.code for f in check(hopeless).stops] == ["echo-times-unfit"]
    assert check(clean).stops == ()


def test_the_expected_precision_is_stated_before(clean: EchoSeries) -> None:
    expected = assess(clean).expected
    assert f"{expected['pdff_sd_at_10']:.1f} at 10 %" in check(clean).expectation
    assert check(clean, "magnitude").expectation != check(clean).expectation


def test_the_place_is_reported(clean: EchoSeries) -> None:
    (found,) = [f for f in assess(with_echoes(clean, mask_echo)).findings if f.code == "zero-filled"]
    assert found.slices == (1,)
    assert 250 < found.voxels <= 400


def test_a_zeroed_background_is_no_noise(scan: tuple[EchoSeries, TissueMaps]) -> None:
    clean, truth = scan
    masked = with_echoes(clean, lambda e: np.where(truth.body, e, 0))
    whole, found = (assess(series).expected["snr"] for series in (clean, masked))
    assert 0.8 * whole < found < 1.2 * whole


def test_expected_precision_follows_the_signal(clean: EchoSeries) -> None:
    expected = assess(clean).expected
    assert 10 < expected["snr"] < 40
    assert 1 < expected["pdff_sd_at_10"] < 8


def test_expected_precision_of_a_result_is_that_of_its_signal_and_noise(scan: tuple[EchoSeries, TissueMaps]) -> None:
    series, _ = scan
    maps = estimate(series, RunOptions(device="cpu", method="graph-cuts"))
    noise = np.asarray(maps.provenance.noise_sd)[:, None, None]
    expected = assess(series, maps).expected
    assert expected["snr"] == pytest.approx(float(np.median((np.abs(maps.water + maps.fat) / noise)[maps.mask])), rel=1e-5)
    near = maps.mask & (np.abs(maps.pdff - 10) < 4) & (np.abs(np.abs(maps.water + maps.fat) / noise - expected["snr"]) < 2)
    assert np.median(maps.pdff_sd[near]) == pytest.approx(expected["pdff_sd_at_10"], rel=0.15)


def test_a_t1_bias_is_advised_to_be_corrected_and_gone_then(clean: EchoSeries) -> None:
    steep = replace(clean, flip_angle_deg=20.0)
    (found,) = (f for f in assess(steep).findings if f.code == "t1-bias")
    assert Setting("t1", "correct") in found.advice.settings
    assert "t1-bias" not in assess(steep, options=RunOptions(t1="correct")).codes()
    assert "contrast-agent" in assess(replace(clean, contrast_agent=True)).codes()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ([0, 1, 3, 2, 4, 5], "model-not-followed"),
        ([0, 4, 2, 3, 1, 5], "model-not-followed"),
        ([5, 4, 3, 2, 1, 0], "signal-grows"),
    ],
)
def test_echoes_in_the_wrong_order_mean_nothing(clean: EchoSeries, order: list[int], code: str) -> None:
    outcome = run(replace(clean, echoes=clean.echoes[order]), RunOptions(device="cpu"))
    assert outcome.quality is not None and outcome.quality.unusable
    assert code in outcome.quality.codes()
    assert not any(f.advice.text.startswith("Nothing to do") for f in outcome.quality.findings)


# Maps


def maps_of(scan: tuple[EchoSeries, TissueMaps], **changes: np.ndarray) -> ParameterMaps:
    """A perfect result, with some maps changed."""
    series, truth = scan
    mask = truth.body
    zero = np.zeros(mask.shape, np.float32)
    water = truth.proton_density * (1 - truth.pdff_percent / 100)
    fat = truth.proton_density * truth.pdff_percent / 100
    te = torch.from_numpy(series.te_s)
    echoes = synthesise(
        *(torch.from_numpy(a.astype(np.complex64)) for a in (water, fat)),
        torch.from_numpy(truth.field_hz),
        torch.from_numpy(truth.r2star_per_s),
        te,
        SIX_PEAK.modulation(te, series.field_strength_t),
    ).numpy()
    signal = np.sqrt((np.abs(echoes) ** 2).mean(0))
    noise = 0.02
    arrays = {name: zero.copy() for name in MAP_INFO}
    arrays |= {
        "water": water,
        "fat": fat,
        "pdff": truth.pdff_percent,
        "r2star": truth.r2star_per_s,
        "field": truth.field_hz,
        "residual": np.where(mask, 100 * noise * np.sqrt(1.0) / np.maximum(signal, 1e-6), 0).astype(np.float32),
    }
    arrays |= changes
    provenance = Provenance(
        version="0",
        method="refined",
        device="cpu",
        torch_version="",
        te_s=tuple(series.te_s),
        field_strength_t=series.field_strength_t,
        spectrum={},
        models={},
        phase_sign="",
        readout="unknown",
        noise_sd=(noise,) * mask.shape[0],
        options={"phase_corrections": PhaseCorrections(False, "", True).as_dict()},
    )
    arrays = {name: np.where(mask, a, 0).astype(np.float32) for name, a in arrays.items()}
    return ParameterMaps(**arrays, mask=mask, geometry=series.geometry, provenance=provenance)


def test_perfect_maps_raise_none(scan: tuple[EchoSeries, TissueMaps]) -> None:
    assert assess(scan[0], maps_of(scan)).codes() == set()


def test_map_faults(scan: tuple[EchoSeries, TissueMaps]) -> None:
    series, truth = scan
    body = truth.body
    rows = np.arange(body.shape[1])[None, :, None]
    patch = np.zeros(body.shape, bool)
    patch[1, 35:47, 35:47] = True
    patch &= body
    steep = truth.field_hz + np.where(rows < 24, 120.0 * (24 - rows), 0).astype(np.float32)
    faults = {
        "residual-structured": {"residual": np.where(rows % 3 == 0, 40, 1) * np.ones(body.shape)},
        "swap-suspect": {"swap_probability": np.where(patch, 0.6, 0.01)},
        "field-steep": {"field": steep, "swap_probability": np.full(body.shape, 0.1)},
        "r2star-limit": {"r2star": np.where(patch, 1600, truth.r2star_per_s)},
    }
    for code, change in faults.items():
        report = assess(series, maps_of(scan, **change))
        assert report.codes() == {code}
        (finding,) = report.findings
        assert finding.voxels > 20 and finding.area_mm2 > 0 and finding.slices
        if code == "swap-suspect":
            column, row, _ = series.geometry.spacing_mm
            assert finding.area_mm2 == pytest.approx(patch.sum() * column * row, rel=1e-3)


def test_report_is_written(clean: EchoSeries, tmp_path: Path) -> None:
    report = assess(with_echoes(clean, clip))
    report.save(tmp_path / "quality.json")
    stored = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))
    assert [f["code"] for f in stored["findings"]] == ["values-clipped"]
    assert set(stored["findings"][0]) == {
        "code",
        "severity",
        "sentence",
        "advice",
        "box",
        "cause",
        "slices",
        "voxels",
        "area_mm2",
    }
    assert stored["expected"]["snr"] > 5


@pytest.mark.parametrize("conjugate", ["auto", "yes"])
def test_with_a_real_estimate(conjugate: str) -> None:
    """A clean scan raises none from loading to maps; the same scan with its phase mirrored on request does not fit."""
    series, _ = demo_liver(matrix=(2, 160, 160))
    report = assess(series, estimate(series, RunOptions(device="cpu", conjugate=conjugate)))
    assert report.codes() >= {"residual-structured"} if conjugate == "yes" else report.codes() == set()
