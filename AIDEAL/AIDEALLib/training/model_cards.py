"""Model cards: the description beside each network file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from ..model_files import FIELD_MODEL, R2STAR_MODEL
from ..version import __version__
from .networks import FIELD_BINS, R2STAR_BINS, R2STAR_MAX_PER_S

_COMMON = """
**Research use only, not for diagnosis.**

| | |
|---|---|
| version | {version} |
| parameters | {parameters} |
| optimiser steps | {steps} |
| SHA-256 | `{{sha256}}` |
| format | TorchScript, self-contained |
| licence | Apache-2.0 |

**Training.** {data}
Loss: negative evidence lower bound of a smooth-field Markov random field.

**Intended for** multi-echo gradient-echo scans with 3 to 16 echoes at 0.3 to 7 T, any spacing, complex data.

**Not intended for** diagnosis; magnitude-only data; scans with more than a small phase difference of odd and even echoes.
"""

UNCALIBRATED = "Not calibrated: the swap probability computed from it is overconfident until `aideal train fusion` has run."

_SIMULATED = """Unsupervised, on simulated slices alone (random shapes, tissues, fields and protocols; no patient, no
reference map). Stages as listed; `aideal train` repeats them."""

_ADAPTED = """Adapted from {start} by `aideal train adapt` to {scans} unlabelled scan(s), {slices} slices in all,
mixed with simulated slices; `{table}` has misfit and swaps before and after. Intended for scans like those."""

_FIELD = """# G_phi: off-resonance

In: complex echoes (batch, echo, row, column), echo times (s), field strength (T), fat spectrum. Out: distribution over
{bins} bins of one period of off-resonance, circular mean (Hz) and variance (Hz^2) of its main mode.
"""

_R2STAR = """# G_R2*: transverse decay

In: complex echoes (batch, echo, row, column), off-resonance (Hz), echo times (s), field strength (T), fat spectrum. Out:
distribution over {bins} values of R2* from 0 to {top:.0f} 1/s, mean (1/s) and variance (1/s^2).
"""


@dataclass(frozen=True)
class Adaptation:
    """What networks were adapted to; no file and no patient is named.

    Attributes
    ----------
    start : Mapping[str, str]
        SHA-256 of the networks before, by model name.
    scans : int
        Number of scans.
    slices : int
        Number of their slices.
    table : str
        File name of the comparison before and after.
    """

    start: Mapping[str, str]
    scans: int
    slices: int
    table: str


def model_cards(
    field: nn.Module, r2star: nn.Module, steps: Mapping[str, int], adaptation: Adaptation | None = None
) -> dict[str, str]:
    """Cards of both networks.

    Parameters
    ----------
    field : nn.Module
        G_phi.
    r2star : nn.Module
        G_R2*.
    steps : Mapping[str, int]
        Optimiser steps of each stage.
    adaptation : Adaptation, optional
        None for networks trained from scratch.

    Returns
    -------
    dict[str, str]
        Markdown by model name, with `{sha256}` for the export to fill in.
    """
    listed = ", ".join(f"{stage} {count}" for stage, count in steps.items())

    def common(name: str, network: nn.Module) -> str:
        data = _SIMULATED
        if adaptation is not None:
            start = f"{name} {adaptation.start[name][:12]}"
            data = _ADAPTED.format(start=start, scans=adaptation.scans, slices=adaptation.slices, table=adaptation.table)
        parameters = f"{sum(p.numel() for p in network.parameters()):,}"
        return _COMMON.format(version=__version__, parameters=parameters, steps=listed, data=data)

    return {
        FIELD_MODEL: f"{_FIELD.format(bins=FIELD_BINS)}{common(FIELD_MODEL, field)}\n{UNCALIBRATED}\n",
        R2STAR_MODEL: _R2STAR.format(bins=R2STAR_BINS, top=R2STAR_MAX_PER_S) + common(R2STAR_MODEL, r2star),
    }
