"""The methods of this package, through the same entry as a user's run, without a search for phase errors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from ..choices import Method
from ..echoes import EchoSeries
from ..estimation.phase_correction.plan import NO_CORRECTIONS
from ..models import load_networks, model_directory
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..pipeline import run
from .method import NotInstalled

ROOMS = ("physics", "estimation", "models.py")


class OwnMethod:
    """A method of `estimate`."""

    method: Method
    settings: str
    device = "cpu"

    def __init__(self) -> None:
        self.networks = load_networks(self.device)
        self.version = code_version()

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`."""
        options = RunOptions(method=self.method, device=self.device)
        return run(series, options, check=False, networks=lambda _: self.networks, corrections=NO_CORRECTIONS).maps


class Refined(OwnMethod):
    """The default."""

    method = Method.REFINED
    settings = "defaults"


class RefinedOnCuda(Refined):
    """The default on a graphics card."""

    device = "cuda"

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise NotInstalled("needs a CUDA device")
        super().__init__()


class OneShot(OwnMethod):
    """The paper's way."""

    method = Method.ONE_SHOT
    settings = "defaults"


class GraphCuts(OwnMethod):
    """Hernando et al. 2010, own code."""

    method = Method.GRAPH_CUTS
    settings = "defaults: 128 bins of the period, all pixels, refined from the bin"


def code_version() -> str:
    """Changes with the code that estimates and with the networks."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256((model_directory() / "models.json").read_bytes())
    for room in ROOMS:
        for path in sorted((package / room).rglob("*.py")) or [package / room]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
