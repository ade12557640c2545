"""Segments of the liver drawn by another extension."""

from __future__ import annotations

import logging
from typing import Any, Protocol

import slicer

from ..errors import AidealError
from .text import tr

TASK = "liver_segments_mr"
"""Task of TotalSegmentator that draws the segments I to VIII on MR images."""


class SegmentationFailed(AidealError):
    """The other extension did not draw any segment."""


class LiverSegmenter(Protocol):
    """Draws the segments of a liver; tests bring another one."""

    def available(self) -> bool:
        """Whether it is installed."""

    def segment(self, volume: Any, segmentation: Any) -> None:
        """Draw the segments of the liver in a volume into a segmentation node.

        Raises
        ------
        SegmentationFailed
            It ended without segments.
        """


class TotalSegmentator:
    """The TotalSegmentator extension, where it is installed.

    Untried: it was written by the interface of the extension's logic, without a Slicer that has it.
    """

    def available(self) -> bool:
        """Whether the extension is installed."""
        return hasattr(slicer.modules, "totalsegmentator")

    def segment(self, volume: Any, segmentation: Any) -> None:
        """Draw the segments I to VIII; the extension installs what it needs first, and takes minutes without a GPU.

        Raises
        ------
        SegmentationFailed
            The extension failed, or found no liver.
        """
        try:
            from TotalSegmentator import TotalSegmentatorLogic

            logic = TotalSegmentatorLogic()
            logic.setupPythonRequirements()
            logic.process(volume, segmentation, fast=False, task=TASK)
        except Exception as error:
            logging.exception("AIDEAL: TotalSegmentator failed")
            raise SegmentationFailed(
                tr("TotalSegmentator failed ({error}). Its log is in View > Error Log.").format(error=error)
            ) from error
        if not segmentation.GetSegmentation().GetNumberOfSegments():
            raise SegmentationFailed(tr("TotalSegmentator found no liver in the water image; draw the lobes by hand."))
