"""What a client reports of a run."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import AidealError
from ..parameter_maps import ParameterMaps
from ..quality.findings import QualityReport
from .messages import Failed, Progress, Stage, Stopped


class WorkerBusy(AidealError):
    """A run was requested while another one is under way."""


@dataclass(frozen=True, eq=False)
class Result:
    """Result of a run.

    Attributes
    ----------
    run : int
        Number of the run.
    maps : ParameterMaps
        The maps.
    seconds : float, s
        Time the run took in the child.
    torch_import_s : float or None, s
        Time of the import of torch; None where it was imported before.
    quality : QualityReport or None
        Findings on scan and maps; None where no check was requested.
    """

    run: int
    maps: ParameterMaps
    seconds: float
    torch_import_s: float | None
    quality: QualityReport | None = None


Event = Stage | Progress | Result | Failed | Stopped
