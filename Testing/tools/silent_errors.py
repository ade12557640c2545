"""How often clean scans raise an alarm, and how often a wrong number comes without one: python Testing/tools/silent_errors.py

Draws clean and faulty scans (`random_faults`), a third of them written and read in a DICOM dialect, runs each with default
options, and compares the median PDFF of each lobe with the truth. Cases are appended to `cases.jsonl` in the folder, so that a
run can be stopped and continued; `table.md` and `curve.csv` are made of all cases in it. One to two seconds a case on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import torch
from paths import MODULE

sys.path.insert(0, str(MODULE))

from dicom_writer import DIALECTS, write_scan
from random_faults import FAULTS, draw_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import AidealError
from AIDEALLib.io.load import load_series
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import Outcome, run
from AIDEALLib.quality.findings import NO_ACTION, Severity
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import SegmentStatistics, segments_of
from AIDEALLib.statistics.usability import Usability, expected_residual, misfit

CASES, TABLE, CURVE = "cases.jsonl", "table.md", "curve.csv"
CLEAN, CRASHED = "clean", "crashed: "
TABLES_EVERY = 50
"""Scans after which the tables are written anew."""
LARGEST_ERROR = 3.0
"""Points by which the median of a lobe may be off without a word."""
DICOM_SHARE = 0.33
LEAST_VOXELS = 60
NAMES = {1: "Right lobe", 2: "Left lobe"}


@dataclass(frozen=True)
class Case:
    """Outcome of one drawn scan.

    Attributes
    ----------
    kind : str
        `CLEAN`, or a key of `FAULTS`.
    seed : int
        Seed of patient, protocol and fault.
    protocol : str
        Field strength, echoes and dialect.
    refused : str
        Message of the error, '' where there was none; it begins with `CRASHED` where the error is not one of AIDEAL's own.
    findings : list of str
        Severity and code of each finding.
    errors : list of float, percentage points
        Median PDFF minus truth of each lobe that has a number.
    withheld : int
        Lobes without a number.
    misfit_percent, misfit_times : float
        Residual of a typical voxel of the lobes, and as a multiple of what noise explains.
    contradicts : bool
        A finding advises that nothing is to be done, and another one warns.
    """

    kind: str
    seed: int
    protocol: str
    refused: str
    findings: list[str]
    errors: list[float]
    withheld: int
    misfit_percent: float
    misfit_times: float
    contradicts: bool = False

    @property
    def stopped(self) -> bool:
        """No number came out, or one that is marked as meaningless."""
        return bool(self.refused) or any(code.startswith(Severity.STOP.value) for code in self.findings) or self.withheld > 0

    @property
    def warned(self) -> bool:
        """Something was stated that makes a reader doubt the numbers."""
        return self.stopped or any(code.startswith(Severity.WARN.value) for code in self.findings)

    @property
    def wrong(self) -> bool:
        """A number of a lobe is off by more than `LARGEST_ERROR`."""
        return any(abs(error) > LARGEST_ERROR for error in self.errors)

    @property
    def silent(self) -> bool:
        """A wrong number without a word."""
        return self.wrong and not self.warned


def examine(kind: str, seed: int) -> Case:
    """Draw a scan, spoil it, run it, and compare it with its truth."""
    rng = np.random.default_rng([seed, sorted([CLEAN, *FAULTS]).index(kind)])
    spoil, least = FAULTS[kind] if kind != CLEAN else (None, 3)
    series, truth = draw_scan(rng, least)
    if spoil is not None:
        series = spoil(series, rng)
    dialect = str(rng.choice(list(DIALECTS))) if rng.random() < DICOM_SHARE else ""
    protocol = f"{series.field_strength_t:g} T, {series.n_echoes} echoes{', ' if dialect else ''}{dialect}"
    try:
        scan = _through_files(series, dialect) if dialect else series
        outcome = run(scan, RunOptions(device="cpu"), networks=_networks)
    except Exception as error:
        refused = str(error) if isinstance(error, AidealError) else f"{CRASHED}{error!r}"
        return Case(kind, seed, protocol, refused[:200], [], [], 0, float("nan"), float("nan"))
    rows, labels = _lobes(outcome, truth)
    errors = [
        round(row.pdff_median - float(np.median(truth.pdff_percent[(labels == label) & outcome.maps.mask])), 2)
        for label, row in rows.items()
        if not row.withheld
    ]
    assert outcome.quality is not None
    found = outcome.quality.findings
    withheld = sum(bool(row.withheld) for row in rows.values())
    return Case(
        kind,
        seed,
        protocol,
        "",
        [f"{f.severity.value} {f.code}" for f in found],
        errors,
        withheld,
        *_misfit(outcome, labels > 0),
        contradicts=any(f.advice == NO_ACTION for f in found) and any(f.severity is not Severity.INFO for f in found),
    )


@cache
def _networks(device: str) -> Networks:
    """The bundled networks, loaded once for all scans."""
    return load_networks(torch.device(device))


def _through_files(series: EchoSeries, dialect: str) -> EchoSeries:
    with tempfile.TemporaryDirectory() as folder:
        write_scan(Path(folder) / "scan", series, DIALECTS[dialect])
        return load_series(Path(folder) / "scan", apart=False)


def _lobes(outcome: Outcome, truth: TissueMaps) -> tuple[dict[int, SegmentStatistics], npt.NDArray[np.int32]]:
    from AIDEALLib.regions.measure import RegionOptions, measure_segments

    labels = np.zeros(truth.labels.shape, np.int32)
    cross = scipy.ndimage.generate_binary_structure(2, 1)[None]
    for number in NAMES:
        inner = scipy.ndimage.binary_erosion(truth.labels == number, cross)
        if inner.sum() >= LEAST_VOXELS:
            labels[inner] = number
    names = {number: name for number, name in NAMES.items() if np.any(labels == number)}
    rows = measure_segments(outcome.maps, segments_of(labels, names), RegionOptions()).rows[: len(names)]
    return dict(zip(names, rows, strict=True)), labels


def _misfit(outcome: Outcome, where: npt.NDArray[np.bool_]) -> tuple[float, float]:
    usability, here = Usability.of(outcome.maps.provenance.as_dict()), where & outcome.maps.mask
    if not usability.noise_left or not here.any():
        return float("nan"), float("nan")
    found = misfit(outcome.maps, here, expected_residual(outcome.maps, usability.noise_left, usability.te_s, here))
    return round(found[0], 2), round(found[1], 3)


def table(cases: Iterable[Case]) -> str:
    """Markdown table with a row for each kind."""
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(case.kind, []).append(case)
    lines = [
        "| kind | scans | refused, stopped or withheld | warned | wrong by more than 3 points | of these without a word |",
        "|---|---|---|---|---|---|",
    ]
    faulty = [case for kind, group in kinds.items() if kind != CLEAN for case in group]
    rows = [(CLEAN, kinds.get(CLEAN, [])), ("all faults", faulty), *sorted((k, v) for k, v in kinds.items() if k != CLEAN)]
    for kind, group in rows:
        counts = [sum(getattr(case, name) for case in group) for name in ("stopped", "warned", "wrong", "silent")]
        lines.append(f"| {kind} | {len(group)} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines) + "\n"


def rates(cases: Iterable[Case]) -> str:
    """Sentences with the shares that count, and their 95 % intervals."""
    cases = list(cases)
    clean = [case for case in cases if case.kind == CLEAN]
    faulty = [case for case in cases if case.kind != CLEAN]
    counted = (
        ("clean scans refused, stopped or withheld", clean, [case.stopped for case in clean]),
        ("clean scans warned about, or one of these", clean, [case.warned for case in clean]),
        ("faulty scans with a number off by more than 3 points", faulty, [case.wrong for case in faulty]),
        ("faulty scans with such a number and not a word", faulty, [case.silent for case in faulty]),
    )
    lines = []
    for name, group, hits in counted:
        low, high = wilson(sum(hits), len(group))
        lines.append(f"{name}: {sum(hits)} of {len(group)} (95 % interval {100 * low:.1f} to {100 * high:.1f} %)")
    return "\n".join(lines) + "\n"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, J Am Stat Assoc 1927;22:209)."""
    if not count:
        return 0.0, 1.0
    z2, share = 1.96**2, hits / count
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def curve(cases: Iterable[Case]) -> str:
    """CSV: limit of the misfit, share of wrong numbers above it, share of clean scans above it."""
    cases = list(cases)
    clean = [case for case in cases if case.kind == CLEAN]
    wrong = [case for case in cases if case.kind != CLEAN and (case.wrong or case.stopped)]

    def above(group: list[Case], test: Callable[[Case], bool]) -> str:
        return f"{100 * sum(map(test, group)) / max(len(group), 1):.1f}"

    lines = ["limit of the misfit (times noise),wrong numbers caught (%),clean scans refused (%)"]
    for limit in (1.2, 1.5, 2, 2.5, 3, 4, 6, 10, np.inf):

        def caught(case: Case, limit: float = limit) -> bool:
            return case.stopped or case.misfit_times > limit

        lines.append(f"{limit:g},{above(wrong, caught)},{above(clean, caught)}")
    lines.append(f"any warning,{above(wrong, lambda c: c.warned)},{above(clean, lambda c: c.warned)}")
    return "\n".join(lines) + "\n"


