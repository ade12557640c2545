"""The systems that are compared, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...choices import Conjugate, Method
from ...echoes import EchoSeries
from ...errors import AidealError
from ...estimation.phase_correction.corrections import NO_CORRECTIONS
from ...models import Networks
from ...options import RunOptions
from ...parameter_maps import ParameterMaps
from ...pipeline import run
from ...training.comparators.interface import N_ECHOES, ComparatorNetwork
from ...training.comparators.registry import COMPARATORS, trained_comparator
from ...validation.fingerprint import code_fingerprint
from ..method import METHODS, Unavailable, create
from ..own import code_version
from .confidence_colours import colours
from .confidence_maps import goodness_of_fit
from .system import Estimated, System

OURS, ONE_SHOT = "refined", "one-shot"
"""Methods of this project."""
CORRECTED = f"{OURS}, odd/even corrected"
"""As a run does by default; every other system is given the echoes as they are. Lobes and vials have no such phase, and
the PDFF of `OURS`."""
GRAPH_CUTS = "graph-cuts"
TITLES = {
    "unet": "U-Net",
    "mdwf-net": "MDWF-Net",
    "vet-net": "VET-Net",
    "up-net": "UP-Net",
    "aideal-published": "AI-DEAL as published",
}
FIT, COLOURS = "graph-cuts + goodness of fit", "graph-cuts + colouring"
PEERS = {"PyCSEMRI LUT + fit": METHODS["PyCSEMRI LUT + fit"], "mri-fatwater": ".mri_fatwater:MultiScaleGraphCut"}
"""Other packages and their adapters; the graph cut of PyCSEMRI, five times slower, is in the table of `aideal benchmark`."""
TOTAL_SD = "SD of the mixture with a swap"
Maps = Callable[[EchoSeries], ParameterMaps]


def systems(networks: Networks, folder: Path | None, peers: bool) -> list[System]:
    """Every system, those that cannot be run with their reason.

    Parameters
    ----------
    networks : Networks
        Networks of this project.
    folder : Path, optional
        Folder of the comparators' weights; the bundled ones by default.
    peers : bool
        Whether to run other packages.

    Returns
    -------
    list of System
    """
    cuts = _remember_last(_maps_of(networks, Method.GRAPH_CUTS))
    fit = _version("confidence_maps.py")
    colouring = _version("confidence_colours.py")
    return [
        System(OURS, _with_sd(_maps_of(networks, Method.REFINED)), TOTAL_SD, version=_version()),
        System(CORRECTED, _with_sd(_corrected(networks)), TOTAL_SD, version=_version(), own_pdff=False),
        System(ONE_SHOT, _with_sd(_maps_of(networks, Method.ONE_SHOT)), TOTAL_SD, version=_version()),
        System(GRAPH_CUTS, _with_sd(cuts), TOTAL_SD, version=_version()),
        System(FIT, lambda series: goodness_of_fit(cuts(series)), "misfit of the echoes", version=fit, own_pdff=False),
        System(COLOURS, lambda series: colours(cuts(series), series), "colours", version=colouring, own_pdff=False),
        *(_network(name, folder) for name in COMPARATORS),
        *(_peer(name) for name in (PEERS if peers else ())),
    ]


def _version(*more: str) -> str:
    """Version of what uses the estimate of this project; `more` are modules beside this one."""
    return code_version(*(f"benchmark/comparators/{name}" for name in ("systems.py", *more)))


def refined_with_shift(networks: Networks, ppm: float) -> System:
    """`refined` with the fat of another temperature, which only a method with a signal model can be given."""
    return System(
        f"{OURS}, fat shifted by {ppm:+g} ppm", _with_sd(_maps_of(networks, Method.REFINED, ppm)), TOTAL_SD, version=_version()
    )


def _maps_of(networks: Networks, method: Method, ppm: float | None = None) -> Maps:
    options = RunOptions(method=method, device="cpu", ppm_offset=ppm)
    return lambda series: run(series, options, check=False, networks=lambda _: networks, corrections=NO_CORRECTIONS).maps


def _corrected(networks: Networks) -> Maps:
    options = RunOptions(method=Method.REFINED, device="cpu", conjugate=Conjugate.AS_STORED)
    return lambda series: run(series, options, check=False, networks=lambda _: networks).maps


def _remember_last(maps: Maps) -> Maps:
    """The same maps for three systems; one scan is kept."""
    last: dict[int, tuple[EchoSeries, ParameterMaps]] = {}

    def remembered(series: EchoSeries) -> ParameterMaps:
        if id(series) not in last:
            last.clear()
            last[id(series)] = series, maps(series)
        return last[id(series)][1]

    return remembered


def _with_sd(maps: Maps) -> Callable[[EchoSeries], Estimated]:
    def estimate(series: EchoSeries) -> Estimated:
        found = maps(series)
        return Estimated(found.pdff, found.pdff_total_sd, found.pdff_total_sd)

    return estimate


def _network(name: str, folder: Path | None) -> System:
    title = TITLES[name]
    try:
        network = trained_comparator(name, folder)
    except AidealError:
        reason = "no bundled weights" if folder is None else f"no {name}.pt in {folder}"
        return System(title, reason=f"{reason}; `aideal train comparator {name}` makes them")
    states = "SD" if name in ("up-net", "aideal-published") else ""
    version = code_fingerprint("training/comparators", "physics") + network.digest()
    return System(title, lambda series: by_network(network, series), states, echoes=N_ECHOES, version=version)


def by_network(network: ComparatorNetwork, series: EchoSeries) -> Estimated:
    """PDFF and stated SD of a comparator, slice by slice.

    Parameters
    ----------
    network : ComparatorNetwork
        The network.
    series : EchoSeries
        Scan with six echoes.

    Returns
    -------
    Estimated
    """
    rows, columns = series.shape[1:]
    te = torch.from_numpy(series.te_s)
    pdff, sd = [], []
    with torch.inference_mode():
        for index in range(series.shape[0]):
            parts = torch.view_as_real(torch.from_numpy(series.echoes[:, index])[None]).movedim(-1, 0)
            padded = torch.nn.functional.pad(parts, [0, -columns % 8, 0, -rows % 8])
            found = network.estimate(torch.complex(padded[0], padded[1]), te, series.field_strength_t)
            pdff.append(100 * found.pdff[0, :rows, :columns].numpy())
            if found.pdff_sd is not None:
                sd.append(100 * found.pdff_sd[0, :rows, :columns].numpy())
    spread = np.stack(sd) if sd else None
    return Estimated(np.stack(pdff), spread, spread)


def _peer(name: str) -> System:
    try:
        peer = create(PEERS[name])
    except Unavailable as missing:
        return System(name, reason=str(missing))
    return System(name, lambda series: Estimated(peer.estimate(series).pdff), version=peer.version)
