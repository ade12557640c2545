"""Evidence for an error: closed form of the Bayes factor, limits, and the command that calibrates it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from calibrate_echo_errors import EVIDENCE, NONE, Trial, fitted, main, score
from scipy.stats import norm

from AIDEALLib.estimation.echo_evidence import PRIOR, ErrorPrior, Evidence


def evidence(seen: float, variance: float = 1.0, misfit: float = 0.0, information: float = 400.0) -> Evidence:
    one = torch.ones(1, dtype=torch.float64)
    return Evidence(seen * one, information * one, variance, misfit, 1000)


@pytest.mark.parametrize("seen", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("misfit", [0.0, 0.3])
def test_the_bayes_factor_is_that_of_two_normal_densities(seen: float, misfit: float) -> None:
    prior = ErrorPrior(0.1, 0.4, 0.2, 1.5)
    variance = (1.5**2 + 0.2**2 * misfit * 1000) / 400
    expected = norm.logpdf(seen, 0, np.sqrt(variance + 0.4**2)) - norm.logpdf(seen, 0, np.sqrt(variance))
    found = evidence(seen, misfit=misfit)
    assert found.log_bayes_factor(prior) == pytest.approx(expected)
    odds = np.exp(expected) * 0.1 / 0.9
    assert found.probability(prior) == pytest.approx(odds / (1 + odds))
    assert float(found.expected(prior)) == pytest.approx(seen * 0.4**2 / (0.4**2 + variance))


def test_misfit_that_is_common_takes_evidence_away() -> None:
    assert evidence(0.5).probability() > 0.99 > 0.05 > evidence(0.5, misfit=1.0, information=40).probability()


def drawn(count: int, dependent: float, rng: np.random.Generator) -> list[Trial]:
    """Trials whose standard errors are larger than those of independent voxels by a factor."""
    trials = []
    for number in range(count):
        size = 0.3 * rng.normal() if number % 2 else 0.0
        seen = size + dependent * rng.normal() / np.sqrt(400)
        trials.append(Trial("error" if number % 2 else NONE, (evidence(seen),)))
    return trials


@pytest.mark.parametrize("dependent", [1.0, 3.0])
def test_the_factor_that_drew_the_trials_is_found(dependent: float) -> None:
    trials = drawn(1200, dependent, np.random.default_rng(2))
    found = fitted(trials)
    assert found.dependent == dependent and found.size == PRIOR.size
    assert score(trials, found) > score(trials, replace(found, dependent=4.0))


def test_the_command_notes_what_it_saw_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--scans", "1"]) == 0
    stored = (tmp_path / EVIDENCE).read_text()
    assert main(["--out", str(tmp_path), "--scans", "1"]) == 0
    assert (tmp_path / EVIDENCE).read_text() == stored and stored.count("\n") == 1
    assert Trial.of_line(stored).as_line(1_000_000) == stored.strip()
    assert "in use: ErrorPrior(probability=0.02" in capsys.readouterr().out
