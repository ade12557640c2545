"""Options of the commands: those of a run come from `RunOptions`, so that each is written once."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..choices import Paper, Readout
from ..errors import InputError
from ..options import Overrides, RunOptions, flag, option_fields, option_type
from .option_groups import shown_as

DEBUG_KEY = "aideal.debug"


def _remember_debug(context: typer.Context, value: bool) -> bool:
    if value:
        context.meta[DEBUG_KEY] = True
    return value


Debug = Annotated[
    bool, typer.Option("--debug", callback=_remember_debug, help="Show the full traceback of an error.", show_default=False)
]


def path_given(text: str) -> Path:
    """Path of a word of the command line.

    Raises
    ------
    InputError
        The word is empty, which as a path would be the current folder.
    """
    if not text.strip():
        raise InputError("A path is empty; the name of a file or folder was expected.")
    return Path(text)


Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="DIR", parser=path_given, help="Folder for the results; made when it is missing."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the result of another scan in the folder.", show_default=False)]

PaperSize = Annotated[Paper, typer.Option("--paper", help="Size of the page of report.pdf.")]
Models = Annotated[
    Path | None, typer.Option(metavar="DIR", help=option_fields()["models"].metadata["help"], show_default=False)
]


TrustModels = Annotated[
    bool, typer.Option("--trust-models", help=option_fields()["trust_models"].metadata["help"], show_default=False)
]


class StatedReadout(str, Enum):
    """Read-outs that a user can state."""

    MONOPOLAR = Readout.MONOPOLAR.value
    BIPOLAR = Readout.BIPOLAR.value


def annotation(option: str) -> Any:
    """Type of an option with its flag and help, for the signature of a command."""
    metadata, kind = option_fields()[option].metadata, option_type(option)
    shown = {"help": metadata["help"], "metavar": metadata.get("metavar")}
    if option == "te_s":
        kind = list[str]
    elif option == "repetition_time_s":
        kind = str
    elif option == "models":
        kind = Path
    elif kind is Readout:
        kind = StatedReadout
    optional = _default(option) is None
    made = typer.Option(flag(option), show_default=not optional and kind is not bool, **shown)
    return Annotated[kind | None, made] if optional else Annotated[kind, made]


def takes_run_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a run; it receives them together as `options`.

    Parameters
    ----------
    *names : str
        Options of a run; all of them when none is named.

    Returns
    -------
    callable
        Decorator of a command that has a parameter `options`.
    """
    chosen = names or tuple(option_fields())

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        own = [p.replace(annotation=hints[p.name]) for p in inspect.signature(command).parameters.values()]
        added = [
            inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=_default(n), annotation=annotation(n)) for n in chosen
        ]

        def with_options(**given: Any) -> None:
            _refuse_infinite(given)
            command(**{name: value for name, value in given.items() if name not in chosen}, options=_options(given, chosen))

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own if p.name != "options"] + added
        return shown_as(with_options, command, parameters)

    return decorate


def _refuse_infinite(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Option --{name.replace('_', '-')} is {value}; a finite number was expected.")


def _default(option: str) -> Any:
    return None if option == "models" else option_fields()[option].default


def _options(given: dict[str, Any], chosen: Sequence[str]) -> RunOptions:
    values = {name: value.value if isinstance(value := given[name], Enum) else value for name in chosen}
    if "te_s" in values:
        values["te_s"] = echo_times(values["te_s"])
    if values.get("repetition_time_s"):
        values["repetition_time_s"] = time_s(values["repetition_time_s"], "Repetition time", "--tr 12ms")
    if "models" in values:
        values["models"] = str(values["models"] or "")
    overrides = {name: values.pop(name) for name in list(values) if name in Overrides.__dataclass_fields__}
    return RunOptions(**values, overrides=Overrides(**overrides))


def echo_times(given: Sequence[str] | None) -> list[float] | None:
    """Seconds from repeated, comma-separated or space-separated times, each in seconds or with its unit.

    Parameters
    ----------
    given : sequence of str, or None
        Words of the command line, such as `0.0013,0.0034` or `1.3ms`.

    Returns
    -------
    list of float, or None
        Echo times in seconds; None when none were given.

    Raises
    ------
    InputError
        A word is not a time.
    """
    from ..echo_checks import other_unit

    words = [word for text in given or () for word in re.split(r"[\s,;]+", re.sub(r"\s+(?=[mu]?s\b)", "", text)) if word]
    if given and not words:
        raise InputError("Echo times were given without a number; numbers in seconds were expected, as in --te 0.0013,0.0034.")
    times = [time_s(word, "Echo time", "--te 0.0013,0.0034,0.0055 or --te 1.3ms,3.4ms,5.5ms") for word in words]
    plain = not any(re.search(r"[a-z]$", word) for word in words)
    if plain and (unit := other_unit(times)):
        typer.echo(f"Echo times {', '.join(words)} were taken as {unit[0]}.", err=True)
        times = [time_s(f"{word}{unit[1]}", "Echo time", "") for word in words]
    return times or None


def joined_times(arguments: Sequence[str]) -> list[str]:
    """Arguments with the times that follow `--te` as words of their own joined into one.

    Parameters
    ----------
    arguments : sequence of str
        Words of the command line.

    Returns
    -------
    list of str
        `--te 1.3 3.4` as `--te 1.3,3.4`.
    """
    joined: list[str] = []
    times = False
    for word in arguments:
        is_time = re.fullmatch(r"[\d.,;eE-]*\d[,;]?([mu]?s)?[,;]?|[mu]?s[,;]?", word) is not None
        if times and is_time and joined[-1] not in (flag("te_s"), ""):
            joined[-1] += ("" if word[0] in "mus" else ",") + word
            continue
        times = word == flag("te_s") or word.startswith(f"{flag('te_s')}=") or (times and is_time)
        joined.append(word)
    return joined


def time_s(word: str, name: str, example: str) -> float:
    """Seconds from a time in seconds, or with the unit ms or us.

    Parameters
    ----------
    word : str
        A number, optionally followed by s, ms or us.
    name : str
        What it is, for the message.
    example : str
        How it is given, for the message.

    Returns
    -------
    float
        The time in seconds.

    Raises
    ------
    InputError
        It is not a time.
    """
    found = re.fullmatch(r"([-+0-9.eE]+)\s*(s|ms|us)?", word.strip())
    try:
        exponent = {None: 0, "s": 0, "ms": -3, "us": -6}[found[2]] if found else 0
        return float(Decimal(found[1] if found else word).scaleb(exponent))
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"{name} is '{word}'; a time in seconds, or with its unit, was expected, as in {example}.") from error
