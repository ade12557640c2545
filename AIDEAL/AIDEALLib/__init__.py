"""Liver fat (PDFF) with its uncertainty from multi-echo MRI. Research use only, not for diagnosis.

Public names are imported on first use, so that importing the package, as Slicer does at start-up, loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from .echoes import EchoSeries
    from .estimation.estimate import estimate
    from .io.load import load_series
    from .options import RunOptions
    from .parameter_maps import ParameterMaps
    from .pipeline import run

__all__ = ["EchoSeries", "ParameterMaps", "RunOptions", "estimate", "load_series", "run"]

_PLACES = {
    "EchoSeries": "echoes",
    "ParameterMaps": "parameter_maps",
    "RunOptions": "options",
    "estimate": "estimation.estimate",
    "load_series": "io.load",
    "run": "pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'AIDEALLib' has no attribute '{name}'")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
