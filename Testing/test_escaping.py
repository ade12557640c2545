"""What leaves the program is data wherever it goes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from AIDEALLib.advice import advise
from AIDEALLib.cli.main import app
from AIDEALLib.cli.results import print_statistics, table_of
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.escaping import for_csv, for_figure, for_html, for_markup, for_terminal, from_csv, plain
from AIDEALLib.io.output.overview import save_overview
from AIDEALLib.io.output.tables import COLUMNS, save_table
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.quality.findings import Finding, QualityReport, Severity
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import Measuring, region_statistics

HOSTILE = (
    "liver [/red]",
    "[link=file:///etc/passwd]x[/link]",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-2+3",
    "\t=1",
    "'=1",
    "' '+1",
    "'quoted'",
    "\x1b]0;title\x07\x1b[2J",
    "<script>alert(1)</script>",
    '" onload="x',
    "$\\frac{",
    "a\nb\r\nc",
    "\u202egnp.exe",
    "bad\udcff\ud800",
    "x" * 10_000,
    "",
    "\0",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_sink(text: str) -> None:
    for shown in (plain(text), for_csv(text), for_html(text), for_figure(text), for_markup(text)):
        shown.encode("utf-8")
        assert not any(ord(c) < 32 or c in "\x7f\u202e" for c in shown)
        assert len(shown) < 20_000
    assert not for_csv(text).startswith(tuple("=+-@"))
    assert from_csv(for_csv(text)) == plain(text)
    assert "<" not in for_html(text) and '"' not in for_html(text)
    assert "\x1b" not in for_terminal(text)
    console = Console(file=io.StringIO(), width=200)
    console.print(f"[bold]{for_markup(text)}[/bold]")


def test_what_is_harmless_stays() -> None:
    for text in ("liver", "Läppchen rechts", "whole liver", "肝臓", "R2* 1/s", "a - b"):
        assert plain(text) == for_csv(text) == for_html(text) == for_figure(text) == text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_segment_of_such_a_name(name: str, liver_maps: ParameterMaps, tmp_path: Path) -> None:
    row = region_statistics(liver_maps, liver_maps.mask, name, Measuring(1.0))
    console = Console(file=io.StringIO(), width=200)
    print_statistics(console, [row])
    console.print(table_of(name, (name, "b"), [(name, "1")]))
    save_table([row], tmp_path / "statistics.csv", {"note": name})
    text = (tmp_path / "statistics.csv").read_text(encoding="utf-8")
    _, line = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    assert len(line) == len(COLUMNS) and not line[0].startswith(tuple("=+-@\t"))


def test_a_finding_and_a_picture_of_such_text(
    liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps, tmp_path: Path
) -> None:
    text = "".join(t for t in HOSTILE if len(t) < 1000)
    QualityReport((Finding("code", Severity.WARN, text, advise("none")),)).save(tmp_path / "quality.json")
    save_overview(replace(liver[0], source=text[:60]), liver_maps, tmp_path / "overview.png")
    assert (tmp_path / "overview.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scan.npz", "--ppm-offset", "1e9"], "from -2 to 2"),
        (["scan.npz", "--ppm-offset", "nan"], "finite number"),
        (["scan.npz", "--te", ""], "numbers in seconds"),
        (["scan.npz", "--te", ", ,"], "numbers in seconds"),
        (["scan.npz", "--te", "1e-300,2e-300,3e-300"], "below 1e-05 s"),
        (["scan.npz", "--te", "1e-3,inf,3e-3"], "finite number"),
        (["scan.npz", "--field-strength", "nan"], "finite number"),
        (["scan.npz", "--device", "cuda:99"], "CUDA"),
        (["scan.npz", "--device", "cuda:x"], "CUDA"),
        (["\x1b[31mno\udcff.npz"], "does not exist"),
    ],
)
def test_names_and_numbers(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    echoes = np.ones((3, 1, 8, 8), np.complex64)
    np.savez("scan.npz", echoes=echoes, te_s=[0.001, 0.003, 0.005], field_strength_t=1.5)
    done = CliRunner().invoke(app, ["run", *words, "--out", "out"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 1, done.output
    assert said in done.stderr and "\x1b" not in done.stderr and "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_no_folder_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["demo", "--out", ""], ["run", "", "--out", "x"], ["run", "x", "--out", "x", "--segmentation", " "]):
        done: Any = CliRunner().invoke(app, words)
        assert done.exit_code == 1 and "A path is empty" in done.stderr
    assert list(tmp_path.iterdir()) == []
