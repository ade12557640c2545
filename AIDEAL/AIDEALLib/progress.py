"""What a run reports while it is under way, and how it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .echoes import EchoSeries


class Step(Enum):
    """Steps of a run besides the slices, which are counted."""

    TORCH = "torch"
    READ = "read"
    CHECK = "check"
    NETWORKS = "networks"
    PREPARE = "prepare"
    ASSESS = "assess"


def _ignore(*_: object) -> None: ...


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Monitor:
    """Callbacks of a run.

    Attributes
    ----------
    step : callable
        Called with each `Step` as it begins.
    slices : callable
        Called with (slices estimated, slices in total), first with 0.
    ready : callable
        Called before the estimate with the scan and the precision to expect, in a sentence ('' where unknown); what it raises
        ends the run.
    cancelled : callable
        Asked between slices; when it returns True, the run raises `Cancelled`.
    """

    step: Callable[[Step], None] = _ignore
    slices: Callable[[int, int], None] = _ignore
    ready: Callable[[EchoSeries, str], None] = _ignore
    cancelled: Callable[[], bool] = _never
