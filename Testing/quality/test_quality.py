"""Every fault that is made raises its finding, and a clean scan raises none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from paths import REAL_DATA

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError
from AIDEALLib.estimation.phase_correction.plan import PhaseCorrections, plan_corrections
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.quality.assess import assess
from AIDEALLib.quality.findings import Severity
from AIDEALLib.quality.preflight import Preflight, preflight
from AIDEALLib.quality.protocol import t1_bias_points
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.protocol import PROTOCOLS, Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.tissue import TissueMaps


@pytest.fixture(scope="module")
def scan() -> tuple[EchoSeries, TissueMaps]:
    series, truth = demo_liver(matrix=(2, 80, 80))
    return replace(series, readout=Readout.UNKNOWN, phase_sign=None, flip_angle_deg=3.0, repetition_time_s=0.014), truth


@pytest.fixture(scope="module")
def clean(scan: tuple[EchoSeries, TissueMaps]) -> EchoSeries:
    return scan[0]


def with_echoes(series: EchoSeries, change: Callable[[np.ndarray], np.ndarray]) -> EchoSeries:
    return replace(series, echoes=change(series.echoes.copy()))


def check(series: EchoSeries, method: str = "refined") -> Preflight:
    return preflight(series, RunOptions(method=method), SIX_PEAK)


def spoil(pattern: Pattern) -> Callable[[EchoSeries], EchoSeries]:
    return lambda series: PhaseError(pattern, 0.5, 0.6, 1, 0, 0, 1, 0).correct(series)


def simulated(protocol: Protocol) -> EchoSeries:
    return acquire(abdomen(3, protocol.field_strength_t, (2, 80, 80)), protocol, np.random.default_rng(1))


def phase_times(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda e: np.abs(e) * np.exp(1j * factor * np.angle(e))


def random_phase(e: np.ndarray) -> np.ndarray:
    return np.abs(e) * np.exp(1j * np.random.default_rng(0).uniform(-np.pi, np.pi, e.shape))


def shift_echo(e: np.ndarray) -> np.ndarray:
    e[3:] = np.roll(e[3:], 3, axis=2)
    return e


def clip(e: np.ndarray) -> np.ndarray:
    top = 0.6 * np.abs(e).max()
    return e * np.minimum(1, top / np.maximum(np.abs(e), 1e-12))


def overflow_magnitude(e: np.ndarray) -> np.ndarray:
    magnitude = np.abs(e)
    end = 0.75 * magnitude.max()
    return np.where(magnitude > end, magnitude - end, magnitude) * np.exp(1j * np.angle(e))


def overflow_parts(e: np.ndarray) -> np.ndarray:
    end = 0.7 * max(np.abs(e.real).max(), np.abs(e.imag).max())
    return (e.real + end) % (2 * end) - end + 1j * ((e.imag + end) % (2 * end) - end)


def mask_echo(e: np.ndarray) -> np.ndarray:
    e[2, 1, 30:50, 30:50] = 0
    return e


def scale_echo(e: np.ndarray) -> np.ndarray:
    e[2] *= 1.25
    return e


def constant_phase(e: np.ndarray) -> np.ndarray:
    return np.abs(e) * np.exp(1j * np.angle(e[:1]))


FAULTS: dict[str, tuple[Callable[[EchoSeries], EchoSeries], str, Severity]] = {
    "fat turns whole turns between echoes": (
        lambda s: simulated(Protocol("x", echo_times(1.2, 4.6, 6), 1.5, snr=30.0)),
        "spacing-near-fat-period",
        Severity.WARN,
    ),
    "echo times unfit": (lambda s: simulated(PROTOCOLS[6]), "echo-times-unfit", Severity.WARN),
    "SNR 6": (lambda s: simulated(replace(PROTOCOLS[0], snr=6.0)), "snr-low", Severity.WARN),
    "no phase": (lambda s: with_echoes(s, lambda e: np.abs(e) + 0j), "magnitude-only", Severity.STOP),
    "phase of echo 1 in all echoes": (lambda s: with_echoes(s, constant_phase), "phase-constant", Severity.STOP),
    "phase replaced by noise": (lambda s: with_echoes(s, random_phase), "phase-not-phase", Severity.STOP),
    "phase scaled by one half": (lambda s: with_echoes(s, phase_times(0.5)), "phase-range", Severity.WARN),
    "echoes 4 to 6 moved by 3 pixels": (lambda s: with_echoes(s, shift_echo), "motion-between-echoes", Severity.WARN),
    "clipped at 60 % of the maximum": (lambda s: with_echoes(s, clip), "values-clipped", Severity.WARN),
    "magnitudes that overflow": (lambda s: with_echoes(s, overflow_magnitude), "wrapped", Severity.WARN),
    "real and imaginary parts that overflow": (lambda s: with_echoes(s, overflow_parts), "wrapped", Severity.WARN),
    "part of echo 3 zero": (lambda s: with_echoes(s, mask_echo), "zero-filled", Severity.WARN),
    "echo 3 scaled by 1.25": (lambda s: with_echoes(s, scale_echo), "gain-step", Severity.WARN),
    "odd-even phase": (spoil(Pattern.ODD_EVEN), "bipolar-corrected", Severity.INFO),
    "odd-even phase, said to be monopolar": (
        lambda s: replace(spoil(Pattern.ODD_EVEN)(s), readout=Readout.MONOPOLAR),
        "bipolar-uncorrected",
        Severity.WARN,
    ),
    "first echo's phase off": (spoil(Pattern.FIRST), "first-echo-phase", Severity.WARN),
    "three echoes": (lambda s: replace(s, echoes=s.echoes[:3], te_s=s.te_s[:3]), "sign-undecided", Severity.INFO),
    "flip angle 20 degrees": (lambda s: replace(s, flip_angle_deg=20.0), "t1-bias", Severity.WARN),
    "first echo at 6 ms": (
        lambda s: simulated(Protocol("x", echo_times(6.0, 2.1, 6), 1.5, snr=40.0)),
        "outside-training-range",
        Severity.WARN,
    ),
}


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


def test_what_was_mended_is_told(clean: EchoSeries) -> None:
    stepped = with_echoes(clean, scale_echo)
    plan = plan_corrections(stepped, SIX_PEAK, RunOptions(gain_steps="yes"))
    assert assess(stepped, corrections=plan).codes() == {"gain-step-corrected"}
    turned = spoil(Pattern.FIRST)(clean)
    plan = plan_corrections(turned, SIX_PEAK, RunOptions(first_echo="yes"))
    assert assess(turned, corrections=plan).codes() == {"first-echo-corrected"}


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


def test_what_to_expect_is_told_before(clean: EchoSeries) -> None:
    expected = assess(clean).expected
    assert f"{expected['pdff_sd_at_10']:.1f} at 10 %" in check(clean).expectation
    assert check(clean, "magnitude").expectation != check(clean).expectation


def test_where_is_told(clean: EchoSeries) -> None:
    (found,) = [f for f in assess(with_echoes(clean, mask_echo)).findings if f.code == "zero-filled"]
    assert found.slices == (1,)
    assert 250 < found.voxels <= 400


def test_expected_precision_follows_the_signal(clean: EchoSeries) -> None:
    expected = assess(clean).expected
    assert 10 < expected["snr"] < 40
    assert 1 < expected["pdff_sd_at_10"] < 8


def test_t1_bias_has_the_size_of_theory() -> None:
    assert abs(t1_bias_points(3, 0.014, 1.5)) < 0.6
    assert 3 < t1_bias_points(20, 0.014, 1.5) < 8  # towards the ratio of T1, 586 / 343


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
        "field-steep": {"field": steep},
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
    assert set(stored["findings"][0]) == {"code", "severity", "sentence", "advice", "slices", "voxels", "area_mm2"}
    assert stored["expected"]["snr"] > 5


@pytest.mark.parametrize("conjugate", ["auto", "yes"])
def test_with_a_real_estimate(conjugate: str) -> None:
    """A clean scan raises none from loading to maps; the same scan with its phase mirrored on request does not fit."""
    series, _ = demo_liver(matrix=(2, 160, 160))
    report = assess(series, estimate(series, RunOptions(device="cpu", conjugate=conjugate)))
    assert report.codes() >= {"residual-structured"} if conjugate == "yes" else report.codes() == set()
