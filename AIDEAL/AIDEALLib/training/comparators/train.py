"""Train one comparator: stages in order, the better of two learning rates, weights, card and learning curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .cards import write_card
from .curves import draw_curve
from .fit import CurvePoint, Data, Progress, StageRun, write_curve
from .interface import ComparatorNetwork
from .options import ComparatorOptions
from .registry import save_weights, untrained
from .slices import TRAINING_PATIENT, VALIDATION_PATIENT, AbdomenPool, TrainingSlices, validation_batches

TRIAL_STEPS, TRIAL_SHARE = 100, 0.2
"""Steps of the trial of each learning rate, and most of them as a share of those of the first stage."""


@dataclass(frozen=True)
class Training:
    """Where and how a comparator is trained.

    Attributes
    ----------
    name : str
        One of `registry.COMPARATORS`.
    options : ComparatorOptions
        Options.
    directory : Path
        Receives a folder of that name with the checkpoints, which are continued; the slices, shared by all comparators; and
        `export` with weights, card and learning curve.
    """

    name: str
    options: ComparatorOptions
    directory: Path

    def run(self, progress: Callable[[str], Progress]) -> Path:
        """Train, and export.

        Parameters
        ----------
        progress : callable
            Gives, for the title of a stage, what is called after each step with (step, loss).

        Returns
        -------
        Path
            File of the weights.

        Raises
        ------
        InputError
            There is no such comparator.
        """
        torch.manual_seed(self.options.seed)
        network = untrained(self.name)
        data, curve, rate = self._data(network), list[CurvePoint](), 0.0
        steps = round(self.options.steps / len(network.stages))
        for stage in network.stages:
            start = {key: values.clone() for key, values in network.state_dict().items()}
            if not rate:
                rate, trials = self._best_rate(network, start, stage, steps, data, progress)
                curve += trials
            network.load_state_dict(start)
            run = StageRun(network, stage, rate, self._folder(stage, rate))
            run.train(data, steps, True, progress(f"{self.name} {stage}"))
            run.restore_best()
            curve += run.state.curve
        network.eval()
        network.calibrate(data.validation)
        return self._export(network, rate, curve)

    def _best_rate(
        self,
        network: ComparatorNetwork,
        start: dict[str, torch.Tensor],
        stage: str,
        steps: int,
        data: Data,
        progress: Callable[[str], Progress],
    ) -> tuple[float, list[CurvePoint]]:
        """The learning rate of the best validation after a trial, and the curves of the others."""
        found: dict[float, StageRun] = {}
        trial = max(1, min(TRIAL_STEPS, round(TRIAL_SHARE * steps)))
        for rate in self.options.rates:
            network.load_state_dict(start)
            run = StageRun(network, stage, rate, self._folder(stage, rate))
            if run.state.step < trial:
                run.train(data, trial, False, progress(f"{self.name} {stage}, rate {rate:g}"))
            found[rate] = run
        after_trial = {rate: _best_value(network, run.state.curve, trial) for rate, run in found.items()}
        best = min(after_trial, key=lambda rate: after_trial[rate])
        return best, [point for rate, run in found.items() if rate != best for point in run.state.curve]

    def _data(self, network: ComparatorNetwork) -> Data:
        options, slices = self.options, self.directory / "slices"
        name = f"{options.patients}x{options.size}.npy"
        pool = AbdomenPool.stored(slices / f"training-{name}", TRAINING_PATIENT, options.patients, options.size)
        patients = max(1, options.patients // 10)
        held_out = AbdomenPool.stored(slices / f"validation-{name}", VALIDATION_PATIENT, patients, options.size)
        batch_of = TrainingSlices(pool, network.one_protocol, options.batch, options.seed)
        return Data(batch_of, validation_batches(held_out, network.one_protocol, 5))

    def _folder(self, stage: str, rate: float) -> Path:
        return self.directory / self.name / f"{stage}-{rate:g}"

    def _export(self, network: ComparatorNetwork, rate: float, curve: list[CurvePoint]) -> Path:
        export = self.directory / "export"
        file = export / f"{self.name}.pt"
        save_weights(network, file)
        write_curve(curve, export / f"{self.name}.csv")
        draw_curve(self.name, curve, rate, export / f"{self.name}.png")
        write_card(self.name, network, self.options, rate, curve, file)
        return file


def _best_value(network: ComparatorNetwork, curve: list[CurvePoint], steps: int) -> float:
    """Best validation value within the trial."""
    values = [p.validation_error if network.labels else p.validation_loss for p in curve if p.step <= steps]
    return min(values, default=float("inf"))
