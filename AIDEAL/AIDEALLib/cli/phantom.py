"""`aideal phantom`: vials of known fat; bias and stated uncertainty of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Debug, DeviceOption, Method, Models, Out

if TYPE_CHECKING:
    from ..parameter_maps import ParameterMaps
    from ..simulation.protocol import Protocol
    from ..simulation.tissue import TissueMaps


class VialSet(str, Enum):
    """Which vials: seven with one of three sets of R2*, or the eleven of the multi-site phantom."""

    ONE = "1"
    TWO = "2"
    THREE = "3"
    MULTI_SITE = "multi-site"


class PhantomProtocol(str, Enum):
    """How the phantom is scanned."""

    PAPER = "paper"
    THREE_TESLA = "3T"
    THREE_ECHOES = "3-echo"


class Snr(str, Enum):
    """Signal at t = 0 over the noise of one real channel."""

    NONE = "none"
    FIFTY = "50"
    TEN = "10"


class Methods(str, Enum):
    """One method or both."""

    REFINED = "refined"
    ONE_SHOT = "one-shot"
    BOTH = "both"


@dataclass(frozen=True)
class Vial:
    """One vial under one method; PDFF in percent, spreads in points.

    Attributes
    ----------
    bias : mean estimate minus truth.
    sd : over the voxels. stated_sd : mean of what each voxel states.
    cramer_rao_sd : the least an unbiased voxelwise estimate can have. ratio : stated_sd over sd.
    """

    method: str
    vial: str
    voxels: int
    truth: float
    r2star_per_s: float
    bias: float
    sd: float
    stated_sd: float
    cramer_rao_sd: float
    ratio: float
    swap_percent: float


def phantom_command(
    out: Out,
    vial_set: Annotated[VialSet, typer.Option("--set", help="R2* of the seven vials, or the eleven vials.")] = VialSet.ONE,
    protocol: Annotated[
        PhantomProtocol, typer.Option(help="1.5 T 1.3+2.1n ms; 3 T 1.2+1.0n ms; 1.5 T three echoes 1.6+1.55n ms.")
    ] = PhantomProtocol.PAPER,
    snr: Annotated[Snr, typer.Option(help="Signal over the noise of one real channel.")] = Snr.FIFTY,
    method: Annotated[Methods, typer.Option(help="One method or both.")] = Methods.BOTH,
    slices: Annotated[int, typer.Option(min=1, help="Slices, alike but for noise; more of them steady the spreads.")] = 4,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Noise.")] = 0,
    models: Models = None,
    debug: Debug = False,
) -> None:
    """Scan the numerical vial phantom, estimate it, and compare bias and stated SD vial by vial."""
    import numpy as np
    from rich.console import Console

    from ..io.npz import write_npz
    from ..io.save import staged_directory
    from ..io.segmentation import Segmentation, save_segmentation
    from ..simulation.phantom import phantom
    from ..simulation.scan import acquire
    from ..validation.tables import save_rows
    from .estimating import estimate_with_progress
    from .results import number, table_of

    scan = replace(_protocol(protocol), snr=None if snr is Snr.NONE else float(snr.value))
    truth = phantom(vial_set.value, scan.field_strength_t, (slices, 192, 192))
    series = acquire(truth, scan, np.random.default_rng([seed, 11]), coil_phase=False)
    console = Console()
    vials: list[Vial] = []
    with staged_directory(out) as stage:
        write_npz(stage / "phantom.npz", series, {"true_pdff": truth.pdff_percent, "true_r2star": truth.r2star_per_s})
        segmentation = Segmentation(truth.labels.astype(np.int32), truth.label_names)
        save_segmentation(segmentation, series.geometry, stage / "vials.seg.nrrd")
        for chosen in Method:
            if method.value in (chosen.value, Methods.BOTH.value):
                maps = estimate_with_progress(series, chosen.value, device, conjugate="no", bipolar="no", models=models)
                vials += vials_of(maps, truth, scan)
        save_rows(vials, stage / "vials.csv")
    columns = ("Vial", "Truth", "R2* 1/s", "Bias", "SD", "Stated SD", "Cramer-Rao", "Stated / SD", "Swaps %")
    for name in dict.fromkeys(v.method for v in vials):
        lines = [
            (
                v.vial,
                number(v.truth),
                number(v.r2star_per_s),
                number(v.bias, 3, sign=True),
                number(v.sd, 3),
                number(v.stated_sd, 3),
                number(v.cramer_rao_sd, 3),
                number(v.ratio, 2),
                number(v.swap_percent, 2),
            )
            for v in vials
            if v.method == name
        ]
        console.print(table_of(f"{name}: PDFF of the vials in percent; {scan.name}, SNR {snr.value}", columns, lines))
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)


def _protocol(choice: PhantomProtocol) -> Protocol:
    from ..simulation.protocol import PAPER, Protocol, echo_times

    if choice is PhantomProtocol.THREE_TESLA:
        return Protocol("3T 6 echoes 1.2+1.0n", echo_times(1.2, 1.0, 6), 3.0)
    if choice is PhantomProtocol.THREE_ECHOES:
        return Protocol("1.5T 3 echoes 1.6+1.55n", echo_times(1.6, 1.55, 3), 1.5)
    return PAPER


def vials_of(maps: ParameterMaps, truth: TissueMaps, protocol: Protocol) -> list[Vial]:
    """Bias and spreads of every vial of an estimated phantom (scanned with a flat coil: SNR is the protocol's throughout)."""
    import math

    import numpy as np
    import torch

    from ..physics.cramer_rao import cramer_rao
    from ..physics.spectrum import SIX_PEAK
    from ..validation.scores import errors_by_segment

    te = torch.tensor(protocol.te_s, dtype=torch.float64)
    rows = []
    errors = errors_by_segment(maps, truth, SIX_PEAK.mean_shift_hz(protocol.field_strength_t))
    for label, error in zip(sorted(truth.label_names), errors, strict=True):
        r2star = float(np.mean(truth.r2star_per_s[truth.labels == label]))
        bound = math.nan
        if protocol.snr is not None:
            fat, decay, snr = (torch.tensor(x) for x in (error.truth_mean, r2star, protocol.snr))
            bound = float(cramer_rao(fat, decay, snr, te, protocol.field_strength_t).pdff_sd)
        noisy = protocol.snr is not None and error.error_sd > 0
        rows.append(
            Vial(
                method=error.method,
                vial=error.segment,
                voxels=error.voxels,
                truth=error.truth_mean,
                r2star_per_s=r2star,
                bias=error.mean_bias,
                sd=error.error_sd,
                stated_sd=error.stated_sd,
                cramer_rao_sd=bound,
                ratio=error.stated_sd / error.error_sd if noisy else math.nan,
                swap_percent=error.swap_percent,
            )
        )
    return rows