def write_tables(folder: Path, cases: list[Case]) -> None:
    """Write the table with its rates and the curve."""
    (folder / TABLE).write_text(table(cases) + "\n" + rates(cases), encoding="utf-8")
    (folder / CURVE).write_text(curve(cases), encoding="utf-8")


def read(path: Path) -> list[Case]:
    """Cases that earlier runs have written."""
    if not path.is_file():
        return []
    return [Case(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: list[str] | None = None) -> int:
    """Examine scans and write the tables; the exit status is 1 where a number was wrong without a word, findings contradict
    each other, or a run crashed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for cases and tables")
    parser.add_argument("--clean", type=int, default=1000, help="clean scans")
    parser.add_argument("--faulty", type=int, default=1000, help="faulty scans, the kinds in turn")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    cases = read(chosen.out / CASES)
    done = {(case.kind, case.seed) for case in cases}
    kinds = list(FAULTS)
    clean = [(CLEAN, 1_000_000 * chosen.seed + n) for n in range(chosen.clean)]
    faulty = [(kinds[(n + 11 * chosen.seed) % len(kinds)], 1_000_000 * chosen.seed + n) for n in range(chosen.faulty)]
    order = sorted([*clean, *faulty], key=lambda case: case[1])  # both kinds in turn, so that a stopped run has both
    for kind, seed in order:
        if (kind, seed) in done:
            continue
        case = examine(kind, seed)
        cases.append(case)
        with (chosen.out / CASES).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(case)) + "\n")
        print(f"\r{len(cases)} of {len(order)} scans", end="", file=sys.stderr, flush=True)
        if len(cases) % TABLES_EVERY == 0:
            write_tables(chosen.out, cases)
    write_tables(chosen.out, cases)
    print("\n" + table(cases) + rates(cases) + curve(cases))
    return int(any(case.silent or case.contradicts or case.refused.startswith(CRASHED) for case in cases))


if __name__ == "__main__":
    sys.exit(main())
