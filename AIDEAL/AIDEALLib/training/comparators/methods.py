"""The methods that are compared: trained comparators and the estimate of this project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...models import Networks
from ..run_stage import FIELD, trained
from .compare import Pdff, by_comparator, by_estimate
from .supervised import COMPARATORS, trained_comparator


def trained_methods(directory: Path, networks: Networks) -> dict[str, Pdff]:
    """Methods by name, for `compare`.

    Parameters
    ----------
    directory : Path
        Folder of the trained comparators; a G_phi trained there is added as 'refined, same budget'.
    networks : Networks
        Networks of the estimate.

    Returns
    -------
    dict[str, Pdff]

    Raises
    ------
    InputError
        A comparator has no checkpoint.
    """
    methods = {name: by_comparator(trained_comparator(name, directory)) for name in COMPARATORS}
    if (directory / FIELD / "checkpoint.pt").is_file():
        methods["refined, same budget"] = by_estimate(replace(networks, field=trained(FIELD, directory)), "refined")
    return methods | {method: by_estimate(networks, method) for method in ("refined", "one-shot")}
