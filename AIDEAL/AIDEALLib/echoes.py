"""The input of every estimate: complex echoes with their echo times, field strength and place in the patient."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .choices import Readout as Readout
from .echo_checks import check_echo_times, check_echoes, check_field_strength
from .errors import InputError

STEP_TOLERANCE = 0.1
"""Echo times this close to multiples of their spacing, in spacings, are multiples of it."""
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
    other_sequence : str
        Kind of the pulse sequence in words, where the source states one other than a spoiled gradient echo.

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
    other_sequence: str = ""

    def __post_init__(self) -> None:
        te = np.atleast_1d(np.asarray(self.te_s, dtype=np.float64))
        object.__setattr__(self, "te_s", te)
        check_echo_times(te)
        if len(self.echo_numbers) != te.size:  # a reader may know the numbers of some echoes, or of other images
            object.__setattr__(self, "echo_numbers", ())
        check_field_strength(self.field_strength_t)
        object.__setattr__(self, "field_strength_t", float(self.field_strength_t))
        echoes = np.asarray(self.echoes)
        check_echoes(echoes, te.size)
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
        steps = np.round(self._steps) if self.on_grid else numbers - numbers[0]
        if np.array_equal(numbers - numbers[0], (numbers[1] - numbers[0]) / steps[1] * steps):
            steps = numbers - numbers[0]
        return tuple(int(step) for step in steps)

    @property
    def counted(self) -> bool:
        """Whether echo numbers or echo times tell how many echoes were acquired between two."""
        return bool(self.echo_numbers) or self.on_grid

    @property
    def _steps(self) -> npt.NDArray[np.float64]:
        steps: npt.NDArray[np.float64] = (self.te_s - self.te_s[0]) / np.diff(self.te_s).min()
        return steps

    @property
    def on_grid(self) -> bool:
        """True where the echo times are, counted from the first, multiples of their smallest spacing."""
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
