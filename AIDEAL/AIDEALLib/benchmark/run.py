"""Every method on every scan, runs interleaved, finished results kept on disk."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..echoes import EchoSeries
from ..validation.cases import Case
from ..validation.files import written_whole
from ..validation.fingerprint import code_fingerprint
from .cases import Plan
from .real import RealScan
from .score import Cost, ProtocolScore, RealScore, real_score, score
from .worker import MethodDescription, ProcessEnded, Run, Runner

SLOW_CPU_S = 2.0
"""A method that takes more CPU time than this per slice is run once, and its first run counts."""
SCORING = (
    "simulation",
    "validation/cases.py",
    "validation/voxels.py",
    "validation/scores.py",
    "validation/rois.py",
    "benchmark/score.py",
    "benchmark/plain_maps.py",
    "benchmark/pycsemri_data.py",
    "benchmark/pycsemri_graph_cut.py",
    "benchmark/pycsemri_lut.py",
)
"""Modules that a stored result depends on besides the version of its method."""


@dataclass(frozen=True)
class Results:
    """Results of the benchmark.

    Attributes
    ----------
    plan : Plan
        Scans and repetitions.
    descriptions : dict of str to MethodDescription
        Settings and version by method, in the order of the tables.
    scores : tuple of ProtocolScore
        Simulated scans; a method whose process ended has those finished before.
    real : tuple of RealScore
        Real scans.
    """

    plan: Plan
    descriptions: dict[str, MethodDescription]
    scores: tuple[ProtocolScore, ...]
    real: tuple[RealScore, ...]

    @property
    def complete(self) -> list[str]:
        """Methods that ran on every scan."""
        return [name for name, description in self.descriptions.items() if not description.failure]


@dataclass(frozen=True)
class Benchmark:
    """What to run, and where finished results are kept.

    Attributes
    ----------
    plan : Plan
        Scans, repetitions and threads.
    methods : sequence of str
        Keys of `method.METHODS`.
    real : sequence of RealScan
        Real scans, one slice each.
    folder : Path
        Folder of finished results; one is reused while scan, settings, version, scoring and threads stay the same.
    progress : callable
        Called with a sentence as each run begins.
    """

    plan: Plan
    methods: Sequence[str]
    real: Sequence[RealScan]
    folder: Path
    progress: Callable[[str], None]

    def run(self) -> Results:
        """Run what is not finished; a method whose process ends is left out of the scans that follow."""
        with ExitStack() as stack:
            runners = {name: stack.enter_context(Runner(name, self.plan.threads)) for name in self.methods}
            scores = [row for case in self.plan.cases() for row in self._case(case, _running(runners))]
            real = [row for scan in self.real for row in self._real(scan, _running(runners))]
            descriptions = {name: runner.description for name, runner in runners.items()}
        return Results(self.plan, descriptions, tuple(scores), tuple(real))

    def _case(self, case: Case, runners: dict[str, Runner]) -> list[ProtocolScore]:
        files = {name: self._file(name, runner, repr(case)) for name, runner in runners.items()}
        missing = {name: runner for name, runner in runners.items() if not files[name].exists()}
        if missing:
            title = f"{case.protocol.name}, patient {case.noise[0]}"
            self.progress(f"{title}: simulating")
            scan = case.scan()
            for name, (run, cost) in self._interleaved(missing, scan.series, title).items():
                _write(files[name], asdict(score(name, run.maps, case, scan, cost)))
        return [ProtocolScore(**{**row, "rois": tuple(map(tuple, row["rois"]))}) for row in _read(files.values())]

    def _real(self, scan: RealScan, runners: dict[str, Runner]) -> list[RealScore]:
        files = {name: self._file(name, runner, scan.fingerprint) for name, runner in runners.items()}
        missing = {name: runner for name, runner in runners.items() if not files[name].exists()}
        for name, (run, cost) in self._interleaved(missing, scan.series, scan.name).items():
            _write(files[name], asdict(real_score(name, scan.name, run.maps, scan.series, cost)))
        return [RealScore(**row) for row in _read(files.values())]

    def _interleaved(self, runners: dict[str, Runner], series: EchoSeries, title: str) -> dict[str, tuple[Run, Cost]]:
        """Run the methods in turns, so that other load on the machine affects all; fast ones are warmed up and repeated."""
        slices = series.shape[0]
        last: dict[str, Run] = {}
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
        for turn in range(self.plan.repeats + 1):
            for name, runner in _running(runners).items():
                if turn and last[name].cost.cpu_s > SLOW_CPU_S * slices:
                    continue
                self.progress(f"{title}: {name}")
                try:
                    last[name] = runner.run(series)
                except ProcessEnded:
                    continue
                if turn or last[name].cost.cpu_s > SLOW_CPU_S * slices:  # the first turn of a fast method warms it up
                    costs[name].append((last[name].cost.seconds / slices, last[name].cost.cpu_s / slices))
        return {name: (last[name], _cost(costs[name], last[name].cost.peak_mib)) for name in _running(runners)}

    @cached_property
    def _scoring(self) -> str:
        return code_fingerprint(*SCORING)

    def _file(self, name: str, runner: Runner, scan: str) -> Path:
        method = runner.description
        key = json.dumps([name, method.settings, method.version, self._scoring, scan, self.plan.threads, self.plan.repeats])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _running(runners: dict[str, Runner]) -> dict[str, Runner]:
    return {name: runner for name, runner in runners.items() if not runner.description.failure}


def _cost(runs: Sequence[tuple[float, float]], peak_mib: float) -> Cost:
    """Medians of the wall and CPU times per slice."""
    wall, cpu = (statistics.median(times) for times in zip(*runs, strict=True))
    return Cost(wall, cpu, len(runs), peak_mib)


def _write(file: Path, row: dict[str, object]) -> None:
    with written_whole(file) as partial:
        partial.write_text(json.dumps(row), encoding="utf-8")


def _read(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Rows of the finished results."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
