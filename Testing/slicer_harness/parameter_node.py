"""A stand-in for slicer.parameterNodeWrapper: typed fields on a vtkMRMLScriptedModuleNode, connected to widgets.

It is not Slicer's.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import vtk


@dataclass(frozen=True)
class WithinRange:
    """Limits of a number."""

    minimum: float
    maximum: float


def _plain(kind: Any) -> tuple[Any, WithinRange | None]:
    if get_origin(kind) is Annotated:
        base, *annotations = get_args(kind)
        return base, next((a for a in annotations if isinstance(a, WithinRange)), None)
    return kind, None


def _is_node(kind: type) -> bool:
    return kind.__name__.startswith("vtkMRML")


class _Field:
    def __init__(self, name: str, kind: Any, default: Any) -> None:
        self.name, self.default = name, default
        self.kind, self.limits = _plain(kind)

    def __get__(self, owner: Any, _: Any = None) -> Any:
        if owner is None:
            return self
        node = owner.parameterNode
        if _is_node(self.kind):
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if issubclass(self.kind, Enum):
            return self.kind[text] if text else self.default
        if self.kind is bool:
            return text == "True" if text else self.default
        return self.kind(text) if text or self.kind is str else self.default

    def __set__(self, owner: Any, value: Any) -> None:
        node = owner.parameterNode
        if _is_node(self.kind):
            if value is not None and not value.IsA(self.kind.__name__):
                raise TypeError(f"{self.name} takes a {self.kind.__name__}, not a {value.GetClassName()}")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name} takes {self.kind.__name__}, not {value!r}")
        if self.limits and not self.limits.minimum <= value <= self.limits.maximum:
            raise ValueError(f"{self.name} is {value}, outside {self.limits}")
        node.SetParameter(self.name, value.name if isinstance(value, Enum) else str(value))


class _Connector:
    """Between a widget and a field, for the pairs that Slicer has connectors for."""

    def __init__(self, widget: Any, field: _Field, changed: Any) -> None:
        import ctk
        import qt

        from . import stand_ins

        self.widget, self.field, self.active = widget, field, False

        def on_change(*_: Any) -> None:
            if self.active:
                changed(self)

        kind = type(widget)
        if _is_node(field.kind) and kind is stand_ins.qMRMLNodeComboBox:
            widget.connect("currentNodeChanged(vtkMRMLNode*)", on_change)
            self.read, self.write = widget.currentNode, widget.setCurrentNode
        elif field.kind is bool and kind == qt.QCheckBox:
            widget.connect("toggled(bool)", on_change)
            self.read, self.write = (lambda: widget.checked), (lambda value: setattr(widget, "checked", value))
        elif field.kind is str and kind == qt.QLineEdit:
            widget.connect("textChanged(QString)", on_change)
            self.read, self.write = (lambda: str(widget.text)), (lambda value: setattr(widget, "text", value))
        elif field.kind is float and kind in (qt.QDoubleSpinBox, ctk.ctkSliderWidget):
            if field.limits:
                widget.minimum, widget.maximum = field.limits.minimum, field.limits.maximum
            elif kind is ctk.ctkSliderWidget:
                raise RuntimeError("a slider needs limits")
            widget.connect("valueChanged(double)", on_change)
            self.read, self.write = (lambda: float(widget.value)), (lambda value: setattr(widget, "value", value))
        elif isinstance(field.kind, type) and issubclass(field.kind, Enum) and kind == qt.QComboBox:
            members = list(field.kind)
            widget.clear()
            for member in members:
                widget.addItem(member.label() if hasattr(member, "label") else member.name)
            widget.connect("currentIndexChanged(int)", on_change)
            self.read = lambda: members[widget.currentIndex]
            self.write = lambda value: setattr(widget, "currentIndex", members.index(value))
        else:
            raise RuntimeError(f"no connector from {field.kind} to {kind}")


def parameterNodeWrapper(cls: type) -> type:
    """Turn annotations into typed fields."""
    fields = {}
    for name, kind in get_type_hints(cls, include_extras=True).items():
        base, _ = _plain(kind)
        default = getattr(cls, name, None)
        if default is None and not _is_node(base):
            default = next(iter(base)) if issubclass(base, Enum) else base()
        fields[name] = _Field(name, kind, default)
        setattr(cls, name, fields[name])

    def init(self: Any, node: Any) -> None:
        self.parameterNode, self._guis, self._updating = node, {}, False
        for field in fields.values():
            if not _is_node(field.kind) and not node.GetParameter(field.name):
                setattr(self, field.name, field.default)

    def connect_gui(self: Any, gui: Any) -> None:
        """Returns no tag, as Slicer's: what it connects stays connected."""
        import qt

        named = {widget.property("SlicerParameterName"): widget for widget in gui.findChildren(qt.QWidget)}
        connect_parameters(self, {name: widget for name, widget in named.items() if name})

    def connect_parameters(self: Any, found: dict[str, Any]) -> int:
        unknown = set(found) - set(fields)
        if unknown:
            raise ValueError(f"Cannot find a param with the given name: {', '.join(sorted(unknown))}")

        def changed(connector: _Connector) -> None:
            if not self._updating:
                setattr(self, connector.field.name, connector.read())

        connectors = [_Connector(widget, fields[name], changed) for name, widget in found.items()]  # moves widgets
        for connector in connectors:
            connector.write(getattr(self, connector.field.name))
            connector.active = True

        def refresh(*_: Any) -> None:
            if self._updating:
                return
            self._updating = True
            try:
                for connected in self._guis.values():
                    for connector in connected:
                        connector.write(getattr(self, connector.field.name))
            finally:
                self._updating = False

        tag = len(self._guis)
        self._guis[tag] = connectors
        self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, refresh)  # for ever, as Slicer's
        return tag

    def disconnect_gui(self: Any, tag: Any) -> None:
        for connector in self._guis.pop(tag, []):
            connector.active = False

    cls.__init__ = init  # type: ignore[misc]
    cls.connectGui, cls.disconnectGui = connect_gui, disconnect_gui  # type: ignore[attr-defined]
    cls.connectParametersToGui = connect_parameters  # type: ignore[attr-defined]
    cls.AddObserver = lambda self, event, function: self.parameterNode.AddObserver(event, function)  # type: ignore[attr-defined]
    cls.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)  # type: ignore[attr-defined]
    return cls


def install() -> None:
    """Make it importable as slicer.parameterNodeWrapper."""
    module = ModuleType("slicer.parameterNodeWrapper")
    module.parameterNodeWrapper, module.WithinRange = parameterNodeWrapper, WithinRange  # type: ignore[attr-defined]
    sys.modules["slicer.parameterNodeWrapper"] = module
