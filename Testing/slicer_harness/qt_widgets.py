"""`qt`, `ctk` and `slicer.util` as module code finds them in Slicer, on PySide6. An imitation: it is not Slicer.

Qt's manners are in `pythonqt`, the widgets in `stand_ins`; any class without a stand-in raises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from .pythonqt import application, guarded
from .pythonqt import slot_errors as slot_errors
from .stand_ins import STAND_INS, ctkCollapsibleButton, ctkSliderWidget


class _QTimer(QtCore.QTimer):
    """`qt.QTimer.singleShot(ms, f)` with exceptions collected."""

    @staticmethod
    def singleShot(milliseconds: int, function: Callable[..., Any]) -> None:
        QtCore.QTimer.singleShot(milliseconds, guarded(function))


class _QFileDialog(QtWidgets.QFileDialog):
    """Names alone, as PythonQt gives them: PySide adds the filter that was chosen."""

    @staticmethod
    def getOpenFileNames(*arguments: Any) -> tuple[str, ...]:
        return tuple(QtWidgets.QFileDialog.getOpenFileNames(*arguments)[0])

    @staticmethod
    def getSaveFileName(*arguments: Any) -> str:
        return QtWidgets.QFileDialog.getSaveFileName(*arguments)[0]


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
    qt.QTimer, qt.QFileDialog = _QTimer, _QFileDialog  # type: ignore[attr-defined]
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
