"""Methods of this package, run through the pipeline without a search for phase errors."""

from __future__ import annotations

import hashlib

import torch

from ..choices import Method
from ..echoes import EchoSeries
from ..estimation.phase_correction.corrections import NO_CORRECTIONS
from ..model_files import MANIFEST, model_directory
from ..models import load_networks
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..pipeline import run
from ..validation.fingerprint import code_fingerprint
from .method import Unavailable


class OwnMethod:
    """A method of the pipeline; see `method.Comparator`."""

    method: Method
    settings: str
    device = "cpu"

    def __init__(self) -> None:
        self.networks = load_networks(self.device)
        self.version = code_version("benchmark/own.py")

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`."""
        options = RunOptions(method=self.method, device=self.device)
        return run(series, options, check=False, networks=lambda _: self.networks, corrections=NO_CORRECTIONS).maps


class Refined(OwnMethod):
    """The default method."""

    method = Method.REFINED
    settings = "defaults"


class RefinedOnCuda(Refined):
    """The default method on a graphics card."""

    device = "cuda"

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise Unavailable("no CUDA device")
        super().__init__()


class OneShot(OwnMethod):
    """Networks without refinement."""

    method = Method.ONE_SHOT
    settings = "defaults"


class GraphCuts(OwnMethod):
    """Graph cuts in this package.

    References
    ----------
    Hernando et al., Magn Reson Med 2010.
    """

    method = Method.GRAPH_CUTS
    settings = "defaults: 128 bins of the period, all pixels, refined from the bin"


def code_version(*more: str) -> str:
    """Version that changes with the estimate, the networks and further modules of the package."""
    digest = hashlib.sha256((model_directory() / MANIFEST).read_bytes())
    digest.update(code_fingerprint(*more).encode())
    return digest.hexdigest()[:16]
