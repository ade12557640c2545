"""Estimate a scan in Slicer, without a window, and save maps and scene.

    Slicer --no-main-window --python-script docs/examples/slicer_script.py OUT [SCAN]

Without SCAN the bundled synthetic liver is estimated. Needs the extensions AIDEAL and PyTorch.
"""

import sys
from pathlib import Path

import slicer

from AIDEAL import AIDEALLogic


def main(out: str, *files: str) -> None:
    """Estimate FILES, or the sample, into OUT."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    logic = AIDEALLogic()
    try:
        scan = logic.loadFiles(files) if files else logic.loadSample()
        maps = logic.estimate(scan, method="refined", device="auto")
        logic.exportMaps(maps, folder)
    finally:
        logic.close()
    pdff, mask = (slicer.util.arrayFromVolume(maps[name]) for name in ("pdff", "foreground"))
    print(f"PDFF of the body: mean {pdff[mask > 0].mean():.1f} %")
    slicer.util.saveScene(str(folder / "scene.mrb"))


if __name__ == "__main__":
    main(*sys.argv[1:])
    slicer.util.exit()
