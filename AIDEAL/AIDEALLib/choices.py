"""The values that options can take: one enum an option, shared by command line, panel and Python. Imports nothing.

The value of a member is its name on the command line and in provenance. Saved scenes keep the name of the member: do not rename
members.
"""

from __future__ import annotations

from enum import Enum

BODY_CELSIUS, ROOM_CELSIUS = 37.0, 22.0
WATER_PPM_PER_KELVIN = -0.0101
"""Temperature coefficient of water's chemical shift; fat's hardly moves (Hindman, J Chem Phys 1966;44:4582)."""


class Choice(str, Enum):
    """An enum whose members have a label for people to choose by (a method, as Slicer's parameter nodes expect)."""

    def __str__(self) -> str:
        return str(self.value)

    def label(self) -> str:
        """Text in the panel."""
        return self.value.replace("-", " ").capitalize()


class Method(Choice):
    """How the maps are estimated."""

    REFINED = "refined"
    ONE_SHOT = "one-shot"
    GRAPH_CUTS = "graph-cuts"
    MAGNITUDE = "magnitude"

    def label(self) -> str:
        """Text in the panel."""
        return "Refined (recommended)" if self is Method.REFINED else super().label()


class Preset(Choice):
    """What was scanned: sets what differs between a patient and a phantom."""

    LIVER = "liver"
    PHANTOM = "phantom"

    @property
    def ppm_offset(self) -> float:
        """Offset of every fat shift from water, ppm: in a cold phantom water moves away from fat, by 0.15 ppm at 22 C."""
        return WATER_PPM_PER_KELVIN * (BODY_CELSIUS - ROOM_CELSIUS) if self is Preset.PHANTOM else 0.0

    @property
    def tissue(self) -> bool:
        """True where T1 of tissue, steatosis grades and advice meant for livers apply."""
        return self is Preset.LIVER


class Spectrum(Choice):
    """Bundled fat spectra, by name (`physics.spectrum`)."""

    SIX_PEAK = "six-peak"
    LIVER_NINE_PEAK = "liver-nine-peak"
    MARROW_EIGHT_PEAK = "marrow-eight-peak"
    SINGLE_PEAK = "single-peak"


class Conjugate(Choice):
    """Rotation sense of the stored phase."""

    AUTO = "auto"
    AS_STORED = "no"
    CONJUGATED = "yes"

    def label(self) -> str:
        """Text in the panel."""
        return {"auto": "Detect", "no": "As stored", "yes": "Conjugate"}[self.value]


class Bipolar(Choice):
    """Correction of a phase between odd and even echoes."""

    AUTO = "auto"
    AS_STORED = "no"
    CORRECT = "yes"

    def label(self) -> str:
        """Text in the panel."""
        return {"auto": "Correct where clear", "no": "As stored", "yes": "Correct"}[self.value]


class FirstEcho(Choice):
    """Correction of a phase error of the first echo."""

    AS_STORED = "no"
    AUTO = "auto"
    CORRECT = "yes"
    MIXED = "mixed"

    def label(self) -> str:
        """Text in the panel."""
        return {"no": "As stored", "auto": "Correct where clear", "yes": "Correct", "mixed": "Mixed fit"}[self.value]


class GainSteps(Choice):
    """Correction of scales of the echoes that only the data show."""

    AS_STORED = "no"
    CORRECT = "yes"

    def label(self) -> str:
        """Text in the panel."""
        return {"no": "As stored", "yes": "Correct"}[self.value]


class T1(Choice):
    """Correction of the T1 weighting of PDFF."""

    AS_MEASURED = "no"
    CORRECT = "correct"

    def label(self) -> str:
        """Text in the panel."""
        return {"no": "As measured", "correct": "Correct"}[self.value]


class Readout(Enum):
    """How successive echoes were read out; bipolar echoes alternate the read-out direction."""

    MONOPOLAR = "monopolar"
    BIPOLAR = "bipolar"
    UNKNOWN = "unknown"


class PhaseUnit(Choice):
    """Unit that phase images are stored in."""

    RADIANS = "radians"
    RADIANS_POSITIVE = "radians from 0"
    MILLIRADIANS = "milliradians"
    MILLIRADIANS_POSITIVE = "milliradians from 0"
    DEGREES = "degrees"
    DEGREES_POSITIVE = "degrees from 0"
    SIGNED_4096 = "-4096..4094"
    UNSIGNED_4096 = "0..4095"
    SIGNED_2048 = "-2048..2047"
    UNSIGNED_8_BIT = "0..255"
    UNSIGNED_16_BIT = "0..65535"
    HALF_TURNS = "units of pi"
    TURNS = "turns"

    def label(self) -> str:
        """Text in the panel."""
        return self.value


class Paper(Choice):
    """Size of the page of a report."""

    A4 = "a4"
    LETTER = "letter"


class Retry(Choice):
    """Scans of a cohort that are run again although nothing has changed."""

    FAILED = "failed"
    MARKED = "marked"
