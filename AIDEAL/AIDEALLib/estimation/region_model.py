"""Signal of a region of one fat fraction and one R2*, its Gauss-Newton step and its likelihood; notation of `region_fit`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Complex = npt.NDArray[np.complex128]
Floats = npt.NDArray[np.float64]

FIELD_STEPS = 4
NODES, FURTHEST_SD = 25, 4.5
"""Fields that the likelihood of a voxel is integrated over, and how far they reach in standard deviations."""
WIDE_SHARE = 0.06
"""Fields of a larger SD, as a share of the period, are integrated over the whole period."""


@dataclass(frozen=True, eq=False)
class GaussNewtonStep:
    """Gauss-Newton step.

    Attributes
    ----------
    shared : np.ndarray, shape (3,)
        Step of Re eta, Im eta and R2* (1/s).
    field_hz : np.ndarray, shape (voxel,), Hz
        Step of the fields.
    amplitude : np.ndarray, shape (voxel,), complex
        Amplitudes rho.
    field_information : float
        |f|^2.
    """

    shared: Floats
    field_hz: Floats
    amplitude: Complex
    field_information: float


@dataclass(frozen=True, eq=False)
class RegionEchoes:
    """Echoes of a region.

    Attributes
    ----------
    echoes : np.ndarray, shape (echo, voxel), complex
        Echoes.
    tau_s : np.ndarray, shape (echo,), seconds
        Times from the first echo on.
    modulation : np.ndarray, shape (echo,), complex
        Fat phasor.
    """

    echoes: Complex
    tau_s: Floats
    modulation: Complex

    def signal(self, point: Floats) -> Complex:
        """Echoes a of a voxel of amplitude 1 on resonance, at (Re eta, Im eta, R2*)."""
        eta = complex(point[0], point[1])
        result: Complex = (1 + eta * (self.modulation - 1)) * np.exp(-point[2] * self.tau_s)
        return result

    def demodulated(self, field_hz: Floats) -> Complex:
        """Echoes without the rotation of the field, (echo, voxel)."""
        result: Complex = self.echoes * np.exp(-2j * np.pi * self.tau_s[:, None] * field_hz)
        return result

    def explained(self, point: Floats, field_hz: Floats) -> float:
        """Energy of the echoes that the model explains."""
        return float(np.sum(_energy(self.signal(point), self.demodulated(field_hz))))

    def energy(self, point: Floats, fields_hz: Floats) -> Floats:
        """Energy that the model explains in each voxel at several fields, (field, voxel)."""
        return np.array([_energy(self.signal(point), self.demodulated(field)) for field in fields_hz])

    def fields(self, point: Floats, field_hz: Floats) -> Floats:
        """Fields of the voxels at given shared parameters."""
        for _ in range(FIELD_STEPS):
            field_hz = field_hz + self.step(point, field_hz, only_fields=True).field_hz
        return field_hz

    def step(self, point: Floats, field_hz: Floats, only_fields: bool = False) -> GaussNewtonStep:
        """Gauss-Newton step.

        Parameters
        ----------
        point : np.ndarray, shape (3,)
            Re eta, Im eta, R2* (1/s).
        field_hz : np.ndarray, shape (voxel,), Hz
            Fields.
        only_fields : bool
            Keep the shared parameters.

        Returns
        -------
        GaussNewtonStep
        """
        a, y = self.signal(point), self.demodulated(field_hz)
        power = float(np.sum(np.abs(a) ** 2))
        amplitude = (a.conj() @ y) / power

        def off_signal(x: Complex) -> Complex:
            result: Complex = x - a * (a.conj() @ x) / power
            return result

        eta_column = off_signal((self.modulation - 1) * np.exp(-point[2] * self.tau_s))
        decay_column = off_signal(-self.tau_s * a)
        columns = np.stack([eta_column, 1j * eta_column, decay_column])
        field_column = -2j * np.pi * decay_column
        length = float(np.sum(np.abs(field_column) ** 2))
        scores = (columns.conj() @ y * amplitude.conj()).real  # (3, voxel), not yet over |rho|^2
        field_scores = (field_column.conj() @ y * amplitude.conj()).real
        coupling = (columns.conj() @ field_column).real
        information = (columns.conj() @ columns.T).real - np.outer(coupling, coupling) / length
        weight = np.abs(amplitude) ** 2
        scale = np.array([1.0, 1.0, 100.0])  # conditions the equations
        right = (scores.sum(1) - coupling / length * field_scores.sum()) / float(weight.sum())
        shared = scale * np.linalg.solve(information * np.outer(scale, scale), scale * right) * (not only_fields)
        tiny = np.finfo(np.float64).tiny
        fields = (field_scores / np.maximum(weight, tiny) - float(coupling @ shared)) / length
        limit = 0.1 / float(self.tau_s[-1])
        return GaussNewtonStep(shared, np.clip(fields, -limit, limit), amplitude, length)


@dataclass(frozen=True, eq=False)
class IntegratedLikelihood:
    """Logarithm of the likelihood with every field integrated over `NODES` values.

    Attributes
    ----------
    problem : RegionEchoes
        The region.
    demodulated : np.ndarray, shape (echo, node * voxel), complex
        Echoes without the rotation of each of the fields.
    noise_sd : float
        Noise per real channel.
    """

    problem: RegionEchoes
    demodulated: Complex
    noise_sd: float

    @classmethod
    def around(cls, problem: RegionEchoes, point: Floats, field_hz: Floats, noise_sd: float) -> IntegratedLikelihood:
        """Integral around the fields that fit best, as far as they are uncertain.

        Parameters
        ----------
        problem : RegionEchoes
            The region.
        point : np.ndarray, shape (3,)
            Re eta, Im eta, R2* (1/s).
        field_hz : np.ndarray, shape (voxel,), Hz
            Fields that fit best.
        noise_sd : float
            Noise per real channel.

        Returns
        -------
        IntegratedLikelihood
        """
        at = problem.step(point, field_hz)
        sd = noise_sd / np.maximum(np.abs(at.amplitude) * math.sqrt(at.field_information), np.finfo(np.float64).tiny)
        period = 1.0 / float(np.min(np.diff(problem.tau_s)))
        reach = np.where(sd > WIDE_SHARE * period, period / 2, FURTHEST_SD * sd)
        nodes = np.linspace(-1, 1, NODES + 1)[:-1] + 1 / NODES
        fields = field_hz + nodes[:, None] * reach
        rotated = problem.echoes[:, None] * np.exp(-2j * np.pi * problem.tau_s[:, None, None] * fields)
        return cls(problem, rotated.reshape(len(problem.tau_s), -1), noise_sd)

    def __call__(self, point: Floats) -> float:
        """Sum over the voxels at (Re eta, Im eta, R2*)."""
        return float(np.sum(self.of_voxels(point)))

    def of_voxels(self, point: Floats) -> Floats:
        """Evaluate for each voxel, (voxel,)."""
        a = self.problem.signal(point)
        energy = (_energy(a, self.demodulated) / (2 * self.noise_sd**2)).reshape(NODES, -1)
        most = energy.max(0)
        result: Floats = most + np.log(np.mean(np.exp(energy - most), axis=0))
        return result


def _energy(a: Complex, echoes: Complex) -> Floats:
    """|a^H y|^2 / |a|^2 of each voxel."""
    result: Floats = np.abs(a.conj() @ echoes) ** 2 / float(np.sum(np.abs(a) ** 2))
    return result
