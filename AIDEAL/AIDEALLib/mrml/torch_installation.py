"""PyTorch for the worker: offered when Apply finds it missing, never before."""

from __future__ import annotations

import importlib.metadata
import logging
import os

from ..errors import AidealError
from ..worker.process import PYTHON_VARIABLE, has_torch
from .text import tr


class TorchInstallationFailed(AidealError):
    """PyTorch could not be installed."""


def torch_installed() -> bool:
    """Whether the worker's interpreter has PyTorch, without importing it."""
    if python := os.environ.get(PYTHON_VARIABLE):
        return has_torch(python)
    try:
        importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def install_torch(cpu_only: bool = False) -> None:
    """Install PyTorch through the PyTorch extension.

    Raises
    ------
    TorchInstallationFailed
        The extension is missing or the installation failed.
    """
    try:
        import PyTorchUtils
    except ImportError as error:
        raise TorchInstallationFailed(
            tr(
                "The PyTorch extension is not installed. Install it with the Extensions Manager, restart Slicer, and press "
                "Apply again."
            )
        ) from error
    try:
        logic = PyTorchUtils.PyTorchUtilsLogic()
        options = {"forceComputationBackend": "cpu"} if cpu_only else {}
        installed = logic.installTorch(askConfirmation=False, **options)
    except Exception as error:
        logging.exception("AIDEAL: PyTorch could not be installed")
        raise TorchInstallationFailed(tr("PyTorch could not be installed: {error}").format(error=error)) from error
    if installed is None and not torch_installed():
        raise TorchInstallationFailed(tr("PyTorch could not be installed. The log states why; check the network connection."))
