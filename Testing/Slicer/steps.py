"""Steps of the test in the real application, in the order a user takes them."""

from pathlib import Path

import slicer
from application import MAPS, STANDSTILLS, assert_views, click, resize, screenshot, wait_until


def first_picture(widget):
    """From the sample to the first picture: scan seen at once, middle slice, titles, legends, folded sections."""
    ui, panel = widget.ui, widget.panel
    assert not ui.applyButton.enabled and "Choose a scan" in ui.applyButton.toolTip
    ui.loadSampleButton.click()
    assert ui.applyButton.enabled, ui.applyButton.toolTip
    assert panel.parameters.firstSequence.GetAttribute("AIDEAL.Part") == "real"
    assert (ui.presetComboBox.currentText, ui.spectrumComboBox.currentText) == ("Liver", "Six peak")
    assert ui.ppmOffsetSpinBox.text == "of what was scanned"
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    screenshot("1-scan.png")
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    ui.applyButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False, 10)
    assert ui.statusLabel.text == "", "a cancelled run leaves no text"
    ui.applyButton.click()
    STANDSTILLS.clear()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert panel.parameters.pdff is not None, ui.statusLabel.text
    print(f"AIDEAL: longest standstill from Apply to the views: {max(STANDSTILLS):.2f} s")
    assert_views(MAPS)
    assert "SNR" in ui.scanSection.text, ui.scanSection.text
    from AIDEALLib.mrml.views.display import current_slice
    from AIDEALLib.mrml.volumes import array_of

    assert current_slice(panel._context.maps()) == array_of(panel.parameters.pdff).shape[0] // 2
    assert ui.scanSection.collapsed and ui.estimateSection.collapsed
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"2-maps-{resize(*size)}.png")
    ui.fourthComboBox.currentIndex = 1
    assert_views({"AIDEALFourth": ("Field map", "Field", "Field Hz")})
    ui.fourthComboBox.currentIndex = 0
    assert_views(MAPS)
    first = panel.parameters.pdff
    ui.applyButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert panel.parameters.pdff is not first and first.GetScene() is None, "a new run takes the place of the last one"
    assert panel.parameters.pdff.GetName().endswith(", run 2")
    assert_views({**MAPS, "AIDEALPDFF": ("PDFF", "PDFF", "PDFF %")})


def regions(widget):
    """Lobes, circles by clicks, splitting with undo; the views keep their maps."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.volumes import world_position

    ui, panel = widget.ui, widget.panel
    pdff = panel.parameters.pdff
    _, labels = sample_truth()
    wait_until(lambda: len(panel.numbers.live.rows) == 3, 10)  # the lobes of the sample
    assert_views(MAPS)
    ui.circleButton.click()
    for number, value in enumerate((1, 1, 2), start=1):
        inside = (labels == value).nonzero()
        middle = len(inside[0]) // 2 + 40 * number
        ras = world_position(pdff, *(int(axis[middle]) for axis in inside))
        from AIDEALLib.mrml.views.display import jump_to

        jump_to(slicer.mrmlScene, ras)
        slicer.app.processEvents()
        click("AIDEALPDFF", ras)
        wait_until(lambda number=number: len(panel.numbers.live.rows) >= 3 + number, 10)
    ui.circleButton.click()
    wait_until(lambda: "Left lobe ROI 1" in [row.name for row in panel.numbers.live.rows], 10)
    names = [row.name for row in panel.numbers.live.rows]
    assert names[3:6] == ["Right lobe ROI 1", "Right lobe ROI 2", "Left lobe ROI 1"], names
    assert ui.numbersTable.rowCount == len(names)
    before = [row.voxels for row in panel.numbers.live.rows[:3]]
    ui.planeButton.click()
    confirm, panel._context.dialogs.confirm = panel._context.dialogs.confirm, lambda text: True
    ui.splitButton.click()
    ui.undoSplitButton.click()
    panel._context.dialogs.confirm = confirm
    wait_until(lambda: [row.voxels for row in panel.numbers.live.rows[:3]] == before, 10)
    drawing.roi_points(slicer.mrmlScene, drawing.RIGHT_LOBE).RemoveNthControlPoint(1)
    wait_until(lambda: "Right lobe ROI 2" not in [row.name for row in panel.numbers.live.rows], 10)
    assert_views(MAPS)
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"3-numbers-{resize(*size)}.png")
    helpers(widget)


def helpers(widget):
    """Suggested circles, a circle in all slices, drawing by signal, columns, 3-D, folder of the run."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results.folders import folder_of
    from AIDEALLib.mrml.views import layout

    ui, panel = widget.ui, widget.panel
    maps = panel._context.maps()
    ui.suggestButton.click()
    assert "Suggested 2 circles" in ui.regionsMessageLabel.text, ui.regionsMessageLabel.text
    wait_until(lambda: [row.name for row in panel.numbers.live.rows].count("Right lobe ROI 1") <= 1, 10)
    before = drawing.roi_points(slicer.mrmlScene, drawing.RIGHT_LOBE, maps.scan).GetNumberOfControlPoints()
    ui.numbersTable.setCurrentCell(3, 0)
    ui.copyCircleButton.click()
    points = drawing.roi_points(slicer.mrmlScene, drawing.RIGHT_LOBE, maps.scan)
    assert points.GetNumberOfControlPoints() > before, ui.regionsMessageLabel.text
    while points.GetNumberOfControlPoints() > before:
        points.RemoveNthControlPoint(points.GetNumberOfControlPoints() - 1)
    ui.drawSection.collapsed = False
    slicer.app.processEvents()
    editor = ui.segmentEditorWidget.mrmlSegmentEditorNode()
    ui.signalCheckBox.checked = True
    assert editor.GetSourceVolumeIntensityMask(), ui.regionsMessageLabel.text
    assert_views(MAPS)
    ui.signalCheckBox.checked = False
    ui.drawSection.collapsed = True
    panel.parameters.columns = "name reported r2star_mean"
    slicer.app.processEvents()
    assert ui.numbersTable.columnCount == 3
    panel.parameters.columns = ""
    ui.showLiverButton.click()
    slicer.app.processEvents()
    assert layout.shown_layout(slicer.mrmlScene) == layout.LAYOUT_3D
    assert panel.parameters.segmentation.GetDisplayNode().GetVisibility3D()
    screenshot("3-liver.png")
    ui.showButton.click()
    assert_views(MAPS)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for node in (panel.parameters.table, panel.parameters.segmentation, points):
        parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
        assert parent == folder_of(maps), node.GetName()


