"""Findings come in the order of what to do first, and symptoms follow their cause."""

from __future__ import annotations

import graphlib
import io

import pytest
from rich.console import Console

from AIDEALLib.advice import advise
from AIDEALLib.cli.results import MOST_FINDINGS, print_findings
from AIDEALLib.quality.causes import CAUSES, folded, sorted_findings
from AIDEALLib.quality.findings import NO_ACTION, Finding, QualityReport, Severity

STOP, WARN, INFO = Severity.STOP, Severity.WARN, Severity.INFO


def finding(code: str, severity: Severity = WARN) -> Finding:
    return Finding(code, severity, f"Sentence of {code}.", advise("Do it.") if severity is not INFO else NO_ACTION)


@pytest.mark.parametrize(
    ("codes", "groups"),
    [
        (["swap-suspect", "residual-structured", "bipolar-uncorrected"], {"bipolar-uncorrected": 2}),
        (["swap-suspect", "swap-suspect", "swap-suspect"], {"swap-suspect": 2}),
        (["gain-step", "echo-missing", "first-echo-phase"], {"echo-missing": 2}),
        (["t1-bias", "swap-suspect"], {"t1-bias": 0, "swap-suspect": 0}),
    ],
)
def test_symptoms_are_folded_under_their_root(codes: list[str], groups: dict[str, int]) -> None:
    found = folded(sorted_findings([finding(code) for code in codes]))
    assert {root.code: len(symptoms) for root, symptoms in found} == groups


def test_a_root_comes_before_a_symptom_that_is_worse() -> None:
    found = sorted_findings([finding("model-not-followed", STOP), finding("t1-bias"), finding("echo-missing")])
    assert [f.code for f in found] == ["echo-missing", "model-not-followed", "t1-bias"]
    assert [f.cause for f in found] == ["", "echo-missing", ""]


def test_no_finding_advises_nothing_beside_a_warning() -> None:
    assert sorted_findings([finding("bipolar-corrected", INFO)])[0].advice == NO_ACTION
    found = sorted_findings([finding("bipolar-corrected", INFO), finding("snr-low")])
    assert [f.code for f in found] == ["snr-low", "bipolar-corrected"]
    assert "see the findings above" in found[1].advice.text


def test_cause_survives_storing() -> None:
    report = QualityReport(sorted_findings([finding("swap-suspect"), finding("snr-low")]))
    assert [f.cause for f in QualityReport.from_dict(report.as_dict()).findings] == ["", "snr-low"]


def printed(codes: list[str], every: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=400)
    print_findings(console, QualityReport(sorted_findings([finding(code) for code in codes])), every)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_the_screen_has_five_lines_at_most() -> None:
    many = ["t1-bias", "contrast-agent", "networks-other", "magnitude-fit", "phase-range", "snr-low", *["swap-suspect"] * 5]
    lines = printed(many)
    assert len(lines) == MOST_FINDINGS
    assert lines[0].startswith("warn phase-range") and "With it: swap-suspect (5)." in lines[0]
    assert "2 more findings" in lines[-1] and "--all-findings" in lines[-1]
    assert len(printed(many, every=True)) == len(many)
    assert len(printed(many[:5])) == 5


def test_no_finding_causes_itself_through_others() -> None:
    order = tuple(graphlib.TopologicalSorter(CAUSES).static_order())  # a circle is an error
    assert set(CAUSES) <= set(order)
