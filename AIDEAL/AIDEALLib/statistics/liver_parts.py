"""Which segment is the liver, a lobe or a Couinaud segment, from its name in several languages or its terminology code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum


class LiverPart(Enum):
    """The liver, a lobe, or a segment after Couinaud."""

    LIVER = "liver"
    RIGHT = "right lobe"
    LEFT = "left lobe"
    I = "I"  # noqa: E741 (Couinaud's own numeral)
    II = "II"
    III = "III"
    IV = "IV"
    IVA = "IVa"
    IVB = "IVb"
    V = "V"
    VI = "VI"
    VII = "VII"
    VIII = "VIII"


RIGHT_SEGMENTS = (LiverPart.V, LiverPart.VI, LiverPart.VII, LiverPart.VIII)
LEFT_SEGMENTS = (LiverPart.II, LiverPart.III, LiverPart.IV, LiverPart.IVA, LiverPart.IVB)
SEGMENTS = (LiverPart.I, *LEFT_SEGMENTS, *RIGHT_SEGMENTS)
"""Couinaud segments in their order; I is the caudate lobe and belongs to neither lobe."""
RIGHT_LOBE_ROW, LEFT_LOBE_ROW, WHOLE_LIVER = "right lobe (V-VIII)", "left lobe (II-IV)", "whole liver"

_CODES = {
    "10200004": LiverPart.LIVER,
    "48521005": LiverPart.RIGHT,
    "69842003": LiverPart.LEFT,
    "71133005": LiverPart.I,
    "277956007": LiverPart.II,
    "277957003": LiverPart.III,
    "277958008": LiverPart.IV,
    "871688003": LiverPart.IVA,
    "871689006": LiverPart.IVB,
    "277959000": LiverPart.V,
    "277960005": LiverPart.VI,
    "277961009": LiverPart.VII,
    "277962002": LiverPart.VIII,
}
"""SNOMED CT codes."""
_SIDE_CODES = {"24028007": LiverPart.RIGHT, "7771000": LiverPart.LEFT}
_LIVER = re.compile(
    r"^(liver(mask|roi|seg\w*|lobes?|parenchyma)?s?|hepar|hepat(ic|is|ique|ic[oa]|isch\w*)|epatic[oa]|(gesamt)?leber(maske?|segment\w*|"
    r"lappen|parenchym|gewebe|volumen|roi)?|foie|higado|figado|fegato|lever(kwab\w*|parenchym|parenkym|mask\w*|weefsel)?|.*肝.*|"
    r"печен.*|j[ea]tra|watrob\w*|maksa|maj|ficat|karaciger|ηπαρ|συκωτι)$"
)
"""The liver in several languages. Other compounds, as 'Leberrand' or 'Liverpool', are none."""
_LOBE = re.compile(r"^(lobe|lobes|lobus|lobo|lobulo|lappen|leberlappen|kwab|leverkwab|.*[叶葉])$")
_SEGMENT = re.compile(r"^(segment|segments|segmento|segmenti|segmente|segmentum|(liver|leber)segment\w*|couinaud|.*段)$")
_SHORT_SEGMENT = re.compile(r"^(s|.*肝s)$")
"""'S' before a number, where the liver is named."""
_RIGHT = re.compile(r"^(right|rechts|rechter?|droite?|derech[oa]|destr[oa]|direit[oa]|dexter|.*右.*)$")
_LEFT = re.compile(r"^(left|links|linker?|gauche|izquierd[oa]|sinistr[oa]|esquerd[oa]|sinister|.*左.*)$")
_CAUDATE = re.compile(r"^(caudate|caudatus|caude|caudado|caudato|.*尾状.*)$")
_QUADRATE = re.compile(r"^(quadrate|quadratus|carre|cuadrado|quadrado|quadrato)$")
_OTHER = re.compile(
    r"^(vessels?|veins?|venous|vena|vene|venen|veines?|venas?|port[ae]l?|porta|arter.*|vascul.*|ducts?|bile|biliary|biliar.*|gef.*|shunts?|"
    r"vaisseaux?|vasos?|vasi|vaten|tips|stents?|drains?|drainage|catheter.*|katheter.*|needle|biops.*|ablat.*|resect.*|implant.*|"
    r"tum.*|neoplas.*|lesions?|lesion[ei]|lesao|lasion.*|laesie.*|cysts?|cist[io]|quistes?|kystes?|zysten?|metast.*|carcinoma|karzinom.*|"
    r"hcc|h?a?emangiom.*|hepatoma|absce.*|absze.*|nodul.*|knoten|mass|masses|masa|massa|herd.*|rundherd.*|calcif.*|h?a?ematom.*|"
    r"surface|capsule|capsula|kapsel|edges?|borders?|rim|rand|contour|kontur|margin|hilum|hilus|bed|ligament.*|fissure|around|peri|"
    r"exclu.*|artefact.*|artifact.*|motion|coil|noise|air|gas|fat|fett|gras|graisse|grasa|grasso|gordura|fluid|ascites|"
    r"leber(?!maske?$|segment|lappen$|parenchym$|gewebe$|volumen$|roi$).+|lever(?!kwab|parenchym$|parenkym$|mask|weefsel$).+|"
    r"gall.*|flexure|colon|spleen|kidney|lungs?|pulmonary|pancrea.*|brain|thyroid|prostate|upper|middle|lower|superior|inferior|"
    r"frontal|temporal|parietal|occipital|insula.*|not|non|outside|without|background|"
    r".*(血管|静脉|静脈|動脈|動脉|动脉|肿瘤|腫瘍|腫瘤|癌|嚢胞|囊肿|転移|转移|結節|结节|胆).*)$"
)
"""Words of what is in, at or beside a liver, or a lobe of another organ."""
_ROMAN = {"i": "I", "ii": "II", "iii": "III", "iv": "IV", "iva": "IVa", "ivb": "IVb", "v": "V", "vi": "VI", "vii": "VII"}
_ROMAN["viii"] = "VIII"
_ARABIC = dict(zip("12345678", ("I", "II", "III", "IV", "V", "VI", "VII", "VIII"), strict=True)) | {"4a": "IVa", "4b": "IVb"}


def liver_part(name: str, terminology: str = "") -> LiverPart | None:
    """Part of the liver that a segment is, None where it is another tissue or the name leaves it open.

    Parameters
    ----------
    name : str
        Name of the segment, such as 'liver_segment_4' (TotalSegmentator), 'Right lobe', 'linker Leberlappen' or 'Segment IVa'.
        A lesion, vessel or duct of the liver is no part of it. 'Segment_1' is not one: Segment Editor gives that name to
        whatever is drawn first.
    terminology : str
        Terminology entry as Slicer stores it, or any text with a code such as 'SCT^10200004^Liver'; '' where there is none.

    Returns
    -------
    LiverPart or None
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # 'wholeLiver'
    plain = "".join(c for c in unicodedata.normalize("NFKD", spaced.lower()) if not unicodedata.combining(c))
    words = re.findall(r"[^\W\d_]+|\d+[ab]?(?![^\W\d_])", plain)
    if any(_OTHER.match(word) for word in words):
        return None
    coded = _from_code(terminology)
    named = _from_words(words, coded is not None)
    if named in (None, LiverPart.LIVER) and coded is not None:
        return coded
    return named


