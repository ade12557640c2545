"""Picture of a learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from .fit import CurvePoint

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44")


def draw_curve(name: str, curve: Sequence[CurvePoint], rate: float, file: Path) -> None:
    """Draw validation error and losses against steps.

    Parameters
    ----------
    name : str
        Name of the comparator.
    curve : sequence of CurvePoint
        Points of all stages and learning rates.
    rate : float
        Learning rate that was chosen.
    file : Path
        PNG file.
    """
    minutes = sum({(p.stage, p.peak_rate): p.cpu_seconds for p in curve}.values()) / 60
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    errors, losses = figure.subplots(1, 2)
    runs = list(dict.fromkeys((p.stage, p.peak_rate) for p in curve))
    for number, (stage, peak) in enumerate(sorted(runs, key=lambda run: run[1] != rate)):
        points = [p for p in curve if (p.stage, p.peak_rate) == (stage, peak)]
        steps, style = [p.step for p in points], "-" if peak == rate else ":"
        label, colour = f"{stage}, rate {peak:g}", COLOURS[number % len(COLOURS)]
        errors.plot(steps, [p.validation_error for p in points], style, marker=".", color=colour, label=label)
        losses.plot(steps, [p.training_loss for p in points], style, color=colour, alpha=0.5)
        losses.plot(steps, [p.validation_loss for p in points], style, marker=".", color=colour, label=label)
    errors.set(title=f"{name}: {minutes:.0f} min of one CPU core", ylabel="PDFF error, validation (points)", yscale="log")
    losses.set(title="loss: training (pale), validation", ylabel="loss")
    for axes in (errors, losses):
        axes.set_xlabel("optimiser steps of the stage")
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
    for axis in (errors.yaxis.set_major_formatter, errors.yaxis.set_minor_formatter):
        axis("{x:g}")
    figure.savefig(file, dpi=110, metadata={"Software": None})
