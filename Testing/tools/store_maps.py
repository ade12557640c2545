"""Store the maps of many runs, or compare with maps stored before: shows that a change of the code changed no value.

    python Testing/tools/store_maps.py runs/maps [--real-scans ../shared/data]
    python Testing/tools/store_maps.py runs/maps-new --against runs/maps [--real-scans ../shared/data]

Every method estimates the demonstration, three held-out protocols and each real scan; the options that correct phases are
tried as well. A comparison prints a line for each run and exits with 1 where any voxel differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from paths import MODULE

sys.path.insert(0, str(MODULE))

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.pipeline import run
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.held_out import held_out_case
from AIDEALLib.simulation.protocol import PROTOCOLS

METHODS = ("refined", "one-shot", "graph-cuts", "magnitude")
SIMULATED = (1, 4, 5)
"""Held-out protocols: echo spacing near the fat period, iron, 3 T."""


def scans(real_scans: Path | None) -> Iterator[tuple[str, EchoSeries]]:
    """Scans by name."""
    yield "demo", demo_liver()[0]
    for number in SIMULATED:
        protocol = PROTOCOLS[number]
        yield f"held-out-{number}", held_out_case(100 + number, protocol, (100, number), (3, 128, 128)).series
    bipolar = replace(PROTOCOLS[0], bipolar_phase_rad=0.35, bipolar_slope_rad=0.3)
    yield "bipolar", held_out_case(120, bipolar, (120, 0), (3, 96, 96)).series
    for path in sorted(real_scans.iterdir()) if real_scans else ():
        if path.is_dir():
            yield path.name, load_series(path)


def runs(real_scans: Path | None) -> Iterator[tuple[str, ParameterMaps]]:
    """Maps by name of the run."""
    for name, series in scans(real_scans):
        for method in METHODS:
            yield f"{name} {method}", maps_of(series, method=method)
        if name in ("held-out-5", "bipolar"):
            yield f"{name} mixed", maps_of(series, first_echo="mixed")
            yield f"{name} as stored", maps_of(series, conjugate="no", bipolar="no", gain_steps="yes")
            yield f"{name} phantom", maps_of(series, preset="phantom", first_echo="yes", bipolar="yes")


def maps_of(series: EchoSeries, **options: Any) -> ParameterMaps:
    """Maps of a run on the CPU."""
    return run(series, RunOptions(device="cpu", **options), check=False).maps


def store(maps: ParameterMaps, path: Path) -> None:
    """Write maps, mask and provenance."""
    provenance: dict[str, Any] = maps.provenance.as_dict()
    np.savez_compressed(path, mask=maps.mask, provenance=json.dumps(provenance), **dict(maps.items()))


def differences(maps: ParameterMaps, path: Path) -> list[str]:
    """Names of the maps that differ from those stored, bit by bit."""
    if not path.is_file():
        return ["nothing was stored under this name"]
    with np.load(path) as before:
        now = {"mask": maps.mask, **dict(maps.items())}
        return [name for name, array in now.items() if array.tobytes() != before[name].tobytes()]


def main() -> int:
    """Store, and compare where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the maps are stored")
    parser.add_argument("--against", type=Path, help="folder of maps stored before")
    parser.add_argument("--real-scans", type=Path, help="folder of real scans, one in each sub-folder")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    differing = 0
    for name, maps in runs(chosen.real_scans):
        file = f"{name.replace(' ', '_')}.npz"
        store(maps, chosen.folder / file)
        found = differences(maps, chosen.against / file) if chosen.against else None
        differing += bool(found)
        said = "stored" if found is None else "identical" if not found else "differs: " + ", ".join(found)
        print(f"{name:45} {int(maps.mask.sum()):8} voxels  {said}", flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
