"""Maps at one point: a line of text for the cursor, and the plot of the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

from ...choices import Method
from ...errors import InputError
from ...voxel_fit import EchoProtocol, VoxelEstimate, VoxelFit, corrected_samples, fit_voxel
from .. import nodes
from ..nodes import FOREGROUND, MapNodes, corrections_of
from ..scan.scene_scan import SceneScan
from ..views.layout import LAYOUT_MAPS_AND_NUMBERS, PLOT_VIEW, show_layout, show_table, shown_layout
from ..volumes import array_of, voxel_at

CHART_ROLE, FIT_TABLE_ROLE, HISTOGRAM_CHART_ROLE, HISTOGRAM_TABLE_ROLE = "fit chart", "fit", "histogram chart", "histogram"


def value_at(maps: MapNodes, name: str, voxel: tuple[int, int, int]) -> float:
    """Value of a map at a voxel.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    name : str
        Name of the map.
    voxel : tuple of int
        Slice, row and column.

    Returns
    -------
    float
        The value; not-a-number where the map was deleted.
    """
    return float(array_of(maps[name])[voxel]) if name in maps else float("nan")


def describe(maps: MapNodes, ras: tuple[float, float, float]) -> str:
    """Values of the maps at a position in the world (RAS); '' outside the maps."""
    voxel = voxel_at(maps.pdff, ras)
    if voxel is None:
        return ""
    if FOREGROUND in maps and not value_at(maps, FOREGROUND, voxel):
        return "No estimate here (background)"
    text = f"PDFF {value_at(maps, 'pdff', voxel):.1f} ± {value_at(maps, 'pdff_total_sd', voxel):.1f} %"
    text += f"   R2* {value_at(maps, 'r2star', voxel):.0f} ± {value_at(maps, 'r2star_sd', voxel):.0f} 1/s"
    text += f"   field {value_at(maps, 'field', voxel):.0f} Hz"
    swap = value_at(maps, "swap_probability", voxel)
    return text + f"   P(swap) {'< 0.001' if swap < 0.001 else f'{swap:.3f}'}"


def fit_at(maps: MapNodes, scan: SceneScan, ras: tuple[float, float, float]) -> VoxelFit:
    """Measured and fitted signal at a position in the world.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    scan : SceneScan
        Scan of the maps.
    ras : tuple of float, mm
        The position.

    Returns
    -------
    VoxelFit
        Signals for a plot.

    Raises
    ------
    InputError
        The position is outside the foreground of the maps, the scan is no longer in the scene, or the method has no such fit.
    """
    voxel = voxel_at(maps.pdff, ras)
    if voxel is None or (FOREGROUND in maps and not value_at(maps, FOREGROUND, voxel)):
        raise InputError("There is no estimate at this point. Click inside the body.")
    if scan.problems() or array_of(scan.first[0]).shape != array_of(maps.pdff).shape:
        raise InputError("The scan of these maps is no longer in the scene; the fit cannot be drawn.")
    provenance = maps.provenance()
    spectrum, noise = provenance.get("spectrum", {}), provenance.get("noise_sd", ())
    if provenance.get("method") == Method.MAGNITUDE:
        raise InputError("The fit of method 'Magnitude' cannot be drawn: it has no phase, and two solutions.")
    corrections = corrections_of(maps)
    echoes = corrected_samples(samples_at(scan, voxel), corrections, voxel, array_of(maps.pdff).shape)
    protocol = EchoProtocol(
        te_s=provenance.get("te_s", ()),
        field_strength_t=float(provenance.get("field_strength_t", 1.5)),
        ppm=spectrum.get("ppm", (-3.4,)),
        amplitudes=spectrum.get("amplitudes", (1.0,)),
    )
    estimate = VoxelEstimate(
        field_hz=value_at(maps, "field", voxel),
        r2star_per_s=value_at(maps, "r2star", voxel),
        noise_sd=float(noise[voxel[0]]) if voxel[0] < len(noise) else 0.0,
    )
    return fit_voxel(echoes, protocol, estimate, without_first=bool(corrections.get("mixed_fit")))


def samples_at(scan: SceneScan, voxel: tuple[int, int, int]) -> np.ndarray:
    """Complex samples of all echoes at a voxel."""
    from ...io.phase_units import to_radians

    a = np.array([array_of(volume)[voxel] for volume in scan.first], np.float64)
    if not scan.second:
        return a.astype(np.complex128)
    b = np.array([array_of(volume)[voxel] for volume in scan.second])
    unit = scan.unit()
    return a + 1j * b if unit is None else a * np.exp(1j * to_radians(b, unit).astype(np.float64))


def show_fit(scene: Any, fit: VoxelFit, title: str) -> Any:
    """Draw a fit into the chart of the plot view.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    fit : VoxelFit
        Signals of a voxel.
    title : str
        Title of the chart.

    Returns
    -------
    vtkMRMLPlotChartNode
        The chart.
    """
    table = _table(scene, FIT_TABLE_ROLE, "AIDEAL fit")
    echoes = _table(scene, f"{FIT_TABLE_ROLE} echoes", "AIDEAL measured echoes")
    _fill(echoes, {"TE (ms)": fit.te_s * 1000, "Measured": fit.measured})
    _fill(table, {"Time (ms)": fit.time_s * 1000, "Fit": fit.fitted, "95 % lower": fit.lower, "95 % upper": fit.upper})
    chart = _chart(scene, CHART_ROLE, "AIDEAL fit")
    chart.RemoveAllPlotSeriesNodeIDs()
    for name, dashed in (("Fit", False), ("95 % lower", True), ("95 % upper", True)):
        series = _series(scene, f"{CHART_ROLE} {name}", name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("Time (ms)")
        series.SetYColumnName(name)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineStyle(series.LineStyleDash if dashed else series.LineStyleSolid)
        series.SetColor(*((0.6, 0.6, 0.6) if dashed else (0.13, 0.45, 0.75)))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    points = _series(scene, f"{CHART_ROLE} measured", "Measured")
    points.SetAndObserveTableNodeID(echoes.GetID())
    points.SetXColumnName("TE (ms)")
    points.SetYColumnName("Measured")
    points.SetLineStyle(points.LineStyleNone)
    points.SetMarkerStyle(points.MarkerStyleCircle)
    points.SetMarkerSize(9.0)
    points.SetColor(0.85, 0.33, 0.10)
    chart.AddAndObservePlotSeriesNodeID(points.GetID())
    chart.SetTitle(title)
    chart.SetTitleFontSize(14)
    chart.SetXAxisTitle("Echo time (ms)")
    chart.SetYAxisTitle("Magnitude (a.u.)")
    return chart


def show_histogram(scene: Any, curves: dict[str, tuple[np.ndarray, np.ndarray, tuple[float, float, float]]]) -> Any:
    """Draw histograms (name -> PDFF in percent, share in percent, colour) into one chart; returns the chart node."""
    chart = _chart(scene, HISTOGRAM_CHART_ROLE, "AIDEAL PDFF histogram")
    chart.RemoveAllPlotSeriesNodeIDs()
    for number, (name, (pdff, share, color)) in enumerate(curves.items()):
        table = _table(scene, f"{HISTOGRAM_TABLE_ROLE} {number}", f"AIDEAL histogram {number + 1}")
        _fill(table, {"PDFF (%)": pdff, name: share})
        series = _series(scene, f"{HISTOGRAM_CHART_ROLE} {number}", name)
        series.SetName(name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("PDFF (%)")
        series.SetYColumnName(name)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetColor(*color)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle("PDFF by region")
    chart.SetXAxisTitle("PDFF (%)")
    chart.SetYAxisTitle("Voxels (%)")
    return chart


def show_chart(scene: Any, chart: Any, table: Any = None) -> None:
    """Show a chart in the module's layout with plot and table, to which it switches.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    chart : vtkMRMLPlotChartNode
        The chart; shown in any plot view where the module has none.
    table : vtkMRMLTableNode, optional
        Table of the layout's table view.
    """
    if shown_layout(scene) != LAYOUT_MAPS_AND_NUMBERS:
        show_layout(scene, LAYOUT_MAPS_AND_NUMBERS)
    views = [
        scene.GetNthNodeByClass(n, "vtkMRMLPlotViewNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode"))
    ]
    for view in [view for view in views if view.GetLayoutName() == PLOT_VIEW] or views:
        view.SetPlotChartNodeID(chart.GetID())
    show_table(scene, table)


def _table(scene: Any, role: str, name: str) -> Any:
    return _node(scene, "vtkMRMLTableNode", role, name)


def _chart(scene: Any, role: str, name: str) -> Any:
    return _node(scene, "vtkMRMLPlotChartNode", role, name)


def _series(scene: Any, role: str, name: str) -> Any:
    node = _node(scene, "vtkMRMLPlotSeriesNode", role, name)
    node.SetPlotType(node.PlotTypeScatter)
    return node


def _node(scene: Any, class_name: str, role: str, name: str) -> Any:
    node = nodes.find_by_role(scene, class_name, role)
    if node is None:
        node = scene.AddNewNodeByClass(class_name, name)
        node.SetAttribute(nodes.ROLE, role)
        nodes.hide(node)
        node.SetSaveWithScene(False)  # made anew with the next click
    return node


def _fill(table: Any, columns: dict[str, np.ndarray]) -> None:
    modified = table.StartModify()
    table.RemoveAllColumns()
    for name, values in columns.items():
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(float(value))
        table.AddColumn(column)
    table.EndModify(modified)
