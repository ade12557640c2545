"""Error of PDFF caused by an error of field or R2*, with both held fixed and water and fat solved for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..estimation.voxelwise.fat_fraction import pdff_signed
from ..physics.signal import synthesise
from ..physics.spectrum import SIX_PEAK
from ..physics.variable_projection import EchoBasis, fit
from ..simulation.protocol import Protocol
from .bench import Bench
from .cases import Case
from .pictures import COLOURS, ColourScale, Drawing, Picture, legend_below, show_map, style_axes
from .plan import PHANTOM_PROTOCOLS, Plan
from .report import Chapter
from .tables import Column, table

KEY, TITLE = "sensitivity", "Sensitivity of PDFF to errors of the field and of R2*"
PDFF_PERCENT = (5.0, 20.0, 50.0, 90.0)
R2STAR_PER_S = 40.0
FIELD_ERRORS_HZ = np.linspace(-40, 40, 41)
R2STAR_ERRORS_PER_S = np.linspace(-30, 60, 46)
ERROR_SCALE = ColourScale(-20.0, 20.0, "RdBu_r", "points")


@dataclass(frozen=True)
class Sensitivity:
    """PDFF error at one error of field and R2*, without noise.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    pdff_percent : float
        True PDFF.
    field_error_hz : float
        Error of the field, Hz.
    r2star_error_per_s : float
        Error of R2*, 1/s.
    pdff_error : float
        Error of PDFF, points.
    """

    protocol: str
    pdff_percent: float
    field_error_hz: float
    r2star_error_per_s: float
    pdff_error: float


@dataclass(frozen=True)
class Slopes:
    """PDFF error for small errors of field and R2*.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    pdff_percent : float
        True PDFF.
    at_5_hz : float
        Error of PDFF at +5 or -5 Hz, the larger one, points.
    at_10_per_s : float
        Error of PDFF at +10 1/s, points.
    """

    protocol: str
    pdff_percent: float
    at_5_hz: float
    at_10_per_s: float


def pdff_errors(
    protocol: Protocol,
    pdff_percent: float,
    field_errors_hz: npt.NDArray[np.float64],
    r2star_errors_per_s: npt.NDArray[np.float64],
    r2star_per_s: float = R2STAR_PER_S,
) -> npt.NDArray[np.float64]:
    """Error of PDFF where field and R2* are fixed at wrong values, without noise.

    Parameters
    ----------
    protocol : Protocol
        Acquisition.
    pdff_percent : float
        True PDFF.
    field_errors_hz : numpy.ndarray, shape (f,), Hz
        Errors of the field.
    r2star_errors_per_s : numpy.ndarray, shape (r,), 1/s
        Errors of R2*.
    r2star_per_s : float
        True R2*.

    Returns
    -------
    numpy.ndarray, shape (f, r), points
        Errors of PDFF.
    """
    te = torch.tensor(protocol.te_s, dtype=torch.float64)
    modulation = SIX_PEAK.modulation(te, protocol.field_strength_t)
    field, decay = torch.meshgrid(
        torch.from_numpy(np.asarray(field_errors_hz, float)),
        torch.from_numpy(np.asarray(r2star_errors_per_s, float)),
        indexing="ij",
    )
    fat = torch.full_like(field, pdff_percent / 100).to(torch.complex128)
    true_decay = torch.full_like(field, r2star_per_s)
    echoes = synthesise(1 - fat, fat, torch.zeros_like(field), true_decay, te, modulation)
    fitted = fit(echoes, field, true_decay + decay, EchoBasis.of(te, modulation, torch.float64))
    return (pdff_signed(fitted.water, fitted.fat) - pdff_percent).numpy()


def cases(plan: Plan) -> list[Case]:
    """None: the errors are computed without noise."""
    return []


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Table and pictures of the section."""
    rows, slopes = [], []
    for protocol in PHANTOM_PROTOCOLS.values():
        for pdff in PDFF_PERCENT:
            of_field = pdff_errors(protocol, pdff, FIELD_ERRORS_HZ, np.zeros(1))[:, 0]
            of_decay = pdff_errors(protocol, pdff, np.zeros(1), R2STAR_ERRORS_PER_S)[0]
            for field, error in zip(FIELD_ERRORS_HZ, of_field, strict=True):
                rows.append(Sensitivity(protocol.name, pdff, float(field), 0.0, float(error)))
            for decay, error in zip(R2STAR_ERRORS_PER_S, of_decay, strict=True):
                rows.append(Sensitivity(protocol.name, pdff, 0.0, float(decay), float(error)))
            both = pdff_errors(protocol, pdff, np.array([-5.0, 5.0]), np.zeros(1))[:, 0]
            per_decay = pdff_errors(protocol, pdff, np.zeros(1), np.array([10.0]))[0, 0]
            slopes.append(Slopes(protocol.name, pdff, float(both[np.abs(both).argmax()]), float(per_decay)))
    columns = (
        Column("Protocol", "protocol"),
        Column("PDFF, %", "pdff_percent", ".0f"),
        Column("error at ±5 Hz, points", "at_5_hz", "+.2f"),
        Column("error at +10 1/s, points", "at_10_per_s", "+.2f"),
    )
    return Chapter(
        KEY,
        TITLE,
        (
            f"Echoes without noise, R2* {R2STAR_PER_S:.0f} 1/s; field and R2* are fixed at wrong values and the linear step "
            "solves for water and fat.",
            _lines(rows),
            _surface(),
            table("slopes", "Small errors.", slopes, columns),
            table("errors", "Every point of the curves", rows),
        ),
    )


