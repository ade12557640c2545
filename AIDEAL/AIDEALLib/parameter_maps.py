"""The output of every estimate: maps on the pixels of the scan they came from, with units and provenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from .echoes import Geometry

FloatMap = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MapInfo:
    """What a map shows.

    Attributes
    ----------
    title : str
        Name for people.
    unit : str
        UCUM unit.
    window : tuple of 2 float, or None
        Fixed display window; None scales to the data.
    """

    title: str
    unit: str
    window: tuple[float, float] | None


MAP_INFO: dict[str, MapInfo] = {
    "water": MapInfo("Water", "a.u.", None),
    "fat": MapInfo("Fat", "a.u.", None),
    "pdff": MapInfo("PDFF", "%", (0.0, 40.0)),
    "pdff_sd": MapInfo("PDFF SD (within the mode)", "%", (0.0, 10.0)),
    "pdff_total_sd": MapInfo("PDFF SD (mixture with swap)", "%", (0.0, 10.0)),
    "swap_probability": MapInfo("Swap probability", "1", (0.0, 1.0)),
    "r2star": MapInfo("R2*", "1/s", (0.0, 200.0)),
    "r2star_sd": MapInfo("R2* SD", "1/s", (0.0, 50.0)),
    "field": MapInfo("Field map (off-resonance)", "Hz", None),
    "field_sd": MapInfo("Field map SD", "Hz", (0.0, 20.0)),
    "residual": MapInfo("Fit residual (share of signal)", "%", (0.0, 20.0)),
}


EXCITATION = "excitation"
"""Key of what T1 weighting depends on in the options of the provenance."""
EXCITATION_FIELDS = ("flip_angle_deg", "repetition_time_s", "contrast_agent")


@dataclass(frozen=True)
class Provenance:
    """How the maps came about: enough to make them again.

    Attributes
    ----------
    version : str
        Version of this package.
    method : str
        Method of estimation.
    device : str
        Where it was computed.
    torch_version : str
        Version of torch.
    te_s : tuple of float, seconds
        Echo times.
    field_strength_t : float, tesla
        Main field.
    spectrum : dict
        Fat spectrum: name, shifts (ppm), amplitudes, reference.
    models : dict of str to str
        SHA-256 of each network file.
    phase_sign : str
        Rotation sense in use, with the evidence for it.
    readout : str
        Read-out that the source, or the user, states.
    noise_sd : tuple of float
        Noise per real channel of each slice, in the unit of the echoes.
    source : str
        Where the scan came from (no patient's name).
    scan : str
        First digits of the SHA-256 of the echoes, by which results of one scan are matched.
    options : dict
        `run`: the options of the run; `phase_corrections`: what was found and corrected; settings of the method.
    notes : tuple of str
        Every fallback and every decision taken on the user's behalf.
    seconds : dict of str to float, seconds
        Wall time of each step.
    cpu_seconds : dict of str to float, seconds
        CPU time of each step, over all threads.
    noise_correlation : tuple of tuples of tuples of float
        Correlation of the noise of neighbouring voxels (`statistics.NoiseCorrelation`); () where it cannot be determined.
    model_spread : dict
        What the signal model leaves open (`statistics.ModelSpread`).
    usability : dict
        Which regions have no number (`statistics.Usability`); {} where the run was not checked.
    research_use : str
        What the numbers are not for.
    """

    version: str
    method: str
    device: str
    torch_version: str
    te_s: tuple[float, ...]
    field_strength_t: float
    spectrum: dict[str, Any]
    models: dict[str, str]
    phase_sign: str
    readout: str
    noise_sd: tuple[float, ...]
    source: str = ""
    scan: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    noise_correlation: tuple[tuple[tuple[float, ...], ...], ...] = ()
    model_spread: dict[str, Any] = field(default_factory=dict)
    usability: dict[str, Any] = field(default_factory=dict)
    research_use: str = "Research use only, not for diagnosis."

    def as_dict(self) -> dict[str, Any]:
        """Plain types only, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class ParameterMaps:
    """Maps of one scan; every array has shape (slice, row, column) and is 0 outside `mask`.

    Water and fat are the components along the common phase of water + fat, so pdff = 100 fat / (water + fat) holds voxel by
    voxel, signed (values slightly below 0 or above 100 are noise; clip for display only).

    Attributes
    ----------
    water, fat : array, float32
        Amplitudes at t = 0, in the unit of the echoes.
    pdff : array, float32, percent
        Proton density fat fraction.
    pdff_sd : array, float32, percentage points
        Standard deviation of PDFF given the right water-fat mode.
    pdff_total_sd : array, float32, percentage points
        Standard deviation of the mixture of both modes.
    swap_probability : array, float32
        Probability that the reported water-fat mode is wrong.
    r2star, r2star_sd : array, float32, 1/s
        R2* and its standard deviation.
    field, field_sd : array, float32, Hz
        Off-resonance and its standard deviation.
    residual : array, float32, percent
        Root mean square misfit in percent of the root mean square signal.
    mask : array, bool
        Voxels that were estimated.
    geometry : Geometry
        That of the scan.
    provenance : Provenance
        How the maps came about.
    """

    water: FloatMap
    fat: FloatMap
    pdff: FloatMap
    pdff_sd: FloatMap
    pdff_total_sd: FloatMap
    swap_probability: FloatMap
    r2star: FloatMap
    r2star_sd: FloatMap
    field: FloatMap
    field_sd: FloatMap
    residual: FloatMap
    mask: npt.NDArray[np.bool_]
    geometry: Geometry
    provenance: Provenance

    def __post_init__(self) -> None:
        for name, array in self.items():
            if array.shape != self.mask.shape:
                raise ValueError(f"map {name} has shape {array.shape}, the mask {self.mask.shape}")

    def items(self) -> Iterator[tuple[str, FloatMap]]:
        """Name and array of each map, in the order of `MAP_INFO` (without the mask)."""
        for entry in fields(self):
            if entry.name in MAP_INFO:
                yield entry.name, getattr(self, entry.name)
