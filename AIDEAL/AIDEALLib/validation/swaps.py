"""Swaps: number, place, and detection by P(swap)."""

from __future__ import annotations

import re

import numpy as np

from ..simulation.scenes import HARD_SCENES, PATIENTS, PLAIN
from .bench import Bench
from .cases import Abdomen, Case
from .detection import Detection, Reliability, caught_percent, reliability, roc_area
from .pictures import (
    COLOURS,
    PDFF_SCALE,
    SWAP_SCALE,
    ColourScale,
    Drawing,
    Picture,
    cropped,
    show_map,
    style_axes,
)
from .plan import Plan
from .report import Chapter
from .scores import SceneError, summary
from .swap_tables import (
    ALL_PROTOCOLS,
    EVERY,
    FEWEST_IN_BIN,
    FLAGGED_PERCENT,
    REGION_FLAGGED_PERCENT,
    REGION_VOXELS,
    aims,
    detection_table,
    protocol_table,
    reliability_table,
    scene_table,
    voxels_left_out,
    without_signal,
    worst_gap,
)
from .tables import table
from .voxels import LIVER, Voxels, joined

KEY, TITLE = "swaps", "Swaps, and their detection by P(swap)"
REGIONS: dict[str, tuple[str, ...]] = {
    "liver": LIVER,
    "Right lobe": ("Right lobe",),
    "Left lobe": ("Left lobe",),
    "Liver dome": ("Liver dome",),
    "Arms": ("Arms",),
    "Island behind gas": ("Island behind gas",),
}
WORST_CASES = 3
"""Pictures of each hard scene."""


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [*(case for method in plan.methods for case in plan.plain(method)), *plan.hard(), *plan.patients()]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and pictures of the section."""
    groups: dict[tuple[str, str, str], list[Voxels]] = {}
    for case in cases(plan):
        groups.setdefault((case.method, _scene(case), case.protocol.name), []).append(bench.voxels(case))
    samples = {key: joined(parts) for key, parts in groups.items()}
    errors = [row for key, voxels in samples.items() for row in _errors(key, voxels, EVERY)]
    errors += [row for key, parts in groups.items() for n, part in enumerate(parts) for row in _errors(key, part, str(n + 1))]
    detections = [_detection(key, parts) for key, parts in groups.items()]
    main = plan.methods[0]
    for scene in dict.fromkeys(scene for _, scene, _ in samples):
        pooled = [part for (method, s, _), parts in groups.items() if (method, s) == (main, scene) for part in parts]
        detections.append(_detection((main, scene, ALL_PROTOCOLS), pooled))
    curves = [
        row for (method, scene, name), v in samples.items() if method == main for row in _reliability(f"{scene}; {name}", v)
    ]
    kinds = {"plain": (PLAIN,), "hard scenes": HARD_SCENES, "other patients": PATIENTS}
    pools = {
        kind: joined([v for (m, s, _), v in samples.items() if m == main and s in {scene.name for scene in scenes}])
        for kind, scenes in kinds.items()
    }
    plain, pooled_curves = pools["plain"], {kind: _reliability(kind, pool) for kind, pool in pools.items()}
    curves += [row for rows in pooled_curves.values() for row in rows]
    return Chapter(
        KEY,
        TITLE,
        (
            "A voxel counts as swapped when its field is off by more than half a fat shift, whatever the cause. Wrong mode: "
            "off by that much and by more than 4 Cramer-Rao bounds of the field, so that noise alone does not explain it. "
            "Confidently wrong: PDFF off by more than 20 points and by more than 4 stated SDs of the mixture.",
            *(protocol_table(method, errors) for method in plan.methods),
            table("errors", "Every protocol, scene, region and patient", errors),
            *aims(errors, detections, main),
            *(
                scene_table(errors, scenes, field, name)
                for field, name in (("swap_percent", "swaps"), ("confidently_wrong_percent", "confidently wrong"))
                for scenes in (HARD_SCENES, PATIENTS)
            ),
            "Motion and ghosts move fat to places that have none; neither estimate nor stated SD can account for that.",
            detection_table(detections, main),
            reliability_table(pooled_curves["plain"]),
            voxels_left_out({name: v for (method, scene, name), v in samples.items() if (method, scene) == (main, PLAIN.name)}),
            without_signal(plain),
            *(worst_gap(name, rows) for name, rows in pooled_curves.items()),
            _reliability_picture(pooled_curves),
            *_scene_pictures(plan, bench),
            table("detection", "ROC area and share caught, by protocol", detections),
            table("reliability", "Reliability, by protocol", curves),
        ),
    )


def _scene(case: Case) -> str:
    assert isinstance(case.target, Abdomen)
    return case.target.scene.name


def _errors(key: tuple[str, str, str], voxels: Voxels, patient: str) -> list[SceneError]:
    _, scene, protocol = key
    parts = {"body": voxels} | {name: voxels.segment(*segments) for name, segments in REGIONS.items()}
    return [
        SceneError(**vars(summary(part, name)), protocol=protocol, scene=scene, patient=patient)
        for name, part in parts.items()
        if len(part)
    ]


def _detection(key: tuple[str, str, str], parts: list[Voxels]) -> Detection:
    method, scene, protocol = key
    voxels, region = joined(parts), np.concatenate([part.in_swapped_region(REGION_VOXELS) for part in parts])
    score, swapped, mode = voxels.swap_probability, voxels.swapped, voxels.wrong_mode
    return Detection(
        method=method,
        scene=scene,
        protocol=protocol,
        swapped_voxels=int(swapped.sum()),
        roc_area=roc_area(score, swapped),
        caught_percent=caught_percent(score, swapped, FLAGGED_PERCENT),
        wrong_mode_voxels=int(mode.sum()),
        wrong_mode_roc_area=roc_area(score, mode),
        wrong_mode_caught_percent=caught_percent(score, mode, FLAGGED_PERCENT),
        region_voxels=int(region.sum()),
        region_caught_percent=caught_percent(score, region, REGION_FLAGGED_PERCENT),
    )


def _reliability(sample: str, voxels: Voxels) -> list[Reliability]:
    return reliability(sample, voxels.swap_probability, voxels.swapped, voxels.wrong_mode)


def _reliability_picture(curves: dict[str, list[Reliability]]) -> Picture:
    drawing = Drawing(1, len(curves), 4.6, 3.8)
    for axes, (name, rows) in zip(drawing.axes[0], curves.items(), strict=True):
        filled = [row for row in rows if row.voxels >= FEWEST_IN_BIN]
        axes.axline((0, 0), slope=1, color="#888888", linewidth=0.8)
        for k, (field, title) in enumerate((("found_percent", "swapped"), ("found_wrong_mode_percent", "wrong mode"))):
            stated = [row.stated_percent for row in filled]
            axes.plot(stated, [getattr(row, field) for row in filled], "o-", markersize=4, color=COLOURS[k], label=title)
        for row in filled:
            axes.annotate(
                f"{row.voxels}", (row.stated_percent, row.found_percent), fontsize=6, xytext=(3, 4), textcoords="offset points"
            )
        axes.set_xscale("symlog", linthresh=1)
        axes.set_yscale("symlog", linthresh=1)
        axes.set_xlim(0, 105)
        axes.set_ylim(0, 105)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks([0, 0.5, 1, 3, 10, 30, 100], ["0", "0.5", "1", "3", "10", "30", "100"])
        axes.legend(fontsize=8, frameon=False)
        style_axes(axes, f"Reliability of P(swap): {name}", "stated P(swap), mean of the bin (%)", "observed (%)")
    return drawing.picture(
        "reliability",
        f"Calibrated probabilities lie on the line; numbers: voxels in the bin (bins of at least {FEWEST_IN_BIN}).",
    )


def _scene_pictures(plan: Plan, bench: Bench) -> list[Picture]:
    """Of each hard scene the cases with the most swaps, each in its slice with the most: PDFF, P(swap), swapped voxels."""
    scenes: dict[str, list[Case]] = {}
    for case in [*plan.hard(), *plan.patients()]:
        scenes.setdefault(_scene(case), []).append(case)
    pictures = []
    for scene, cases in scenes.items():
        worst = sorted(cases, key=lambda case: -int(bench.voxels(case).swapped.sum()))[:WORST_CASES]
        drawing = Drawing(len(worst), 3, 4.0, 3.0)
        for line, case in zip(drawing.axes, worst, strict=True):
            voxels = bench.voxels(case)
            swapped = voxels.image(voxels.swapped.astype(float))
            index = int(np.argmax(np.nansum(swapped, axis=(1, 2))))
            part = cropped(np.isfinite(swapped[index]))
            share = 100 * voxels.swapped.mean()
            show_map(drawing, line[0], voxels.image(voxels.pdff)[index][part], f"{case.protocol.name}\nPDFF", PDFF_SCALE)
            show_map(drawing, line[1], voxels.image(voxels.swap_probability)[index][part], "\nP(swap)", SWAP_SCALE)
            title = f"{share:.2f} % of the body swapped\nswapped voxels"
            show_map(drawing, line[2], swapped[index][part], title, ColourScale(0, 1, "gray"))
        name = f"worst_{re.sub('[^a-z]+', '_', scene.lower()).strip('_')}"
        caption = f"{scene[0].upper()}{scene[1:]}: the {len(worst)} protocols with the most swaps, in the slice with the most."
        pictures.append(drawing.picture(name, caption))
    return pictures
