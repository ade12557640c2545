"""Tables and sentences of the section on swaps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..simulation.scenes import PLAIN, Scene
from .detection import Detection, Reliability
from .scores import SceneError
from .tables import Column, Table, format_cell, table
from .voxels import LOBES, Voxels, percent

FLAGGED_PERCENT = 3.0
REGION_FLAGGED_PERCENT = 5.0
REGION_VOXELS = 30
"""Adjacent swapped voxels from which on they are a swapped region."""
FEWEST_IN_BIN = 20
EVERY, ALL_PROTOCOLS = "all", "all protocols"
ISLANDS = ("Arms", "Island behind gas")
AIM_PERCENT = 0.02
NO_SIGNAL_POINTS = 50.0


def protocol_table(method: str, errors: list[SceneError]) -> Table:
    """Plain patients by protocol."""
    mine = [e for e in errors if (e.method, e.scene) == (method, PLAIN.name)]
    pooled = {(e.protocol, e.segment): e for e in mine if e.patient == EVERY}
    lines = []
    for protocol in dict.fromkeys(protocol for protocol, _ in pooled):
        body, liver, dome = (pooled.get((protocol, name)) for name in ("body", "liver", "Liver dome"))
        lobes = [[e for e in mine if (e.protocol, e.segment) == (protocol, name) and e.patient != EVERY] for name in LOBES]
        worst = max((abs(e.median_bias) for lobe in lobes for e in lobe), default=math.nan)
        decay = [e.r2star_bias_percent for e in mine if (e.protocol, e.segment) == (protocol, "liver") and e.patient != EVERY]
        lines.append(
            [
                protocol,
                *(_pair(body, liver, f"{name}_percent", ".3f") for name in ("swap", "wrong_mode", "confidently_wrong")),
                format_cell(dome.swap_percent, ".3f") if dome else "-",
                " / ".join(f"{np.mean([e.median_bias for e in lobe]):+.2f}" if lobe else "-" for lobe in lobes),
                format_cell(worst, ".2f"),
                *(format_cell(getattr(liver, name), ".2f") for name in ("error_sd", "stated_sd")),
                _pair(liver, liver, "coverage_68_percent", ".1f", "coverage_95_percent"),
                f"{np.mean(decay):+.1f}",
            ]
        )
    titles = (
        "Protocol",
        "Swaps body / liver, %",
        "Wrong mode body / liver, %",
        "Confidently wrong body / liver, %",
        "Swaps in the dome, %",
        "Bias of the median, right / left lobe, mean of patients",
        "largest",
        "SD of error, liver",
        "Stated SD",
        "In the 68 / 95 % interval",
        "R2* bias, %",
    )
    patients = max(int(e.patient) for e in mine if e.patient != EVERY)
    plural = "s" if patients > 1 else ""
    return Table("", f"Method {method}, {patients} plain patient{plural} per protocol; PDFF in points.", (), titles, lines)


def _pair(one: SceneError | None, two: SceneError | None, field: str, spec: str, other: str = "") -> str:
    return " / ".join(
        format_cell(getattr(row, name), spec) if row else "-" for row, name in ((one, field), (two, other or field))
    )


def aims(errors: list[SceneError], detections: list[Detection], method: str) -> list[str]:
    """Aim and result of each scene.

    Parameters
    ----------
    errors : list of SceneError
        Errors by scene, protocol and region.
    detections : list of Detection
        Detection of swaps by scene and protocol.
    method : str
        Name of the method.

    Returns
    -------
    list of str
        One sentence per scene.
    """
    sentences = []
    for scene in dict.fromkeys(e.scene for e in errors):
        parts = []
        for region in ("body", "liver"):
            rows = [e for e in errors if (e.method, e.scene, e.segment, e.patient) == (method, scene, region, EVERY)]
            worst = max(rows, key=lambda e: e.swap_percent)
            parts.append(
                f"{region}: met by {sum(e.swap_percent <= AIM_PERCENT for e in rows)} of {len(rows)} protocols, worst "
                f"{worst.swap_percent:.2f} % ({worst.protocol})"
            )
        caught = next(d for d in detections if (d.method, d.scene, d.protocol) == (method, scene, ALL_PROTOCOLS))
        sentences.append(
            f"Swaps, {scene}: aim {AIM_PERCENT} %, {'; '.join(parts)}. Flagged at {FLAGGED_PERCENT:.0f} % of the area: aim 95 "
            f"% of them; measured {format_cell(caught.caught_percent, '.1f')} %."
        )
    return sentences


def scene_table(errors: list[SceneError], among: Sequence[Scene], field: str, name: str) -> Table:
    """Scenes: body / liver (and arms or island) by protocol.

    Parameters
    ----------
    errors : list of SceneError
        Errors by scene, protocol and region.
    among : sequence of Scene
        The scenes.
    field : str
        Attribute of `SceneError` to show.
    name : str
        Its name in the caption.

    Returns
    -------
    Table
        Protocols (rows) against scenes (columns).
    """
    scenes = [scene.name for scene in among]
    rows = [e for e in errors if e.scene in scenes and e.patient == EVERY]
    shares = {(e.protocol, e.scene, e.segment): getattr(e, field) for e in rows}
    lines = []
    for protocol in dict.fromkeys(e.protocol for e in rows):
        cells = []
        for scene in scenes:
            named = [shares.get((protocol, scene, segment)) for segment in ("body", "liver", *ISLANDS)]
            cells.append(" / ".join(f"{value:.2f}" for value in named if value is not None))
        lines.append([protocol, *cells])
    island = {e.scene: f" / {e.segment.lower()}" for e in rows if e.segment in ISLANDS}
    titles = ["Protocol", *[f"{s}: body / liver{island.get(s, '')}" for s in scenes]]
    return Table("", f"Harder scenes, method refined: {name}, %.", (), titles, lines)


def detection_table(detections: list[Detection], method: str) -> Table:
    """Detection in plain patients by protocol, then in every scene over all protocols."""
    columns = (
        Column("Scene", "scene"),
        Column("Protocol", "protocol"),
        Column("Swapped voxels", "swapped_voxels"),
        Column("ROC area", "roc_area", ".3f"),
        Column("caught at 3 % flagged, %", "caught_percent", ".1f"),
        Column("Wrong mode", "wrong_mode_voxels"),
        Column("ROC area", "wrong_mode_roc_area", ".3f"),
        Column("caught at 3 % flagged, %", "wrong_mode_caught_percent", ".1f"),
        Column(f"In swapped regions ({REGION_VOXELS} voxels or more)", "region_voxels"),
        Column("caught at 5 % flagged, %", "region_caught_percent", ".1f"),
    )
    rows = [row for row in detections if row.method == method and (row.scene == PLAIN.name or row.protocol == ALL_PROTOCOLS)]
    return table("", "P(swap) against swaps in the body: plain patients by protocol, then each scene.", rows, columns)


def reliability_table(rows: list[Reliability]) -> Table:
    """Reliability by bin."""
    columns = (
        Column("P(swap) from", "low", "g"),
        Column("to", "high", "g"),
        Column("Voxels", "voxels"),
        Column("Stated, %", "stated_percent", ".2f"),
        Column("Swapped, %", "found_percent", ".2f"),
        Column("Wrong mode, %", "found_wrong_mode_percent", ".2f"),
    )
    return table("", "Reliability of P(swap), plain patients, all protocols, body.", rows, columns)


def worst_gap(name: str, rows: list[Reliability]) -> str:
    """Bin with the largest difference of stated and observed shares, among those of at least 100 voxels."""
    filled = [row for row in rows if row.voxels >= 100]
    if not filled:
        return f"Reliability, {name}: no bin holds 100 voxels."
    worst = max(filled, key=lambda row: abs(row.stated_percent - row.found_percent))
    return (
        f"Reliability, {name}: aim within 5 points; the worst bin of at least 100 voxels states {worst.stated_percent:.1f} % "
        f"where {worst.found_percent:.1f} % are swapped."
    )


def voxels_left_out(samples: dict[str, Voxels]) -> str:
    """Largest share of the body without an estimate, which no figure includes; samples by protocol."""
    share = {name: 100 * voxels.left_out / (voxels.left_out + len(voxels)) for name, voxels in samples.items()}
    most = max(share, key=lambda name: share[name])
    return f"Voxels of the body in noise have no estimate and are not counted: {share[most]:.2f} % at most ({most})."


def without_signal(voxels: Voxels) -> str:
    """P(swap) where the echoes do not determine the field: aim one half."""
    lost = voxels.pdff_bound > NO_SIGNAL_POINTS
    if not lost.any():
        return f"No voxel has a Cramer-Rao bound above {NO_SIGNAL_POINTS:.0f} points of PDFF."
    stated, swapped = float(voxels.swap_probability[lost].mean()), percent(voxels.swapped[lost])
    return (
        f"Where the Cramer-Rao bound of PDFF exceeds {NO_SIGNAL_POINTS:.0f} points, so that the echoes do not determine it: "
        f"aim P(swap) one half; mean {stated:.3f} over {int(lost.sum())} voxels of plain patients, {swapped:.0f} % swapped."
    )
