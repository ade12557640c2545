"""Find, verify and load the bundled networks.

Only `_open` depends on their format, TorchScript.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from dataclasses import field as with_default
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ModelError
from .resources import ResourceMissing, listed, resource

if TYPE_CHECKING:
    import torch

    from .physics.spectrum import FatSpectrum

MANIFEST = "models.json"
FIELD_MODEL, R2STAR_MODEL = "G_phi", "G_R2star"
SETTINGS = "fusion.json"
"""Name, inside the file of G_phi, of its learned weights and calibration."""


def model_directory() -> Path:
    """Folder of the bundled models (`resources.resource`).

    Returns
    -------
    Path
        Folder with the manifest.

    Raises
    ------
    ModelError
        It was not found.
    """
    try:
        return resource("Models", MANIFEST).parent
    except ResourceMissing as error:
        raise ModelError(
            f"The bundled networks were not found; looked for {MANIFEST} in {listed(error.folders)}. "
            "Reinstall the extension, or run from a complete source tree."
        ) from error


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
    """

    field: Any
    r2star: Any
    checksums: dict[str, str]
    settings: dict[str, dict[str, Any]] = with_default(default_factory=dict)

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
        return q[0], mean[0], variance[0]

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
        return q[0], mean[0], variance[0]


def single_precision(device: torch.device) -> AbstractContextManager[None]:
    """Context of convolutions as exact as on the CPU: without cuDNN's default of rounding inputs to 10 bits (TF32)."""
    import torch

    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _spectrum_tensors(spectrum: FatSpectrum, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return torch.tensor(spectrum.ppm, device=device), torch.tensor(spectrum.amplitudes, device=device)


NetworkSource = Callable[[str], Networks]
"""Gives the networks on a device."""


def load_networks(device: str = "cpu", directory: Path | None = None) -> Networks:
    """Verify and load both networks.

    Parameters
    ----------
    device : str
        Torch device.
    directory : Path, optional
        Folder with the manifest; the bundled one when None.

    Returns
    -------
    Networks
        The networks.

    Raises
    ------
    ModelError
        A file is missing, its checksum differs from the manifest, or it cannot be read.
    """
    directory = directory or model_directory()
    manifest_file = directory / MANIFEST
    if not manifest_file.is_file():
        raise ModelError(f"No {MANIFEST} in {directory}; a folder written by 'aideal train export' was expected.")
    try:
        manifest = dict(json.loads(manifest_file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{manifest_file} is damaged ({error}). Reinstall the extension, or restore the file.") from error
    opened, checksums = {}, {}
    for name in (FIELD_MODEL, R2STAR_MODEL):
        entry = manifest.get(name)
        if not isinstance(entry, dict) or not {"file", "sha256"} <= entry.keys():
            raise ModelError(
                f"{manifest_file} has no complete entry for {name}; 'file' and 'sha256' were expected. Reinstall the extension."
            )
        path = directory / entry["file"]
        checksums[name] = verify(path, entry["sha256"])
        opened[name] = _open(path, device)
    (field_network, settings), (r2star_network, _) = opened[FIELD_MODEL], opened[R2STAR_MODEL]
    return Networks(field_network, r2star_network, checksums, settings)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(path: Path, expected: str) -> str:
    """Verify the checksum of a model file.

    Parameters
    ----------
    path : Path
        Model file.
    expected : str
        Hexadecimal SHA-256.

    Returns
    -------
    str
        Checksum of the file.

    Raises
    ------
    ModelError
        The file is missing or differs.
    """
    if not path.is_file():
        raise ModelError(f"Model file {path} is missing. Reinstall the extension, or restore the file.")
    found = sha256(path)
    if found != expected:
        raise ModelError(
            f"Model file {path} has SHA-256 {found[:12]}..., the manifest states {expected[:12]}...: "
            "it is damaged or was exchanged. Reinstall the extension."
        )
    return found


def _open(path: Path, device: str) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Network, and the settings stored with it (empty when there are none)."""
    import torch

    extra = {SETTINGS: ""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*torch.jit.*")
        try:
            network = torch.jit.load(str(path), map_location=device, _extra_files=extra).eval()
            return network, dict(json.loads(extra[SETTINGS] or "{}"))
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"Model file {path} cannot be read by torch {torch.__version__}: {error}") from error
