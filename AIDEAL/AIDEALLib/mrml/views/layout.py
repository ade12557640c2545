"""The 2x2 layout of linked slice views, with a plot and a table below it or without."""

from __future__ import annotations

from typing import Any

LAYOUT_MAPS, LAYOUT_MAPS_AND_NUMBERS = 5821, 5822
ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW = "AIDEALAnatomy", "AIDEALPDFF", "AIDEALSD", "AIDEALFourth"
VIEWS = (ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW)


def layout_xml(with_numbers: bool) -> str:
    """Description of the 2x2 layout, with a plot and a table below it or without."""

    def view(tag: str, label: str, color: str) -> str:
        return (
            f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
            '<property name="orientation" action="default">Axial</property>'
            f'<property name="viewlabel" action="default">{label}</property>'
            f'<property name="viewcolor" action="default">{color}</property></view></item>'
        )

    def row(*items: str) -> str:
        return f'<item><layout type="horizontal" split="true">{"".join(items)}</layout></item>'

    rows = row(view(ANATOMY_VIEW, "Anatomy", "#9a9a9a"), view(PDFF_VIEW, "PDFF", "#5ec962")) + row(
        view(SD_VIEW, "SD", "#f58b1d"), view(FOURTH_VIEW, "R2*", "#3f8fc4")
    )
    if with_numbers:
        rows += row(
            '<item><view class="vtkMRMLPlotViewNode" singletontag="AIDEALPlot">'
            '<property name="viewlabel" action="default">Fit</property></view></item>',
            '<item><view class="vtkMRMLTableViewNode" singletontag="AIDEALTable">'
            '<property name="viewlabel" action="default">Numbers</property></view></item>',
        )
    return f'<layout type="vertical" split="true">{rows}</layout>'


def register_layouts(scene: Any) -> Any:
    """Add the layouts to the scene's layout node, and return it; None where there is none."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        return None
    for number, with_numbers in ((LAYOUT_MAPS, False), (LAYOUT_MAPS_AND_NUMBERS, True)):
        if layout.IsLayoutDescription(number):
            layout.SetLayoutDescription(number, layout_xml(with_numbers))
        else:
            layout.AddLayoutDescription(number, layout_xml(with_numbers))
    return layout


def show_layout(scene: Any, with_numbers: bool = False) -> None:
    """Switch to the layout of the module; without a main window nothing happens."""
    layout = register_layouts(scene)
    if layout is not None:
        layout.SetViewArrangement(LAYOUT_MAPS_AND_NUMBERS if with_numbers else LAYOUT_MAPS)
