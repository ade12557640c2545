"""TorchScript files of other origin: nothing in them runs before it was inspected."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from AIDEALLib.errors import ModelError
from AIDEALLib.script_check import LARGEST_BYTES, clean_archive, load_script


class WritesThroughMemory(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shared = torch.from_file(self.path, shared=True, size=4)
        return x + shared.fill_(7).sum()


class WritesAFile(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x


class InASubModule(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) if bool(x.sum() > 1e9) else x


class StartsThreads(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(torch.neg, x))


class RunsOnLoading(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.path = "x"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path, self.training = state
        torch.save(torch.zeros(3), self.path)


def stored(network: nn.Module) -> bytes:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(network.eval()), stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", [WritesThroughMemory, WritesAFile])
def test_operators_that_write_are_refused(kind: type[nn.Module], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"0" * 16)
    for network in (kind(str(victim)), InASubModule(kind(str(victim)))):
        with pytest.raises(ModelError, match=r"uses the operators aten::.* it was not run"):
            load_script(stored(network), "bad.pt", "cpu", trusted=False)
    assert victim.read_bytes() == b"0" * 16


def test_threads_of_its_own_are_refused() -> None:
    with pytest.raises(ModelError, match="it was not run"):
        load_script(stored(StartsThreads()), "bad.pt", "cpu", trusted=False)


def test_code_that_runs_on_loading_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = stored(RunsOnLoading())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="runs while it is loaded"):
        load_script(content, "bad.pt", "cpu", trusted=False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_archive() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data/0", bytes(LARGEST_BYTES + 1))
    deep = io.BytesIO()
    with zipfile.ZipFile(deep, "w") as archive:
        archive.writestr("model/code/x.py", "x = " + "(" * 5000 + ")" * 5000)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("model/code/x.py", "x = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("model/code/x.py", "x = 2")
    whole = stored(InASubModule(nn.Identity()))
    for content in (b"", b"PK", bomb.getvalue(), deep.getvalue(), twice.getvalue(), whole[: len(whole) // 2]):
        with pytest.raises(ModelError, match="Model file bad.pt"):
            clean_archive(content, "bad.pt")


@pytest.mark.parametrize(
    "named",
    [
        b"c__torch__.torch\nclasses.quantized.LinearPackedParamsBase\n",
        b"c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n",
        b"cos\nsystem\n",
        b"\x8c\x02os\x8c\x06system\x93",
    ],
)
def test_pickles_that_name_other_classes_are_refused(named: bytes) -> None:
    content, changed = stored(InASubModule(nn.Identity())), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(changed, "w") as written:
        for name in archive.namelist():
            written.writestr(name, b"\x80\x02" + named + b")\x81}b." if name.endswith("/data.pkl") else archive.read(name))
    with pytest.raises(ModelError, match="objects of other libraries"):
        load_script(changed.getvalue(), "bad.pt", "cpu", trusted=False)


def test_damaged_weights_end_as_errors_of_the_file() -> None:
    content = stored(nn.Sequential(nn.Conv2d(2, 3, 3), nn.SiLU(), nn.GroupNorm(1, 3)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for seed in range(60):
        r = random.Random(seed)
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w") as written:
            for name, part in parts.items():
                damaged = bytearray(part)
                for _ in range(3 if name.endswith("/data.pkl") else 0):
                    damaged[r.randrange(len(damaged))] = r.randrange(256)
                written.writestr(name, bytes(damaged))
        with contextlib.suppress(ModelError):
            load_script(changed.getvalue(), "bad.pt", "cpu", trusted=False)
