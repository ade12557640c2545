"""How the command fails: one red line and an exit code, the traceback only on request."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import AidealError, Cancelled, out_of_memory
from ..escaping import plain
from ..options import flag_words
from .options import DEBUG_KEY, joined_times

FAILED, UNUSABLE, CANCELLED = 1, 3, 130
"""Exit statuses; `UNUSABLE`: results are written, and numbers of at least one region mean nothing or are withheld."""
_CLICK = tuple(k for k in typer.BadParameter.__mro__ if issubclass(k, Exception) and k.__name__ == "ClickException")
_OF_THE_COMMAND_LINE: tuple[type[BaseException], ...] = (typer.Exit, typer.Abort, *_CLICK)
"""Exceptions by which typer ends a command; newer versions have classes of their own in place of those of click."""


class FailingClearly(TyperGroup):
    """A group of commands whose expected errors end as one line on the standard error stream."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Take the times that follow `--te` as one."""
        return super().parse_args(ctx, joined_times(args))

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the command; every error becomes a message and an exit code, and shows its traceback with --debug only."""
        with _failing_clearly(ctx):
            return super().invoke(ctx)


class CommandFailingClearly(TyperCommand):
    """A program of one command that fails as `FailingClearly` does."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Take the times that follow `--te` as one."""
        return super().parse_args(ctx, joined_times(args))

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the command; every error becomes a message and an exit code, and shows its traceback with --debug only."""
        with _failing_clearly(ctx):
            return super().invoke(ctx)


@contextmanager
def _failing_clearly(ctx: typer.Context) -> Iterator[None]:
    try:
        with _termination_cleans_up():
            yield
    except _OF_THE_COMMAND_LINE:
        raise
    except Exception as error:
        if ctx.meta.get(DEBUG_KEY):
            raise
        _print_error(error)
        raise typer.Exit(CANCELLED if isinstance(error, Cancelled) else FAILED) from error


@contextmanager
def _termination_cleans_up() -> Iterator[None]:
    """Let the signals that ask a process to end run through `finally`, as Ctrl-C does, so that no partial folder stays."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {kind: signal.signal(kind, _end) for kind in kinds if signal.getsignal(kind) is signal.SIG_DFL}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough; the cleaning up must not be cut off
    raise SystemExit(128 + number)


def _print_error(error: Exception) -> None:
    from rich.console import Console
    from rich.text import Text

    if out_of_memory(error):
        text = "The computer ran out of memory. Close other programs, or estimate fewer slices."
    elif isinstance(error, AidealError):
        text = error.worded(flag_words)
    elif isinstance(error, OSError):
        text = str(error)
    else:  # its text may hold anything that is in a file
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        text = (
            f"The program failed ({where}), which is a fault of AIDEAL. Please report it with the traceback that --debug shows."
        )
    line = plain(" ".join(text.split())) or type(error).__name__
    Console(file=sys.stderr, highlight=False).print(Text(f"Error: {line}", style="red"), soft_wrap=True)
