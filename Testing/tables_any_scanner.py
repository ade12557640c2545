"""The tables of any-scanner input: dialect x result, fault x finding, the bottles, the rotation sense of real scans.

python Testing/tables_any_scanner.py        # about two minutes; prints Markdown
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent / "AIDEAL")]


def dialects() -> None:
    """PDFF of the liver by the whole estimate, through every dialect, against the estimate from the echoes themselves."""
    import numpy as np

    from AIDEALLib.estimation.estimate import estimate
    from AIDEALLib.io.load import load_series
    from AIDEALLib.simulation.demo import demo_liver
    from dicom_writer import DIALECTS, write_scan

    original, truth = demo_liver(matrix=(3, 96, 96))
    liver = truth.labels > 0
    direct = estimate(original, device="cpu").pdff[liver]
    print("| dialect | largest error of an echo, % of the largest signal | liver PDFF against the echoes themselves, points |")
    print("|---|---|---|")
    print("| | | mean / mean of absolutes / largest |")
    for name, dialect in DIALECTS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_scan(Path(folder), original, dialect)
            series = load_series(folder)
        scale = abs(np.vdot(series.echoes, original.echoes) / np.vdot(series.echoes, series.echoes))
        error = 100 * np.abs(series.echoes * scale - original.echoes).max() / np.abs(original.echoes).max()
        difference = estimate(series, device="cpu").pdff[liver] - direct
        away = np.abs(difference)
        print(f"| {name} | {error:.3f} | {difference.mean():+.3f} / {away.mean():.3f} / {away.max():.2f} |")


def faults() -> None:
    """Every fault of the tests and what it raises."""
    import test_quality
    from AIDEALLib.echoes import Readout
    from AIDEALLib.quality.assess import assess
    from AIDEALLib.simulation.demo import demo_liver

    series, _ = demo_liver(matrix=(2, 80, 80))
    clean = replace(series, readout=Readout.UNKNOWN, phase_sign=None, flip_angle_deg=3.0, repetition_time_s=0.014)
    print("| fault made | finding | others raised |\n|---|---|---|")
    print(f"| none | {', '.join(sorted(assess(clean).codes())) or 'none'} | |")
    for fault, (make, code, severity) in test_quality.FAULTS.items():
        codes = assess(make(clean)).codes()
        hit = f"{code} ({severity.value})" if code in codes else f"MISSED {code}"
        print(f"| {fault} | {hit} | {', '.join(sorted(codes - {code}))} |")


def real_scans() -> None:
    """Bottles naive and corrected, and the rotation sense of every real scan as given and mirrored."""
    import test_estimation_repairs as tests
    from AIDEALLib.estimation.repairs import plan_repairs
    from AIDEALLib.physics.spectrum import SIX_PEAK

    if not tests.REAL_DATA.exists():
        print(f"(no real scans in {tests.REAL_DATA})")
        return
    bottles = tests.load_series(tests.BOTTLES)
    mended = plan_repairs(bottles, SIX_PEAK).apply(bottles.echoes[:, 0], 0)
    print("| bottles, PDFF % | top | left | right |\n|---|---|---|---|")
    for name, echoes in (("naive", bottles.echoes[:, 0]), ("odd-even phase corrected", mended)):
        print(f"| {name} | " + " | ".join(f"{v:.1f}" for v in tests.bottle_pdff(echoes, bottles)) + " |")
    print("\n| scan | as given | mirrored copy |\n|---|---|---|")
    for name in tests.REAL_SCANS:
        series = replace(tests.load_series(tests.REAL_DATA / name), phase_sign=None)
        told = [plan_repairs(s, SIX_PEAK) for s in (series, series.conjugate())]
        print(f"| {name.split('/')[0]} | " + " | ".join(r.sign_text for r in told) + " |")


if __name__ == "__main__":
    for part in (dialects, faults, real_scans):
        part()
        print()