def liver_groups(names: Mapping[int, str], terminology: Mapping[int, str] | None = None) -> dict[str, list[int]]:
    """Groups of segments that get a row of their own, since together they are a lobe or the liver.

    Parameters
    ----------
    names : Mapping[int, str]
        Name of each label.
    terminology : Mapping[int, str], optional
        Terminology entry of each label.

    Returns
    -------
    dict of str to list of int
        Labels by row: the right lobe is the segments V to VIII, the left lobe II to IV, the caudate (I) belongs to neither;
        the whole liver is everything. A group with one segment, and one that is a segment itself, are left out.
    """
    known = terminology or {}
    parts = {label: part for label, name in names.items() if (part := liver_part(name, known.get(label, "")))}
    found = set(parts.values())
    groups: dict[str, list[int]] = {}
    for row, own, members in (
        (RIGHT_LOBE_ROW, LiverPart.RIGHT, RIGHT_SEGMENTS),
        (LEFT_LOBE_ROW, LiverPart.LEFT, LEFT_SEGMENTS),
    ):
        labels = sorted(label for label, part in parts.items() if part in members)
        if len(labels) > 1 and own not in found:
            groups[row] = labels
    right = bool(found & {LiverPart.RIGHT, *RIGHT_SEGMENTS})
    left = bool(found & {LiverPart.LEFT, *LEFT_SEGMENTS})
    if right and left and LiverPart.LIVER not in found:
        groups[WHOLE_LIVER] = sorted(parts)
    return groups


def _from_code(terminology: str) -> LiverPart | None:
    codes = re.findall(r"(?:SCT|SRT|SNM3|SNOMED)[^0-9]*(\d{6,18})", terminology)
    part = next((_CODES[code] for code in codes if code in _CODES), None)
    if part is LiverPart.LIVER:
        return next((_SIDE_CODES[code] for code in codes if code in _SIDE_CODES), part)
    return part


def _from_words(words: list[str], is_liver: bool) -> LiverPart | None:
    def has(pattern: re.Pattern[str]) -> bool:
        return any(pattern.match(word) for word in words)

    liver, lobe = is_liver or has(_LIVER), has(_LOBE)
    if has(_CAUDATE):
        return LiverPart.I if liver or lobe else None
    if has(_QUADRATE):
        return LiverPart.IV if liver or lobe else None
    if (has(_SEGMENT) or (has(_LIVER) and has(_SHORT_SEGMENT))) and (
        numbers := _segment_numbers(words, has(_LIVER) or "couinaud" in words)
    ):
        return _together(numbers)
    if not (liver or lobe):
        return None
    right, left = has(_RIGHT), has(_LEFT)
    if right != left:
        return LiverPart.RIGHT if right else LiverPart.LEFT
    return LiverPart.LIVER if liver else None


def _segment_numbers(words: list[str], arabic: bool) -> set[LiverPart]:
    """Couinaud numbers among the words up to 'ROI', which numbers circles; Arabic ones only where the liver is named."""
    end = words.index("roi") if "roi" in words else len(words)
    known = _ROMAN | (_ARABIC if arabic else {})
    return {LiverPart(known[word]) for word in words[:end] if word in known}


def _together(numbers: set[LiverPart]) -> LiverPart:
    if len(numbers) == 1:
        return next(iter(numbers))
    if numbers <= set(RIGHT_SEGMENTS):
        return LiverPart.RIGHT
    if numbers <= {LiverPart.IVA, LiverPart.IVB, LiverPart.IV}:
        return LiverPart.IV
    return LiverPart.LEFT if numbers <= set(LEFT_SEGMENTS) else LiverPart.LIVER
