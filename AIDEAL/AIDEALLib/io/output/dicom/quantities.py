"""What each map is in DICOM's terms: quantity, unit, image type, series."""

from __future__ import annotations

from dataclasses import dataclass

Code = tuple[str, str, str]
"""Value, coding scheme, meaning."""

PERCENT: Code = ("%", "UCUM", "percent")
POINTS: Code = ("%", "UCUM", "percent")
NO_UNIT: Code = ("1", "UCUM", "no units")
PER_SECOND: Code = ("/s", "UCUM", "per second")
HERTZ: Code = ("Hz", "UCUM", "Hertz")
ARBITRARY: Code = ("[arb'U]", "UCUM", "arbitrary unit")
STANDARD_DEVIATION: Code = ("386136009", "SCT", "Standard Deviation")
FAT_FRACTION: Code = ("129100", "DCM", "Fat fraction")
R2STAR: Code = ("126395", "DCM", "R2*")


@dataclass(frozen=True)
class Quantity:
    """A map as an object.

    Attributes
    ----------
    label : str
        Name, at most 16 characters.
    explanation : str
        What the values are, at most 64 characters.
    unit : Code
        Unit (UCUM).
    concept : Code
        Quantity (PS3.16).
    modifier : Code or None
        What of the quantity, such as its standard deviation.
    image_type : tuple of str
        Values 3 and 4 of the image type of the classic series.
    window : tuple of float or None
        Lowest and highest value to show; None scales to the data.
    """

    label: str
    explanation: str
    unit: Code
    concept: Code
    modifier: Code | None
    image_type: tuple[str, str]
    window: tuple[float, float] | None


QUANTITIES: dict[str, Quantity] = {
    "pdff": Quantity("PDFF", "Proton density fat fraction, signed", PERCENT, FAT_FRACTION, None, ("PDFF", "MEAN"), (0.0, 40.0)),
    "pdff_total_sd": Quantity(
        "PDFF SD",
        "SD of the PDFF in percentage points, risk of swap included",
        POINTS,
        FAT_FRACTION,
        STANDARD_DEVIATION,
        ("PDFF", "SD"),
        (0.0, 10.0),
    ),
    "swap_probability": Quantity(
        "P(swap)",
        "Probability that water and fat are swapped",
        NO_UNIT,
        ("122157", "DCM", "Probability"),
        None,
        ("PDFF", "SWAP_PROBABILITY"),
        (0.0, 1.0),
    ),
    "r2star": Quantity("R2*", "Transverse relaxation rate R2*", PER_SECOND, R2STAR, None, ("R2_STAR", "MEAN"), (0.0, 200.0)),
    "r2star_sd": Quantity("R2* SD", "SD of R2*", PER_SECOND, R2STAR, STANDARD_DEVIATION, ("R2_STAR", "SD"), (0.0, 50.0)),
    "field": Quantity(
        "Field map",
        "Off-resonance of water",
        HERTZ,
        ("110807", "DCM", "Field Map MR Signal Intensity"),
        None,
        ("FIELD_MAP", "MEAN"),
        (-200.0, 200.0),
    ),
    "water": Quantity("Water", "Water signal", ARBITRARY, ("11713004", "SCT", "Water"), None, ("WATER", "MEAN"), None),
    "fat": Quantity("Fat", "Fat signal", ARBITRARY, ("256674009", "SCT", "Fat"), None, ("FAT", "MEAN"), None),
}
"""The maps that are exported, in the order of their series."""

MAP_SERIES, CLASSIC_SERIES, SEGMENTATION_SERIES, REPORT_SERIES, PDF_SERIES = 9001, 9101, 9201, 9202, 9203
"""Series numbers; those of maps count up in the order of `QUANTITIES`."""
RESEARCH = "research use only"
MANUFACTURER, MODEL = "AIDEAL contributors", "AIDEAL"


def description(name: str) -> str:
    """Series description, such as 'AIDEAL PDFF (research use only)'."""
    return f"{MODEL} {name} ({RESEARCH})"
