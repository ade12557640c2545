"""Options that several commands share, and the choices they allow."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..methods import Method as Method

DEBUG_KEY = "aideal.debug"


class Repair(str, Enum):
    """Whether something is mended in the echoes: as the data tell, always, never."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class FirstEcho(str, Enum):
    """What is done about a phase error of the first echo."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"
    MIXED = "mixed"


class GainSteps(str, Enum):
    """Whether scales of echoes that only the data tell are divided out."""

    YES = "yes"
    NO = "no"


class PhaseUnitChoice(str, Enum):
    """Unit of stored phase images."""

    RADIANS = "radians"
    RADIANS_POSITIVE = "radians from 0"
    MILLIRADIANS = "milliradians"
    MILLIRADIANS_POSITIVE = "milliradians from 0"
    DEGREES = "degrees"
    DEGREES_POSITIVE = "degrees from 0"
    SIGNED_4096 = "-4096..4094"
    UNSIGNED_4096 = "0..4095"


class ReadoutChoice(str, Enum):
    """How successive echoes were read out."""

    MONOPOLAR = "monopolar"
    BIPOLAR = "bipolar"


def _remember_debug(context: typer.Context, value: bool) -> bool:
    if value:
        context.meta[DEBUG_KEY] = True
    return value


Debug = Annotated[
    bool, typer.Option("--debug", callback=_remember_debug, help="Show the full traceback of an error.", show_default=False)
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results; made when it is missing.")]
MethodOption = Annotated[
    Method,
    typer.Option(
        help="refined: every water-fat mode refined, weighed and fused; one-shot: networks and one linear step; graph-cuts: "
        "the reference, without networks; magnitude: without phase."
    ),
]
DeviceOption = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute; auto takes a CUDA device where there is one.")
]
Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Networks written by 'aideal train export' instead of the bundled ones.", show_default=False
    ),
]


def echo_times(given: Sequence[str] | None) -> list[float] | None:
    """Seconds from repeated or comma-separated values; None when none were given.

    Raises
    ------
    InputError
        A value is not a number.
    """
    parts = [part.strip() for text in given or () for part in text.split(",") if part.strip()]
    try:
        return [float(part) for part in parts] or None
    except ValueError as error:
        raise InputError(
            f"Echo times were given as {', '.join(parts)}; numbers in seconds were expected, as in --te 0.0013,0.0034,0.0055."
        ) from error
