"""The exception family of the project.

Every message says what was found, what was expected and what to do about it, so that it can be shown to a user as it is.
"""

from __future__ import annotations

from .advice import Advice, Wording, plain_words

_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory", "unable to allocate")


class AidealError(Exception):
    """Base class: any error this project raises on purpose.

    Parameters
    ----------
    message : str
        What was found and what was expected; with what to do where no option of a run is concerned.
    advice : Advice, optional
        What to do, where it names options of a run.
    """

    def __init__(self, message: str, advice: Advice | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def worded(self, wording: Wording = plain_words) -> str:
        """Message and advice, with options named in the words of a front end."""
        return f"{self.message} {self.advice.worded(wording)}" if self.advice else self.message

    def __str__(self) -> str:
        return self.worded()


class InputError(AidealError):
    """The scan, file or option cannot be used."""


class ReaderKilled(InputError):
    """The process that read a scan was killed from outside, perhaps for lack of memory; its files may be whole."""


class ModelError(AidealError):
    """A network file is missing, damaged or not of the expected kind."""


class DeviceError(AidealError):
    """The requested computing device cannot be used."""


class ResultError(AidealError):
    """The estimate gave values that cannot be right."""


class Cancelled(AidealError):
    """The caller cancelled the run; nothing was written."""

    def __init__(self, message: str = "Cancelled: the run was stopped on request and left no result.") -> None:
        super().__init__(message)


def out_of_memory(error: BaseException) -> bool:
    """True for an error of a program that ran out of memory: torch raises a `RuntimeError` with the reason in its text."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY))
