"""The device of an estimate."""

from __future__ import annotations

import torch

from ..advice import advise
from ..errors import DeviceError


def choose_device(device: str) -> torch.device:
    """Translate 'auto', 'cpu' or 'cuda' (or 'cuda:1') into a torch device.

    Raises
    ------
    DeviceError
        CUDA was requested and there is none, or the name is unknown.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    if device.split(":")[0] == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError(
                "CUDA was requested, but torch finds no CUDA device on this computer.",
                advise("Use the CPU ({}), or {}.", ("device", "cpu"), ("device", "auto")),
            )
        index = device.partition(":")[2]
        if device == "cuda" or (index.isdecimal() and int(index) < torch.cuda.device_count()):
            return torch.device(device)
        raise DeviceError(f"Device is '{device}', but torch finds {torch.cuda.device_count()} CUDA device(s), numbered from 0.")
    raise DeviceError(f"Device is '{device}'; auto, cpu or cuda was expected.")
