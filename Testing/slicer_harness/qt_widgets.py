"""PySide6 dressed up as Slicer's PythonQt, with stand-ins for Slicer's widgets. An imitation: it is not Slicer.

What is imitated: Qt properties are attributes (`w.checked`, `spin.value = 3`), `object.connect("signal(args)", f)` with its
signature checked, no attributes beyond those of the class, and `type(widget) == qt.QCheckBox`. Exceptions in slots go to
`slot_errors`. Any class without a stand-in raises.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

slot_errors: list[str] = []
_KEEP_METHODS = {"singleShot", "sizeHint", "minimumSizeHint", "children", "objectName", "metaObject", "parent", "layout"}
_PATCHED: set[type] = set()
_GETATTR = QtCore.QObject.__getattribute__


def application() -> Any:
    """The one Qt application of the process, and PythonQt's manners for all of PySide."""
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    for module in (QtCore, QtGui, QtWidgets):
        for value in [getattr(module, name) for name in dir(module)]:
            if isinstance(value, type) and issubclass(value, QtCore.QObject):
                _properties_as_attributes(value)
    QtCore.qInstallMessageHandler(_qt_message)
    return app


def _qt_message(kind: Any, _context: Any, text: str) -> None:
    if "mrmlSceneChanged" not in text and "(sender name" not in text and "(receiver name" not in text:
        print("Qt:", text, file=sys.stderr)


def _properties_as_attributes(cls: type) -> None:
    if cls in _PATCHED:
        return
    _PATCHED.add(cls)
    cls.__getattribute__ = _get  # type: ignore[method-assign, assignment]
    cls.__setattr__ = _strict_setattr  # type: ignore[method-assign, assignment]
    meta = cls.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name not in _KEEP_METHODS and not name.startswith("_"):
            setattr(cls, name, property(_getter(name), _setter(name)))


def _getter(name: str) -> Callable[[Any], Any]:
    return lambda self: QtCore.QObject.property(self, name)


def _setter(name: str) -> Callable[[Any, Any], None]:
    def set_value(self: Any, value: Any) -> None:
        if not QtCore.QObject.setProperty(self, name, value):
            raise TypeError(f"{type(self).__name__}.{name} cannot be set to {value!r}")

    return set_value


def _get(self: Any, name: str) -> Any:
    # PySide looks up its own QObject.connect in a way that a class attribute does not replace
    return partial(_connect, self) if name == "connect" else _GETATTR(self, name)


def _strict_setattr(self: Any, name: str, value: Any) -> None:
    stand_in = type(self).__module__ == __name__
    if not stand_in and not name.startswith("_") and not hasattr(type(self), name):
        raise AttributeError(f"{type(self).__name__} has no property '{name}': PythonQt would raise here")
    descriptor = getattr(type(self), name, None)
    if hasattr(type(descriptor), "__set__"):
        descriptor.__set__(self, value)
    elif isinstance(descriptor, QtCore.Property):
        QtCore.QObject.setProperty(self, name, value)
    else:
        self.__dict__[name] = value


def _connect(self: Any, *arguments: Any) -> Any:
    if len(arguments) != 2 or not isinstance(arguments[0], str) or arguments[0][:1].isdigit():
        return _GETATTR(self, "connect")(*arguments)  # PySide itself
    signature, function = arguments
    name = signature.split("(")[0]
    declared = getattr(type(self), "SIGNALS", {})
    if signature not in declared:
        normal = bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()
        if self.metaObject().indexOfSignal(normal) < 0:
            raise ValueError(f"{type(self).__name__} has no signal {signature}")
    signal = getattr(self, declared.get(signature, name))
    signal.connect(_guarded(function))
    return True


