"""The self-test on slicer-core with the bundled sample and networks, and in the real application where there is one."""

from __future__ import annotations

import importlib
import os
import subprocess
from typing import Any

import numpy as np
import pytest
from paths import ROOT

from AIDEALLib.worker.client import WorkerClient

SKIPPED = 77


def test_sample_to_table_to_saved_scene(scene: Any, warm_worker: WorkerClient) -> None:
    """The truth of the sample is met within 1.5 points in both lobes."""
    pytest.importorskip("PySide6")
    from AIDEALLib.mrml.logic import AidealLogic
    from AIDEALLib.mrml.self_test import run_self_test
    from slicer_harness import qt_widgets

    qt_widgets.install()
    logic = importlib.import_module("AIDEAL").AIDEALLogic()
    logic.implementation.close()
    logic.implementation = AidealLogic(scene, warm_worker)
    shown: list[str] = []
    run_self_test(logic, shown.append)
    assert shown[0].startswith("Loading")
    assert not any("skipped" in line for line in shown)


def test_sample_is_the_demonstration_liver() -> None:
    from AIDEALLib.io.load import load_series
    from AIDEALLib.mrml.scan.sample import SAMPLE_FOLDER
    from AIDEALLib.resources import resource
    from AIDEALLib.simulation.demo import demo_liver

    shipped, (made, _) = load_series(resource(*SAMPLE_FOLDER)), demo_liver()
    scale = np.vdot(shipped.echoes, made.echoes).real / np.vdot(shipped.echoes, shipped.echoes).real
    error = shipped.echoes * scale - made.echoes
    assert np.linalg.norm(error) < 0.02 * np.linalg.norm(made.echoes)
    assert shipped.geometry == made.geometry


def test_in_the_real_application() -> None:
    executable = os.environ.get("SLICER_EXECUTABLE")
    if not executable:
        pytest.skip("SLICER_EXECUTABLE is not set: the real application is not tested here")
    command = [executable, "--no-splash", "--testing", "--additional-module-paths", str(ROOT / "AIDEAL")]
    done = subprocess.run([*command, "--python-script", str(ROOT / "Testing" / "Slicer" / "run.py")], check=False)
    if done.returncode == SKIPPED:
        pytest.skip("this Slicer has no PyTorch")
    assert done.returncode == 0
