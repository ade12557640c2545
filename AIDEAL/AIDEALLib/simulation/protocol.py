"""Scan protocols: echo times, field strength, noise and phase errors, and the eight of the held-out evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """Protocol of a simulated scan.

    Attributes
    ----------
    name : str
        Short name.
    te_s : tuple of float, seconds
        Echo times.
    field_strength_t : float, tesla
        Main field.
    snr : float, optional
        Mean |W + F| at t = 0 in the reference segments over the noise SD of one real channel; None for no noise.
    bipolar_phase_rad : float
        Constant part of theta, the alternating phase exp(i (-1)^n theta) between odd and even echoes.
    bipolar_slope_rad : float
        Change of theta over the field of view along the columns; both 0 for a monopolar read-out.
    conjugated : bool
        The scanner stores phase with the opposite rotation sense.
    liver_r2star_per_s : float, optional
        R2* of the liver that the protocol is evaluated on; None for what the tissue model draws.
    """

    name: str
    te_s: tuple[float, ...]
    field_strength_t: float
    snr: float | None = 30.0
    bipolar_phase_rad: float = 0.0
    bipolar_slope_rad: float = 0.0
    conjugated: bool = False
    liver_r2star_per_s: float | None = None

    @property
    def bipolar(self) -> bool:
        """True when odd and even echoes differ in phase."""
        return self.bipolar_phase_rad != 0 or self.bipolar_slope_rad != 0


def echo_times(first_ms: float, spacing_ms: float, n_echoes: int) -> tuple[float, ...]:
    """Uniform echo times in seconds.

    Parameters
    ----------
    first_ms : float
        First echo time.
    spacing_ms : float
        Echo spacing.
    n_echoes : int
        Number of echoes.

    Returns
    -------
    tuple of float, seconds
    """
    return tuple(round((first_ms + n * spacing_ms) * 1e-3, 9) for n in range(n_echoes))


PAPER = Protocol("1.5T 6 echoes 1.3+2.1n", echo_times(1.3, 2.1, 6), 1.5, snr=30.0)
"""The protocol of Meneses et al. 2026."""

PROTOCOLS: tuple[Protocol, ...] = (
    PAPER,
    Protocol("1.5T 6 echoes 1.4+3.08n", echo_times(1.4, 3.08, 6), 1.5, snr=30.0),
    Protocol("1.5T 3 echoes 1.6+1.55n", echo_times(1.6, 1.55, 3), 1.5, snr=25.0),
    Protocol("1.5T 12 echoes 1.2+1.6n", echo_times(1.2, 1.6, 12), 1.5, snr=60.0),
    Protocol("1.5T 8 echoes 0.9+1.1n, iron", echo_times(0.9, 1.1, 8), 1.5, snr=30.0, liver_r2star_per_s=700.0),
    Protocol("3T 6 echoes 1.2+1.0n", echo_times(1.2, 1.0, 6), 3.0, snr=40.0),
    Protocol("3T 6 echoes 1.15+2.1n", echo_times(1.15, 2.1, 6), 3.0, snr=30.0),
    Protocol("3T 6 echoes 1.1+1.6n, noisy", echo_times(1.1, 1.6, 6), 3.0, snr=10.0),
)
"""Protocols of the held-out evaluation: no network is trained on them with the abdomen model.

They span 1.5 and 3 T, 3 to 12 echoes, SNR 10 to 60 and R2* to 700 1/s; 3.08 ms at 1.5 T and 2.1 ms at 3 T lie near the
period of fat (4.6 and 2.3 ms), where fat and water stay almost in phase.
"""
