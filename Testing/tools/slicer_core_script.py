"""Run a script on slicer-core as Slicer would run it: python Testing/tools/slicer_core_script.py SCRIPT [ARGUMENT...]

Exits with 1 where VTK logs an error.
"""

from __future__ import annotations

import runpy
import sys

from paths import MODULE, TESTING

sys.path[:0] = [str(TESTING), str(MODULE)]


def main(script: str, *arguments: str) -> int:
    """Run the script in an empty scene."""
    from slicer_harness import scripted_module
    from slicer_harness.scene import boot, empty_scene, vtk_errors

    slicer = boot()
    scripted_module.install()
    empty_scene()
    slicer.util.exit = lambda status=0: None
    sys.argv = [script, *arguments]
    with vtk_errors() as errors:
        runpy.run_path(script, run_name="__main__")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
