"""The tool that looks for wrong numbers without a word draws, runs and counts scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_faults import FAULTS, draw_scan
from silent_errors import CASES, CLEAN, CURVE, TABLE, Case, curve, main, rates, read, table

from AIDEALLib.echoes import EchoSeries


def test_one_clean_and_one_faulty_scan(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--clean", "1", "--faulty", "1", "--seed", "3"]) == 0
    cases = read(tmp_path / CASES)
    assert [case.kind == CLEAN for case in cases] == [True, False]
    assert not cases[0].warned and not cases[0].wrong and cases[0].errors
    assert "| all faults | 1 |" in (tmp_path / TABLE).read_text() and (tmp_path / CURVE).read_text().count("\n") == 11


@pytest.fixture(scope="module")
def clean() -> EchoSeries:
    series, truth = draw_scan(np.random.default_rng(1), max(least for _, least in FAULTS.values()))
    assert truth.labels.any()
    return series


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_changes_the_scan_and_keeps_it_a_scan(kind: str, clean: EchoSeries) -> None:
    found = FAULTS[kind][0](clean, np.random.default_rng(2))
    assert found.n_echoes >= 3
    same = found.echoes.shape == clean.echoes.shape and np.array_equal(found.echoes, clean.echoes)
    assert not same or not np.array_equal(found.te_s, clean.te_s) or found.field_strength_t != clean.field_strength_t


def test_cases_are_counted() -> None:
    def case(kind: str, findings: list[str], errors: list[float], refused: str = "") -> Case:
        return Case(kind, 0, "", refused, findings, errors, 0, 1.0, 1.0)

    cases = [
        case(CLEAN, [], [0.1]),
        case("gain of an echo", ["warn gain-step"], [7.0]),
        case("gain of an echo", ["info x"], [-4.0]),
        case("few bits", [], [], "refused"),
    ]
    assert [c.silent for c in cases] == [False, False, True, False]
    assert "| gain of an echo | 2 | 0 | 1 | 2 | 1 |" in table(cases)
    assert "| all faults | 3 | 1 | 2 | 2 | 1 |" in table(cases)
    assert curve(cases).splitlines()[-1] == "any warning,66.7,0.0"
    assert "such a number and not a word: 1 of 3 (95 % interval 6.1 to 79.2 %)" in rates(cases)
