"""How regions are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .joint_fit import JointFit
from .low_confidence import LowConfidence
from .map_arrays import BoolArray
from .run_errors import RunErrors
from .steatosis import TANG_2015, SteatosisCutoffs

RegionFit = Callable[[BoolArray], JointFit | None]
"""Joint estimate of the voxels of a region; None where it failed to converge."""


@dataclass(frozen=True)
class Measuring:
    """What the statistics of the regions of a run have in common.

    Attributes
    ----------
    voxel_volume_ml : float
        Volume of a voxel (`Geometry.voxel_volume_ml`).
    low_confidence : LowConfidence
        Limits of low confidence.
    exclude_low_confidence : bool
        Leave voxels of low confidence out of the values.
    cutoffs : SteatosisCutoffs or None
        Cut-offs of the steatosis grades, which regions of the liver get; None for no grades.
    errors : RunErrors
        What the provenance of the maps states about shared errors (`RunErrors.of`); without it there are no intervals.
    joint : callable or None
        Joint estimate of a region (`estimation.joint_estimate`); needs the echoes.
    """

    voxel_volume_ml: float
    low_confidence: LowConfidence = field(default_factory=LowConfidence)
    exclude_low_confidence: bool = False
    cutoffs: SteatosisCutoffs | None = TANG_2015
    errors: RunErrors = field(default_factory=RunErrors)
    joint: RegionFit | None = None
