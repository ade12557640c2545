"""Options that several commands share, written once as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def takes_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter of a command that is a dataclass by one option for each of its fields.

    Parameters
    ----------
    command : callable
        A command with keyword-only parameters; fields of the dataclasses are annotated as options and have defaults.

    Returns
    -------
    callable
        The command as typer takes it; `command` receives the dataclasses.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _options(groups[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    def with_options(**given: Any) -> None:
        values = {name: kind(**{f.name: given.pop(f.name) for f in fields(kind)}) for name, kind in groups.items()}
        command(**values, **given)

    return shown_as(with_options, command, parameters)


def shown_as(
    function: Callable[..., None], command: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """Give a function the parameters that typer reads, and the name and help of a command.

    Parameters
    ----------
    function : callable
        Called with keyword arguments.
    command : callable
        Whose name and docstring it takes.
    parameters : list of inspect.Parameter
        Parameters with their annotations.

    Returns
    -------
    callable
        The function.
    """
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    function.__doc__, function.__name__ = command.__doc__, command.__name__
    return function


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(group)
    ]
