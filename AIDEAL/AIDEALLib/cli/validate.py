"""`aideal validate`: every method on simulated abdomens no network has seen, against the truth."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Debug, DeviceOption, Method, Models, Out

LIVER = ("Right lobe", "Left lobe", "Liver dome")


def validate(
    out: Out,
    method: Annotated[
        list[Method] | None, typer.Option(help="Repeat for several; all when left out.", show_default=False)
    ] = None,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option(min=0, help="First patient.")] = 100,
    slices: Annotated[int, typer.Option(min=1, help="Slices of each patient.")] = 6,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 160,
    models: Models = None,
    debug: Debug = False,
) -> None:
    """Swaps, bias and stated against true error under eight protocols; writes `held_out.csv`."""
    import itertools

    import numpy as np
    from rich.console import Console

    from ..estimation.estimate import choose_device, estimate
    from ..io.save import staged_directory
    from ..models import load_networks
    from ..physics.spectrum import SIX_PEAK
    from ..simulation.held_out import held_out_cases
    from ..validation.scores import ProtocolError, error_in
    from ..validation.tables import save_rows
    from .results import number, table_of

    console = Console()
    target = choose_device(device)
    networks = load_networks(str(target), models)
    rows: list[ProtocolError] = []
    with staged_directory(out) as stage:
        for case in held_out_cases(seed, (slices, matrix, matrix)):
            shift = SIX_PEAK.mean_shift_hz(case.series.field_strength_t)
            labels = {name: label for label, name in case.truth.label_names.items()}
            liver = np.isin(case.truth.labels, [labels[name] for name in LIVER if name in labels])
            regions = {"body": case.truth.body, "liver": liver}
            regions |= {name: case.truth.labels == labels[name] for name in LIVER[:2] if name in labels}
            for chosen in method or list(Method):
                with Console(stderr=True).status(f"{case.protocol.name}, {chosen.value}"):
                    maps = estimate(case.series, chosen.value, str(target), networks=networks)
                for name, region in regions.items():
                    error = error_in(maps, case.truth, region, name, shift)
                    rows.append(ProtocolError(**vars(error), protocol=case.protocol.name))
        save_rows(rows, stage / "held_out.csv")
    columns = ("Method, region", "Swaps %", "Bias of median", "SD of error", "Stated SD", "In 68 %", "In 95 %")
    for protocol, group in itertools.groupby(rows, lambda row: row.protocol):
        lines = [
            (
                f"{row.method}, {row.segment}",
                number(row.swap_percent, 3),
                number(row.median_bias, 2, sign=True),
                number(row.error_sd, 2),
                number(row.stated_sd, 2),
                number(row.coverage_68_percent),
                number(row.coverage_95_percent),
            )
            for row in group
        ]
        console.print(table_of(f"{protocol}: PDFF against the truth, in percent", columns, lines))
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)
    console.print("Research use only, not for diagnosis.", style="bold", highlight=False)
