"""Count the work of a run: voxel fits, residual profiles, network calls. Unlike seconds, counts are the same everywhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from unittest.mock import patch

import torch

from AIDEALLib.estimation.voxelwise import gauss_newton
from AIDEALLib.models import Networks
from AIDEALLib.physics import residual_profile, variable_projection


@dataclass
class Work:
    """Work of a run.

    Attributes
    ----------
    fit_calls : int
        Calls of `physics.variable_projection.fit`, and Gauss-Newton steps, each of which is a fit.
    voxel_fits : int
        Voxels of these calls, summed.
    profile_voxels : int
        Voxels whose residual profile was evaluated outside of the networks.
    network_calls : int
        Slices that a network has seen, both networks together.
    network_pixels : int
        Pixels of these slices.
    """

    fit_calls: int = 0
    voxel_fits: int = 0
    profile_voxels: int = 0
    network_calls: int = 0
    network_pixels: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, **counts: int) -> None:
        """Add to the counts; slices are estimated in several threads."""
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)


@contextmanager
def counted() -> Iterator[Work]:
    """Count the work in the body of a `with` statement."""
    work = Work()

    def fits(arguments: tuple[Any, ...]) -> None:
        work.add(fit_calls=1, voxel_fits=arguments[1].numel())

    def steps(arguments: tuple[Any, ...]) -> None:
        count = arguments[5]
        work.add(fit_calls=count, voxel_fits=count * arguments[0].numel())

    def profiles(arguments: tuple[Any, ...]) -> None:
        work.add(profile_voxels=arguments[0][:, 0].numel())

    def network(arguments: tuple[Any, ...]) -> None:
        echoes: torch.Tensor = arguments[1]
        work.add(network_calls=1, network_pixels=echoes[0].numel())

    with ExitStack() as stack:
        stack.enter_context(_everywhere(variable_projection.fit, fits))
        stack.enter_context(_everywhere(gauss_newton._stepped_without_interpreter, steps))
        stack.enter_context(_everywhere(residual_profile.profile_without_interpreter, profiles))
        for name in ("field_distribution", "r2star_distribution"):
            stack.enter_context(patch.object(Networks, name, _counting(getattr(Networks, name), network)))
        yield work


def _counting(function: Callable[..., Any], count: Callable[[tuple[Any, ...]], None]) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        count(arguments)
        return function(*arguments, **named)

    return wrapped


@contextmanager
def _everywhere(function: Callable[..., Any], count: Callable[[tuple[Any, ...]], None]) -> Iterator[None]:
    """Replace a function in every module of the package that has imported it, also in those imported meanwhile."""
    wrapped = _counting(function, count)
    _replace(function, wrapped)
    try:
        yield
    finally:
        _replace(wrapped, function)


def _replace(old: object, new: object) -> None:
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "AIDEALLib"]
    for module in modules:
        for name in [name for name, value in vars(module).items() if value is old]:
            setattr(module, name, new)
