"""Model cards: what stands beside each network file."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from .. import __version__
from ..models import FIELD_MODEL, R2STAR_MODEL
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

**Training.** Unsupervised, on simulated slices alone (random shapes, tissues, fields and protocols; no patient, no
reference map). Loss: negative evidence lower bound of a smooth-field Markov random field. Stages as listed;
`aideal train` repeats them.

**Meant for** multi-echo gradient-echo scans with 3 to 16 echoes at 0.3 to 7 T, any spacing, complex data.

**Not meant for** diagnosis; magnitude-only data; scans whose odd and even echoes differ in phase by more than a small rest.
Not calibrated: its distribution alone is over-confident, and the swap probability built on it is too sure of itself.
"""

_FIELD = """# G_phi: off-resonance

In: complex echoes (batch, echo, row, column), echo times (s), field strength (T), fat spectrum. Out: distribution over
{bins} bins of one period of off-resonance, circular mean (Hz) and variance (Hz^2) of its main mode.
"""

_R2STAR = """# G_R2*: transverse decay

In: complex echoes (batch, echo, row, column), off-resonance (Hz), echo times (s), field strength (T), fat spectrum. Out:
distribution over {bins} values of R2* from 0 to {top:.0f} 1/s, mean (1/s) and variance (1/s^2).
"""


def model_cards(field: nn.Module, r2star: nn.Module, steps: Mapping[str, int]) -> dict[str, str]:
    """Markdown by model name, with `{sha256}` left for the export to fill; `steps` are the optimiser steps of each stage."""
    listed = ", ".join(f"{stage} {count}" for stage, count in steps.items())

    def common(network: nn.Module) -> str:
        return _COMMON.format(version=__version__, parameters=f"{sum(p.numel() for p in network.parameters()):,}", steps=listed)

    return {
        FIELD_MODEL: _FIELD.format(bins=FIELD_BINS) + common(field),
        R2STAR_MODEL: _R2STAR.format(bins=R2STAR_BINS, top=R2STAR_MAX_PER_S) + common(r2star),
    }
