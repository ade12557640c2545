"""Simulate a scan of a tissue model: coil, read-out, artefacts and noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries, PhaseSign, Readout
from ..physics.signal import synthesise
from ..physics.spectrum import SIX_PEAK, FatSpectrum
from .artefacts import NO_ARTEFACTS, Artefacts, crop_k_space, ghosted, moved, zero_filled
from .protocol import PAPER, PROTOCOLS, Protocol, echo_times
from .tissue import FloatMap, TissueMaps

__all__ = ["PAPER", "PROTOCOLS", "Artefacts", "Protocol", "acquire", "echo_times", "smooth_coil", "snr_map"]


def smooth_coil(shape: tuple[int, int, int], rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """A combined receive coil: sensitivity within about 30 % of 1 and a phase of a few radians, both smooth.

    Parameters
    ----------
    shape : tuple of int
        Voxels along (slice, row, column).
    rng : np.random.Generator
        Source of randomness.

    Returns
    -------
    np.ndarray, shape (slice, row, column), complex64
    """
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij", sparse=True)
    a = rng.uniform(-1, 1, 12)
    log_gain = 0.12 * (a[0] * x + a[1] * y + 0.5 * a[2] * z) + 0.15 * (0.5 + 0.5 * abs(a[3])) * (x**2 + y**2 - 0.7)
    phase = np.pi * a[4] + 1.2 * (a[5] * x + a[6] * y + 0.5 * a[7] * z) + 0.8 * (a[8] * x * y + a[9] * (x**2 - y**2))
    phase = phase + 0.3 * np.sin(np.pi * (x * a[10] + y * a[11]))
    return (np.exp(log_gain) * np.exp(1j * phase)).astype(np.complex64)


def acquire(
    tissue: TissueMaps,
    protocol: Protocol,
    rng: np.random.Generator,
    artefacts: Artefacts = NO_ARTEFACTS,
    spectrum: FatSpectrum = SIX_PEAK,
    coil_phase: bool = True,
    fat_phase_rad: float = 0.0,
) -> EchoSeries:
    """Echoes of a tissue model under a protocol.

    Parameters
    ----------
    tissue : TissueMaps
        The truth. With `artefacts.oversampling` above 1 it is on narrower pixels than the scan; `tissue.coarsened` gives the
        truth on the pixels of the scan.
    protocol : Protocol
        Echo times, field strength (that of the tissue), noise and phase errors.
    rng : np.random.Generator
        Source of the coil and the noise.
    artefacts : Artefacts
        Limited resolution, ghost and motion.
    spectrum : FatSpectrum
        Fat resonances.
    coil_phase : bool
        Whether the coil C is smooth (`smooth_coil`) or 1.
    fat_phase_rad : float
        Phase psi of fat relative to water at t = 0.

    Returns
    -------
    EchoSeries
        Echoes (echo, slice, row, column) in the unit of `tissue.proton_density`.

    Raises
    ------
    ValueError
        Tissue and protocol differ in field strength.

    Notes
    -----
    s_n = C (W + F exp(i psi) c_n) exp(i 2 pi phi t_n - R2* t_n) exp(i (-1)^n theta) + noise, noise complex Gaussian.
    """
    if abs(tissue.field_strength_t - protocol.field_strength_t) > 0.05:
        raise ValueError(
            f"tissue at {tissue.field_strength_t:g} T, protocol '{protocol.name}' at {protocol.field_strength_t:g} T"
        )
    te = torch.tensor(protocol.te_s, dtype=torch.float64)
    modulation = spectrum.modulation(te, protocol.field_strength_t)
    fine = _signal(tissue, rng, coil_phase)
    fraction = tissue.pdff_percent / 100
    water, fat = fine * (1 - fraction), fine * fraction * np.complex64(np.exp(1j * fat_phase_rad))

    oversampling, layers = artefacts.oversampling, artefacts.layers
    truth = tissue.coarsened(oversampling, layers)
    slices, rows, columns = truth.shape
    echoes = np.empty((len(protocol.te_s), slices, rows, columns), np.complex64)
    for index in range(slices):
        part = slice(index * layers, (index + 1) * layers)
        images = synthesise(
            torch.from_numpy(np.ascontiguousarray(water[part])),
            torch.from_numpy(np.ascontiguousarray(fat[part])),
            torch.from_numpy(np.ascontiguousarray(tissue.field_hz[part])),
            torch.from_numpy(np.ascontiguousarray(tissue.r2star_per_s[part])),
            te,
            modulation,
        ).numpy()
        images = crop_k_space(images.mean(1), oversampling)
        if artefacts.motion_mm:
            images = moved(images, artefacts.motion_mm / truth.geometry.spacing_mm[1])
        echoes[:, index] = ghosted(images, artefacts.ghost) if artefacts.ghost else images

    echoes *= _alternating_phase(protocol, columns)
    if protocol.snr is not None:
        level = np.abs(crop_k_space(_of_slices(water + fat, layers), oversampling)[truth.reference]).mean()
        echoes += _complex_noise(echoes.shape, artefacts.zero_filling * float(level) / protocol.snr, rng)
    if artefacts.zero_filling > 1:
        echoes = np.stack([zero_filled(echo, artefacts.zero_filling) for echo in echoes])
    if protocol.conjugated:
        echoes = np.conj(echoes)
    return EchoSeries(
        echoes=echoes,
        te_s=np.asarray(protocol.te_s),
        field_strength_t=protocol.field_strength_t,
        geometry=truth.geometry,
        readout=Readout.BIPOLAR if protocol.bipolar else Readout.MONOPOLAR,
        phase_sign=PhaseSign.CONJUGATED if protocol.conjugated else PhaseSign.AS_MODEL,
        source=f"simulated: {protocol.name}",
    )


def snr_map(
    tissue: TissueMaps,
    protocol: Protocol,
    rng: np.random.Generator,
    coil_phase: bool = True,
    artefacts: Artefacts = NO_ARTEFACTS,
) -> FloatMap:
    """|W + F| at t = 0 over the noise SD of one real channel, for each voxel of the scan that `acquire` simulates.

    Parameters
    ----------
    tissue : TissueMaps
        As for `acquire`; water and fat are in phase.
    protocol : Protocol
        As for `acquire`.
    rng : np.random.Generator
        A generator of the same seed as for `acquire`, so that the coil is the same.
    coil_phase : bool
        As for `acquire`.
    artefacts : Artefacts
        Those of the scan; their resolution counts.

    Returns
    -------
    np.ndarray, shape (slice, row, column), float32
        On the pixels of the scan; infinite where there is signal and no noise.
    """
    level = np.abs(crop_k_space(_of_slices(_signal(tissue, rng, coil_phase), artefacts.layers), artefacts.oversampling))
    if protocol.snr is None:
        return np.where(level > 0, np.inf, 0).astype(np.float32)
    reference = level[tissue.coarsened(artefacts.oversampling, artefacts.layers).reference].mean()
    return np.asarray(level * (protocol.snr / reference), np.float32)


def _signal(tissue: TissueMaps, rng: np.random.Generator, coil_phase: bool) -> npt.NDArray[np.complex64]:
    """Coil times the density of water and fat, on the tissue's pixels."""
    coil = smooth_coil(tissue.shape, rng) if coil_phase else np.ones(tissue.shape, np.complex64)
    return np.asarray(coil * tissue.proton_density * tissue.body, np.complex64)


def _of_slices(signal: npt.NDArray[np.complex64], layers: int) -> npt.NDArray[np.complex64]:
    """Signal (slice, row, column) of slices from that of their layers."""
    return np.asarray(signal.reshape(-1, layers, *signal.shape[1:]).mean(1), np.complex64)


def _alternating_phase(protocol: Protocol, columns: int) -> npt.NDArray[np.complex64]:
    """exp(i (-1)^n theta), (echo, 1, 1, column)."""
    theta = protocol.bipolar_phase_rad + protocol.bipolar_slope_rad * (np.arange(columns) / columns - 0.5)
    sign = (-1.0) ** np.arange(len(protocol.te_s))
    return np.exp(1j * sign[:, None, None, None] * theta).astype(np.complex64)


def _complex_noise(shape: tuple[int, ...], sd: float, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Circular Gaussian noise of standard deviation `sd` per real channel."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32) * np.float32(sd)
    return parts.view(np.complex64)[..., 0]
