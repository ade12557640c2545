"""Parts of the complex signal in the words of DICOM."""

from __future__ import annotations

import pytest

from AIDEALLib.io.dicom.parts import is_derived, part_of_component, part_of_ge_code, part_of_image_type
from AIDEALLib.io.naming import Part


@pytest.mark.parametrize(
    ("image_type", "part"),
    [
        (r"ORIGINAL\PRIMARY\M\ND", Part.MAGNITUDE),
        (r"ORIGINAL\PRIMARY\PHASE MAP\P\FFE", Part.PHASE),
        (r"original\primary\r_ffe\r\ffe", Part.REAL),
        (r"ORIGINAL\PRIMARY\VOLUME\IMAGINARY", Part.IMAGINARY),
        (r"ORIGINAL\PRIMARY\OTHER", None),
        (r"P\M", None),
        ("", None),
    ],
)
def test_image_type(image_type: str, part: Part | None) -> None:
    values = image_type.split("\\")
    assert part_of_image_type(values) is part
    assert not is_derived(values)


def test_maps_of_the_scanner() -> None:
    assert is_derived(["DERIVED", "PRIMARY", "M", "FAT_FRACTION"])
    assert not is_derived(["WATER", "FAT"])


def test_codes() -> None:
    assert [part_of_component(word) for word in ("Phase", "MIXED", "P")] == [Part.PHASE, None, None]
    assert [part_of_ge_code(code) for code in (0, 3, 4, -1, None)] == [Part.MAGNITUDE, Part.IMAGINARY, None, None, None]
