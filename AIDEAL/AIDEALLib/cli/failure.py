"""How the command fails: one red line and an exit code, the traceback only on request."""

from __future__ import annotations

import sys

import typer
from typer.core import TyperGroup

from ..errors import AidealError, Cancelled
from .options import DEBUG_KEY, flag_words

FAILED, UNUSABLE, CANCELLED = 1, 3, 130
"""Exit statuses; `UNUSABLE`: the run ended, and its findings say that the numbers mean nothing."""


class FailingClearly(TyperGroup):
    """A group of commands whose expected errors end as one line on the standard error stream."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the command; `AidealError` and errors of the file system become a message and an exit code other than 0."""
        try:
            return super().invoke(ctx)
        except (AidealError, OSError) as error:
            if ctx.meta.get(DEBUG_KEY):
                raise
            _print_error(error)
            raise typer.Exit(CANCELLED if isinstance(error, Cancelled) else FAILED) from error


def _print_error(error: Exception) -> None:
    from rich.console import Console
    from rich.text import Text

    text = error.worded(flag_words) if isinstance(error, AidealError) else str(error)
    line = " ".join(text.split()) or type(error).__name__
    Console(file=sys.stderr, highlight=False).print(Text(f"Error: {line}", style="red"), soft_wrap=True)
