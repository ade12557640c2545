"""Every option of a run, defined once: command line, panel, worker, provenance and documentation derive from here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from .advice import Setting
from .choices import T1, Bipolar, Conjugate, FirstEcho, GainSteps, Method, PhaseUnit, Preset, Readout, Spectrum
from .errors import InputError

E = TypeVar("E", bound=Enum)


def _option(default: Any, label: str, help: str, **more: Any) -> Any:
    """Field with its label in the panel and its help on the command line; `more`: flag, metavar, limits."""
    return field(default=default, metadata={"label": label, "help": help, **more})


@dataclass(frozen=True)
class Overrides:
    """What the user knows better than the files; None takes what the files state.

    Attributes
    ----------
    te_s : tuple of float, seconds
        Echo times in the order of the echoes.
    field_strength_t : float, tesla
        Main field.
    readout : Readout
        How the echoes were read out.
    phase_unit : PhaseUnit
        Unit of stored phase images.
    flip_angle_deg : float, degrees
        Flip angle of the excitation.
    repetition_time_s : float, seconds
        Repetition time.
    study : str
        Study to take of several: number in the list of what is there, UID, or description; '' for the only one.
    series : str
        Series to take of several: number, UID or description, several separated by commas; '' for the only scan.

    Raises
    ------
    InputError
        A value is not one of the choices, or not a number.
    """

    te_s: tuple[float, ...] | None = _option(
        None,
        "Echo times",
        "Echo times in seconds, or with a unit (1.3ms,3.4ms); overrides the files.",
        flag="--te",
        metavar="SECONDS",
    )
    field_strength_t: float | None = _option(
        None, "Field strength", "Main field; overrides the files.", flag="--field-strength", metavar="TESLA"
    )
    readout: Readout | None = _option(None, "Read-out", "How the echoes were read out; overrides the files.")
    phase_unit: PhaseUnit | None = _option(
        None, "Phase unit", "Unit of stored phase images; overrides what their values and headers show."
    )
    flip_angle_deg: float | None = _option(
        None, "Flip angle", "Flip angle; overrides the files.", flag="--flip-angle", metavar="DEGREES", limits=(0.0, 180.0)
    )
    repetition_time_s: float | None = _option(
        None, "Repetition time", "Repetition time, such as 0.012 or 12ms; overrides the files.", flag="--tr", metavar="SECONDS"
    )
    study: str = _option(
        "",
        "Study",
        "Study of several to take: number in the list of what is there, UID (with --from), or description.",
        metavar="STUDY",
    )
    series: str = _option(
        "", "Series", "Series of several to take: number, UID or description; several separated by commas.", metavar="SERIES"
    )

    def __post_init__(self) -> None:
        _convert(self)

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return asdict(self, dict_factory=_plain_items)


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    Values are converted on the way in, so that `RunOptions(method="one-shot")` holds `Method.ONE_SHOT`.

    Attributes
    ----------
    method : Method
        How the maps are estimated (`estimation.methods`).
    device : str
        'auto' (CUDA where there is one), 'cpu', 'cuda' or 'cuda:N'. CUDA running out of memory falls back to the CPU, which
        the provenance notes.
    preset : Preset
        What was scanned.
    spectrum : Spectrum
        Fat spectrum.
    ppm_offset : float, ppm
        Added to every fat shift; None takes that of the preset.
    conjugate : Conjugate
        Rotation sense of the phase; by default decided by the residual.
    bipolar : Bipolar
        Correction of a phase between odd and even echoes; by default where the scan clearly has one.
    first_echo : FirstEcho
        Correction of a phase error of the first echo; 'mixed' uses only its magnitude in the last fit.
    gain_steps : GainSteps
        Correction of scales of the echoes that only the data show.
    t1 : T1
        Correction of the T1 weighting of PDFF with T1 of liver and fat from the literature; needs flip angle and repetition
        time.
    slices : str
        Slices to estimate, numbered from 1, such as '3-20' or '1-4,9'; '' for all.
    anyway : bool
        Estimate a scan although the check before the estimate found it unusable.
    models : str
        Folder of networks written by `aideal train export`; '' for the bundled ones.
    trust_models : bool
        Run networks other than the bundled ones; they are programs.
    keep_names : bool
        Name files and folders in results and messages.
    overrides : Overrides
        What the user knows better than the files.

    Raises
    ------
    InputError
        A value is not one of the choices, or not a number.
    """

    method: Method = _option(
        Method.REFINED,
        "Method",
        "refined: every water-fat mode refined and fused with a smooth field; one-shot: networks and one linear step; "
        "graph-cuts: the reference, without networks; magnitude: without phase.",
    )
    device: str = _option(
        "auto", "Device", "Where to compute; auto takes a CUDA device where there is one.", metavar="auto|cpu|cuda"
    )
    preset: Preset = _option(
        Preset.LIVER,
        "Scanned",
        "What was scanned; phantom: fat shift at room temperature, no advice or grades for livers.",
    )
    spectrum: Spectrum = _option(Spectrum.SIX_PEAK, "Fat spectrum", "Fat spectrum.")
    ppm_offset: float | None = _option(
        None, "Fat shift offset", "Added to every fat shift; overrides that of the preset.", metavar="PPM", limits=(-2.0, 2.0)
    )
    conjugate: Conjugate = _option(Conjugate.AUTO, "Phase sign", "Conjugate the echoes; auto lets the residual decide.")
    bipolar: Bipolar = _option(
        Bipolar.AUTO, "Odd-even phase", "Correct a phase between odd and even echoes; auto where the scan clearly has one."
    )
    first_echo: FirstEcho = _option(
        FirstEcho.AS_STORED,
        "First echo",
        "Correct a phase error of the first echo; auto where the scan clearly has one; mixed: use only its magnitude.",
    )
    gain_steps: GainSteps = _option(
        GainSteps.AS_STORED,
        "Echo scales",
        "Divide out scales of the echoes that only the data show; otherwise they are a warning.",
    )
    t1: T1 = _option(T1.AS_MEASURED, "T1 weighting", "Correct the T1 weighting of PDFF; needs flip angle and repetition time.")
    slices: str = _option(
        "", "Slices", "Slices to estimate, such as 3-20 or 1-4,9; the others are left out.", metavar="FROM-TO"
    )
    anyway: bool = _option(False, "Estimate anyway", "Estimate even where the check of the scan finds it unusable.")
    models: str = _option(
        "", "Networks", "Networks written by 'aideal train export' instead of the bundled ones.", metavar="DIR"
    )
    trust_models: bool = _option(
        False, "Trust networks", "Run the networks of '--models' although they are programs that AIDEAL did not come with."
    )
    keep_names: bool = _option(
        False, "Keep names", "Name files and folders in results and messages; by default neutral names stand for them."
    )
    overrides: Overrides = field(default_factory=Overrides)

    def __post_init__(self) -> None:
        _convert(self)

    @property
    def fat_shift_offset_ppm(self) -> float:
        """Offset of every fat shift in use, ppm."""
        return self.preset.ppm_offset if self.ppm_offset is None else self.ppm_offset

    @property
    def uses_phase(self) -> bool:
        """False where the method takes magnitudes alone."""
        return self.method is not Method.MAGNITUDE

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return asdict(self, dict_factory=_plain_items)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RunOptions:
        """Options from what `as_dict` returned.

        Raises
        ------
        InputError
            A name is no option, or a value not one of its choices.
        """
        values = dict(content)
        overrides = values.pop("overrides", {})
        for known, names in ((cls, values), (Overrides, overrides)):
            unknown = sorted(set(names) - {f.name for f in fields(known)})
            if unknown:
                raise InputError(f"Unknown options of a run: {', '.join(unknown)}. They are of another version.")
        return cls(**values, overrides=Overrides(**overrides))


