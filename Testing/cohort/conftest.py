"""A few small scans as a cohort has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cohort_scans import SCANNED_BY, small_patient

from AIDEALLib.cli.cohort_options import parse_run_options
from AIDEALLib.cohort.discover import SourceRequest
from AIDEALLib.cohort.opened import CohortRequest
from AIDEALLib.cohort.scan import CohortScan
from AIDEALLib.cohort.task import Output, Task
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.scan import acquire

MakeRequest = Callable[..., CohortRequest]


@pytest.fixture(scope="session")
def small_scan() -> EchoSeries:
    """Three echoes of one small slice: a run of it takes a moment."""
    _, protocol, _ = SCANNED_BY[2]
    return acquire(small_patient(1, protocol.field_strength_t), protocol, np.random.default_rng(1))


@pytest.fixture(scope="session")
def request_of() -> MakeRequest:
    """Make a request with options that are quick."""

    def make(source: Path, out: Path, **more: object) -> CohortRequest:
        options = RunOptions(**{"device": "cpu", "method": "one-shot", **more})
        where = SourceRequest(source, out, parse_run_options, options.keep_names)
        return CohortRequest(where, Task(CohortScan("", ()), options, out=out, output=Output(reports=False)))

    return make