def _guarded(function: Callable[..., Any]) -> Callable[..., None]:
    """Call with as many arguments as the function takes; collect what it raises."""
    try:
        parameters = inspect.signature(function).parameters.values()
        open_ended = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        most = 99 if open_ended else sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    except ValueError:
        most = 99

    def call(*arguments: Any) -> None:
        try:
            function(*arguments[:most])
        except Exception:
            slot_errors.append(traceback.format_exc())

    return call


class qMRMLWidget(QtWidgets.QWidget):
    """Stand-in: a widget that knows a scene, and hands it to those in it."""

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        for child in self.findChildren(QtWidgets.QWidget):
            if isinstance(child, qMRMLNodeComboBox | qMRMLSegmentEditorWidget):
                child.setMRMLScene(scene)


class ctkCollapsibleButton(QtWidgets.QGroupBox):
    """Stand-in: a titled group."""

    def _text(self) -> str:
        return QtWidgets.QGroupBox.property(self, "title")

    def _set_text(self, text: str) -> None:
        QtCore.QObject.setProperty(self, "title", text)

    def _collapsed(self) -> bool:
        return getattr(self, "_is_collapsed", False)

    def _set_collapsed(self, value: bool) -> None:
        self._is_collapsed = value

    text = QtCore.Property(str, _text, _set_text)
    collapsed = QtCore.Property(bool, _collapsed, _set_collapsed)


class ctkSliderWidget(QtWidgets.QWidget):
    """Stand-in: a slider beside a spin box."""

    valueChanged = QtCore.Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._spin, self._slider = QtWidgets.QDoubleSpinBox(), QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self._slider.setRange(0, 1000)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._spin.valueChanged.connect(self._moved)

    def _moved(self, value: float) -> None:
        span = self._spin.maximum - self._spin.minimum
        self._slider.setValue(round(1000 * (value - self._spin.minimum) / span) if span else 0)
        self.valueChanged.emit(value)

    def _part(name: str, kind: type) -> Any:  # type: ignore[misc]
        return QtCore.Property(
            kind, lambda self: self._spin.property(name), lambda self, value: self._spin.setProperty(name, value)
        )

    value = _part("value", float)
    minimum = _part("minimum", float)
    maximum = _part("maximum", float)
    singleStep = _part("singleStep", float)
    decimals = _part("decimals", int)


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Stand-in: a combo box with the scene's nodes of some classes (and attributes)."""

    _changed = QtCore.Signal(object)
    SIGNALS = {"currentNodeChanged(vtkMRMLNode*)": "_changed"}  # noqa: RUF012

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node: Any = None
        self._attributes: list[tuple[str, str, str]] = []
        self._combo = QtWidgets.QComboBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self._show()

    def mrmlScene(self) -> Any:
        return self._scene

    def addAttribute(self, class_name: str, attribute: str, value: str) -> None:
        self._attributes.append((class_name, attribute, value))

    def candidates(self) -> list[Any]:
        found = []
        for class_name in self.property("nodeTypes") or []:
            for n in range(self._scene.GetNumberOfNodesByClass(class_name) if self._scene else 0):
                node = self._scene.GetNthNodeByClass(n, class_name)
                if all(node.GetAttribute(name) == value for _, name, value in self._attributes):
                    found.append(node)
        return found

    def currentNode(self) -> Any:
        return self._node if self._node is not None and self._node.GetScene() is not None else None

    def setCurrentNode(self, node: Any) -> None:
        if node is self._node:
            return
        if node is not None and node not in self.candidates():
            raise ValueError(f"{node.GetName()} is not among the nodes of this selector")
        self._node = node
        self._show()
        self._changed.emit(node)

    def _show(self) -> None:
        self._combo.clear()
        self._combo.addItem(self._node.GetName() if self._node is not None else "None")


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """Stand-in: several nodes ticked."""

    checkedNodesChanged = QtCore.Signal()
    SIGNALS = {"checkedNodesChanged()": "checkedNodesChanged"}  # noqa: RUF012

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._checked: list[Any] = []

    def checkedNodes(self) -> list[Any]:
        return list(self._checked)

    def setCheckState(self, node: Any, state: Any) -> None:
        wanted = state == QtCore.Qt.Checked
        if wanted and node not in self._checked:
            self._checked.append(node)
        elif not wanted and node in self._checked:
            self._checked.remove(node)
        self._combo.setItemText(0, f"{len(self._checked)} volumes")
        self.checkedNodesChanged.emit()


