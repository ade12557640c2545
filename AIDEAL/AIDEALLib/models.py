"""Load the networks; `model_files` finds and verifies their files, `script_check` opens their format, TorchScript."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from dataclasses import field as with_default
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .advice import advise
from .errors import ModelError
from .model_files import BUNDLED, FIELD_MODEL, R2STAR_MODEL, model_directory, read_manifest, verified_bytes
from .script_check import load_script

if TYPE_CHECKING:
    import torch

    from .physics.spectrum import FatSpectrum

ARGUMENTS = {
    FIELD_MODEL: ["Tensor", "Tensor", "float", "Tensor", "Tensor"],
    R2STAR_MODEL: ["Tensor", "Tensor", "Tensor", "float", "Tensor", "Tensor"],
}
"""Types of the arguments of each network."""


@dataclass(frozen=True)
class Networks:
    """The loaded networks.

    Attributes
    ----------
    field : torch.jit.ScriptModule
        G_phi.
    r2star : torch.jit.ScriptModule
        G_R2*.
    checksums : dict of str
        SHA-256 of each file by the name of the network.
    settings : dict of dict
        Settings stored inside G_phi, 'fusion' (weights) and 'swap_calibration'; empty if there are none.
    origin : str
        Name of their folder; '' for the bundled networks.
    """

    field: Any
    r2star: Any
    checksums: dict[str, str]
    settings: dict[str, dict[str, Any]] = with_default(default_factory=dict)
    origin: str = ""

    def field_distribution(
        self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float, spectrum: FatSpectrum
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """G_phi on one slice.

        Parameters
        ----------
        echoes : torch.Tensor, shape (echo, row, column), complex64
            Echoes.
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        field_strength_t : float, tesla
            Field strength.
        spectrum : FatSpectrum
            Fat spectrum.

        Returns
        -------
        q : torch.Tensor, shape (K, row, column)
            Distribution over K bins of one period of off-resonance.
        mean : torch.Tensor, shape (row, column), Hz
            Mean of its main mode.
        variance : torch.Tensor, shape (row, column), Hz^2
            Variance of its main mode.
        """
        ppm, amplitudes = _spectrum_tensors(spectrum, echoes.device)
        with single_precision(echoes.device):
            q, mean, variance = self.field(echoes[None], te_s, field_strength_t, ppm, amplitudes)
        return _of_one_slice(q, mean, variance, echoes)

    def r2star_distribution(
        self, echoes: torch.Tensor, field_hz: torch.Tensor, te_s: torch.Tensor, field_strength_t: float, spectrum: FatSpectrum
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """G_R2* on one slice at a given field.

        Parameters
        ----------
        echoes : torch.Tensor, shape (echo, row, column), complex64
            Echoes.
        field_hz : torch.Tensor, shape (row, column), Hz
            Off-resonance.
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        field_strength_t : float, tesla
            Field strength.
        spectrum : FatSpectrum
            Fat spectrum.

        Returns
        -------
        q : torch.Tensor, shape (R, row, column)
            Distribution over R values of R2*.
        mean : torch.Tensor, shape (row, column), 1/s
            Mean.
        variance : torch.Tensor, shape (row, column), 1/s^2
            Variance.
        """
        ppm, amplitudes = _spectrum_tensors(spectrum, echoes.device)
        with single_precision(echoes.device):
            q, mean, variance = self.r2star(echoes[None], field_hz[None], te_s, field_strength_t, ppm, amplitudes)
        return _of_one_slice(q, mean, variance, echoes)


def single_precision(device: torch.device) -> AbstractContextManager[None]:
    """Context of convolutions as exact as on the CPU: without cuDNN's default of rounding inputs to 10 bits (TF32)."""
    import torch

    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _of_one_slice(
    q: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, echoes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distribution, mean and variance without the batch axis; raises where their shapes are not those of the slice."""
    grid = echoes.shape[1:]
    if q.ndim != 4 or q.shape[2:] != grid or mean.shape[1:] != grid or variance.shape[1:] != grid:
        shapes = ", ".join(str(tuple(x.shape)) for x in (q, mean, variance))
        raise ModelError(f"A network returned the shapes {shapes} for a slice of {tuple(grid)}: it is of another kind.")
    return q[0], mean[0], variance[0]


def _spectrum_tensors(spectrum: FatSpectrum, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return torch.tensor(spectrum.ppm, device=device), torch.tensor(spectrum.amplitudes, device=device)


NetworkSource = Callable[[str], Networks]
"""Gives the networks on a device."""


def load_networks(device: str = "cpu", directory: Path | None = None, trusted: bool = False) -> Networks:
    """Verify and load both networks.

    Parameters
    ----------
    device : str
        Torch device.
    directory : Path, optional
        Folder with the manifest; the bundled one when None.
    trusted : bool
        Load networks other than the bundled ones. They are programs: even then, only operators of the networks of this package
        are accepted.

    Returns
    -------
    Networks
        The networks.

    Raises
    ------
    ModelError
        A file is missing or damaged, is not of this package and not trusted, holds operators that no network needs, or takes
        other arguments.
    """
    own = directory is None
    directory = directory or model_directory()
    opened, checksums = {}, {}
    for name, entry in read_manifest(directory).items():
        path = directory / entry["file"]
        content = verified_bytes(path, BUNDLED[name] if own else entry["sha256"])
        checksums[name] = hashlib.sha256(content).hexdigest()
        bundled = checksums[name] == BUNDLED[name]
        if not bundled and not trusted:
            raise ModelError(
                f"{path.name} in {directory} is not the bundled network: a program of another origin, which was not loaded.",
                advise("If you made it or trust its maker, allow it ({}).", "trust_models"),
            )
        opened[name] = load_script(content, path.name, device, bundled)
        _check_signature(opened[name][0], name, path.name)
    (field_network, settings), (r2star_network, _) = opened[FIELD_MODEL], opened[R2STAR_MODEL]
    origin = "" if checksums == BUNDLED else directory.name
    return Networks(field_network, r2star_network, checksums, settings, origin)


def _check_signature(network: Any, name: str, file: str) -> None:
    """Raise where a network takes or returns other values than this version gives and expects."""
    schema = getattr(getattr(network, "forward", None), "schema", None)
    arguments = [str(argument.type) for argument in schema.arguments[1:]] if schema else []
    returned = [str(value.type) for value in schema.returns] if schema else []
    if arguments != ARGUMENTS[name] or returned != ["Tuple[Tensor, Tensor, Tensor]"]:
        raise ModelError(
            f"Model file {file} takes ({', '.join(arguments)}) and returns {', '.join(returned) or 'nothing'}; {name} takes "
            f"({', '.join(ARGUMENTS[name])}) and returns three tensors. It is of another kind or version."
        )
