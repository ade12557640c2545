"""Learn the weights by which the rotation sense is decided where the residual does not: python Testing/tools/calibrate_sign.py

Simulates scans (abdomens and vials; three echoes mostly) and prints the weights of a logistic regression without intercept on
the evidence of `SignTrial`, with how often the decision is right, open or wrong on scans that were not used for the fit.
About five minutes on one core for 300 scans.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from paths import MODULE

sys.path.insert(0, str(MODULE))

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.phase_correction.sense import ENOUGH
from AIDEALLib.estimation.phase_correction.sign_trial import SignTrial, try_both_signs
from AIDEALLib.estimation.slice_pool import one_core
from AIDEALLib.models import load_networks
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.held_out import held_out_case
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire

Array = npt.NDArray[np.float64]
VIALS_SHARE = 0.2
RIDGE = 0.05


def simulated(rng: np.random.Generator) -> EchoSeries:
    """Simulate two slices of an abdomen, or one of vials, with a protocol of few echoes."""
    tesla = float(rng.choice([1.5, 3.0]))
    echoes = int(rng.choice([3, 3, 3, 4]))
    times = echo_times(rng.uniform(0.9, 2.6) / np.sqrt(tesla / 1.5), rng.uniform(0.7, 2.6) * 1.5 / tesla, echoes)
    protocol = Protocol("few echoes", times, tesla, snr=float(np.exp(rng.uniform(np.log(7), np.log(60)))))
    seed, size = int(rng.integers(1_000_000)), int(rng.integers(56, 96))
    if rng.random() < VIALS_SHARE:
        return acquire(phantom(int(rng.integers(1, 4)), tesla, (1, 72, 72), pixel_mm=4.0), protocol, rng)
    series = held_out_case(seed, protocol, (seed, 1), (5, size, size)).series
    first = int(rng.integers(0, 4))
    return replace(series, echoes=series.echoes[:, first : first + 2])


def trials(count: int, seed: int) -> list[SignTrial]:
    """Trials of simulated scans in the right sense, without those whose readings agree."""
    rng, networks = np.random.default_rng(seed), load_networks("cpu")
    found = []
    with one_core():
        for number in range(count):
            trial = try_both_signs(simulated(rng), SIX_PEAK, networks)
            if trial is not None and not trial.agree:
                found.append(trial)
            print(f"\r{number + 1} of {count} scans", end="", file=sys.stderr, flush=True)
    return found


def fitted(evidence: Array) -> Array:
    """Weights that make the log-odds of the wrong sense, `evidence @ weights`, as negative as the data support."""
    weights = np.zeros(evidence.shape[1])
    for _ in range(50):  # Newton's method on the penalised likelihood
        wrong = 1 / (1 + np.exp(-(evidence @ weights)))
        gradient = evidence.T @ wrong + RIDGE * weights
        curvature = (evidence * (wrong * (1 - wrong))[:, None]).T @ evidence + RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def main() -> int:
    """Print weights, and how they decide on other scans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    evidence = np.array([trial.evidence() for trial in trials(chosen.scans, chosen.seed)])
    half = len(evidence) // 2
    weights = fitted(evidence[:half])
    probability = 1 / (1 + np.exp(evidence[half:] @ weights))  # of the right sense
    print(f"\nweights {weights.round(2).tolist()} from {half} scans")
    right, wrong = 100 * (probability >= ENOUGH).mean(), 100 * (probability <= 1 - ENOUGH).mean()
    print(f"{len(probability)} others: right {right:.1f} %, open {100 - right - wrong:.1f} %, wrong {wrong:.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
