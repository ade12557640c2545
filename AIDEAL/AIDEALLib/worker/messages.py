"""Messages between client and server: one JSON object a line; arrays are .npy files in a folder beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, get_args

from ..advice import Advice, Wording, plain_words
from ..errors import InputError
from ..io.interchange import read_json
from ..options import RunOptions
from ..progress import Step as Step
from ..quality.findings import Finding, QualityReport

QUALITY_FILE = "quality.json"


class Reason(Enum):
    """Why a run failed."""

    TORCH_MISSING = "torch missing"
    UNUSABLE = "unusable"
    INPUT = "input"
    MODEL = "model"
    DEVICE = "device"
    MEMORY = "memory"
    CRASH = "crash"
    INTERNAL = "internal"


@dataclass(frozen=True)
class EstimateRequest:
    """Estimate a scan.

    Attributes
    ----------
    run : int
        Number of the run.
    folder : str
        Holds the scan, and receives the maps.
    options : RunOptions
        Options of the run.
    check : bool
        Check the scan before and the result after the estimate.
    """

    kind: ClassVar[str] = "estimate"
    run: int
    folder: str
    options: RunOptions
    check: bool = True


@dataclass(frozen=True)
class WarmUpRequest:
    """Import and load what a run with these options needs.

    Attributes
    ----------
    options : RunOptions
        Options of the run that is expected.
    """

    kind: ClassVar[str] = "warm-up"
    options: RunOptions


@dataclass(frozen=True)
class CancelRequest:
    """Stop a run before its next slice."""

    kind: ClassVar[str] = "cancel"
    run: int


@dataclass(frozen=True)
class Ready:
    """The server is ready for requests."""

    kind: ClassVar[str] = "ready"
    pid: int


@dataclass(frozen=True)
class Alive:
    """The server lives; sent every second."""

    kind: ClassVar[str] = "alive"


@dataclass(frozen=True)
class Stage:
    """Another step of the run begins."""

    kind: ClassVar[str] = "stage"
    run: int
    step: Step


@dataclass(frozen=True)
class Progress:
    """Some slices are estimated.

    Attributes
    ----------
    run : int
        Number of the run.
    done, total : int
        Slices estimated, and slices in total.
    """

    kind: ClassVar[str] = "progress"
    run: int
    done: int
    total: int


@dataclass(frozen=True)
class Finished:
    """The maps are in the folder.

    Attributes
    ----------
    run : int
        Number of the run.
    seconds : float, seconds
        Time of the run.
    torch_import_s : float or None, seconds
        Time of the import of torch; None when it was imported before.
    """

    kind: ClassVar[str] = "finished"
    run: int
    seconds: float
    torch_import_s: float | None


@dataclass(frozen=True)
class Failed:
    """The run failed.

    Attributes
    ----------
    run : int
        Number of the run.
    reason : Reason
        Why, for the program.
    message : str
        Why, for the user.
    details : str
        Traceback, for the log.
    findings : tuple of Finding
        Why a scan is unusable.
    advice : Advice or None
        What to do, where it names options of a run.
    """

    kind: ClassVar[str] = "failed"
    run: int
    reason: Reason
    message: str
    details: str = ""
    findings: tuple[Finding, ...] = ()
    advice: Advice | None = None

    def worded(self, wording: Wording = plain_words) -> str:
        """Message and advice, with options named in the words of a front end."""
        return f"{self.message} {self.advice.worded(wording)}" if self.advice else self.message


@dataclass(frozen=True)
class Stopped:
    """The run was cancelled."""

    kind: ClassVar[str] = "stopped"
    run: int


Message = EstimateRequest | WarmUpRequest | CancelRequest | Ready | Alive | Stage | Progress | Finished | Failed | Stopped
_KINDS: dict[str, Any] = {kind.kind: kind for kind in get_args(Message)}


def encode(message: Message) -> bytes:
    """One line, newline included."""
    content = asdict(message)
    if isinstance(message, EstimateRequest | WarmUpRequest):
        content["options"] = message.options.as_dict()
    if isinstance(message, Failed):
        content["reason"] = message.reason.value
        content["findings"] = [finding.as_dict() for finding in message.findings]
    if isinstance(message, Stage):
        content["step"] = message.step.value
    return json.dumps({"kind": message.kind, **content}).encode("ascii") + b"\n"


def decode(line: bytes) -> Message | None:
    """The message of a line, None when the line is none (stray output of a library)."""
    try:
        content = json.loads(line)
        of_kind = _KINDS[content.pop("kind")]
        if of_kind in (EstimateRequest, WarmUpRequest):
            content["options"] = RunOptions.from_dict(content["options"])
        if of_kind is Failed:
            content["reason"] = Reason(content["reason"])
            content["findings"] = tuple(Finding.from_dict(finding) for finding in content["findings"])
            content["advice"] = Advice.from_dict(content["advice"]) if content["advice"] else None
        if of_kind is Stage:
            content["step"] = Step(content["step"])
        message: Message = of_kind(**content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError, InputError):
        return None
    return message


def read_quality(folder: Path) -> QualityReport | None:
    """Read the findings on scan and maps; None where no check was requested."""
    path = folder / QUALITY_FILE
    return QualityReport.from_dict(read_json(path)) if path.is_file() else None
