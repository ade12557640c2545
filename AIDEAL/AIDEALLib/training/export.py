"""Export of trained networks to self-contained TorchScript files with checksum and model card."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from ..model_files import FIELD_MODEL, MANIFEST, R2STAR_MODEL, sha256
from ..physics.torch_script import end_not_announced

LARGEST_BYTES = 5_000_000


def export_networks(field: nn.Module, r2star: nn.Module, directory: Path, cards: dict[str, str]) -> None:
    """Write both networks, their cards and the manifest; each file replaces its predecessor only when complete.

    Parameters
    ----------
    field : nn.Module
        G_phi.
    r2star : nn.Module
        G_R2*.
    directory : Path
        Folder that receives the files.
    cards : dict[str, str]
        Markdown text of the card by model name, with `{sha256}` to be filled in.

    Raises
    ------
    ValueError
        A file is larger than `LARGEST_BYTES`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, dict[str, str]] = {}
    for name, network in ((FIELD_MODEL, field), (R2STAR_MODEL, r2star)):
        path = directory / f"{name}.pt"
        _save_script(network, path)
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(
                f"{path} has {path.stat().st_size} bytes; at most {LARGEST_BYTES} are allowed. Make the network smaller."
            )
        card = directory / f"{name}.md"
        _replace_text(card, cards[name].format(sha256=sha256(path)))
        manifest[name] = {"file": path.name, "sha256": sha256(path), "card": card.name}
    _replace_text(directory / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def _save_script(network: nn.Module, path: Path) -> None:
    with end_not_announced():
        scripted = torch.jit.script(network.cpu().eval())
        part = path.with_suffix(".part")
        scripted.save(str(part))
    part.replace(path)


def _replace_text(path: Path, text: str) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
