"""Complex echoes from the images that a scanner stores: magnitude and phase, or real and imaginary parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..choices import PhaseUnit
from ..errors import InputError
from .phase_units import to_radians

Values = npt.NDArray[Any]


def refuse_negative_magnitudes(magnitude: Values, what_to_do: str) -> None:
    """Check that magnitudes are not negative.

    Parameters
    ----------
    magnitude : np.ndarray
        Magnitudes of all echoes.
    what_to_do : str
        Sentence that ends the message.

    Raises
    ------
    InputError
        A value is below 0.
    """
    if magnitude.min() < 0:
        raise InputError(
            f"The magnitude images have negative values (lowest {magnitude.min():g}); none were expected. {what_to_do}"
        )


def from_magnitude_and_phase(magnitude: Values, phase: Values, unit: PhaseUnit) -> npt.NDArray[np.complex64]:
    """Complex echoes from magnitude and phase.

    Parameters
    ----------
    magnitude : np.ndarray, shape (echo, slice, row, column)
        Magnitudes.
    phase : np.ndarray, shape (echo, slice, row, column)
        Phase as stored.
    unit : PhaseUnit
        Unit of the phase.

    Returns
    -------
    np.ndarray, shape (echo, slice, row, column), complex64
        Echoes.
    """
    echoes = np.empty(magnitude.shape, dtype=np.complex64)
    for n in range(len(echoes)):
        angle = to_radians(phase[n], unit)
        echoes[n].real = magnitude[n] * np.cos(angle)
        echoes[n].imag = magnitude[n] * np.sin(angle)
    return echoes


def from_real_and_imaginary(real: Values, imaginary: Values) -> npt.NDArray[np.complex64]:
    """Complex echoes from real and imaginary parts.

    Parameters
    ----------
    real : np.ndarray, shape (echo, slice, row, column)
        Real parts.
    imaginary : np.ndarray, shape (echo, slice, row, column)
        Imaginary parts.

    Returns
    -------
    np.ndarray, shape (echo, slice, row, column), complex64
        Echoes.

    Raises
    ------
    InputError
        A part has no negative value: its offset was lost.
    """
    for name, values in (("real", real), ("imaginary", imaginary)):
        if values.min() >= 0:
            raise InputError(
                f"The {name} images have no negative value (lowest {values.min():g}); positive and negative ones were "
                "expected, so an offset seems to have been lost. Export them with their rescale slope and intercept."
            )
    echoes = np.empty(real.shape, dtype=np.complex64)
    echoes.real, echoes.imag = real, imaginary
    return echoes
