"""The methods of estimation by name. A new method is one file with the signature of `SliceMethod`, and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...choices import Method
from ..fusion.learned_settings import LearnedSettings
from ..graph_cuts.graph_cuts import GraphCutOptions, graph_cuts
from ..voxelwise.mode import Solution
from ..voxelwise.slice_input import SliceEchoes
from .context import MethodContext
from .magnitude import magnitude_fit
from .one_shot import one_shot
from .refined import refined

SliceMethod = Callable[[SliceEchoes, MethodContext], Solution]
"""Estimates the foreground of one slice."""
GRAPH_CUTS = GraphCutOptions()
SPATIAL_DIFFERENCES = "spatial differences"


@dataclass(frozen=True)
class RegisteredMethod:
    """A method and what it needs.

    Attributes
    ----------
    estimate : SliceMethod
        Estimates one slice.
    phase, networks : bool
        Whether it needs the phase of the echoes, and the networks.
    mixed_fit : bool
        Whether it can leave out the phase of the first echo.
    noise_of_three_echoes : str
        How it estimates the noise of three echoes, which leave no residual; in words.
    fusion : bool
        Whether it uses the learned weights of the fusion and the calibration of P(swap), and slices that disagree are estimated
        again (`estimation.adjoining_slices`).
    dephasing : bool
        Whether voxels with a field gradient across the slice are refitted (`estimation.dephasing`).
    ringing : bool
        Whether the SD of PDFF includes ringing (`voxelwise.ringing`).
    settings : mapping
        Settings of its own that belong into the provenance.
    """

    estimate: SliceMethod
    phase: bool = True
    networks: bool = False
    mixed_fit: bool = False
    noise_of_three_echoes: str = SPATIAL_DIFFERENCES
    fusion: bool = False
    dephasing: bool = False
    ringing: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def settings_in_use(self, learned: LearnedSettings) -> dict[str, Any]:
        """Return everything but the options of the run that shaped its result."""
        return {**(learned.as_settings() if self.fusion else {}), **self.settings}


def _graph_cuts(given: SliceEchoes, context: MethodContext) -> Solution:
    return graph_cuts(given, context.watch, GRAPH_CUTS)


METHODS: dict[Method, RegisteredMethod] = {
    Method.REFINED: RegisteredMethod(
        refined,
        networks=True,
        mixed_fit=True,
        noise_of_three_echoes="how much R2* differs between neighbours",
        fusion=True,
        dephasing=True,
        ringing=True,
    ),
    Method.ONE_SHOT: RegisteredMethod(one_shot, networks=True),
    Method.GRAPH_CUTS: RegisteredMethod(_graph_cuts, settings={"graph_cuts": asdict(GRAPH_CUTS)}),
    Method.MAGNITUDE: RegisteredMethod(magnitude_fit, phase=False),
}
