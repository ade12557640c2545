"""Corrections of the echoes before the estimate: what was found, what is corrected, and the corrected echoes.

They are applied slice by slice, so that no second copy of the scan is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries
from .phase_errors import Pattern, PhaseError
from .sign_trial import SignTrial


@dataclass(frozen=True, eq=False)
class PhaseCorrections:
    """What was found and what is corrected.

    Attributes
    ----------
    conjugated : bool
        Whether the echoes are conjugated.
    sign_text : str
        Rotation sense in words.
    sign_decided : bool
        Whether the data, or the user, decided the rotation sense.
    bipolar, first_echo : PhaseError or None
        Phase errors found, None where none can be determined; those corrected are in `applied`.
    applied : tuple of PhaseError
        Corrections of the whole scan.
    by_slice : tuple of (PhaseError or None)
        Odd-even corrections of single slices, which override `applied`.
    mixed : bool
        The last fit leaves out the phase of the first echo (`voxelwise.mixed_fit`).
    gains : tuple of float
        Scale of each echo that is divided out; () for none.
    notes : tuple of str
        Sentences for provenance.
    sign_probability : float
        Probability that the rotation sense is right.
    sign_trial : SignTrial or None
        Both readings of a few slices, where the residual decided nothing.
    """

    conjugated: bool
    sign_text: str
    sign_decided: bool
    bipolar: PhaseError | None = None
    first_echo: PhaseError | None = None
    applied: tuple[PhaseError, ...] = ()
    by_slice: tuple[PhaseError | None, ...] = ()
    mixed: bool = False
    gains: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    sign_probability: float = 1.0
    sign_trial: SignTrial | None = None

    def apply(self, echoes: npt.NDArray[np.complex64], index: int) -> npt.NDArray[np.complex64]:
        """Corrected echoes (echo, row, column) of slice `index`."""
        out = np.conj(echoes) if self.conjugated else echoes
        if self.gains:
            out = out / np.asarray(self.gains, dtype=np.float32)[:, None, None]
        own = self.by_slice[index] if self.by_slice else None
        errors = [error for error in self.applied if own is None or error.pattern is not Pattern.ODD_EVEN]
        for error in (*errors, own):
            if error is not None:
                out = out * error.phasor(len(out), *out.shape[1:])[:, 0]
        return np.ascontiguousarray(out, dtype=np.complex64)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for provenance."""

        def plain(error: PhaseError | None) -> dict[str, Any] | None:
            if error is None:
                return None
            applied = error in self.applied or (error.pattern is Pattern.ODD_EVEN and bool(self.by_slice))
            values = {**asdict(error), "pattern": error.pattern.value, "clear": error.clear, "applied": applied}
            return {k: round(v, 5) if isinstance(v, float) else v for k, v in values.items()}

        return {
            "conjugated": self.conjugated,
            "sign_decided": self.sign_decided,
            "sign_probability": round(self.sign_probability, 4),
            "sign_trial": asdict(self.sign_trial) if self.sign_trial else None,
            "bipolar": plain(self.bipolar),
            "first_echo": plain(self.first_echo),
            "mixed_fit": self.mixed,
            "gains_taken_out": [round(gain, 5) for gain in self.gains],
            "slice_by_slice": bool(self.by_slice),
            "by_slice": [plain(error) for error in self.by_slice],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> PhaseCorrections:
        """Corrections from what `as_dict` returned, to be applied once more (without their sentences)."""
        numbers = [f.name for f in fields(PhaseError) if f.name not in ("pattern", "steps")]

        def error(values: Mapping[str, Any] | None) -> PhaseError | None:
            if not values:
                return None
            steps = tuple(values.get("steps", ()))
            return PhaseError(Pattern(values["pattern"]), **{n: values[n] for n in numbers}, steps=steps)

        applied = [error(content[name]) for name in ("bipolar", "first_echo") if (content[name] or {}).get("applied")]
        return cls(
            conjugated=content["conjugated"],
            sign_text="",
            sign_decided=content["sign_decided"],
            bipolar=error(content["bipolar"]),
            first_echo=error(content["first_echo"]),
            applied=tuple(e for e in applied if e is not None),
            by_slice=tuple(error(values) for values in content["by_slice"]),
            mixed=content["mixed_fit"],
            gains=tuple(content["gains_taken_out"]),
            sign_probability=content.get("sign_probability", 1.0),
            sign_trial=SignTrial.from_dict(content["sign_trial"]) if content.get("sign_trial") else None,
        )


NO_CORRECTIONS = PhaseCorrections(False, "as given", True)
"""For echoes that are known to be free of phase errors."""


def corrected_slices(series: EchoSeries, corrections: PhaseCorrections, most_slices: int) -> EchoSeries:
    """Correct a few slices that have signal in every echo.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    corrections : PhaseCorrections
        What is corrected.
    most_slices : int
        Slices at most, evenly spread.

    Returns
    -------
    EchoSeries
        The corrected slices as a scan of their own; the scan itself where no slice has signal in every echo.
    """
    chosen = slices_with_signal(series, most_slices)
    if not chosen:
        return series
    return replace(series, echoes=np.stack([corrections.apply(series.echoes[:, s], s) for s in chosen], axis=1))


def slices_with_signal(series: EchoSeries, most: int) -> list[int]:
    """Indices of slices with signal in every echo, evenly spread where there are more than wanted."""
    usable = [s for s in range(series.shape[0]) if all(np.any(echo) for echo in series.echoes[:, s])]
    return sorted({usable[round(s)] for s in np.linspace(0, len(usable) - 1, min(len(usable), most))})
