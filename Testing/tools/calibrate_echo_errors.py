"""Fit what is assumed of errors of whole echoes (`ErrorPrior`): python Testing/tools/calibrate_echo_errors.py --out FOLDER

Simulates scans of patients with ringing, ghosts and motion, half of them with an error of random kind and size, estimates them
without any correction, and notes the evidence of the residuals in `evidence.jsonl` in the folder, so that a run can be stopped
and continued. Then it prints the values that make the stated probability of an error most likely (logarithmic score) beside
those in use, and how often there is an error where it is stated to be improbable, open and certain. The share of scans that
have an error cannot be learned from simulation: for the fit it is that of the simulated ones. Two seconds a scan on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import torch
from paths import MODULE

sys.path.insert(0, str(MODULE))

from random_faults import draw_protocol

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.echo_errors import SAMPLE_VOXELS, ErrorKind, evidence_of_errors
from AIDEALLib.estimation.echo_evidence import PRIOR, ErrorPrior, Evidence
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.estimated_scan import EstimatedScan
from AIDEALLib.estimation.map_sample import MapSample
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.estimation.phase_correction.phase_errors import MIN_ECHOES, Pattern, PhaseError
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.quality.echo_errors import CERTAIN, OPEN
from AIDEALLib.quality.signal import signal_to_noise
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.scenes import Scene

EVIDENCE = "evidence.jsonl"
NONE = "none"
SIZES, COMMON_SHARES, DEPENDENT = (0.1, 0.2, 0.3, 0.5), (0.0, 0.1, 0.25, 0.5, 0.75, 1.0), (1.0, 1.5, 2.0, 3.0, 4.0)
"""Values that are tried."""
LEAST_CHANCE = 1e-6
"""Of the logarithmic score: a single scan may not decide."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A simulated scan: the error that it has (`NONE`, or a value of `ErrorKind`), and the evidence for each kind."""

    error: str
    evidence: tuple[Evidence, ...]

    def probability(self, prior: ErrorPrior) -> float:
        """Probability of the likeliest error."""
        return max(one.probability(prior) for one in self.evidence)

    def as_line(self, seed: int) -> str:
        """JSON."""
        plain = [{**vars(one), "seen": one.seen.tolist(), "information": one.information.tolist()} for one in self.evidence]
        return json.dumps({"seed": seed, "error": self.error, "evidence": plain})

    @classmethod
    def of_line(cls, line: str) -> Trial:
        """From JSON."""
        stored = json.loads(line)
        tensors = ("seen", "information")
        return cls(
            stored["error"],
            tuple(
                Evidence(**{k: torch.tensor(v, dtype=torch.float64) if k in tensors else v for k, v in one.items()})
                for one in stored["evidence"]
            ),
        )


def spoilt(series: EchoSeries, kind: ErrorKind, rng: np.random.Generator) -> EchoSeries:
    """A scan with an error whose sizes are normal with the SD in use."""
    constant, slope = PRIOR.size * rng.normal(size=2)
    if kind in (ErrorKind.ODD_EVEN, ErrorKind.FIRST_ECHO):
        pattern = Pattern.ODD_EVEN if kind is ErrorKind.ODD_EVEN else Pattern.FIRST
        return PhaseError(pattern, constant, slope, int(rng.integers(2)), 0, 0, 1, 0).correct(series)
    if kind is ErrorKind.IMAGINARY:
        echoes = series.echoes.real + 1j * np.exp(2 * constant) * series.echoes.imag  # k of s + k s* is about half of that
    else:
        factors = np.ones(series.n_echoes)
        factors[int(rng.integers(series.n_echoes))] = np.exp(constant)
        echoes = series.echoes * factors[:, None, None, None]
    return replace(series, echoes=echoes.astype(np.complex64))


@cache
def _networks(device: str) -> Networks:
    return load_networks(torch.device(device))


