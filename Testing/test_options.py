"""Every option of a run is in the command line, in the panel and in provenance; the lists come from the dataclasses.

The panel is on PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from dataclasses import replace
from enum import EnumMeta
from typing import Any, get_type_hints
from xml.etree import ElementTree

import pytest
from paths import MODULE
from typer.testing import CliRunner

from AIDEALLib.choices import Choice
from AIDEALLib.cli.main import app
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.options import Overrides, RunOptions, flag, option_fields, option_type
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import Stopped

OPTIONS = tuple(option_fields())
IN_PANEL = tuple(name for name in OPTIONS if name not in ("models", "trust_models", "keep_names", "anyway", "study", "series"))
"""Networks of one's own are for the command line; studies and series are chosen where files are loaded; `anyway` is no setting,
but a check box for the run at hand."""
UI = ElementTree.parse(MODULE / "Resources" / "UI" / "AIDEAL.ui").getroot()


def ui_text(widget: ElementTree.Element, name: str) -> str:
    return next((p.findtext("string") or "" for p in widget.findall("property") if p.get("name") == name), "")


def ui_widgets() -> dict[str, ElementTree.Element]:
    return {ui_text(widget, "SlicerParameterName"): widget for widget in UI.iter("widget")}


def ui_label_beside(widget_name: str) -> str:
    """Label in the row of the innermost form layout that holds a widget."""
    forms = [layout for layout in UI.iter("layout") if layout.get("class") == "QFormLayout"]
    (*_, form) = (layout for layout in forms if any(w.get("name") == widget_name for w in layout.iter("widget")))
    items = form.findall("item")
    (row,) = {i.get("row") for i in items if any(w.get("name") == widget_name for w in i.iter("widget"))}
    first = next(item for item in items if item.get("row") == row and item.get("column") == "0")
    return ui_text(next(first.iter("widget")), "text")


def value_in(options: RunOptions, name: str) -> Any:
    return getattr(options.overrides if name in Overrides.__dataclass_fields__ else options, name)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_a_flag(name: str) -> None:
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert flag(name) in shown.output.replace("│", " ").split(), f"{flag(name)} is not in 'aideal run --help'"


@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize("name", IN_PANEL)
def test_every_option_is_in_the_panel_under_its_label(name: str, request: pytest.FixtureRequest) -> None:
    from slicer_harness import qt_widgets

    qt_widgets.install()
    from AIDEALLib.mrml.parameters import AidealParameters
    from AIDEALLib.mrml.run_options import PARAMETERS

    parameter = PARAMETERS[name]
    assert parameter in get_type_hints(AidealParameters)
    label = option_fields()[name].metadata["label"]
    if name == "te_s":  # cells of the echo table, which Slicer has no connector for
        panel = request.getfixturevalue("module")
        assert panel.ui.echoTable.horizontalHeaderItem(1).text() == f"{label} (ms)"
        return
    widget = ui_widgets()[parameter]
    assert ui_label_beside(widget.get("name", "")) == f"{label}:"
    assert ui_text(widget, "toolTip")


def test_anyway_has_a_check_box_of_its_own() -> None:
    (box,) = (widget for widget in UI.iter("widget") if widget.get("name") == "anywayCheckBox")
    assert ui_text(box, "text") == option_fields()["anyway"].metadata["label"]


def test_every_option_is_in_provenance(small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    stored = estimate(small_liver[0], RunOptions(method="magnitude", device="cpu")).provenance.options["run"]
    assert {*stored, *stored["overrides"]} - {"overrides"} == {*OPTIONS}
    assert RunOptions.from_dict(stored) == RunOptions(method="magnitude", device="cpu")


@pytest.fixture
def panel(module: Any, liver: tuple[EchoSeries, TissueMaps]) -> Any:
    """The panel with a scan of magnitude and phase, which every override applies to."""
    from slicer_harness.scans import magnitude_and_phase

    pair = magnitude_and_phase(module.scene, liver[0], "Case")
    module.parameters.firstSequence, module.parameters.secondSequence = pair
    return module


def sent(panel: Any) -> RunOptions:
    """Options that Apply sends to the worker."""
    assert panel.ui.applyButton.enabled, panel.ui.applyButton.toolTip
    panel.ui.applyButton.click()
    panel.worker.events = [Stopped(len(panel.worker.started))]
    panel.clock.tick()
    return panel.worker.started[-1]


def change(panel: Any, name: str) -> None:
    """Change the widget of an option as a user does."""
    from AIDEALLib.mrml.run_options import PARAMETERS

    if name == "te_s":
        panel.ui.echoTable.item(5, 1).setText("12.25")
        return
    widget = getattr(panel.ui, ui_widgets()[PARAMETERS[name]].get("name", ""))
    if option_type(name) is float:
        widget.value = 0.5
    elif option_type(name) is str and not hasattr(widget, "currentIndex"):
        widget.text = "1"
    elif hasattr(widget, "currentIndex"):
        widget.currentIndex = 1
    else:
        widget.checked = not widget.checked


@pytest.mark.parametrize("name", IN_PANEL)
def test_changing_a_widget_changes_the_option_sent(name: str, panel: Any) -> None:
    before = sent(panel)
    assert before == RunOptions(), "the panel starts with the defaults"
    change(panel, name)
    after = sent(panel)
    changed = value_in(after, name)
    assert changed != value_in(before, name)
    in_overrides = name in Overrides.__dataclass_fields__
    expected = (
        replace(before, overrides=replace(before.overrides, **{name: changed}))
        if in_overrides
        else replace(before, **{name: changed})
    )
    assert after == expected, "and no other"
    if name == "te_s":
        assert changed == (0.0013, 0.0034, 0.0055, 0.0076, 0.0097, 0.01225)


def test_the_offset_of_the_preset_is_taken_unless_typed(panel: Any) -> None:
    assert panel.ui.ppmOffsetSpinBox.text == "of what was scanned"
    panel.ui.ppmOffsetSpinBox.value = 0.0
    assert sent(panel).ppm_offset == 0.0
    panel.ui.ppmOffsetSpinBox.value = -1.0
    assert sent(panel).ppm_offset is None


@pytest.mark.parametrize("name", [name for name in IN_PANEL if isinstance(option_type(name), EnumMeta)])
def test_values_of_an_option_are_named_as_the_combo_box_shows_them(name: str, panel: Any) -> None:
    from AIDEALLib.advice import Setting
    from AIDEALLib.mrml.run_options import PARAMETERS
    from AIDEALLib.mrml.wording import panel_words

    widget = getattr(panel.ui, ui_widgets()[PARAMETERS[name]].get("name", ""))
    for member in option_type(name):
        label = panel_words(Setting(name, member.value)).strip("'").partition(": ")[2]
        if hasattr(widget, "currentIndex"):
            shown = {widget.itemText(n) for n in range(widget.count)}
        else:
            shown = {widget.text, "As stored"}
        if isinstance(member, Choice):
            assert label in shown


def test_changed_options_in_the_collapsed_group_are_marked(panel: Any) -> None:
    assert panel.ui.advancedSection.text == "Advanced"
    change(panel, "first_echo")
    assert panel.ui.advancedSection.text == "Advanced (changed)"


def test_options_of_another_version_are_refused() -> None:
    with pytest.raises(InputError, match="another version"):
        RunOptions.from_dict({"method": "refined", "sorcery": 1})
