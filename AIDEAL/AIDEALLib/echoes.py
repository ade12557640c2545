"""The input of every estimate: complex echoes with their echo times, field strength and place in the patient."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .advice import advise
from .choices import Readout as Readout
from .errors import InputError

MIN_ECHOES = 3
FIELD_STRENGTH_RANGE_T = (0.05, 12.0)
STEP_TOLERANCE = 0.1
"""Echo times this close to multiples of their spacing, in spacings, are multiples of it."""
SHORTEST_PLAUSIBLE_TE_S = 1e-5
"""The shortest echo time, and step between echoes, of any scanner is above this."""
LONGEST_PLAUSIBLE_TE_S = 0.2
"""Gradient-echo protocols for fat end below 0.05 s; anything above 0.2 s is a time in another unit."""
PROTON_MHZ_PER_T = 42.577
_UNITS = (("milliseconds", "ms", 1e-3), ("microseconds", "us", 1e-6))
LARGEST_VALUE = 7e11
"""Of real and imaginary part, so that no magnitude exceeds 1e12."""
SPACING_RANGE_MM = (0.01, 1000.0)
FURTHEST_ORIGIN_MM = 1e6
DIRECTION_ROUNDING = 0.02
"""How far the products of the axes may differ from those of a rotation: files round them to few digits."""


class PhaseSign(Enum):
    """Rotation sense of the stored phase: `AS_MODEL` follows exp(+i 2 pi phi t), `CONJUGATED` the opposite."""

    AS_MODEL = "as model"
    CONJUGATED = "conjugated"


@dataclass(frozen=True)
class Geometry:
    """Where the voxels lie in the patient (LPS, as in DICOM, ITK and NRRD).

    Attributes
    ----------
    spacing_mm : tuple of 3 float, mm
        Distances between neighbouring voxels along (column index, row index, slice index).
    origin_mm : tuple of 3 float, mm
        Position of the centre of the first voxel.
    direction : tuple of 9 float
        3x3 matrix, row-major; its columns are the directions of rising column, row and slice index.
    """

    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.spacing_mm) != 3 or not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise InputError(
                f"Voxel spacing is {self.spacing_mm}; three positive lengths in mm were expected. Correct the file's header."
            )
        low, high = SPACING_RANGE_MM
        if not all(low <= s <= high for s in self.spacing_mm):
            raise InputError(
                f"Voxel spacing is {self.spacing_mm} mm; lengths from {low:g} to {high:g} mm were expected. Correct the file's "
                "header."
            )
        if len(self.origin_mm) != 3 or not np.all(np.abs(self.origin_mm) <= FURTHEST_ORIGIN_MM):
            raise InputError(
                f"Origin is {self.origin_mm}; three finite numbers in mm within {FURTHEST_ORIGIN_MM:g} were expected. Correct "
                "the file's header."
            )
        matrix = np.asarray(self.direction, dtype=float)
        if matrix.size != 9 or not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix.reshape(3, 3))) < 1e-3:
            raise InputError(f"Direction is {self.direction}; a regular 3x3 matrix was expected. Correct the file's header.")
        if np.abs(matrix.reshape(3, 3).T @ matrix.reshape(3, 3) - np.eye(3)).max() > DIRECTION_ROUNDING:
            raise InputError(
                f"Direction is {self.direction}: its axes are sheared or not of unit length; a rotation was expected. Resample "
                "the scan on a regular grid."
            )

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        determinant = abs(np.linalg.det(np.asarray(self.direction, dtype=float).reshape(3, 3)))
        return float(np.prod(self.spacing_mm)) * float(determinant) / 1000.0


@dataclass(frozen=True, eq=False)
class EchoSeries:
    """A multi-echo scan, checked.

    Attributes
    ----------
    echoes : array, shape (echo, slice, row, column), complex64
        Echoes in any unit. Magnitudes alone (real, not negative) have a phase of 0 and `has_phase` False.
    te_s : array, shape (echo,), seconds
        Echo times, rising.
    field_strength_t : float, tesla
        Main field.
    geometry : Geometry
        Voxel spacing, origin and direction.
    readout : Readout
        Monopolar, bipolar or unknown.
    phase_sign : PhaseSign or None
        Rotation sense that the source states, None where it states none.
    source : str
        Where the scan came from, for provenance (no patient's name).
    flip_angle_deg : float or None, degrees
        Flip angle, None where the source does not state it.
    repetition_time_s : float or None, seconds
        Repetition time, None where the source does not state it.
    contrast_agent : bool or None
        Whether a contrast agent was given, None where the source does not state it.
    notes : tuple of str
        What was guessed on reading and from what evidence, for provenance.
    echo_numbers : tuple of int
        Number of each echo in the acquisition, rising, as the source states it; () where it states none.

    Raises
    ------
    InputError
        Fewer than 3 echoes; echo times that are unordered, repeated, not positive or in milliseconds; shapes that do not
        match; NaN or infinite samples; an echo that is zero throughout; real samples below 0; a field strength no scanner has.
    """

    echoes: npt.NDArray[np.complex64]
    te_s: npt.NDArray[np.float64]
    field_strength_t: float
    geometry: Geometry = field(default_factory=Geometry)
    readout: Readout = Readout.UNKNOWN
    phase_sign: PhaseSign | None = None
    source: str = ""
    flip_angle_deg: float | None = None
    repetition_time_s: float | None = None
    contrast_agent: bool | None = None
    notes: tuple[str, ...] = ()
    echo_numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        te = np.atleast_1d(np.asarray(self.te_s, dtype=np.float64))
        object.__setattr__(self, "te_s", te)
        _check_echo_times(te)
        if len(self.echo_numbers) != te.size:  # a reader may know the numbers of some echoes, or of other images
            object.__setattr__(self, "echo_numbers", ())
        _check_field_strength(self.field_strength_t)
        object.__setattr__(self, "field_strength_t", float(self.field_strength_t))
        echoes = np.asarray(self.echoes)
        _check_echoes(echoes, te.size)
        object.__setattr__(self, "echoes", np.ascontiguousarray(echoes, dtype=np.complex64))

    @property
    def n_echoes(self) -> int:
        """Number of echoes."""
        return int(self.te_s.size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (slice, row, column)."""
        _, slices, rows, columns = self.echoes.shape
        return slices, rows, columns

    @property
    def has_phase(self) -> bool:
        """False where the echoes are magnitudes: no imaginary part anywhere and nothing below 0."""
        return bool(np.any(self.echoes.imag)) or bool(np.any(self.echoes.real < 0))

    @property
    def uniform_spacing(self) -> bool:
        """True when all echo spacings agree within 1 % of the shortest, so that off-resonance is periodic in 1/spacing."""
        spacing = np.diff(self.te_s)
        return bool(np.ptp(spacing) <= 0.01 * spacing.min())

    @property
    def echo_steps(self) -> tuple[int, ...]:
        """Number of each echo from 0, so that a missing echo leaves a gap.

        The echo times count, in their smallest spacing; the numbers of the source where the times are no multiples of it, or
        where both agree on a larger step (every second echo). Exports number the echoes that are left anew, and names of files
        number images of several kinds. Consecutive where neither decides (`counted`).
        """
        numbers = np.array(self.echo_numbers or range(self.n_echoes))
        steps = np.round(self._steps) if self._times_count else numbers - numbers[0]
        if np.array_equal(numbers - numbers[0], (numbers[1] - numbers[0]) / steps[1] * steps):
            steps = numbers - numbers[0]
        return tuple(int(step) for step in steps)

    @property
    def counted(self) -> bool:
        """Whether echo numbers or echo times tell how many echoes were acquired between two."""
        return bool(self.echo_numbers) or self._times_count

    @property
    def _steps(self) -> npt.NDArray[np.float64]:
        steps: npt.NDArray[np.float64] = (self.te_s - self.te_s[0]) / np.diff(self.te_s).min()
        return steps

    @property
    def _times_count(self) -> bool:
        """True where the echo times are multiples of their smallest spacing."""
        return bool(np.all(np.abs(self._steps - np.round(self._steps)) < STEP_TOLERANCE))

    @cached_property
    def checksum(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of echoes and echo times: the same scan, whatever its files are called."""
        digest = hashlib.sha256(self.echoes.view(np.uint8).data)
        digest.update(self.te_s.tobytes())
        return digest.hexdigest()[:16]

    @property
    def missing_echoes(self) -> tuple[int, ...]:
        """Numbers, from 1, of echoes before the last one that are not there, as the source or the echo times number them."""
        gap = bool(self.echo_numbers) and (self.echo_numbers[0] > 1 or bool(np.any(np.diff(self.echo_numbers) > 1)))
        present = self.echo_numbers if gap else tuple(step + 1 for step in self.echo_steps)
        return tuple(number for number in range(1, present[-1]) if number not in present)

    def conjugate(self) -> EchoSeries:
        """The same scan with the opposite rotation sense."""
        return replace(self, echoes=np.conj(self.echoes))


def other_unit(times: Sequence[float]) -> tuple[str, str, float] | None:
    """Unit other than seconds that all times are in.

    Parameters
    ----------
    times : sequence of float
        Echo times in a unit that is not stated.

    Returns
    -------
    tuple of (str, str, float), or None
        Name, symbol and length in seconds of the unit; None where the times may be seconds, or no unit makes all of them
        plausible.
    """
    if not times or max(times) <= LONGEST_PLAUSIBLE_TE_S:
        return None
    for unit in _UNITS:
        seconds = [time * unit[2] for time in times]
        if all(1e-4 < t <= LONGEST_PLAUSIBLE_TE_S for t in seconds):
            return unit
    return None


def _check_echo_times(te: npt.NDArray[np.float64]) -> None:
    listed = ", ".join(f"{t:g}" for t in te.ravel())
    if te.ndim != 1 or te.size < MIN_ECHOES:
        raise InputError(
            f"Found {te.size} echo time(s) ({listed}); water, fat, field and R2* need at least {MIN_ECHOES} echoes. "
            "Load all echoes of the series."
        )
    if not np.all(np.isfinite(te)) or np.any(te <= 0):
        raise InputError(
            f"Echo times are {listed} s; all must be positive and finite.",
            advise("Give the right ones ({}).", "te_s"),
        )
    if np.any(te > LONGEST_PLAUSIBLE_TE_S):
        unit = other_unit([float(t) for t in te])
        if unit is None:
            raise InputError(
                f"Echo times are {listed}; seconds were expected (0.0013 for 1.3 ms), none above {LONGEST_PLAUSIBLE_TE_S:g}.",
                advise("Give the right ones ({}).", "te_s"),
            )
        raise InputError(
            f"Echo times are {listed}; they look like {unit[0]}, seconds were expected (0.0013 for 1.3 ms). Multiply them by "
            f"{unit[2]:g}."
        )
    if te.min() < SHORTEST_PLAUSIBLE_TE_S or (
        np.any(np.abs(np.diff(te)) < SHORTEST_PLAUSIBLE_TE_S) and np.all(np.diff(te) != 0)
    ):
        raise InputError(
            f"Echo times are {listed} s; no scanner has any, or steps between them, below {SHORTEST_PLAUSIBLE_TE_S:g} s.",
            advise("Give the right ones ({}).", "te_s"),
        )
    for n in np.flatnonzero(np.diff(te) == 0):
        raise InputError(
            f"Echoes {n + 1} and {n + 2} share the echo time {te[n]:g} s ({listed}); each was expected to have its own. The "
            "times are wrong, or images of two scans are mixed.",
            advise("Give the right ones ({}), or load the images of one scan.", "te_s"),
        )
    if np.any(np.diff(te) <= 0):
        raise InputError(f"Echo times are {listed} s; they must rise from echo to echo. Sort the echoes.")


def _check_field_strength(field_strength_t: float) -> None:
    low, high = FIELD_STRENGTH_RANGE_T
    if not (np.isfinite(field_strength_t) and low <= field_strength_t <= high):
        units = (("gauss", 1e-4), ("MHz, the imaging frequency", 1 / PROTON_MHZ_PER_T))
        like = (f"; it looks like {unit} ({per_t * field_strength_t:.3g} T)" for unit, per_t in units)
        hint = next((text for text, (_, per_t) in zip(like, units, strict=True) if low < per_t * field_strength_t < high), "")
        raise InputError(
            f"Field strength is {field_strength_t:g}; a value in tesla between {low:g} and {high:g} was expected "
            f"(1.5 or 3 on most scanners){hint}.",
            advise("Give the right one ({}).", "field_strength_t"),
        )


def _check_echoes(echoes: npt.NDArray[np.complex64], n_echo_times: int) -> None:
    if echoes.ndim == 5 and echoes.shape[-1] == 2:
        raise InputError(
            f"The echo array has shape {echoes.shape}; its last axis may hold real and imaginary parts, and one complex array "
            "(echo, slice, row, column) was expected. Join them."
        )
    if echoes.ndim != 4 or 0 in echoes.shape:
        raise InputError(
            f"The echo array has shape {echoes.shape}; (echo, slice, row, column) was expected, none of them empty. "
            "Add an axis of length 1 for a single slice."
        )
    if echoes.shape[0] != n_echo_times:
        shape = f" The array is of shape {echoes.shape}; (echo, slice, row, column) was expected."
        raise InputError(
            f"Found {echoes.shape[0]} echo images but {n_echo_times} echo times; one time per image was expected."
            + shape * (echoes.shape[-1] == n_echo_times),
            advise("Load every echo, or give the times ({}).", "te_s"),
        )
    if not np.iscomplexobj(echoes) and np.any(echoes < 0):
        raise InputError(
            f"The echoes are real ({echoes.dtype}) with values below 0; complex echoes, or magnitudes, were expected. "
            "Load the imaginary (or phase) images too."
        )
    for number, echo in enumerate(echoes, start=1):
        if not np.all(np.isfinite(echo)):
            bad = int(np.size(echo) - np.count_nonzero(np.isfinite(echo)))
            raise InputError(
                f"Echo {number} has {bad} voxel(s) that are NaN or infinite; all must be finite. Repair or re-export it."
            )
        largest = float(np.abs(np.ascontiguousarray(echo).view(echo.real.dtype)).max())
        if largest > LARGEST_VALUE:
            raise InputError(
                f"Echo {number} has values up to {largest:.3g}; no scanner stores any above {LARGEST_VALUE:g}. The file is "
                "damaged; export it again."
            )
        if not np.any(echo):
            raise InputError(
                f"Echo {number} is zero in every voxel; signal was expected. Re-export the series or leave that echo out."
            )
