"""Pictures of the README, and how long a run takes from Apply to maps: python Testing/tools/pictures.py Resources/Screenshots

Rendered without the application: slice views by Slicer's own libraries (slicer-core), the panel by PySide6 with stand-ins.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paths import MODULE, TESTING

sys.path[:0] = [str(TESTING), str(MODULE)]


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


def main(folder: Path) -> None:
    """Estimate the sample through the panel, draw, and take the pictures."""
    import numpy as np

    from slicer_harness.scene import boot, empty_scene

    slicer = boot()
    from slicer_harness import qt_widgets
    from slicer_harness.scripted_module import ScriptedLoadableModuleLogic
    from slicer_harness.views import SliceView, save_png, side_by_side

    qt_widgets.install()
    empty_scene()
    from AIDEALLib.mrml.logic import AidealLogic
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.volumes import world_position
    from AIDEALLib.mrml.widget import AidealPanel

    later = Later()
    ui_file = MODULE / "Resources" / "UI" / "AIDEAL.ui"
    root = qt_widgets.load_ui(str(ui_file))
    ui = qt_widgets.child_variables(root)
    root.setMRMLScene(slicer.mrmlScene)
    logic = AidealLogic()
    panel = AidealPanel(ui, root, logic, ScriptedLoadableModuleLogic().getParameterNode, later)
    panel.enter()
    ui.loadSampleButton.click()
    views = [SliceView(name, (520, 430)) for name in layout.VIEWS]
    for run in ("first", "second"):
        started = time.monotonic()
        ui.applyButton.click()
        later.run(lambda: logic.busy)
        print(f"{run} run, Apply to maps: {time.monotonic() - started:.1f} s. {ui.statusLabel.text}")
    pdff = panel.parameters.pdff
    _, labels = sample_truth()
    both = int(np.argmax(np.minimum((labels == 1).sum((1, 2)), (labels == 2).sum((1, 2)))))
    for value, name in ((1, drawing.RIGHT_LOBE), (2, drawing.LEFT_LOBE)):
        rows, columns = np.nonzero(labels[both] == value)
        drawing.add_circle(
            slicer.mrmlScene, name, world_position(pdff, both, float(np.median(rows)), float(np.median(columns)))
        )
    panel.numbers.live.points_added()
    later.run()

    def pictures(name: str, shown: list[Any], columns: int) -> None:
        save_png(side_by_side([view.render() for view in shown], columns), folder / name)

    display.jump_to(slicer.mrmlScene, world_position(pdff, both, 80, 80))
    pictures("overview.png", views, 2)
    ui.domeButton.click()
    ui.overlayComboBox.currentIndex = 0
    plain = views[1].render()
    ui.overlayComboBox.currentIndex = 1
    ui.thresholdSlider.value = 4.0
    save_png(side_by_side([plain, views[1].render()], 2), folder / "dome.png")
    ui.overlayComboBox.currentIndex = 1
    ui.numbersTable.setCurrentCell(3, 0)
    ui.referenceButton.click()
    later.run(lambda: logic.busy)
    print(ui.referenceLabel.text)
    root.show()
    qt_widgets.settle(20)  # hints of size follow once sections have folded
    qt_widgets.grab(root, folder / "panel.png", (560, root.sizeHint().height() + 10))
    panel.close()
    for view in views:
        view.close()
    if qt_widgets.slot_errors:
        raise SystemExit("\n".join(qt_widgets.slot_errors))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
