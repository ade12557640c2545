"""The bundled networks are found, verified, and refused when they differ from the manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from AIDEALLib import resources
from AIDEALLib.errors import ModelError
from AIDEALLib.model_files import BUNDLED, FIELD_MODEL, MANIFEST, R2STAR_MODEL, model_directory, sha256, verified_bytes
from AIDEALLib.models import load_networks, single_precision
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.script_check import load_script


@pytest.fixture
def folder(fresh_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh_models, tmp_path / "models"))


def edit_manifest(folder: Path, name: str, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest[name].update(changes)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_loaded_with_their_checksums(folder: Path) -> None:
    networks = load_networks(directory=folder, trusted=True)
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
        load_networks(directory=folder, trusted=True)


def test_one_flipped_bit(folder: Path) -> None:
    content = bytearray((folder / "G_phi.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "G_phi.pt").write_bytes(content)
    with pytest.raises(ModelError, match="was expected: it is damaged"):
        load_networks(directory=folder, trusted=True)


def test_missing_file(folder: Path) -> None:
    (folder / "G_R2star.pt").unlink()
    with pytest.raises(ModelError, match="G_R2star.pt is missing. Reinstall"):
        load_networks(directory=folder, trusted=True)


def test_missing_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelError, match="No models.json in .*aideal train export"):
        load_networks(directory=folder, trusted=True)


@pytest.mark.parametrize(
    "content", ["{}", '{"G_phi": {"file": "G_phi.pt"}}', '{"G_phi": 3}', "[]", "no json", "", "3", "null", "[" * 90_000]
)
def test_incomplete_or_damaged_manifest(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="models.json"):
        load_networks(directory=folder, trusted=True)


def test_file_that_torch_cannot_read(folder: Path) -> None:
    (folder / "G_phi.pt").write_bytes(b"not a network")
    edit_manifest(folder, FIELD_MODEL, sha256=sha256(folder / "G_phi.pt"))
    with pytest.raises(ModelError, match="G_phi.pt is no TorchScript archive"):
        load_networks(directory=folder, trusted=True)


def test_content_of_a_verified_file(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert verified_bytes(file, expected) == b"abc"


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


def test_checksums_of_the_bundled_networks_lie_in_the_package() -> None:
    manifest = json.loads((model_directory() / MANIFEST).read_text(encoding="utf-8"))
    assert {name: entry["sha256"] for name, entry in manifest.items()} == BUNDLED


def test_manifest_and_file_exchanged_together_are_refused(
    fresh_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fresh_models, tmp_path / "Resources" / "Models")
    monkeypatch.setattr(resources, "PACKAGE", tmp_path)
    with pytest.raises(ModelError, match=r"G_phi.pt has SHA-256"):
        load_networks()


def test_other_networks_need_trust_and_are_named(folder: Path) -> None:
    with pytest.raises(ModelError, match="a program of another origin") as refused:
        load_networks(directory=folder)
    assert refused.value.advice is not None and refused.value.advice.settings[0].option == "trust_models"
    assert load_networks(directory=folder, trusted=True).origin == folder.name
    assert load_networks(directory=model_directory()).origin == ""


@pytest.mark.parametrize(
    "changes",
    [
        *({"sha256": None}, {"sha256": "a"}, {"file": "../G_phi.pt"}, {"file": 3}, {"file": ""}, {"file": "n" * 5000}),
        *({"file": "\ud800"}, {"card": "../notes"}, {"card": 3}),
    ],
)
def test_wrong_entries_of_the_manifest(folder: Path, changes: dict[str, object]) -> None:
    edit_manifest(folder, FIELD_MODEL, **changes)
    with pytest.raises(ModelError, match="no complete entry for G_phi"):
        load_networks(directory=folder, trusted=True)


def test_a_network_with_another_signature(folder: Path) -> None:
    shutil.copyfile(folder / "G_R2star.pt", folder / "G_phi.pt")
    edit_manifest(folder, FIELD_MODEL, sha256=sha256(folder / "G_phi.pt"))
    with pytest.raises(ModelError, match="G_phi.pt takes .*G_phi takes"):
        load_networks(directory=folder, trusted=True)


def test_networks_rebuilt_from_their_parts_compute_the_same() -> None:
    content = (model_directory() / "G_phi.pt").read_bytes()
    (own, settings), (rebuilt, same) = (load_script(content, "G_phi.pt", "cpu", trusted) for trusted in (True, False))
    assert settings == same and settings
    echoes = torch.view_as_complex(torch.randn(1, 6, 20, 30, 2, generator=torch.Generator().manual_seed(0)))
    te = 1.1e-3 + 1.3e-3 * torch.arange(6, dtype=torch.float64)
    given = (echoes, te, 1.5, torch.tensor(SIX_PEAK.ppm), torch.tensor(SIX_PEAK.amplitudes))
    with torch.inference_mode():
        assert all(torch.equal(a, b) for a, b in zip(own(*given), rebuilt(*given), strict=True))
