"""`aideal train comparator`."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.cli.train_comparators import ComparatorName
from AIDEALLib.training.comparators.registry import COMPARATORS


def test_every_comparator_has_its_name_on_the_command_line() -> None:
    assert [name.value for name in ComparatorName] == list(COMPARATORS)


def test_the_command_trains_all_stages(tmp_path: Path) -> None:
    arguments = ["--steps", "3", "--batch", "1", "--size", "32", "--patients", "1", "-d", str(tmp_path)]
    done = CliRunner().invoke(app, ["train", "comparator", "aideal-published", *arguments])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "export" / "aideal-published.pt").stat().st_size < 3e6
    stages = {line.split(",")[0] for line in (tmp_path / "export" / "aideal-published.csv").read_text().splitlines()[1:]}
    assert stages == set(COMPARATORS["aideal-published"].stages)