def reading(widget):
    """Jumps, overlay, comparison, fit and table where they are seen."""
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.volumes import world_position

    ui, panel = widget.ui, widget.panel
    pdff = panel.parameters.pdff
    ui.domeButton.click()
    assert "Uppermost" in ui.probeLabel.text, ui.probeLabel.text
    ui.overlayComboBox.currentIndex = 2
    ui.limitSdSpinBox.value = 3.0
    ui.anatomyComboBox.currentIndex = 1
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    screenshot("4-dome.png")
    ui.numbersTable.setCurrentCell(3, 0)
    ui.referenceButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert "Right lobe ROI 1: bias" in ui.referenceLabel.text, ui.referenceLabel.text
    _, labels = sample_truth()
    slices, rows, columns = (int(axis.mean()) for axis in (labels == 1).nonzero())
    panel.fit.plot_fit(world_position(pdff, slices, rows, columns))
    assert "residual" in ui.probeLabel.text, ui.probeLabel.text
    assert layout.shown_layout(slicer.mrmlScene) == layout.LAYOUT_MAPS_AND_NUMBERS, "the plot is seen"
    table = slicer.mrmlScene.GetFirstNodeByName("AIDEALTable") or slicer.util.getNodesByClass("vtkMRMLTableViewNode")[0]
    assert table.GetTableNode() is not None, "the table is seen"
    for name in MAPS:
        assert slicer.app.layoutManager().sliceWidget(name).height > 150, "images stay large enough to read"
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"5-fit-{resize(*size)}.png")
    ui.showButton.click()
    ui.jointCheckBox.checked = True
    wait_until(lambda: all(row.joint_pdff == row.joint_pdff for row in panel.numbers.live.rows), 600)
    for row in panel.numbers.live.rows:
        assert abs(row.joint_pdff - row.pdff_median) < 1.0, row
    ui.jointCheckBox.checked = False
    panel.parameters.columns = ""


def without_orientation(widget):
    """Images of a file without orientation can be turned; the numbers do not know of it."""
    from dataclasses import replace

    from AIDEALLib.echoes import Geometry
    from AIDEALLib.mrml.scan.sample import sample_series
    from AIDEALLib.mrml.scan.sequences import SCAN_LOADED, add_series

    ui = widget.ui
    series = sample_series()
    series = replace(series, geometry=Geometry(spacing_mm=series.geometry.spacing_mm))
    SCAN_LOADED.emit(add_series(slicer.mrmlScene, series, "Array"))
    slicer.app.processEvents()
    assert "Orientation unknown" in ui.volumesProblemLabel.text
    node = slicer.app.layoutManager().sliceWidget("AIDEALAnatomy").mrmlSliceNode()
    before = [node.GetSliceToRAS().GetElement(row, 1) for row in range(3)]
    ui.rotateButton.click()
    slicer.app.processEvents()
    after = [node.GetSliceToRAS().GetElement(row, 0) for row in range(3)]
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-6, "what was up is on the right"
    screenshot("5-turned.png")


