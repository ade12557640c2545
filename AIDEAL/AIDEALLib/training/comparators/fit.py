"""Training of a comparator until it stops improving: two learning rates tried, early stopping on validation slices, resumable.

The learning rate is constant until the validation value has not improved for `PATIENCE` evaluations, or until the steps are
used up, and then falls to zero. A run that used up its steps continues from before the fall when it is given more.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from ...simulation.random_slices import SliceBatch
from .interface import ComparatorNetwork

PATIENCE = 10
EVALUATE_EVERY = 200
WARM_UP = 50
CONSTANT_SHARE = 0.7
"""Share of the steps at a constant learning rate, when validation does not end it earlier."""
FALL = 0.3 / 0.7
"""Steps of the fall as a share of those before it."""

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class CurvePoint:
    """A point of the learning curve.

    Attributes
    ----------
    stage : str
        Stage of the training.
    peak_rate : float
        Learning rate before its fall.
    step : int
        Optimiser steps of the stage.
    cpu_seconds : float
        Processor time of the stage so far, validation included.
    training_loss : float
        Mean loss since the point before.
    validation_loss : float
        Loss on the validation slices.
    validation_error : float
        Mean absolute error of PDFF over the tissue of the validation slices, points.
    """

    stage: str
    peak_rate: float
    step: int
    cpu_seconds: float
    training_loss: float
    validation_loss: float
    validation_error: float


@dataclass(frozen=True)
class Data:
    """Slices of a training.

    Attributes
    ----------
    batch_of : callable
        Training batch by its number.
    validation : sequence of SliceBatch
        Validation batches.
    """

    batch_of: Callable[[int], SliceBatch]
    validation: Sequence[SliceBatch]


@dataclass
class _State:
    """Where a stage stands; all of it is in the checkpoint."""

    step: int = 0
    cpu_seconds: float = 0.0
    best: float = float("inf")
    best_step: int = 0
    since_best: int = 0
    fall_from: int = 0
    stopped_early: bool = False
    curve: list[CurvePoint] = field(default_factory=list)


class StageRun:
    """One stage at one learning rate.

    Parameters
    ----------
    network : ComparatorNetwork
        Trained in place.
    stage : str
        Stage of the training.
    rate : float
        Learning rate.
    folder : Path
        Receives `checkpoint.pt`, `best.pt` and `before_fall.pt`; what lies there is continued if it started from the same
        weights, which it did not where an earlier stage was trained further.
    """

    def __init__(self, network: ComparatorNetwork, stage: str, rate: float, folder: Path) -> None:
        self.network, self.stage, self.rate, self.folder = network, stage, rate, folder
        self.optimizer = torch.optim.AdamW(list(network.trained(stage)), lr=rate, weight_decay=1e-4)
        self.state = _State()
        self.start = network.digest()
        folder.mkdir(parents=True, exist_ok=True)
        if not self._load("checkpoint.pt"):
            for file in folder.glob("*.pt"):
                file.unlink()

    def train(self, data: Data, steps: int, fall: bool, progress: Progress) -> None:
        """Train up to a number of steps.

        Parameters
        ----------
        data : Data
            Slices.
        steps : int
            Steps of the stage in all, the fall included.
        fall : bool
            Whether the learning rate falls at the end; False for a trial.
        progress : callable
            Called after each step with (step, loss).
        """
        state = self.state
        constant = round(CONSTANT_SHARE * steps) if fall else steps
        if state.fall_from and not state.stopped_early and state.fall_from < constant:
            self._load("before_fall.pt")
            state = self.state
        while not self._finished(constant, fall):
            if fall and not state.fall_from and (state.step >= constant or state.stopped_early):
                state.fall_from = state.step
                self._save("before_fall.pt")
            ends = state.step + EVALUATE_EVERY - state.step % EVALUATE_EVERY
            self._train_until(min(ends, self._last(constant)), data, progress)

    def restore_best(self) -> None:
        """Give the network the weights of the best validation."""
        best = self.folder / "best.pt"
        if best.is_file():
            self.network.load_state_dict(torch.load(best, weights_only=True))

    def _last(self, constant: int) -> int:
        state = self.state
        return state.fall_from + max(1, round(FALL * state.fall_from)) if state.fall_from else constant

    def _finished(self, constant: int, fall: bool) -> bool:
        return self.state.step >= self._last(constant) and (bool(self.state.fall_from) or not fall)

    def _train_until(self, end: int, data: Data, progress: Progress) -> None:
        """Train up to a step and validate."""
        state, start, losses = self.state, time.process_time(), []
        self.network.train()
        while state.step < end:
            self._set_rate()
            loss = self.network.loss(data.batch_of(state.step), self.stage)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            state.step += 1
            losses.append(float(loss.detach()))
            progress(state.step, losses[-1])
        validation_loss, error = validate(self.network, data.validation, self.stage)
        value = error if self.network.labels else validation_loss
        state.since_best += 1
        if value < state.best:
            state.best, state.best_step, state.since_best = value, state.step, 0
            _write(self.folder / "best.pt", self.network.state_dict())
        state.stopped_early |= state.since_best >= PATIENCE and not state.fall_from
        state.cpu_seconds += time.process_time() - start
        mean = sum(losses) / max(len(losses), 1)
        seconds = round(state.cpu_seconds, 1)
        state.curve.append(CurvePoint(self.stage, self.rate, state.step, seconds, mean, validation_loss, error))
        self._save("checkpoint.pt")

    def _set_rate(self) -> None:
        state = self.state
        factor = min(1.0, (state.step + 1) / WARM_UP)
        if state.fall_from:
            factor *= max(0.0, 1 - (state.step - state.fall_from) / max(1, round(FALL * state.fall_from)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor

    def _save(self, name: str) -> None:
        state: dict[str, Any] = asdict(self.state)
        _write(
            self.folder / name,
            {
                "start": self.start,
                "state": state,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
        )

    def _load(self, name: str) -> bool:
        """Continue a checkpoint; False where there is none that started from the same weights."""
        if not (self.folder / name).is_file():
            return False
        kept = torch.load(self.folder / name, weights_only=True)
        if kept.get("start") != self.start:
            return False
        self.network.load_state_dict(kept["network"])
        self.optimizer.load_state_dict(kept["optimizer"])
        curve = [CurvePoint(**point) for point in kept["state"].pop("curve")]
        self.state = _State(**kept["state"], curve=curve)
        if name == "before_fall.pt":
            self.state.fall_from = 0
        return True


@torch.no_grad()
def validate(network: ComparatorNetwork, batches: Iterable[SliceBatch], stage: str) -> tuple[float, float]:
    """Validation loss, and mean absolute error of PDFF over the tissue in points.

    Parameters
    ----------
    network : ComparatorNetwork
        The network.
    batches : iterable of SliceBatch
        Validation batches.
    stage : str
        Stage of the training.

    Returns
    -------
    loss : float
        Mean over the batches.
    error : float
        Points.
    """
    network.eval()
    losses, total, voxels = [], 0.0, 0
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for batch in batches:
            losses.append(float(network.loss(batch, stage)))
            found = network.estimate(batch.echoes, batch.te_s, batch.field_strength_t).pdff
            total += float((100 * found - batch.pdff_percent)[batch.tissue].abs().sum())
            voxels += int(batch.tissue.sum())
    return sum(losses) / max(len(losses), 1), total / max(voxels, 1)


def write_curve(curve: Sequence[CurvePoint], file: Path) -> None:
    """Write the points of a learning curve as CSV."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = [entry.name for entry in fields(CurvePoint)]
        writer.writerow(names)
        writer.writerows([f"{v:.5g}" if isinstance(v, float) else v for v in vars(point).values()] for point in curve)


def _write(file: Path, content: object) -> None:
    unfinished = file.with_suffix(".part")
    torch.save(content, unfinished)
    unfinished.replace(file)
