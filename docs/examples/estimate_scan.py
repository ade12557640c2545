"""Estimate one scan, print what to know before using a number, save maps and findings.

    python docs/examples/estimate_scan.py SCAN OUT

SCAN is a file or folder of any format that is read, OUT a folder.
"""

import sys
from pathlib import Path

import numpy as np

from AIDEALLib import RunOptions, run
from AIDEALLib.io.output.save import save_maps


def main(scan: str, out: str) -> None:
    """Estimate SCAN into OUT."""
    outcome = run(scan, RunOptions(method="refined", device="auto"))

    for finding in outcome.quality.findings:
        print(f"{finding.severity.value}: {finding.sentence} {finding.advice.worded()}")

    maps = outcome.maps
    sure = maps.mask & (maps.pdff_total_sd <= 5) & (maps.swap_probability <= 0.02)
    print(f"PDFF of the body: median {np.median(maps.pdff[maps.mask]):.1f} %")
    print(f"stated SD: median {np.median(maps.pdff_total_sd[maps.mask]):.1f} points")
    print(f"voxels to rely on: {100 * sure.sum() / maps.mask.sum():.0f} %")

    save_maps(maps, out)
    outcome.quality.save(Path(out) / "quality.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
