"""The tables of any-scanner input: dialects, faults and findings, magnitudes alone, first echo, real scans.

python Testing/tools/tables_any_scanner.py        # about two minutes; prints Markdown
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from paths import MODULE, REAL_DATA

sys.path.insert(0, str(MODULE))


def dialects() -> None:
    """PDFF of the liver by the whole estimate, through every dialect, against the estimate from the echoes themselves."""
    import numpy as np
    from dicom_writer import DIALECTS, write_scan

    from AIDEALLib.estimation.estimate import estimate
    from AIDEALLib.io.load import load_series
    from AIDEALLib.options import RunOptions
    from AIDEALLib.simulation.demo import demo_liver

    original, truth = demo_liver(matrix=(3, 96, 96))
    liver = truth.labels > 0
    direct = estimate(original, RunOptions(device="cpu")).pdff[liver]
    print("| dialect | largest error of an echo, % of the largest signal | liver PDFF against the echoes themselves, points |")
    print("|---|---|---|")
    print("| | | mean / mean of absolutes / largest |")
    for name, dialect in DIALECTS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_scan(Path(folder), original, dialect)
            series = load_series(folder)
        scale = abs(np.vdot(series.echoes, original.echoes) / np.vdot(series.echoes, series.echoes))
        error = 100 * np.abs(series.echoes * scale - original.echoes).max() / np.abs(original.echoes).max()
        difference = estimate(series, RunOptions(device="cpu")).pdff[liver] - direct
        away = np.abs(difference)
        print(f"| {name} | {error:.3f} | {difference.mean():+.3f} / {away.mean():.3f} / {away.max():.2f} |")


def faults() -> None:
    """Every fault made on purpose and the findings that it raises."""
    from faults import FAULTS, clean_scan

    from AIDEALLib.quality.assess import assess

    clean, _ = clean_scan()
    print("| fault made | finding | others raised |\n|---|---|---|")
    print(f"| none | {', '.join(sorted(assess(clean).codes())) or 'none'} | |")
    for fault, (make, code, severity) in FAULTS.items():
        codes = assess(make(clean)).codes()
        hit = f"{code} ({severity.value})" if code in codes else f"MISSED {code}"
        print(f"| {fault} | {hit} | {', '.join(sorted(codes - {code}))} |")


def magnitudes() -> None:
    """Fits of magnitudes alone, 4000 noisy copies of a voxel: stated against actual errors."""
    import torch

    from AIDEALLib.estimation.methods.magnitude import fit_magnitudes
    from AIDEALLib.estimation.voxelwise.slice_input import Scan
    from AIDEALLib.physics.magnitude_signal import magnitude_model
    from AIDEALLib.physics.spectrum import SIX_PEAK

    print("| magnitudes alone | PDFF, SNR | bias | SD of error | stated SD | other solution taken, % | stated, % |")
    print("|---|---|---|---|---|---|---|")
    generator = torch.Generator().manual_seed(0)
    for name, field_t, step in (("1.5 T, 6 echoes 1.3 + 2.1n ms", 1.5, 2.1e-3), ("3 T, 6 echoes 1.2 + 1.0n ms", 3.0, 1e-3)):
        scan = Scan.of(1.25e-3 + step * torch.arange(6, dtype=torch.float64), field_t, SIX_PEAK)
        modulation = SIX_PEAK.modulation(scan.te_s, field_t)
        for pdff in (5.0, 20.0, 90.0):
            for snr in (50.0, 20.0):
                one = torch.ones(4000, dtype=torch.float64)
                clean = magnitude_model(one, pdff / 100 * one, 40 * one, scan.te_s, modulation).values
                noise = torch.randn(2, *clean.shape, generator=generator, dtype=torch.float64) / snr
                found = fit_magnitudes(torch.complex(clean + noise[0], noise[1]).abs(), scan, torch.tensor(1 / snr))
                wrong = (found.best.pdff > 55) != (pdff > 55)
                error = (found.best.pdff - pdff)[~wrong]
                stated = found.best.pdff_variance[~wrong].median().sqrt()
                print(
                    f"| {name} | {pdff:g} %, {snr:g} | {error.mean():+.2f} | {error.std():.2f} | {stated:.2f} "
                    f"| {100 * wrong.double().mean():.1f} | {100 * found.swap_probability.mean():.1f} |"
                )


def magnitude_slices() -> None:
    """Magnitudes of a single slice as in population studies: both lobes, and the fat under the skin."""
    import numpy as np

    from AIDEALLib.choices import Method
    from AIDEALLib.options import RunOptions
    from AIDEALLib.pipeline import run
    from AIDEALLib.regions.measure import RegionOptions, measure_segments
    from AIDEALLib.simulation.abdomen import abdomen
    from AIDEALLib.simulation.protocol import Protocol, echo_times
    from AIDEALLib.simulation.scan import acquire
    from AIDEALLib.statistics import Segment

    print("| one slice, 10 echoes, 1.5 T | truth | maps: mean, median, above 50 % | liver: mean, median | fat below 50 % |")
    print("|---|---|---|---|---|")
    for pdff in (5.0, 12.0, 40.0):
        truth = abdomen(1, 1.5, (4, 80, 80), (4.8, 4.8, 20.0), None, (pdff, pdff), separate_dome=False)
        labels, true, fat = truth.labels[1:2], truth.pdff_percent[1:2], truth.pdff_percent[1:2] > 70
        liver = (labels == 1) | (labels == 2)
        for snr in (10, 20, 50):
            series = acquire(truth, Protocol("slice", echo_times(2.38, 2.38, 10), 1.5, snr=snr), np.random.default_rng(101))
            options = RunOptions(method=Method.MAGNITUDE, device="cpu")
            maps = run(replace(series, echoes=np.abs(series.echoes[:, 1:2])), options).maps
            found = maps.pdff[liver & maps.mask]
            row = measure_segments(maps, [Segment("Liver", liver)], RegionOptions()).rows[0]
            print(
                f"| {pdff:g} %, SNR {snr} | {true[liver].mean():.1f} | {found.mean():.1f}, {np.median(found):.1f}, "
                f"{100 * np.mean(found > 50):.1f} % | {row.pdff_mean:.1f}, {row.pdff_median:.1f} "
                f"| {100 * np.mean(maps.pdff[fat & maps.mask] < 50):.1f} % |"
            )


def first_echo() -> None:
    """A first echo off by 0.3 rad: complex and mixed fit of 4000 noisy copies of a voxel."""
    import cmath

    import torch

    from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
    from AIDEALLib.estimation.voxelwise.mixed_fit import mixed_modes
    from AIDEALLib.estimation.voxelwise.mode import mode_from_fit
    from AIDEALLib.estimation.voxelwise.noise import noise_from_residual
    from AIDEALLib.physics.signal import residual_degrees_of_freedom, synthesise
    from AIDEALLib.physics.spectrum import SIX_PEAK
    from AIDEALLib.physics.variable_projection import EchoBasis, fit

    print("| first echo off by 0.3 rad, SNR 30, PDFF | complex fit: bias, SD | mixed fit: bias, SD, stated SD |\n|---|---|---|")
    te = 1.3e-3 + 2.1e-3 * torch.arange(6, dtype=torch.float64)
    basis = EchoBasis.of(te, SIX_PEAK.modulation(te, 1.5), torch.float64)
    generator = torch.Generator().manual_seed(0)
    for pdff in (5.0, 20.0, 50.0):
        one = torch.ones(4000, dtype=torch.float64)
        parts = (((1 - pdff / 100) * one).to(torch.complex128), (pdff / 100 * one).to(torch.complex128))
        echoes = synthesise(*parts, 30 * one, 40 * one, te, basis.modulation)
        echoes[0] *= cmath.exp(0.3j)
        noise = torch.randn(2, *echoes.shape, generator=generator, dtype=torch.float64) / 30
        echoes = echoes + torch.complex(noise[0], noise[1])
        at = gauss_newton(echoes, 30 * one, 40 * one, basis, 6)
        linear = fit(echoes, at.field_hz, at.r2star_per_s, basis)
        plain = mode_from_fit(
            linear, at.field_hz, at.r2star_per_s, noise_from_residual(linear.residual_energy, residual_degrees_of_freedom(6))
        )
        (mixed,), _ = mixed_modes(echoes, [plain], torch.zeros(echoes.shape[1], dtype=torch.long), basis)
        print(
            f"| {pdff:g} % | {plain.pdff.mean() - pdff:+.1f}, {plain.pdff.std():.1f} | {mixed.pdff.mean() - pdff:+.2f}, "
            f"{mixed.pdff.std():.2f}, {mixed.pdff_variance.median().sqrt():.2f} |"
        )


def real_scans() -> None:
    """Bottles naive and corrected, and the rotation sense of every real scan as given and mirrored."""
    from real_scans import BOTTLES, REAL_SCANS, bottle_pdff

    from AIDEALLib.estimation.phase_correction.plan import plan_corrections
    from AIDEALLib.io.load import load_series
    from AIDEALLib.physics.spectrum import SIX_PEAK

    if not REAL_DATA.exists():
        print(f"(no real scans in {REAL_DATA})")
        return
    bottles = load_series(REAL_DATA / BOTTLES)
    corrected = plan_corrections(bottles, SIX_PEAK).apply(bottles.echoes[:, 0], 0)
    print("| bottles, PDFF % | top | left | right |\n|---|---|---|---|")
    for name, echoes in (("naive", bottles.echoes[:, 0]), ("odd-even phase corrected", corrected)):
        print(f"| {name} | " + " | ".join(f"{v:.1f}" for v in bottle_pdff(echoes, bottles)) + " |")
    print("\n| scan | as given | mirrored copy |\n|---|---|---|")
    for name in REAL_SCANS:
        series = replace(load_series(REAL_DATA / name), phase_sign=None)
        plans = [plan_corrections(s, SIX_PEAK) for s in (series, series.conjugate())]
        print(f"| {name.split('/')[0]} | " + " | ".join(r.sign_text for r in plans) + " |")


if __name__ == "__main__":
    for part in (dialects, faults, magnitudes, magnitude_slices, first_echo, real_scans):
        part()
        print()
