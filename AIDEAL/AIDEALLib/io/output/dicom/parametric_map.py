"""Parametric Map Storage: the values of a map as 32-bit floats, with quantity and unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ....parameter_maps import ParameterMaps
from .common import (
    WINDOW_FUNCTION,
    concept,
    display_window,
    equipment_arguments,
    finish,
    geometry_arguments,
    refer_by_frame,
    stand_in,
)
from .quantities import MAP_SERIES, QUANTITIES, Code, Quantity, description
from .study import Reference, Study

if TYPE_CHECKING:
    from highdicom.pm import RealWorldValueMapping
    from pydicom.dataset import Dataset

_COMPUTED: Code = ("112187", "DCM", "Unspecified method of calculation")
_DERIVATION_OF_VALUE: Code = ("121401", "DCM", "Derivation")


def parametric_map(name: str, maps: ParameterMaps, study: Study, references: Sequence[Sequence[Reference]]) -> Dataset:
    """One map as an object.

    Parameters
    ----------
    name : str
        One of `QUANTITIES`.
    maps : ParameterMaps
        All maps.
    study : Study
        Study it belongs to.
    references : sequence of sequence of Reference
        Source images of each slice.

    Returns
    -------
    Dataset
        Object ready to be written; its frames hold the map bit by bit.
    """
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap

    quantity = QUANTITIES[name]
    values = np.ascontiguousarray(getattr(maps, name), dtype=np.float32)
    low, high = display_window(quantity, values)
    dataset = ParametricMap(
        source_images=[stand_in(study, values.shape)],
        pixel_array=values,
        series_instance_uid=study.uids.of("map series", name),
        series_number=MAP_SERIES + list(QUANTITIES).index(name),
        sop_instance_uid=study.uids.of("map", name),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(quantity, values)],
        voi_lut_transformations=[
            VOILUTTransformation(window_center=(low + high) / 2, window_width=high - low, voi_lut_function=WINDOW_FUNCTION)
        ],
        content_label=_label(quantity.label),
        content_description=quantity.explanation,
        derivation=concept(_COMPUTED),
        series_description=description(quantity.label),
        content_date=study.content_date,
        content_time=study.content_time,
        **geometry_arguments(maps.geometry, len(values)),
        **equipment_arguments(maps.provenance),
    )
    finish(dataset, study, "map", name)
    refer_by_frame(dataset, maps.geometry, references, _COMPUTED)
    return dataset


def _mapping(quantity: Quantity, values: npt.NDArray[np.float32]) -> RealWorldValueMapping:
    from highdicom.pm import RealWorldValueMapping

    finite = values[np.isfinite(values)]
    mapping = RealWorldValueMapping(
        quantity.label,
        quantity.explanation,
        concept(quantity.unit),
        (float(finite.min(initial=0.0)), float(finite.max(initial=0.0))),
        slope=1.0,
        intercept=0.0,
        quantity_definition=concept(quantity.concept),
    )
    if quantity.modifier is not None:
        from highdicom.sr import CodeContentItem

        mapping.QuantityDefinitionSequence.append(CodeContentItem(concept(_DERIVATION_OF_VALUE), concept(quantity.modifier)))
    return mapping


def _label(text: str) -> str:
    """Content label: capitals, digits and underscores."""
    return "".join(c if c.isalnum() else "_" for c in text.upper().replace("*", "STAR")).strip("_")[:16]
