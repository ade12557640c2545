"""Estimate a scan by two methods and compare their PDFF, where both have an estimate, after Bland and Altman.

    python docs/examples/compare_methods.py SCAN [METHOD] [OTHER]

Methods: refined, one-shot, graph-cuts, magnitude.
"""

import sys

import numpy as np

from AIDEALLib import RunOptions, load_series, run
from AIDEALLib.statistics import LowConfidence, bland_altman


def main(scan: str, method: str = "refined", other: str = "graph-cuts") -> None:
    """Compare METHOD with OTHER on SCAN."""
    series = load_series(scan)
    maps, reference = (run(series, RunOptions(method=name)).maps for name in (method, other))
    both = maps.mask & reference.mask
    sure = both & ~LowConfidence().select(maps)
    for what, region in (("all voxels", both), ("without low confidence", sure)):
        found = bland_altman(maps.pdff[region], reference.pdff[region])
        print(
            f"{method} minus {other}, {what}: bias {found.bias:+.2f} points, limits of agreement "
            f"{found.lower_limit:+.2f} to {found.upper_limit:+.2f} ({found.voxels} voxels)"
        )
    swapped = both & (np.abs(maps.pdff - reference.pdff) > 40)
    print(f"more than 40 points apart: {100 * swapped.sum() / both.sum():.2f} %")


if __name__ == "__main__":
    main(*sys.argv[1:])
