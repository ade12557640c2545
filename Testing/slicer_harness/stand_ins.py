"""Stand-ins for the widgets of Slicer and CTK that the panel uses. Imitations: they are not Slicer's."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets


class qMRMLWidget(QtWidgets.QWidget):
    """Stand-in: a widget that knows a scene, and hands it to those in it."""

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        for child in self.findChildren(QtWidgets.QWidget):
            if isinstance(child, qMRMLNodeComboBox | qMRMLSegmentEditorWidget):
                child.setMRMLScene(scene)


class ctkCollapsibleButton(QtWidgets.QGroupBox):
    """Stand-in: a titled group, without its widgets where it is shown collapsed."""

    contentsCollapsed = QtCore.Signal(bool)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self.collapsed:
            self._fold()

    def _text(self) -> str:
        return QtWidgets.QGroupBox.property(self, "title")

    def _set_text(self, text: str) -> None:
        QtCore.QObject.setProperty(self, "title", text)

    def _collapsed(self) -> bool:
        return getattr(self, "_is_collapsed", False)

    def _set_collapsed(self, value: bool) -> None:
        changed, self._is_collapsed = value != self._collapsed(), value
        if changed:
            self._fold()
            self.contentsCollapsed.emit(value)

    def _fold(self) -> None:
        if not self.isVisible():
            return
        if self.collapsed:
            self._folded = [w for w in self.children() if isinstance(w, QtWidgets.QWidget) and not w.isHidden()]
        for child in getattr(self, "_folded", []):
            child.setVisible(not self.collapsed)
        self.setMaximumHeight(self.fontMetrics().height() + 6 if self.collapsed else 16777215)

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
    """Stand-in: remembers what it was given; the tools are not there. Shows its source volume, as Slicer's does by default."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.autoShowSourceVolumeNode = True
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
        if self.autoShowSourceVolumeNode and self._scene is not None and node is not None:
            for n in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
                self._scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode").SetBackgroundVolumeID(node.GetID())

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