def option_fields() -> dict[str, Field[Any]]:
    """Fields of `RunOptions` and `Overrides` by name, without the one that holds the overrides."""
    return {f.name: f for owner in (RunOptions, Overrides) for f in fields(owner) if f.metadata}


def flag(option: str) -> str:
    """Name of an option of a run on the command line, such as `--first-echo`."""
    return str(option_fields()[option].metadata.get("flag", "--" + option.replace("_", "-")))


def flag_words(setting: Setting) -> str:
    """Name a setting as the command line takes it, such as `--first-echo mixed` or `--te SECONDS`."""
    value = setting.value or option_fields()[setting.option].metadata.get("metavar", "")
    return f"{flag(setting.option)} {value}".strip()


def option_type(name: str) -> Any:
    """Type of an option, without None."""
    owner = Overrides if name in Overrides.__dataclass_fields__ else RunOptions
    kind = get_type_hints(owner)[name]
    return next((k for k in get_args(kind) if k is not type(None)), kind) if type(None) in get_args(kind) else kind


def choice(kind: type[E], value: Any, name: str) -> E:
    """Member of an enum from its value.

    Parameters
    ----------
    kind : type
        The enum.
    value : object
        Value of a member, or the member.
    name : str
        Name of the option, for the message.

    Returns
    -------
    Enum
        The member.

    Raises
    ------
    InputError
        The enum has no such value.
    """
    try:
        return kind(value)
    except ValueError as error:
        listed = ", ".join(str(member.value) for member in kind)
        raise InputError(f"Option {name} is '{value}'; one of {listed} was expected.") from error


def _convert(options: RunOptions | Overrides) -> None:
    """Convert the values of a new object to the types of its fields."""
    for name in (f.name for f in fields(options) if f.metadata):
        value, kind = getattr(options, name), option_type(name)
        if value is not None:
            converted = _converted(value, kind, name.replace("_", " "))
            _check_numbers(converted, option_fields()[name].metadata.get("limits"), name.replace("_", " "))
            object.__setattr__(options, name, converted)


def _converted(value: Any, kind: Any, name: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return choice(kind, value, name)
    if kind is str:
        return str(value) if isinstance(value, str | Path) else _refuse(name, value, "text")
    if kind is bool:
        return value if isinstance(value, bool) else _refuse(name, value, "yes or no")
    try:
        return float(value) if kind is float else tuple(map(float, value))
    except (TypeError, ValueError, OverflowError):
        return _refuse(name, value, "a number" if kind is float else "a list of numbers")


def _check_numbers(value: Any, limits: tuple[float, float] | None, name: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    numbers = tuple(number for number in numbers if isinstance(number, float))
    if not all(math.isfinite(number) for number in numbers):
        _refuse(name, value, "a finite number")
    if limits and not all(limits[0] <= number <= limits[1] for number in numbers):
        _refuse(name, value, f"a number from {limits[0]:g} to {limits[1]:g}")


def _refuse(name: str, value: Any, expected: str) -> Any:
    raise InputError(f"Option {name} is {value!r}; {expected} was expected.")


def _plain_items(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in items}
