"""Options from dataclasses: they reach the command together, in their order, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from AIDEALLib.cli.option_groups import takes_option_groups


@dataclass(frozen=True)
class Size:
    rows: Annotated[int, typer.Option(min=1, help="Number of rows.")] = 3
    columns: int = 4


def test_fields_are_options_and_arrive_as_the_dataclass() -> None:
    received: list[object] = []
    app = typer.Typer()

    @app.command()
    @takes_option_groups
    def command(*, name: str, size: Size, loud: bool = False) -> None:
        """Do it."""
        received.extend([name, size, loud])

    done = CliRunner().invoke(app, ["x", "--rows", "7"])
    assert done.exit_code == 0, done.output
    assert received == ["x", Size(7, 4), False]
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Do it." in shown and "Number of rows." in shown
    assert shown.index("name") < shown.index("--rows") < shown.index("--columns") < shown.index("--loud")
    assert CliRunner().invoke(app, ["x", "--rows", "0"]).exit_code == 2
