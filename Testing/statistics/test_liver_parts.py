"""Recognition of the liver, its lobes and Couinaud segments by name and terminology, and the rows they make together."""

from __future__ import annotations

import pytest

from AIDEALLib.statistics import LiverPart, liver_groups, liver_part

TOTAL = {n: f"liver_segment_{n}" for n in range(1, 9)}
SLICER = "Segmentation category and type~SCT^123037004^Anatomical Structure~SCT^{}^x~{}~list~^^~^^"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("liver", LiverPart.LIVER),
        ("Liver dome", LiverPart.LIVER),
        ("Leber", LiverPart.LIVER),
        ("Foie", LiverPart.LIVER),
        ("Hígado", LiverPart.LIVER),
        ("Fígado", LiverPart.LIVER),
        ("fegato", LiverPart.LIVER),
        ("Lever", LiverPart.LIVER),
        ("肝臓", LiverPart.LIVER),
        ("liver_lobe_left", LiverPart.LEFT),
        ("Right lobe", LiverPart.RIGHT),
        ("Right lobe ROI 2", LiverPart.RIGHT),
        ("rechter Leberlappen", LiverPart.RIGHT),
        ("linker Leberlappen", LiverPart.LEFT),
        ("Lobe droit", LiverPart.RIGHT),
        ("lóbulo izquierdo", LiverPart.LEFT),
        ("lobo destro", LiverPart.RIGHT),
        ("肝右叶", LiverPart.RIGHT),
        ("liver_segment_1", LiverPart.I),
        ("Liver segment 8", LiverPart.VIII),
        ("Couinaud hepatic segment IVb", LiverPart.IVB),
        ("Lebersegment 4a", LiverPart.IVA),
        ("Segment VI", LiverPart.VI),
        ("Segment II ROI 1", LiverPart.II),
        ("liver segments 5-8", LiverPart.RIGHT),
        ("segment hépatique 3", LiverPart.III),
        ("Caudate lobe", LiverPart.I),
        *(
            (name, LiverPart.LIVER)
            for name in ("wholeLiver", "LiverMask", "Gesamtleber", "Lebersegmentierung", "játra", "ΗΠΑΡ")
        ),
        *(
            (name, LiverPart.LIVER)
            for name in ("parenchyme hépatique", "leverparenchym", "全肝", "печень", "wątroba", "Liver 2")
        ),
        ("RightLobe", LiverPart.RIGHT),
        ("linke leverkwab", LiverPart.LEFT),
        ("LiverSegment3", LiverPart.III),
        ("Liver S8", LiverPart.VIII),
        ("肝S5", LiverPart.V),
    ],
)
def test_names_of_liver(name: str, part: LiverPart) -> None:
    assert liver_part(name) is part


@pytest.mark.parametrize(
    "name",
    ["Spleen", "label 1", "Segment_1", "Segment 1", "Liver vessels", "portal vein", "hepatic artery", "liver_lesion", "caudate",
     "lung_upper_lobe_left", "kidney_right", "Gallbladder", "body mask", "colon hepatic flexure", "Lebertumor", "", "Muscle",
     "Liverpool", "Oliver", "delivery", "Leverage", "not liver", "liver shunt", "liver abscess", "liver stent", "liver edge",
     "liver capsule", "liver ROI exclude", "peri-liver fat", "Liver mass", "liver nodule", "Leberrand", "Leberhämangiom",
     "Leberabszess", "Leberkapsel", "quiste hepático", "kyste du foie", "lésion hépatique", "foie gras", "tumore epatico",
     "lesão do fígado", "levertumor", "leverlaesie", "肝腫瘍", "肝血管", "肝囊肿", "肝转移", "hepatoma", "perihepatic fluid"],
)  # fmt: skip
def test_names_of_other_tissue(name: str) -> None:
    assert liver_part(name) is None


@pytest.mark.parametrize(
    ("code", "modifier", "part"),
    [
        ("10200004", "^^", LiverPart.LIVER),
        ("10200004", "SCT^24028007^Right", LiverPart.RIGHT),
        ("10200004", "SCT^7771000^Left", LiverPart.LEFT),
        ("71133005", "^^", LiverPart.I),
        ("277962002", "^^", LiverPart.VIII),
        ("78961009", "^^", None),
    ],
)
def test_terminology(code: str, modifier: str, part: LiverPart | None) -> None:
    assert liver_part("Segment_1", SLICER.format(code, modifier)) is part
    assert liver_part("Tumor 1", SLICER.format(code, modifier)) is None


def test_couinaud_segments_make_lobes_without_the_caudate() -> None:
    assert liver_groups(TOTAL) == {
        "right lobe (V-VIII)": [5, 6, 7, 8],
        "left lobe (II-IV)": [2, 3, 4],
        "whole liver": [1, 2, 3, 4, 5, 6, 7, 8],
    }
    assert "whole liver" not in liver_groups(TOTAL | {9: "liver"})
    assert liver_groups(TOTAL | {9: "spleen"}) == liver_groups(TOTAL)
    assert liver_groups({5: "liver_segment_5"}) == {}


def test_lobes_make_the_liver() -> None:
    assert liver_groups({4: "Right lobe", 2: "Left lobe", 3: "Spleen"}) == {"whole liver": [2, 4]}
    assert liver_groups({1: "A", 2: "B"}, {1: "SCT^48521005^x", 2: "SCT^69842003^x"}) == {"whole liver": [1, 2]}
