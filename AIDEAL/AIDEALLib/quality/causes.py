"""Order of findings: what the reader has to do first comes first, and a symptom follows the finding that causes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..advice import advise
from .findings import NO_ACTION, Finding, Severity

_SEE_OTHERS = advise("Nothing by itself; see the findings above.")
_ECHOES = ("echo-missing", "echo-lost", "zero-filled", "wrapped", "values-clipped", "motion-between-echoes")
_PHASE = (
    "magnitude-only",
    "phase-constant",
    "phase-not-phase",
    "parts-offset",
    "imaginary-scale",
    "phase-scale",
    "phase-filtered",
    "phase-range",
)
_READ_OUT = ("sign-contradicts", "sign-undecided", "bipolar-uncorrected")
_PROTOCOL = ("spacing-near-fat-period", "echo-times-unfit", "snr-low")
_MISFIT = ("model-not-followed", "signal-grows", "fat-shift")
_SINGLE_ECHO = ("gain-step", "first-echo-phase")
_CONTRADICTION = "phase-contradicts"
_ROOTS = ("no-signal", *_PHASE, *_ECHOES, *_READ_OUT, *_MISFIT, *_SINGLE_ECHO, _CONTRADICTION, *_PROTOCOL)
CAUSES: dict[str, tuple[str, ...]] = {
    "swap-suspect": (
        *_PHASE,
        *_ECHOES,
        *_READ_OUT,
        *_MISFIT,
        *_PROTOCOL,
        "gain-step",
        "first-echo-phase",
        _CONTRADICTION,
        "residual-structured",
    ),
    "residual-structured": (*_PHASE, *_ECHOES, *_READ_OUT, *_MISFIT, "gain-step", "first-echo-phase", _CONTRADICTION),
    _CONTRADICTION: (*_PHASE, *_ECHOES, *_READ_OUT, *_MISFIT, *_SINGLE_ECHO, "fat-phase"),
    "model-not-followed": (*_PHASE, "echo-missing", "echo-lost", "wrapped", *_READ_OUT, "fat-shift"),
    "signal-grows": ("model-not-followed", "fat-shift"),
    "gain-step": ("phase-scale", *_ECHOES, *_READ_OUT, *_MISFIT),
    "first-echo-phase": ("phase-scale", *_ECHOES, *_READ_OUT, *_MISFIT),
    "sign-undecided": ("phase-scale",),
    "bipolar-uncorrected": ("phase-scale", "echo-missing"),
    "bipolar-corrected": ("echo-missing", *_MISFIT),
    "gain-step-corrected": _MISFIT,
    "first-echo-corrected": _MISFIT,
    "sign-by-plausibility": ("phase-scale", *_MISFIT),
    "field-steep": (*_PHASE, *_READ_OUT, *_MISFIT, _CONTRADICTION),
    "r2star-limit": (*_PHASE, *_MISFIT, _CONTRADICTION, "residual-structured"),
    "fat-shift": (*_PHASE, *_ECHOES, *_READ_OUT),
    "fat-phase": (*_PHASE, *_ECHOES, *_READ_OUT, "model-not-followed", "signal-grows", *_SINGLE_ECHO),
    "echo-times-unfit": ("spacing-near-fat-period", "snr-low"),
    "outside-training-range": ("spacing-near-fat-period", "echo-times-unfit", "snr-low"),
}
"""Findings that may cause a finding, the most direct first; none causes itself through others."""


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Order findings, with the code of its cause in each symptom.

    Parameters
    ----------
    findings : sequence of Finding
        Findings in any order.

    Returns
    -------
    tuple of Finding
        Each root with its symptoms behind it. Groups are in the order of their worst severity, then of what has to be done
        first. No finding states that nothing is to be done beside one that warns.
    """
    found = _unique_causes(findings)
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.cause or finding.code, []).append(finding)
    ordered = [
        finding
        for group in sorted(groups.values(), key=_urgency)
        for finding in sorted(group, key=lambda f: (bool(f.cause), _order(f)))
    ]
    if any(finding.severity is not Severity.INFO for finding in ordered):
        ordered = [replace(f, advice=_SEE_OTHERS) if f.advice == NO_ACTION else f for f in ordered]
    return tuple(ordered)


def folded(findings: Sequence[Finding]) -> list[tuple[Finding, list[Finding]]]:
    """Roots in order, each with its symptoms and with further findings of its own kind."""
    groups: dict[str, tuple[Finding, list[Finding]]] = {}
    for finding in findings:
        root = finding.cause or finding.code
        if root in groups:
            groups[root][1].append(finding)
        else:
            groups[root] = finding, []
    return list(groups.values())


def _unique_causes(findings: Sequence[Finding]) -> list[Finding]:
    """Findings that name the root of the chain of their causes."""
    codes = {finding.code for finding in findings}
    direct = {code: next((c for c in CAUSES.get(code, ()) if c in codes and c != code), "") for code in codes}

    def root(code: str) -> str:
        while direct[code]:
            code = direct[code]
        return code

    return [replace(f, cause=root(f.code) if direct[f.code] else "") for f in findings]


def _urgency(group: Sequence[Finding]) -> tuple[int, int]:
    root = next((finding for finding in group if not finding.cause), group[0])
    rank = _ROOTS.index(root.code) if root.code in _ROOTS else len(_ROOTS)
    return min(map(_order, group)), rank


def _order(finding: Finding) -> int:
    return list(Severity).index(finding.severity)
