"""The network files work on the oldest torch that is supported, 2.2.

Where an interpreter with torch 2.2 is at hand (AIDEAL_TORCH_2_2=/path/to/python, with torch 2.2, numpy < 2 and scipy), maps are
compared; everywhere, the operators in the files are held against those of torch 2.2.2.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import AIDEALLib
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.model_files import model_directory
from AIDEALLib.models import load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.demo import demo_liver

OPERATORS = """
    RaiseException __contains__ __derive_index __is__ __isnot__ __not__ __range_length _native_multi_head_attention abs add
    all amax amin angle any append arange argmax avg_pool2d baddbmm bmm cat chunk clamp_min complex conj contiguous conv2d
    copy_ cos device diagonal dim div dropout dropout_ dtype empty eq exp expand flatten floor floordiv format full_like
    gather group_norm gt imag index is_autocast_enabled is_floating_point is_grad_enabled is_nested len linear list log
    log10 lt masked_fill masked_fill_ matmul max mean min mul ne neg ones_like pad permute polar real reciprocal remainder
    repeat requires_grad reshape scaled_dot_product_attention select silu silu_ sin size slice softmax split sqrt squeeze stack
    sub sum t to transpose triu_indices type unflatten unsqueeze upsample_bilinear2d view warn zeros zeros_like"""
"""Operators that torch 2.2.2 has. Before adding one, look for it in torch._C._jit_get_all_schemas() of torch 2.2.2."""

MAPS_ELSEWHERE = """
import sys
from pathlib import Path
import numpy as np
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.models import load_networks
from AIDEALLib.options import RunOptions
scan = np.load(sys.argv[1])
series = EchoSeries(scan["echoes"], scan["te_s"], float(scan["field_strength_t"]))
networks = lambda on: load_networks(on, Path(sys.argv[2]), trusted=True)
maps = {m: estimate(series, RunOptions(method=m, device="cpu"), networks=networks) for m in ("refined", "one-shot")}
np.savez(sys.argv[3], **{m: found.pdff for m, found in maps.items()})
"""


def operators(path: Path) -> set[str]:
    """Names of all operators that the code stored in a TorchScript file calls, also in branches never taken."""
    with zipfile.ZipFile(path) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")]
    own_functions = re.compile(r"__torch__[\w.]*")
    call = re.compile(r"(?<![\w.])(?:torch|ops\.\w+)\.(\w+)\(")
    return {name for text in texts for name in call.findall(own_functions.sub("", text))}


@pytest.fixture(params=["bundled", "exported now"])
def folder(request: pytest.FixtureRequest, fresh_models: Path) -> Path:
    return model_directory() if request.param == "bundled" else fresh_models


@pytest.mark.parametrize("name", ["G_phi", "G_R2star"])
def test_files_hold_no_operator_that_torch_2_2_lacks(name: str, folder: Path) -> None:
    found = operators(folder / f"{name}.pt")
    assert {"matmul", "conv2d", "polar", "upsample_bilinear2d"} <= found
    assert not found - set(OPERATORS.split()), (
        "torch 2.2 refuses a file with an operator it does not know, even in a branch never taken"
    )


def test_maps_on_torch_2_2(tmp_path: Path, folder: Path) -> None:
    python = os.environ.get("AIDEAL_TORCH_2_2")
    if not python:
        pytest.skip("AIDEAL_TORCH_2_2 names no interpreter with torch 2.2")
    series, _ = demo_liver(matrix=(2, 96, 96))
    np.savez(tmp_path / "scan.npz", echoes=series.echoes, te_s=series.te_s, field_strength_t=series.field_strength_t)
    done = subprocess.run(
        [python, "-c", MAPS_ELSEWHERE, str(tmp_path / "scan.npz"), str(folder), str(tmp_path / "maps.npz")],
        env={**os.environ, "PYTHONPATH": str(Path(AIDEALLib.__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    there = np.load(tmp_path / "maps.npz")
    for method in ("refined", "one-shot"):
        here = estimate(
            series, RunOptions(method=method, device="cpu"), networks=lambda on: load_networks(on, folder, trusted=True)
        )
        apart = np.abs(here.pdff - there[method])[here.mask]
        # Single voxels tip where two modes, or a limit of a step, are a rounding apart.
        assert np.mean(apart > 1e-3) < 2e-3, f"{method}, torch of {python} against that of {sys.executable}"
