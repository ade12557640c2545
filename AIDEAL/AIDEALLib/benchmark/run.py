"""Run the benchmark: every method on every scan, runs interleaved, what is finished kept on disk."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from ..echoes import EchoSeries
from ..validation.cases import Case
from .cases import Plan
from .real import RealScan
from .score import Cost, ProtocolScore, RealScore, real_score, score
from .worker import Introduction, Run, Runner

SLOW_S = 1.0
"""A method that takes longer than this a slice is run once; its first run counts."""


@dataclass(frozen=True)
class Results:
    """Everything the report needs; `introductions` by method."""

    plan: Plan
    introductions: dict[str, Introduction]
    scores: tuple[ProtocolScore, ...]
    real: tuple[RealScore, ...]


@dataclass(frozen=True)
class Benchmark:
    """What to run and where finished results are kept.

    Attributes
    ----------
    plan : scans, repeats and threads. methods : names out of `method.METHODS`. real : real scans, one slice each.
    folder : of finished results; one is used again as long as case, settings, version and threads stay.
    progress : told what is going on.
    """

    plan: Plan
    methods: Sequence[str]
    real: Sequence[RealScan]
    folder: Path
    progress: Callable[[str], None]

    def run(self) -> Results:
        """Run what is not there yet."""
        with ExitStack() as stack:
            runners = {name: stack.enter_context(Runner(name, self.plan.threads)) for name in self.methods}
            introductions = {name: runner.introduction for name, runner in runners.items()}
            present = {name: runner for name, runner in runners.items() if not runner.introduction.missing}
            scores = [row for case in self.plan.cases() for row in self._case(case, present)]
            real = [row for scan in self.real for row in self._real(scan, present)]
        return Results(self.plan, introductions, tuple(scores), tuple(real))

    def _case(self, case: Case, runners: dict[str, Runner]) -> list[ProtocolScore]:
        files = {name: self._file(name, runner, repr(case)) for name, runner in runners.items()}
        missing = {name: runner for name, runner in runners.items() if not files[name].exists()}
        if missing:
            what = f"{case.protocol.name}, patient {case.noise[0]}"
            self.progress(f"{what}: simulating")
            scan = case.scan()
            for name, (run, cost) in self._interleaved(missing, scan.series, what).items():
                _write(files[name], asdict(score(name, run.maps, case, scan, cost)))
        rows = [json.loads(files[name].read_text(encoding="utf-8")) for name in runners]
        return [ProtocolScore(**{**row, "rois": tuple(map(tuple, row["rois"]))}) for row in rows]

    def _real(self, scan: RealScan, runners: dict[str, Runner]) -> list[RealScore]:
        files = {name: self._file(name, runner, scan.fingerprint) for name, runner in runners.items()}
        missing = {name: runner for name, runner in runners.items() if not files[name].exists()}
        for name, (run, cost) in self._interleaved(missing, scan.series, scan.name).items():
            _write(files[name], asdict(real_score(name, scan.name, run.maps, scan.series, cost)))
        return [RealScore(**json.loads(files[name].read_text(encoding="utf-8"))) for name in runners]

    def _interleaved(self, runners: dict[str, Runner], series: EchoSeries, what: str) -> dict[str, tuple[Run, Cost]]:
        """Run the methods in turn, so that a busy moment of the machine falls on all of them; warm up and repeat quick ones."""
        slices = series.shape[0]
        last: dict[str, Run] = {}
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        for turn in range(self.plan.repeats + 1):
            for name, runner in runners.items():
                if turn and last[name].seconds > SLOW_S * slices:
                    continue
                self.progress(f"{what}: {name}")
                last[name] = runner.run(series)
                if turn or last[name].seconds > SLOW_S * slices:  # the first turn of a quick method warms it up
                    seconds[name].append(last[name].seconds / slices)
        return {
            name: (run, Cost(statistics.median(seconds[name]), len(seconds[name]), run.peak_mib)) for name, run in last.items()
        }

    def _file(self, name: str, runner: Runner, case: str) -> Path:
        said = runner.introduction
        key = json.dumps([name, said.settings, said.version, case, self.plan.threads, self.plan.repeats])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _write(file: Path, row: dict[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(row), encoding="utf-8")
    partial.replace(file)
