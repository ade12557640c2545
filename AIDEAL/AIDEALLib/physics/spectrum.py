"""Fat spectra: resonances of fat relative to water."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..errors import InputError

GYROMAGNETIC_RATIO_HZ_PER_T = 42.577e6
"""Proton gyromagnetic ratio over 2 pi."""


def fat_phasor(te_s: torch.Tensor, field_strength_t: float, ppm: torch.Tensor, amplitudes: torch.Tensor) -> torch.Tensor:
    """Fat phasor c_n = sum_p a_p exp(i 2 pi f_p t_n), f_p = ppm_p * 42.577 Hz/T * B0.

    Parameters
    ----------
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    field_strength_t : float, tesla
        Field strength B0.
    ppm : torch.Tensor, shape (peak,), ppm
        Shifts relative to water.
    amplitudes : torch.Tensor, shape (peak,)
        Relative amplitudes a_p.

    Returns
    -------
    torch.Tensor, shape (echo,), complex128
        Phasor at each echo.

    Notes
    -----
    Uses only operators of TorchScript (the exported networks contain it), hence the gyromagnetic ratio as a literal.
    """
    shifts_hz = ppm.to(torch.float64) * (42.577 * field_strength_t)
    phase = 2 * torch.pi * te_s.to(torch.float64).unsqueeze(-1) * shifts_hz
    return (torch.polar(torch.ones_like(phase), phase) * amplitudes.to(torch.float64)).sum(-1)


@dataclass(frozen=True)
class FatSpectrum:
    """Fat resonances.

    Attributes
    ----------
    name : str
        Name for messages and provenance.
    ppm : tuple of float, ppm
        Shifts relative to water; negative: below water.
    amplitudes : tuple of float
        Relative amplitudes, scaled to a sum of 1.
    reference : str
        Publication.

    Raises
    ------
    InputError
        The lists differ in length or are empty, or the amplitudes are negative or sum to 0.
    """

    name: str
    ppm: tuple[float, ...]
    amplitudes: tuple[float, ...]
    reference: str = ""

    def __post_init__(self) -> None:
        if not self.ppm or len(self.ppm) != len(self.amplitudes):
            raise InputError(
                f"Fat spectrum '{self.name}' has {len(self.ppm)} shifts and {len(self.amplitudes)} amplitudes; "
                "equal numbers, at least one each, were expected. Correct the lists."
            )
        total = sum(self.amplitudes)
        if min(self.amplitudes) < 0 or not total > 0:
            raise InputError(
                f"Fat spectrum '{self.name}' has amplitudes {self.amplitudes}; none negative and a positive sum were expected."
            )
        object.__setattr__(self, "amplitudes", tuple(a / total for a in self.amplitudes))

    def shifted(self, ppm_offset: float) -> FatSpectrum:
        """Spectrum with `ppm_offset` added to every shift (about -0.15 ppm for a phantom at 22 C, see `presets`)."""
        name = f"{self.name} {ppm_offset:+g} ppm" if ppm_offset else self.name
        return FatSpectrum(name, tuple(p + ppm_offset for p in self.ppm), self.amplitudes, self.reference)

    def shifts_hz(self, field_strength_t: float) -> tuple[float, ...]:
        """Resonance frequencies relative to water in Hz."""
        return tuple(p * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * field_strength_t for p in self.ppm)

    def mean_shift_hz(self, field_strength_t: float) -> float:
        """Amplitude-weighted mean shift in Hz: the error of the off-resonance where water and fat are swapped."""
        return sum(a * f for a, f in zip(self.amplitudes, self.shifts_hz(field_strength_t), strict=True))

    def modulation(self, te_s: torch.Tensor, field_strength_t: float) -> torch.Tensor:
        """Fat phasor (see `fat_phasor`) at echo times (echo,) in seconds, complex128, shape (echo,)."""
        ppm = torch.tensor(self.ppm, dtype=torch.float64, device=te_s.device)
        amplitudes = torch.tensor(self.amplitudes, dtype=torch.float64, device=te_s.device)
        return fat_phasor(te_s, field_strength_t, ppm, amplitudes)


SIX_PEAK = FatSpectrum(
    "six-peak",
    (-3.80, -3.40, -2.60, -1.94, -0.39, 0.60),
    (0.087, 0.693, 0.128, 0.004, 0.039, 0.048),
    "Yu et al., Magn Reson Med 2008;60:1122; used by Meneses et al., Med Image Anal 2026",
)
LIVER_NINE_PEAK = FatSpectrum(
    "liver-nine-peak",
    (-3.80, -3.40, -3.10, -2.68, -2.46, -1.95, -0.50, 0.49, 0.59),
    (0.088, 0.642, 0.058, 0.062, 0.058, 0.006, 0.039, 0.010, 0.037),
    "Hamilton et al., NMR Biomed 2011;24:784 (triglycerides of human liver in vivo)",
)
MARROW_EIGHT_PEAK = FatSpectrum(
    "marrow-eight-peak",
    (-3.80, -3.40, -3.11, -2.70, -2.45, -1.93, -0.50, 0.61),
    (0.087, 0.568, 0.058, 0.092, 0.058, 0.027, 0.038, 0.073),
    "Karampinos et al., Magn Reson Med 2014;71:1158 (vertebral bone marrow)",
)
SINGLE_PEAK = FatSpectrum("single-peak", (-3.40,), (1.0,), "methylene alone; biased in vivo, for comparison only")

SPECTRA: dict[str, FatSpectrum] = {s.name: s for s in (SIX_PEAK, LIVER_NINE_PEAK, MARROW_EIGHT_PEAK, SINGLE_PEAK)}
"""Spectra by name, the default first."""


def spectrum_by_name(name: str) -> FatSpectrum:
    """Look up a bundled spectrum.

    Parameters
    ----------
    name : str
        One of `SPECTRA`.

    Returns
    -------
    FatSpectrum
        The spectrum.

    Raises
    ------
    InputError
        There is no spectrum of that name.
    """
    if name not in SPECTRA:
        raise InputError(f"No fat spectrum is called '{name}'; expected one of {', '.join(SPECTRA)}.")
    return SPECTRA[name]
