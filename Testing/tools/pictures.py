"""Pictures of README and tutorial, and how long a reader waits: python Testing/tools/pictures.py Resources/Screenshots

Rendered without the application: slice views by Slicer's own libraries (slicer-core), the panel by PySide6 with stand-ins.
`--screens` also composes panel and views as they would share screens of 1920x1200 and 1280x1024, to be looked at.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from paths import MODULE, TESTING

sys.path[:0] = [str(TESTING), str(MODULE)]

SCREENS = {(1920, 1200): 560, (1280, 1024): 440}
"""Width of the panel by the size of the screen."""
FRAME = 110
"""Pixels that menus, tool bars and frames take of the height."""
PANEL_WIDTH = 520
CHANGE_POINTS = -5.0
DELAY_MS = 250
"""What the table waits for after a change."""


class Later:
    """Timers that go off in `run`."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def __call__(self, _milliseconds: int, function: Callable[[], None]) -> None:
        self.due.append(function)

    def run(self, busy: Callable[[], bool] = lambda: False) -> None:
        while True:
            due, self.due = self.due, []
            for function in due:
                function()
            if not busy() and not self.due:
                return
            time.sleep(0.05)


class Reader:
    """Somebody who reads scans in the panel, and counts clicks and waiting."""

    def __init__(self) -> None:
        from slicer_harness.scene import boot, empty_scene

        self.slicer = boot()
        from slicer_harness import qt_widgets
        from slicer_harness.scripted_module import ScriptedLoadableModuleLogic
        from slicer_harness.views import LayoutManager

        qt_widgets.install()
        empty_scene()
        from AIDEALLib.mrml.logic import AidealLogic
        from AIDEALLib.mrml.widget import AidealPanel

        self.later, self.qt = Later(), qt_widgets
        self.root = qt_widgets.load_ui(str(MODULE / "Resources" / "UI" / "AIDEAL.ui"))
        self.ui = qt_widgets.child_variables(self.root)
        self.root.setMRMLScene(self.slicer.mrmlScene)
        self.layouts = LayoutManager((520, 430))
        self.logic = AidealLogic()
        node = ScriptedLoadableModuleLogic().getParameterNode
        self.panel = AidealPanel(self.ui, self.root, self.logic, node, self.later)
        self.panel._context.dialogs.confirm = lambda text: True  # type: ignore[method-assign]
        self.panel.enter()

    def click(self, button: Any) -> float:
        """Press a button; returns the seconds until the panel is at rest."""
        started = time.monotonic()
        button.click()
        self.rest()
        return time.monotonic() - started

    def rest(self) -> None:
        """Let everything end that has begun."""
        self.later.run(lambda: self.logic.busy or self.panel.visits.under_way or self.panel.joint.estimates.under_way)
        self.slicer.app.processEvents()

    def views(self) -> list[Any]:
        """Slice views that are shown, in reading order."""
        from AIDEALLib.mrml.views import layout

        return [self.layouts.views[name] for name in layout.VIEWS if name in self.layouts.shown]

    def save(self, path: Path, columns: int = 2, of: list[Any] | None = None) -> None:
        """Picture of views side by side."""
        from slicer_harness.views import save_png, side_by_side

        save_png(side_by_side([view.render() for view in of or self.views()], columns), path)

    def save_panel(self, path: Path, width: int = PANEL_WIDTH) -> None:
        """Picture of the whole panel."""
        self.root.resize(width, 3000)
        self.root.show()
        self.qt.settle(20)  # hints of size follow once sections have folded
        self.qt.grab(self.root, path, (width, self.root.layout().heightForWidth(width) + 10))

    def save_screens(self, folder: Path, name: str) -> None:
        """Panel, cut where a screen ends, beside the views."""
        from matplotlib.image import imread

        from slicer_harness.views import save_png, side_by_side

        for (width, height), panel in SCREENS.items():
            self.save_panel(folder / "whole.png", panel)
            grabbed = (255 * imread(folder / "whole.png")[:, :, :3]).astype(np.uint8)
            screen = np.full((height - FRAME, width, 3), 40, np.uint8)
            part = grabbed[: screen.shape[0], :panel]
            screen[: part.shape[0], : part.shape[1]] = part
            size = ((width - panel - 12) // 2, (height - FRAME - 40) // 2)
            views = self.views()
            for view in views:
                view.resize(size)
                view.logic.FitSliceToAll()
            images = side_by_side([view.render() for view in views])
            screen[: images.shape[0], panel + 4 : panel + 4 + images.shape[1]] = images
            save_png(screen, folder / f"{name}-{width}x{height}.png")
            for view in views:
                view.resize((520, 430))
                view.logic.FitSliceToAll()
            (folder / "whole.png").unlink()

    def close(self) -> None:
        self.panel.close()
        self.layouts.close()
        if self.qt.slot_errors:
            raise SystemExit("\n".join(self.qt.slot_errors))


def read_sample(reader: Reader, folder: Path, screens: Path | None) -> None:
    """From the sample to its report, with the time that is waited for each click."""
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.views import display
    from AIDEALLib.mrml.volumes import world_position

    ui = reader.ui
    reader.click(ui.loadSampleButton)
    for run in ("first", "second"):
        print(f"{run} run, Apply to maps and numbers: {reader.click(ui.applyButton):.1f} s. {ui.statusLabel.text}")
    print(f"Circle by hand to numbers: {_circle(reader):.1f} s")
    print(f"Suggest circles to numbers: {reader.click(ui.suggestButton):.1f} s. {ui.regionsMessageLabel.text}")
    for row in reader.panel.numbers.live.rows:
        print(f"  {row.name}: {row.reported:.1f} % ({row.reported_low:.1f} to {row.reported_high:.1f})")
    pdff, labels = reader.panel.parameters.pdff, sample_truth()[1]
    both = int(np.argmax(np.minimum((labels == 1).sum((1, 2)), (labels == 2).sum((1, 2)))))
    display.jump_to(reader.slicer.mrmlScene, world_position(pdff, both, 80, 80))
    reader.save(folder / "overview.png")
    if screens is not None:
        reader.save_screens(screens, "reading")
    reader.click(ui.domeButton)
    pdff_view = reader.views()[1]
    ui.overlayComboBox.currentIndex = 0
    plain = pdff_view.render()
    ui.overlayComboBox.currentIndex = 1
    ui.thresholdSlider.value = 4.0
    from slicer_harness.views import save_png, side_by_side

    save_png(side_by_side([plain, pdff_view.render()], 2), folder / "dome.png")
    ui.numbersTable.setCurrentCell(3, 0)
    reader.click(ui.referenceButton)
    print(ui.referenceLabel.text)
    print(f"Joint estimates: {_joint(reader):.1f} s")
    reader.save_panel(folder / "panel.png")


def _circle(reader: Reader) -> float:
    """Place a circle as a click does, and wait for its row."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.views import display

    maps = reader.panel._context.maps()
    started = time.monotonic()
    drawing.add_circle(reader.slicer.mrmlScene, drawing.RIGHT_LOBE, display.middle_of(maps.pdff), scan=maps.scan)
    reader.panel.numbers.live.points_added()
    time.sleep(DELAY_MS / 1000)
    reader.rest()
    return time.monotonic() - started


def _joint(reader: Reader) -> float:
    started = time.monotonic()
    reader.ui.jointCheckBox.checked = True
    reader.rest()
    for row in reader.panel.numbers.live.rows:
        print(f"  {row.name}: joint {row.joint_pdff:.1f} % ({row.joint_low:.1f} to {row.joint_high:.1f})")
    reader.ui.jointCheckBox.checked = False
    reader.panel.parameters.columns = ""
    reader.rest()
    return time.monotonic() - started


def read_visits(reader: Reader, folder: Path, screens: Path | None) -> None:
    """Two simulated visits of a patient, the second with less fat, and their comparison."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sequences import add_series
    from AIDEALLib.simulation.protocol import PAPER
    from AIDEALLib.simulation.visits import Movement, visit

    reader.slicer.mrmlScene.Clear(False)
    reader.rest()
    moved = Movement(4.0, 3.0, (4.0, -3.0), 0.02)
    scans = {
        "Baseline": visit(3, PAPER, (3, 0), (12, 160, 192), pdff=14.0),
        "Follow-up": visit(3, PAPER, (3, 1), (12, 160, 192), pdff=14.0, change=CHANGE_POINTS, movement=moved),
    }
    runs = []
    parameters = reader.panel.parameters
    for name, scan in scans.items():
        stored = add_series(reader.slicer.mrmlScene, scan.series, name)
        parameters.firstSequence, parameters.secondSequence = stored.pair
        reader.click(reader.ui.applyButton)
        reader.click(reader.ui.lobesButton)
        for label, lobe in ((1, drawing.RIGHT_LOBE), (2, drawing.LEFT_LOBE)):
            drawing.set_segment(parameters.segmentation, lobe, scan.lobes == label, parameters.pdff)
        reader.rest()
        runs.append(parameters.pdff)
    parameters.baseline, parameters.followUp = runs
    reader.panel.update()
    reader.ui.visitsSection.collapsed = False
    print(f"Compare visits: {reader.click(reader.ui.compareButton):.1f} s")
    for row in range(reader.ui.changeTable.rowCount):
        print("  " + "  ".join(reader.ui.changeTable.item(row, column).text() for column in range(5)))
    print(reader.ui.visitsMessageLabel.text)
    reader.save(folder / "visits.png")
    if screens is not None:
        reader.save_screens(screens, "visits")
        reader.save_panel(screens / "visits-panel.png")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--screens", type=Path)
    given = parser.parse_args()
    reader = Reader()
    read_sample(reader, given.folder, given.screens)
    read_visits(reader, given.folder, given.screens)
    reader.close()


if __name__ == "__main__":
    main()
