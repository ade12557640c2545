"""The synthetic liver in Slicer's Sample Data module."""

from __future__ import annotations

import logging
from typing import Any

from ..scan.sample import SAMPLE_NAME


def register() -> bool:
    """Register the sample; False where Slicer has no Sample Data module."""
    try:
        from SampleData import SampleDataLogic

        SampleDataLogic.registerCustomSampleDataSource(
            category="AIDEAL",
            sampleName=SAMPLE_NAME,
            uris="",
            fileNames="",
            nodeNames=SAMPLE_NAME,
            customDownloader=_load,
        )
    except Exception:
        logging.debug("AIDEAL: sample data not registered", exc_info=True)
        return False
    return True


def _load(_source: Any = None) -> list[Any]:
    """Load the shipped file: nothing is downloaded."""
    from ..logic import AidealLogic

    logic = AidealLogic()
    try:
        stored, lobes = logic.load_sample()
        return [*stored.nodes, lobes]
    finally:
        logic.close()
