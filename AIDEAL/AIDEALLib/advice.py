"""What a user can do about an error or a finding, as data, so that each front end words it for its users. Imports nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

_WORDS = {
    "te_s": "echo times in seconds",
    "field_strength_t": "field strength in tesla",
    "flip_angle_deg": "flip angle in degrees",
    "repetition_time_s": "repetition time in seconds",
    "t1": "T1 weighting",
}


@dataclass(frozen=True)
class Setting:
    """An option of a run and the value advised.

    Attributes
    ----------
    option : str
        Name of a field of `RunOptions` or `Overrides`.
    value : str
        Value as `RunOptions` takes it; empty where only the user knows it.
    """

    option: str
    value: str = ""


def plain_words(setting: Setting) -> str:
    """Name a setting without reference to a front end, such as "first echo mixed"."""
    return f"{_WORDS.get(setting.option, setting.option.replace('_', ' '))} {setting.value}".strip()


Wording = Callable[[Setting], str]
"""Names a setting in the words of a front end."""


@dataclass(frozen=True)
class Advice:
    """What to do.

    Attributes
    ----------
    text : str
        Sentences; `{}` stands for the settings, in order.
    settings : tuple of Setting
        Options that the text names.

    Raises
    ------
    ValueError
        The text has not as many places as there are settings.
    """

    text: str
    settings: tuple[Setting, ...] = ()

    def __post_init__(self) -> None:
        if self.text.count("{}") != len(self.settings):
            raise ValueError(f"'{self.text}' has {self.text.count('{}')} places for {len(self.settings)} settings")

    def worded(self, wording: Wording = plain_words) -> str:
        """Text with each setting named by `wording`."""
        return self.text.format(*map(wording, self.settings)) if self.settings else self.text

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any] | str) -> Advice:
        """Advice from what `as_dict` returned, or from a sentence as version 0.1 stored it."""
        if isinstance(content, str):
            return cls(content.replace("{}", ""))
        return cls(content["text"], tuple(Setting(**setting) for setting in content["settings"]))


def advise(text: str, *settings: tuple[str, str] | str) -> Advice:
    """Advice with its settings given as names, or as pairs of name and value."""
    return Advice(text, tuple(Setting(s) if isinstance(s, str) else Setting(*s) for s in settings))
