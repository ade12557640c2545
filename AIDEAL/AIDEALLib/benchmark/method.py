"""What the benchmark asks of a method, and the list of methods. Loading this file loads none of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from ..echoes import EchoSeries
from ..errors import InputError
from ..parameter_maps import ParameterMaps


class Comparator(Protocol):
    """A method as it runs in a process of its own.

    Attributes
    ----------
    settings : how it is run, in words. version : changes when its results may; finished results of another version are not
        used.
    """

    settings: str
    version: str

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """Maps of a scan whose phase is as the model's and mended; maps that the method does not have are NaN.

        Everything in here is timed.
        """
        ...


class NotInstalled(Exception):
    """Raised by the adapter of a method whose package or device is not there; says what is missing."""


METHODS: dict[str, str] = {
    "refined": "own:Refined",
    "refined, CUDA": "own:RefinedOnCuda",
    "one-shot": "own:OneShot",
    "graph-cuts": "own:GraphCuts",
    "voxelwise VARPRO": "voxelwise:Voxelwise",
    "PyCSEMRI graph cut": "pycsemri_graph_cut:GraphCut",
    "PyCSEMRI LUT": "pycsemri_lut:LookUp",
    "PyCSEMRI LUT + fit": "pycsemri_lut:LookUpAndFit",
}
"""Name in the tables -> module and class in this package; the first one is what ratios of time refer to."""


def check_names(names: Sequence[str]) -> None:
    """Raise InputError when one is no method of the benchmark."""
    for name in names:
        if name not in METHODS:
            raise InputError(f"No method of the benchmark is called '{name}'; expected one of {', '.join(METHODS)}.")


def load(name: str) -> Comparator:
    """Import and prepare a method.

    Raises
    ------
    InputError
        Unknown name. NotInstalled : its package is missing.
    """
    check_names([name])
    module, _, kind = METHODS[name].partition(":")
    comparator: Comparator = getattr(import_module(f".{module}", __package__), kind)()
    return comparator
