"""Names of labels: from the header of a label map, a table beside it, or the name of its file."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..escaping import plain
from ..statistics import liver_part
from .naming import stem

LONGEST_NAME = 120
LARGEST_TABLE_BYTES = 1 << 20
SEGMENT_FILE = re.compile(r"liver[-_ ]?(segments?|couinaud)|couinaud", re.IGNORECASE)
"""File names of label maps whose values are the numbers of Couinaud segments."""
_ORGANS = re.compile(
    "liver|hepatic|spleen|kidney|pancreas|gallbladder|stomach|aorta|heart|lung|colon|duodenum|muscle|psoas|iliopsoas|autochthon|"
    "vertebrae?|vertebral|marrow|bone|fat|subcutaneous|visceral|torso|tumou?r|lesion|cyst|gland|adrenal|bladder|prostate|portal|"
    "vein|vessel|artery|left|right|upper|middle|lower|lobe|segment|phantom|vial|[LT]?\\d{1,2}",
    re.IGNORECASE,
)
"""Words that a name may keep where names of files are not to be shown."""


def names_in_header(header: Mapping[str, str], source: Path) -> dict[int, str]:
    """Names of labels from the header extension of NIfTI (Connectome Workbench's LabelTable, as TotalSegmentator writes it).

    Parameters
    ----------
    header : Mapping of str to str
        Fields of the header.
    source : Path
        The file.

    Returns
    -------
    dict of int to str
        Empty where there are none.
    """
    if not source.name.endswith((".nii", ".nii.gz")):
        return {}
    import nibabel.nifti1

    names: dict[int, str] = {}
    for extension in nibabel.nifti1.Nifti1Image.from_filename(source).header.extensions:
        text = extension.get_content()
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for key, name in re.findall(r'<Label\s[^>]*Key="(\d+)"[^>]*>(?:<!\[CDATA\[)?([^\]<]+)', text):
            names[int(key)] = name
    return _clean(names)


def names_beside(source: Path) -> dict[int, str]:
    """Names of labels from a table beside a label map.

    Read are JSON (`{"labels": {"liver": 5}}` as in nnU-Net, or numbers to names), a BIDS table (`.tsv` with index and name), a
    colour table of Slicer (`.ctbl`) and label descriptions of ITK-SNAP (`.txt`, `.label`), of the name of the label map; and
    `dataset.json`.
    """
    own = stem(source)
    tables = [source.with_name(own + suffix) for suffix in (".json", ".tsv", ".ctbl", ".txt", ".label")]
    for table in (*tables, source.with_name("dataset.json")):
        try:
            if not table.is_file() or table.stat().st_size > LARGEST_TABLE_BYTES:
                continue
            names = _of_table(table)
        except (OSError, ValueError, RecursionError):
            continue
        if names:
            return _clean(names)
    return {}


def name_of_file(source: Path, keep_names: bool) -> str:
    """Name of the only label of a file, from the name of the file.

    Parameters
    ----------
    source : Path
        The file.
    keep_names : bool
        Take the name as it is; otherwise only words for anatomy are kept, since file names often name patients.

    Returns
    -------
    str
        '' where no word is left.
    """
    own = stem(source.with_name(source.name.replace(".seg.", ".")))
    if keep_names:
        return plain(own)[:LONGEST_NAME]
    words = [word for word in re.split(r"[^\w]+|_", own) if word]
    if part := liver_part(own):
        runs = (words[a:b] for b in range(len(words), 0, -1) for a in range(b))
        same = [run for run in runs if liver_part("_".join(run)) is part]
        return "_".join(sorted(same, key=len)[0]) if same else part.value
    kept = [word for word in words if _ORGANS.fullmatch(word.rstrip("s"))]
    return "_".join(kept) if any(not word.isdigit() for word in kept) else ""


def couinaud_names(source: Path, values: list[int]) -> dict[int, str]:
    """Names of the values 1 to 8 of a file that is named as the segments of the liver."""
    if SEGMENT_FILE.search(stem(source)) and len(values) > 1 and set(values) <= set(range(1, 9)):
        return {value: f"liver_segment_{value}" for value in values}
    return {}


def _of_table(table: Path) -> dict[int, str]:
    text = table.read_text(encoding="utf-8-sig", errors="replace")
    if table.suffix == ".json":
        return _of_json(json.loads(text))
    if table.suffix == ".tsv":
        rows = csv.DictReader(text.splitlines(), delimiter="\t")
        return {int(row["index"]): row["name"] for row in rows if (row.get("index") or "").isdigit() and row.get("name")}
    if table.suffix == ".ctbl":
        found = re.findall(r"^(\d+)[ \t,]+([^\s,]+)", text, re.MULTILINE)
    else:  # ITK-SNAP: index, colour and flags, then the name in quotes
        found = re.findall(r'^\s*(\d+)\s[\d\s.]*"([^"]+)"', text, re.MULTILINE)
    return {int(value): name.replace("_", " ") if table.suffix == ".ctbl" else name for value, name in found}


def _of_json(content: Any) -> dict[int, str]:
    labels = content.get("labels", content) if isinstance(content, dict) else {}
    names = {}
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if isinstance(value, int) and not isinstance(value, bool):
            names[value] = str(key)
        elif str(key).isdigit() and isinstance(value, str):
            names[int(key)] = value
    return names


def _clean(names: Mapping[int, str]) -> dict[int, str]:
    return {value: plain(name.strip())[:LONGEST_NAME] for value, name in names.items() if value and name.strip()}