class qMRMLSegmentEditorWidget(QtWidgets.QFrame):
    """Stand-in: remembers what it was given; the tools are not there."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene = self._editor = self._segmentation = self._source = None
        self.setFrameShape(QtWidgets.QFrame.StyledPanel)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(QtWidgets.QLabel("(Slicer's Segment Editor)"))

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._editor = node

    def mrmlSegmentEditorNode(self) -> Any:
        return self._editor

    def setSegmentationNode(self, node: Any) -> None:
        self._segmentation = node

    def segmentationNode(self) -> Any:
        return self._segmentation

    def setSourceVolumeNode(self, node: Any) -> None:
        self._source = node

    def sourceVolumeNode(self) -> Any:
        return self._source


STAND_INS = (
    qMRMLWidget,
    ctkCollapsibleButton,
    ctkSliderWidget,
    qMRMLNodeComboBox,
    qMRMLCheckableNodeComboBox,
    qMRMLSegmentEditorWidget,
)


class _QTimer(QtCore.QTimer):
    """`qt.QTimer.singleShot(ms, f)` with exceptions collected."""

    @staticmethod
    def singleShot(milliseconds: int, function: Callable[..., Any]) -> None:
        QtCore.QTimer.singleShot(milliseconds, _guarded(function))


def load_ui(path: str) -> Any:
    """What slicer.util.loadUI does."""
    loader = QtUiTools.QUiLoader()
    for stand_in in STAND_INS:
        loader.registerCustomWidget(stand_in)
    file = QtCore.QFile(str(path))
    if not file.open(QtCore.QIODevice.ReadOnly):
        raise RuntimeError(f"Could not load UI file {path}")
    root = loader.load(file)
    file.close()
    for child in [root, *root.findChildren(QtWidgets.QWidget)]:
        name = child.metaObject().className()
        if name.startswith(("qMRML", "ctk", "qSlicer")) and type(child) not in STAND_INS:
            raise RuntimeError(f"there is no stand-in for {name}")
    return root


def child_variables(root: Any) -> Any:
    """What slicer.util.childWidgetVariables does."""
    named = {w.objectName(): w for w in root.findChildren(QtWidgets.QWidget) if w.objectName() and "qt_" not in w.objectName()}
    return SimpleNamespace(**named)


def install() -> None:
    """Put `qt`, `ctk` and the parts of `slicer` that module code imports in place."""
    import slicer

    from . import parameter_node, scripted_module

    application()
    qt = ModuleType("qt")
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            if name.startswith("Q"):
                setattr(qt, name, getattr(module, name))
    qt.QTimer = _QTimer  # type: ignore[attr-defined]
    ctk = ModuleType("ctk")
    ctk.ctkSliderWidget, ctk.ctkCollapsibleButton = ctkSliderWidget, ctkCollapsibleButton  # type: ignore[attr-defined]
    sys.modules.update({"qt": qt, "ctk": ctk})
    for stand_in in STAND_INS:
        setattr(slicer, stand_in.__name__, stand_in)
    slicer.util.loadUI, slicer.util.childWidgetVariables = load_ui, child_variables
    parameter_node.install()
    scripted_module.install()


def settle(milliseconds: int = 0) -> None:
    """Let Qt work for a while."""
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def grab(widget: Any, path: Path, size: tuple[int, int]) -> None:
    """Picture of a widget as PNG."""
    widget.resize(*size)
    settle(20)
    path.parent.mkdir(parents=True, exist_ok=True)
    widget.grab().save(str(path))
