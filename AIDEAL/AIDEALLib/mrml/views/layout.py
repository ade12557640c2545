"""The 2x2 layout of linked slice views, with a plot and a table below it or without."""

from __future__ import annotations

from typing import Any

import slicer

LAYOUT_MAPS, LAYOUT_MAPS_AND_NUMBERS, LAYOUT_SCAN, LAYOUT_3D = 5821, 5822, 5823, 5824
LAYOUTS = (LAYOUT_MAPS, LAYOUT_MAPS_AND_NUMBERS, LAYOUT_SCAN, LAYOUT_3D)
PLOT_VIEW, TABLE_VIEW, LIVER_VIEW = "AIDEALPlot", "AIDEALTable", "AIDEALLiver"
ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW = "AIDEALAnatomy", "AIDEALPDFF", "AIDEALSD", "AIDEALFourth"
TITLE_PIXELS = 64
"""Width of eight characters in the bar of a view."""
VIEWS = (ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW)


def layout_xml(number: int) -> str:
    """Description of a layout: the first view alone, 2x2 maps, these with plot and table below, or with 3-D for the fourth."""

    def view(tag: str, label: str, color: str) -> str:
        return (
            f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
            '<property name="orientation" action="default">Axial</property>'
            f'<property name="viewlabel" action="default">{label}</property>'
            f'<property name="viewcolor" action="default">{color}</property></view></item>'
        )

    def row(*items: str, size: int = 350) -> str:
        return f'<item splitSize="{size}"><layout type="horizontal" split="true">{"".join(items)}</layout></item>'

    anatomy = view(ANATOMY_VIEW, "Water", "#9a9a9a")
    fourth = view(FOURTH_VIEW, "R2*", "#3f8fc4")
    if number == LAYOUT_3D:
        fourth = (
            f'<item><view class="vtkMRMLViewNode" singletontag="{LIVER_VIEW}">'
            '<property name="viewlabel" action="default">3-D</property></view></item>'
        )
    rows = row(anatomy, view(PDFF_VIEW, "PDFF", "#5ec962")) + row(view(SD_VIEW, "SD", "#f58b1d"), fourth)
    if number == LAYOUT_SCAN:
        return f'<layout type="vertical" split="true">{anatomy}</layout>'
    if number == LAYOUT_MAPS_AND_NUMBERS:
        rows += row(
            '<item><view class="vtkMRMLPlotViewNode" singletontag="AIDEALPlot">'
            '<property name="viewlabel" action="default">Fit</property></view></item>',
            '<item><view class="vtkMRMLTableViewNode" singletontag="AIDEALTable">'
            '<property name="viewlabel" action="default">Numbers</property></view></item>',
            size=240,
        )
    return f'<layout type="vertical" split="true">{rows}</layout>'


def register_layouts(scene: Any) -> Any:
    """Add the layouts to the scene's layout node, and return it; None where there is none."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        return None
    for number in LAYOUTS:
        if not layout.IsLayoutDescription(number):
            layout.AddLayoutDescription(number, layout_xml(number))
        elif layout.GetLayoutDescription(number) != layout_xml(number):
            layout.SetLayoutDescription(number, layout_xml(number))
    return layout


def show_layout(scene: Any, number: int) -> None:
    """Switch to a layout of the module; without a main window nothing happens.

    Notes
    -----
    The views of a layout are made, and their sliders report their first position, when events are processed. What is set before
    is lost, so events are processed here.
    """
    layout = register_layouts(scene)
    if layout is not None and layout.GetViewArrangement() != number:
        layout.SetViewArrangement(number)
        slicer.app.processEvents()


def widen_titles() -> None:
    """Give titles of the module's views their place: the bar of a narrow view cuts them otherwise."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return
    for name in VIEWS:
        widget = manager.sliceWidget(name)
        if widget is None:
            continue
        title = widget.mrmlSliceNode().GetLayoutLabel()
        for label in slicer.util.findChildren(widget.sliceController(), className="QLabel"):
            if title and label.text == title:
                label.minimumWidth = TITLE_PIXELS


def shown_layout(scene: Any) -> int:
    """Number of the layout that is shown, of the module or not; 0 without a main window."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    return int(layout.GetViewArrangement()) if layout is not None else 0


def show_table(scene: Any, table: Any) -> None:
    """Show a table in the table view of the module's layout, which shows none by itself."""
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLTableViewNode")):
        view = scene.GetNthNodeByClass(n, "vtkMRMLTableViewNode")
        if view.GetLayoutName() == TABLE_VIEW and table is not None:
            view.SetTableNodeID(table.GetID())
