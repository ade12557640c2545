"""The exception family of the project.

Every message says what was found, what was expected and what to do about it, so that it can be shown to a user as it is.
"""


class AidealError(Exception):
    """Base class: any error this project raises on purpose."""


class InputError(AidealError):
    """The scan, file or option handed in cannot be used."""


class ModelError(AidealError):
    """A network file is missing, damaged or not of the expected kind."""


class DeviceError(AidealError):
    """The computing device asked for cannot be used."""


class Cancelled(AidealError):
    """The caller asked to stop; nothing was written."""

    def __init__(self, message: str = "Cancelled: the run was stopped on request and left no result.") -> None:
        super().__init__(message)
