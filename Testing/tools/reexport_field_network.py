"""Write G_phi anew with the present code of the network: same weights and settings, new TorchScript file and checksum.

    python Testing/tools/reexport_field_network.py Resources/Models

The checksum that it prints belongs into `AIDEALLib.model_files.BUNDLED`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from AIDEALLib.model_files import FIELD_MODEL, MANIFEST, SETTINGS, sha256
from AIDEALLib.models import load_networks
from AIDEALLib.training.networks.field import FieldNetwork


def main(folder: Path) -> None:
    """Replace G_phi in a folder of networks, and its checksum in card and manifest."""
    networks = load_networks("cpu", folder, trusted=True)
    network = FieldNetwork()
    network.load_state_dict(networks.field.state_dict())
    path, before = folder / f"{FIELD_MODEL}.pt", networks.checksums[FIELD_MODEL]
    torch.jit.save(torch.jit.script(network.eval()), str(path), _extra_files={SETTINGS: json.dumps(networks.settings)})
    for text in (folder / f"{FIELD_MODEL}.md", folder / MANIFEST):
        text.write_text(text.read_text(encoding="utf-8").replace(before, sha256(path)), encoding="utf-8")
    print(sha256(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
