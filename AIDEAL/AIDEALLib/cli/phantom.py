"""Command `aideal phantom`: bias and stated SD of vials of known fat fraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import RunOptions
from .options import Debug, Out, takes_run_options

if TYPE_CHECKING:
    from rich.console import Console

    from ..validation.phantoms import Vial


class VialSet(str, Enum):
    """Vials of the phantom: seven with one of three sets of R2*, or the eleven of the multi-site phantom."""

    ONE = "1"
    TWO = "2"
    THREE = "3"
    MULTI_SITE = "multi-site"


class PhantomProtocol(str, Enum):
    """Acquisition of the phantom."""

    PAPER = "paper"
    THREE_TESLA = "3T"
    THREE_ECHOES = "3-echo"
    TWELVE_ECHOES = "12-echo"


class Snr(str, Enum):
    """Signal-to-noise ratio: signal at t = 0 over the noise of one real channel."""

    NONE = "none"
    FIFTY = "50"
    TEN = "10"


class MethodChoice(str, Enum):
    """One method or both."""

    REFINED = "refined"
    ONE_SHOT = "one-shot"
    BOTH = "both"


@takes_run_options("device", "models", "trust_models")
def phantom_command(
    out: Out,
    options: RunOptions,
    vial_set: Annotated[VialSet, typer.Option("--set", help="R2* of the seven vials, or the eleven vials.")] = VialSet.ONE,
    protocol: Annotated[
        PhantomProtocol, typer.Option(help="1.5 T 1.3+2.1n ms; 3 T 1.2+1.0n ms; 1.5 T three echoes 1.6+1.55n, twelve 1.2+1.6n.")
    ] = PhantomProtocol.PAPER,
    snr: Annotated[Snr, typer.Option(help="Signal over the noise of one real channel.")] = Snr.FIFTY,
    method: Annotated[MethodChoice, typer.Option(help="One method or both.")] = MethodChoice.BOTH,
    slices: Annotated[int, typer.Option(min=1, help="Slices, which differ in noise only.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
    debug: Debug = False,
) -> None:
    """Scan the numerical vial phantom, estimate it, and compare bias and stated SD of each vial."""
    import numpy as np
    from rich.console import Console

    from ..io.npz import write_npz
    from ..io.output.staging import staged_directory
    from ..io.segmentation import Segmentation, save_segmentation
    from ..validation.cases import compare_with_truth
    from ..validation.phantoms import vials_of
    from ..validation.plan import METHODS, PHANTOM_PROTOCOLS, phantom_case
    from ..validation.tables import save_rows
    from .running import run_with_progress

    level = None if snr is Snr.NONE else float(snr.value)
    case = phantom_case(vial_set.value, PHANTOM_PROTOCOLS[protocol.value], level, slices, seed)
    scan = case.scan()
    series, truth = scan.series, scan.truth
    console = Console()
    vials: list[Vial] = []
    with staged_directory(out) as stage:
        write_npz(stage / "phantom.npz", series, {"true_pdff": truth.pdff_percent, "true_r2star": truth.r2star_per_s})
        segmentation = Segmentation(truth.labels.astype(np.int32), truth.label_names)
        save_segmentation(segmentation, series.geometry, stage / "vials.seg.nrrd")
        for chosen in METHODS if method is MethodChoice.BOTH else (method.value,):
            each = replace(case, method=chosen).options(options.device)
            own = replace(each, models=options.models, trust_models=options.trust_models)
            maps = run_with_progress(series, own, check=False).maps
            vials += vials_of(compare_with_truth(maps, scan, case.protocol))
        save_rows(vials, stage / "vials.csv")
    for name in dict.fromkeys(v.method for v in vials):
        title = f"{name}: PDFF of the vials, percent; {case.protocol.name}, SNR {snr.value}"
        _print_vials(console, title, [v for v in vials if v.method == name])
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)


def _print_vials(console: Console, title: str, vials: Sequence[Vial]) -> None:
    from ..report.page import number
    from .results import table_of

    columns = ("Vial", "Truth", "R2*, 1/s", "Bias", "SD", "Stated SD", "Cramer-Rao", "Stated / SD", "Swaps, %")
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
    ]
    console.print(table_of(title, columns, lines))
