"""What the worker and its client say to each other, and what each may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from paths import PACKAGE

from AIDEALLib.advice import advise
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.interchange import read_maps, read_series, write_maps, write_series
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import (
    Event,
    Finding,
    Reason,
    Result,
    Severity,
    Stage,
    Step,
    WorkerClient,
)
from AIDEALLib.worker.messages import Failed as FailedMessage
from AIDEALLib.worker.messages import Finished, decode, encode

WORKER = PACKAGE / "worker"
Wait = Callable[..., list[Event]]


def test_series_travels_unchanged(tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    series = replace(small_liver[0], flip_angle_deg=5.0, repetition_time_s=0.012, notes=("read so",))
    write_series(series, tmp_path)
    back = read_series(tmp_path)
    np.testing.assert_array_equal(back.echoes, series.echoes)
    np.testing.assert_array_equal(back.te_s, series.te_s)
    for field in fields(series):
        if field.name not in ("echoes", "te_s"):
            assert getattr(back, field.name) == getattr(series, field.name), field.name


def test_lines_that_are_no_messages_are_passed_over() -> None:
    assert decode(b"hello\n") is None
    assert decode(b'{"kind": "unknown"}\n') is None
    assert decode(b"[1, 2]\n") is None
    assert decode(b'{"kind": "finished"}\n') is None
    finding = Finding("x", Severity.WARN, "a", advise("b {}", "te_s"), (1, 2), 3, 4.0)
    for message in (Finished(1, 2.0, None), Stage(1, Step.CHECK), FailedMessage(1, Reason.MEMORY, "a\nb", "c", (finding,))):
        assert decode(encode(message)) == message


def test_client_side_imports_neither_torch_nor_qt() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(WORKER.parents[1])!r}); import AIDEALLib.worker.client;"
        "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'qt', 'PySide6', 'slicer', 'scipy', 'SimpleITK')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_server_imports_torch_only_inside_functions() -> None:
    tree = ast.parse((WORKER / "server.py").read_text(encoding="utf-8"))
    named = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not {name for name in named if name and name.split(".")[0] in ("torch", "estimation", "models")}


def test_maps_travel_unchanged(
    tmp_path: Path, warm_worker: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    warm_worker.start(
        small_liver[0],
        RunOptions(models=models),
        check=False,
    )
    result = wait_for(warm_worker)[-1]
    assert isinstance(result, Result)
    write_maps(result.maps, tmp_path)
    back = read_maps(tmp_path)
    for (name, a), (_, b) in zip(result.maps.items(), back.items(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
    assert back.geometry == result.maps.geometry
    assert back.provenance.te_s == result.maps.provenance.te_s