def trial(seed: int) -> Trial | None:
    """Simulate a scan and note its evidence; None without signal."""
    rng = np.random.default_rng([seed, 77])
    protocol = draw_protocol(rng, MIN_ECHOES)
    ghost, motion = 0.04 * rng.random() * (rng.random() < 0.3), 3.0 * rng.random() * (rng.random() < 0.3)
    scene = Scene("drawn", artefacts=Artefacts(oversampling=2, ghost=float(ghost), motion_mm=float(motion)))
    size = int(rng.integers(56, 81))
    truth = scene.patient(int(rng.integers(1_000_000)), protocol.field_strength_t, (3, size, size), 20.0, None)
    whole = acquire(truth, protocol, rng, scene.artefacts)
    series = replace(whole, echoes=whole.echoes[:, 1:2])
    kind = list(ErrorKind)[int(rng.integers(len(ErrorKind)))] if seed % 2 else None
    if kind is not None:
        series = spoilt(series, kind, rng)
    maps = estimate(series, corrections=NO_CORRECTIONS, networks=_networks)
    sample = MapSample.of(EstimatedScan(series, maps, NO_CORRECTIONS, SIX_PEAK), maps.mask, SAMPLE_VOXELS)
    if sample is None:
        return None
    evidence = evidence_of_errors(sample, series.echo_steps, float(np.median(signal_to_noise(series)[2])))
    return Trial(kind.value if kind else NONE, tuple(evidence.values()))


def score(trials: Sequence[Trial], prior: ErrorPrior) -> float:
    """Mean logarithm of the probability given to what is so; the share of errors is that of the trials."""
    share = np.mean([one.error != NONE for one in trials])
    learned = replace(prior, probability=float(np.clip(share, 0.01, 0.99)))
    stated = np.array([one.probability(learned) for one in trials])
    chance = np.where([one.error != NONE for one in trials], stated, 1 - stated)
    return float(np.log(np.maximum(chance, LEAST_CHANCE)).mean())


def fitted(trials: Sequence[Trial]) -> ErrorPrior:
    """The values with the best score."""
    tried = [
        replace(PRIOR, size=size, common_share=share, dependent=dependent)
        for size, share, dependent in product(SIZES, COMMON_SHARES, DEPENDENT)
    ]
    return max(tried, key=lambda prior: score(trials, prior))


def table(trials: Sequence[Trial], prior: ErrorPrior) -> str:
    """Markdown: stated probability against how many scans have an error."""
    lines = ["| stated probability | scans without error | scans with one |", "|---|---|---|"]
    ends = (0.0, OPEN, 0.5, CERTAIN, 1.0000001)
    for low, high in pairwise(ends):
        here = [one.error for one in trials if low <= one.probability(prior) < high]
        lines.append(f"| {low:g} to {min(high, 1):g} | {here.count(NONE)} | {len(here) - here.count(NONE)} |")
    return "\n".join(lines)


def read(path: Path) -> list[str]:
    """Lines that earlier runs have written."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def report(trials: Sequence[Trial]) -> Iterable[str]:
    """What the trials show."""
    best = fitted(trials)
    yield f"{len(trials)} scans"
    for name, prior in (("in use", PRIOR), ("fitted", best)):
        yield f"{name}: {prior}, score {score(trials, prior):.3f}"
    yield table(trials, PRIOR)


def main(arguments: list[str] | None = None) -> int:
    """Simulate, and print the values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the evidence")
    parser.add_argument("--scans", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    lines = read(chosen.out / EVIDENCE)
    done = {json.loads(line)["seed"] for line in lines}
    for seed in range(1_000_000 * chosen.seed, 1_000_000 * chosen.seed + chosen.scans):
        found = None if seed in done else trial(seed)
        if found is None:
            continue
        lines.append(found.as_line(seed))
        with (chosen.out / EVIDENCE).open("a", encoding="utf-8") as stream:
            stream.write(lines[-1] + "\n")
        print(f"\r{len(lines)} scans", end="", file=sys.stderr, flush=True)
    print("\n" + "\n".join(report([Trial.of_line(line) for line in lines])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
