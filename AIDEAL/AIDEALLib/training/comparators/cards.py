"""Card beside the weights of a comparator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .fit import CurvePoint
from .interface import ComparatorNetwork
from .options import ComparatorOptions

_CARD = """# Comparator {name}

{summary}

**For comparison in research only: not part of the extension, not for diagnosis, and not the work of the authors of the
publication.**

| | |
|---|---|
| parameters | {parameters} |
| trained | {labels}, on {patients} simulated abdomens and random slices of {size}x{size}, {batch} slices a step |
| budget | {minutes:.1f} minutes of one CPU core, trials included; {steps} |
| learning rate | {rate:g}, the better of {rates} |
| validation | mean absolute error of PDFF {error:.2f} points over the tissue of {held_out} other abdomens |
| still improving when it ended | {improving} |
| SHA-256 | `{checksum}` |
| licence | Apache-2.0 |

`aideal train comparator {name} --steps {budget}` makes it again; more steps continue it.
"""


def write_card(
    name: str,
    network: ComparatorNetwork,
    options: ComparatorOptions,
    rate: float,
    curve: Sequence[CurvePoint],
    weights: Path,
) -> None:
    """Write the card of exported weights, as a .md file beside them.

    Parameters
    ----------
    name : str
        Name of the comparator.
    network : ComparatorNetwork
        The network.
    options : ComparatorOptions
        Options of its training.
    rate : float
        Learning rate that was chosen.
    curve : sequence of CurvePoint
        Points of all stages and learning rates.
    weights : Path
        File of the weights.
    """
    runs = {(p.stage, p.peak_rate): p for p in curve}
    chosen = [p for p in curve if p.peak_rate == rate and p.stage == network.stages[-1]]
    best = min(chosen, key=lambda p: p.validation_error if network.labels else p.validation_loss)
    module = type(network).__module__.rpartition(".")[2]
    text = _CARD.format(
        name=name,
        summary=f"{type(network).__name__}; `training/comparators/{module}.py` has source and differences.",
        parameters=f"{sum(p.numel() for p in network.parameters()):,}",
        labels="with labels of the simulator" if network.labels else "without labels",
        patients=options.patients,
        size=options.size,
        batch=options.batch,
        minutes=sum(p.cpu_seconds for p in runs.values()) / 60,
        steps=", ".join(f"{stage} {p.step} steps at {peak:g}" for (stage, peak), p in runs.items()),
        rate=rate,
        rates=" and ".join(f"{r:g}" for r in options.rates),
        error=best.validation_error,
        held_out=max(1, options.patients // 10),
        improving="yes: the budget ended it" if best.step > 0.9 * chosen[-1].step else "no",
        checksum=hashlib.sha256(weights.read_bytes()).hexdigest(),
        budget=options.steps,
    )
    weights.with_suffix(".md").write_text(text, encoding="utf-8")