def visits(widget, first, rows):
    """The sample, estimated as two visits: no change, with a map of the difference as the fourth view."""
    ui, panel = widget.ui, widget.panel
    ui.loadSampleButton.click()
    slicer.app.processEvents()
    ui.applyButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    ui.visitsSection.collapsed = False
    panel.parameters.baseline, panel.parameters.followUp = first, panel.parameters.pdff
    slicer.app.processEvents()
    assert ui.compareButton.enabled
    ui.compareButton.click()
    wait_until(lambda: not panel.visits.under_way, 600)
    assert ui.changeTable.rowCount >= 2, ui.visitsMessageLabel.text
    assert {ui.changeTable.item(n, 4).text() for n in range(2)} == {"no change shown"}
    assert panel.parameters.pdff is first
    assert_views({"AIDEALSD": ("PDFF at follow-up", "Later", "PDFF %"), "AIDEALFourth": ("PDFF change", "Change", "points")})
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"6-visits-{resize(*size)}.png")
    ui.visitsSection.collapsed = True
    ui.fourthComboBox.currentIndex = 0
    assert_views({name: expected for name, expected in MAPS.items() if name != "AIDEALAnatomy"})
    wait_until(lambda: len(panel.numbers.live.rows) == rows, 10)  # regions of the first scan again


def second_scan(widget):
    """Another scan has no numbers, texts and regions of the first."""
    ui, panel = widget.ui, widget.panel
    first, pdff, rows = panel.parameters.firstSequence, panel.parameters.pdff, len(panel.numbers.live.rows)
    ui.loadSampleButton.click()
    slicer.app.processEvents()
    assert panel.parameters.firstSequence is not first and panel.parameters.pdff is None
    assert ui.statusLabel.text == ui.probeLabel.text == ui.referenceLabel.text == ""
    wait_until(lambda: ui.numbersTable.rowCount == 0, 5)
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    panel.parameters.pdff = pdff
    wait_until(lambda: len(panel.numbers.live.rows) == rows, 10)
    assert panel.parameters.firstSequence is first


def segment_statistics(panel):
    slicer.util.selectModule("SegmentStatistics")
    from SegmentStatistics import SegmentStatisticsLogic

    statistics = SegmentStatisticsLogic()
    node = statistics.getParameterNode()
    node.SetParameter("Segmentation", panel.parameters.segmentation.GetID())
    node.SetParameter("ScalarVolume", panel.parameters.pdff.GetID())
    statistics.computeStatistics()
    keys = statistics.getNonEmptyKeys()
    assert any("AIDEAL" in key for key in keys), keys
    slicer.util.selectModule("AIDEAL")


def saved_scene(ui, panel):
    """What the panel showed comes back with a saved scene, whose files have plain names."""
    import zipfile

    scene_file = str(Path(slicer.app.temporaryPath) / "aideal-panel.mrb")
    mean, count = panel.numbers.live.rows[0].pdff_mean, len(panel.numbers.live.rows)
    ui.bipolarComboBox.currentIndex = 1
    ui.ppmOffsetSpinBox.value = 0.02
    assert ui.advancedSection.text == "Advanced (changed)"
    assert slicer.util.saveScene(scene_file)
    with zipfile.ZipFile(scene_file) as stored:
        assert not [name for name in stored.namelist() if "%" in name or "*" in name], stored.namelist()
    slicer.mrmlScene.Clear()
    assert ui.numbersTable.rowCount == 0
    slicer.util.loadScene(scene_file)
    wait_until(lambda: len(panel.numbers.live.rows) == count, 30)
    assert abs(panel.numbers.live.rows[0].pdff_mean - mean) < 1e-6
    assert ui.limitSdSpinBox.value == 3.0
    assert ui.overlayComboBox.currentIndex == 2
    assert ui.bipolarComboBox.currentIndex == 1
    assert abs(panel.parameters.ppmOffset - 0.02) < 1e-9
    assert ui.applyButton.enabled, ui.applyButton.toolTip
    screenshot("7-loaded.png")
