"""Scans in the scene as other programs, and version 0.1 of the module, put them there."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from AIDEALLib.echoes import EchoSeries


def magnitude_and_phase(scene: Any, series: EchoSeries, name: str) -> tuple[Any, Any]:
    """A magnitude and a phase sequence over echo time, with the attributes of version 0.1."""
    from AIDEALLib.mrml.volumes import fill_volume

    made = []
    for part, values in (("magnitude", np.abs(series.echoes)), ("phase", np.angle(series.echoes))):
        node = scene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{name} {part}")
        node.SetIndexName("EchoTime")
        node.SetIndexUnit("ms")
        node.SetIndexTypeFromString("numeric")
        for te_s, array in zip(series.te_s, values, strict=True):
            volume = fill_volume(slicer.vtkMRMLScalarVolumeNode(), array.astype(np.float32), series.geometry)
            node.SetDataNodeAtValue(volume, f"{te_s * 1000:.6g}")
        node.SetAttribute("AIDEAL.Part", part)
        node.SetAttribute("AIDEAL.FieldStrengthTesla", f"{series.field_strength_t:g}")
        node.SetAttribute("AIDEAL.Readout", series.readout.value)
        node.SetAttribute("AIDEAL.Source", name)
        made.append(node)
    made[1].SetAttribute("AIDEAL.PhaseUnit", "radians")
    return made[0], made[1]
