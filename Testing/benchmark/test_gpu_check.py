"""The script that checks a GPU runs without one on a small scan, and states clearly where there is none."""

from __future__ import annotations

from dataclasses import replace

import gpu_check
import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.models import load_networks
from AIDEALLib.simulation.tissue import TissueMaps


def test_whole_script_on_the_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    status = gpu_check.main(["--device", "cpu", "--slices", "2", "--matrix", "48", "--echoes", "4", "--repeats", "1"])
    table = capsys.readouterr().out
    assert status == 0
    for words in ("median difference of PDFF", "estimate, s", "peak memory", "G_phi: volume in one go", "kernels launched"):
        assert words in table
    assert "| maps of CPU and device: voxels in one mask only | 0.0e+00 |" in table


def test_machine_without_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_check.main([]) == gpu_check.NO_GPU
    assert "No GPU was checked" in capsys.readouterr().err


def test_other_maps_than_the_cpus_are_noticed(small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    check = gpu_check.Check(small_liver[0], torch.device("cpu"), 1)
    maps = check.estimate(load_networks("cpu"))
    assert gpu_check.same_as_cpu(check, maps)[0]
    off = replace(maps, pdff=maps.pdff + np.float32(0.02))
    assert not gpu_check.same_as_cpu(check, off)[0]
    assert not gpu_check.same_as_cpu(check, replace(maps, mask=np.zeros_like(maps.mask)))[0]
