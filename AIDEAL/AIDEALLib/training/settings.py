"""Store the learned weights and the calibration inside G_phi's file, and describe them in its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..io.output.staging import staged_directory
from ..model_files import FIELD_MODEL, MANIFEST, R2STAR_MODEL, SETTINGS, sha256
from ..models import load_networks
from ..physics.torch_script import end_not_announced
from .model_cards import UNCALIBRATED

CALIBRATED = """Calibrated: the weights of the fusion and the calibration of the swap probability (logistic regression on the
voxel, its neighbourhood, the misfit there, jumps of the field and the signal, then a monotone map) are stored in this file
(`{name}`) by `aideal train fusion`: {origin}. They are valid for scans like
the simulated ones; the simulations lack flow, metal and vendors' filters."""


def store_settings(source: Path, target: Path, settings: Mapping[str, Mapping[str, Any]], origin: str) -> None:
    """Copy the networks of `source` to `target` with `settings` inside G_phi; the folders may be the same.

    Parameters
    ----------
    source : Path
        Folder of the networks.
    target : Path
        Folder that receives them.
    settings : Mapping
        As from `LearnedSettings.as_settings`.
    origin : str
        What they were learned and calibrated on, for the card.

    Raises
    ------
    ModelError
        The source lacks a file, or one is damaged.
    """
    networks = load_networks("cpu", source, trusted=True)
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    with staged_directory(target, listed=False) as stage:
        for name in (FIELD_MODEL, R2STAR_MODEL):
            for kind in ("file", "card"):
                shutil.copy2(source / manifest[name][kind], stage / manifest[name][kind])
        path = stage / manifest[FIELD_MODEL]["file"]
        with end_not_announced():
            torch.jit.save(networks.field, str(path), _extra_files={SETTINGS: json.dumps(settings)})
        card = stage / manifest[FIELD_MODEL]["card"]
        before, after = networks.checksums[FIELD_MODEL], sha256(path)
        text = card.read_text(encoding="utf-8").replace(before, after)
        card.write_text(_with_calibration(text, CALIBRATED.format(name=SETTINGS, origin=origin)), encoding="utf-8")
        manifest[FIELD_MODEL]["sha256"] = after
        (stage / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _with_calibration(card: str, paragraph: str) -> str:
    """The card with its last paragraph, on calibration, replaced."""
    head, _, last = card.rstrip().rpartition("\n\n")
    if not last.startswith(tuple(text.split(":")[0] for text in (UNCALIBRATED, CALIBRATED))):
        head = card.rstrip()
    return f"{head}\n\n{paragraph}\n"
