"""Interface of a method in the benchmark, and the list of methods. Loading this module loads none of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from ..echoes import EchoSeries
from ..errors import InputError
from ..parameter_maps import ParameterMaps


class Comparator(Protocol):
    """A method of the benchmark.

    Attributes
    ----------
    settings : str
        Settings of the method, for the report.
    version : str
        Changes when the results of the method may change; stored results of another version are not used.
    """

    settings: str
    version: str

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """Estimate a scan; the call is timed.

        Parameters
        ----------
        series : EchoSeries
            Scan with the rotation sense of the model, phase errors corrected.

        Returns
        -------
        ParameterMaps
            Maps; those that the method does not provide are NaN.
        """
        ...


class Unavailable(Exception):
    """The package or device that a method needs is missing; the message names it."""


METHODS: dict[str, str] = {
    "refined": ".own:Refined",
    "refined, CUDA": ".own:RefinedOnCuda",
    "one-shot": ".own:OneShot",
    "graph-cuts": ".own:GraphCuts",
    "voxelwise VARPRO": ".voxelwise:Voxelwise",
    "PyCSEMRI graph cut": ".pycsemri_graph_cut:GraphCut",
    "PyCSEMRI LUT": ".pycsemri_lut:LookUp",
    "PyCSEMRI LUT + fit": ".pycsemri_lut:LookUpAndFit",
}
"""Name in the tables, and module and class (a leading dot: in this package)."""


def check_names(names: Sequence[str]) -> None:
    """Check names of methods.

    Parameters
    ----------
    names : sequence of str
        Keys of `METHODS`.

    Raises
    ------
    InputError
        A name is unknown.
    """
    for name in names:
        if name not in METHODS:
            raise InputError(f"No method of the benchmark is called '{name}'; expected one of {', '.join(METHODS)}.")


def load(name: str) -> Comparator:
    """Import and prepare a method.

    Parameters
    ----------
    name : str
        Key of `METHODS`.

    Returns
    -------
    Comparator
        The method.

    Raises
    ------
    InputError
        The name is unknown.
    Unavailable
        A package or device is missing.
    """
    check_names([name])
    return create(METHODS[name])


def create(location: str) -> Comparator:
    """Import and prepare a method.

    Parameters
    ----------
    location : str
        Value of `METHODS`.

    Returns
    -------
    Comparator
        The method.

    Raises
    ------
    Unavailable
        A package or device is missing.
    """
    module, _, kind = location.partition(":")
    comparator: Comparator = getattr(import_module(module, __package__), kind)()
    return comparator
