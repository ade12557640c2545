"""The bundled networks are found, verified, and refused when they differ from the manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from AIDEALLib import resources
from AIDEALLib.errors import ModelError
from AIDEALLib.models import (
    FIELD_MODEL,
    MANIFEST,
    R2STAR_MODEL,
    load_networks,
    model_directory,
    sha256,
    single_precision,
    verify,
)
from AIDEALLib.physics.spectrum import SIX_PEAK


@pytest.fixture
def folder(fresh_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh_models, tmp_path / "models"))


def edit_manifest(folder: Path, name: str, **changes: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest[name].update(changes)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_loaded_with_their_checksums(folder: Path) -> None:
    networks = load_networks(directory=folder)
    assert set(networks.checksums) == {FIELD_MODEL, R2STAR_MODEL}
    assert networks.checksums[FIELD_MODEL] == sha256(folder / "G_phi.pt")
    assert not networks.field.training


@pytest.mark.parametrize(("n", "field_t"), [(3, 0.35), (6, 1.5), (16, 7.0)])
def test_bundled_networks_serve_any_protocol(n: int, field_t: float) -> None:
    networks = load_networks()
    te = 1.1e-3 + 1.3e-3 * torch.arange(n, dtype=torch.float64)
    echoes = torch.view_as_complex(torch.randn(n, 20, 30, 2, generator=torch.Generator().manual_seed(0)))
    with torch.inference_mode():
        q, field, _ = networks.field_distribution(echoes, te, field_t, SIX_PEAK)
        p, r2star, variance = networks.r2star_distribution(echoes, field, te, field_t, SIX_PEAK)
    assert torch.allclose(q.sum(0), torch.ones(20, 30), atol=1e-4)
    assert torch.allclose(p.sum(0), torch.ones(20, 30), atol=1e-4)
    assert bool(torch.isfinite(field).all() and torch.isfinite(r2star).all() and (variance > 0).all())


def test_bundled_files_are_small_and_have_cards() -> None:
    manifest = json.loads((model_directory() / MANIFEST).read_text(encoding="utf-8"))
    for entry in manifest.values():
        assert (model_directory() / entry["file"]).stat().st_size < 5_000_000
        assert entry["sha256"] in (model_directory() / entry["card"]).read_text(encoding="utf-8")


def test_exchanged_file(folder: Path) -> None:
    shutil.copyfile(folder / "G_R2star.pt", folder / "G_phi.pt")
    with pytest.raises(ModelError, match="G_phi.pt has SHA-256 .* damaged or was exchanged"):
        load_networks(directory=folder)


def test_one_flipped_bit(folder: Path) -> None:
    content = bytearray((folder / "G_phi.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "G_phi.pt").write_bytes(content)
    with pytest.raises(ModelError, match="the manifest states"):
        load_networks(directory=folder)


def test_missing_file(folder: Path) -> None:
    (folder / "G_R2star.pt").unlink()
    with pytest.raises(ModelError, match="G_R2star.pt is missing. Reinstall"):
        load_networks(directory=folder)


def test_missing_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelError, match="No models.json in .*aideal train export"):
        load_networks(directory=folder)


@pytest.mark.parametrize("content", ["{}", '{"G_phi": {"file": "G_phi.pt"}}', '{"G_phi": 3}', "[]", "no json", ""])
def test_incomplete_or_damaged_manifest(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="models.json"):
        load_networks(directory=folder)


def test_file_that_torch_cannot_read(folder: Path) -> None:
    (folder / "G_phi.pt").write_bytes(b"not a network")
    edit_manifest(folder, FIELD_MODEL, sha256=sha256(folder / "G_phi.pt"))
    with pytest.raises(ModelError, match="G_phi.pt cannot be read by torch"):
        load_networks(directory=folder)


def test_verify_returns_the_checksum(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert verify(file, expected) == expected


def test_directory_is_found_by_its_manifest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "AIDEAL" / "AIDEALLib"
    package.mkdir(parents=True)
    monkeypatch.setattr(resources, "PACKAGE", package)
    with pytest.raises(ModelError, match="were not found; looked for models.json in"):
        model_directory()
    place = package.parent / "Resources" / "Models"
    place.mkdir(parents=True)
    with pytest.raises(ModelError):
        model_directory()
    (place / MANIFEST).write_text("{}", encoding="utf-8")
    assert model_directory() == place


def test_convolutions_on_cuda_are_not_rounded() -> None:
    before = torch.backends.cudnn.allow_tf32
    with single_precision(torch.device("cuda")):
        assert not torch.backends.cudnn.allow_tf32
    with single_precision(torch.device("cpu")):
        assert torch.backends.cudnn.allow_tf32 == before
    assert torch.backends.cudnn.allow_tf32 == before