def _lines(rows: list[Sensitivity]) -> Picture:
    protocols = [protocol.name for protocol in PHANTOM_PROTOCOLS.values()]
    drawing = Drawing(2, len(protocols), 2.9, 2.7, sharey="row")
    for j, protocol in enumerate(protocols):
        for k, pdff in enumerate(PDFF_PERCENT):
            mine = [r for r in rows if (r.protocol, r.pdff_percent) == (protocol, pdff)]
            for i, name in enumerate(("field_error_hz", "r2star_error_per_s")):
                other = "r2star_error_per_s" if i == 0 else "field_error_hz"
                line = sorted((getattr(r, name), r.pdff_error) for r in mine if getattr(r, other) == 0)
                axes = drawing.axes[i, j]
                axes.plot(*zip(*line, strict=True), color=COLOURS[k], linewidth=1.4, label=f"PDFF {pdff:.0f} %")
        style_axes(drawing.axes[0, j], protocol, "error of the field (Hz)", "error of PDFF (points)" if j == 0 else "")
        style_axes(drawing.axes[1, j], "", "error of R2* (1/s)", "error of PDFF (points)" if j == 0 else "")
    legend_below(drawing, drawing.axes[0, 0], len(PDFF_PERCENT))
    return drawing.picture("curves", "Error of PDFF against the error of the field (top) and of R2* (bottom).")


def _surface() -> Picture:
    drawing = Drawing(1, len(PDFF_PERCENT), 3.0, 2.9)
    protocol = PHANTOM_PROTOCOLS["paper"]
    for axes, pdff in zip(drawing.axes[0], PDFF_PERCENT, strict=True):
        errors = pdff_errors(protocol, pdff, FIELD_ERRORS_HZ, R2STAR_ERRORS_PER_S)
        show_map(drawing, axes, errors, f"PDFF {pdff:.0f} %", ERROR_SCALE, "auto")
        axes.set_xticks([0, 15, 30, 45], [f"{R2STAR_ERRORS_PER_S[i]:.0f}" for i in (0, 15, 30, 45)], fontsize=8)
        axes.set_yticks([0, 10, 20, 30, 40], [f"{FIELD_ERRORS_HZ[i]:.0f}" for i in (0, 10, 20, 30, 40)], fontsize=8)
        axes.set_xlabel("error of R2* (1/s)", fontsize=9)
    drawing.axes[0, 0].set_ylabel("error of the field (Hz)", fontsize=9)
    return drawing.picture("surface", f"Errors of field and R2* together, {protocol.name}: error of PDFF.")
