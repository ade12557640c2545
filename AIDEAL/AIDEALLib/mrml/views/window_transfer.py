"""A drag of the mouse over the overlay changes the window of the PDFF below it.

Slicer changes the window of the topmost volume under the mouse, which in voxels of low confidence is the overlay, whose colours
have a fixed meaning.
"""

from __future__ import annotations

from typing import Any

import vtk


class WindowTransfer:
    """Hands changes of the overlay's window on to the volume below, and takes them back from the overlay."""

    def __init__(self) -> None:
        self._over: Any = None
        self._below: Any = None
        self._tag = 0
        self._fixed = (0.0, 0.0)

    def watch(self, over: Any, below: Any) -> None:
        """Begin with an overlay (None for none) and the volume below it."""
        self.stop()
        if over is None:
            return
        self._over, self._below = over, below
        display = over.GetDisplayNode()
        self._fixed = (display.GetWindow(), display.GetLevel())
        self._tag = display.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_modified)

    def stop(self) -> None:
        """End, as before the module itself sets the window of the overlay."""
        if self._over is not None and self._over.GetDisplayNode() is not None:
            self._over.GetDisplayNode().RemoveObserver(self._tag)
        self._over = self._below = None

    def _on_modified(self, display: Any, *_: Any) -> None:
        steps = display.GetWindow() - self._fixed[0], display.GetLevel() - self._fixed[1]
        if steps == (0.0, 0.0) or self._below is None or self._below.GetDisplayNode() is None:
            return
        display.SetWindowLevel(*self._fixed)
        gain = _span(self._below) / max(_span(self._over), 1e-9)  # a step of the mouse is a share of the range of the values
        below = self._below.GetDisplayNode()
        below.SetWindowLevel(max(below.GetWindow() + gain * steps[0], 0.1), below.GetLevel() + gain * steps[1])


def _span(volume: Any) -> float:
    low, high = volume.GetImageData().GetScalarRange()
    return float(high - low)
