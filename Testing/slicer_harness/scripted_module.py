"""Stand-ins for slicer.ScriptedLoadableModule and slicer.i18n. Not Slicer's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import slicer


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    moduleFile = ""

    def __init__(self, parent: Any = None) -> None:
        from PySide6 import QtWidgets

        self.parent = parent or QtWidgets.QWidget()
        if self.parent.layout() is None:
            QtWidgets.QVBoxLayout(self.parent)
        self.layout = self.parent.layout()

    def setup(self) -> None: ...

    def resourcePath(self, name: str) -> str:
        return str(Path(sys.modules[type(self).__module__].__file__ or "").parent / "Resources" / name)

    def onReload(self) -> None: ...


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        self.moduleName = "AIDEAL"

    def getParameterNode(self) -> Any:
        scene = slicer.mrmlScene
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode")):
            node = scene.GetNthNodeByClass(n, "vtkMRMLScriptedModuleNode")
            if node.GetAttribute("ModuleName") == self.moduleName:
                return node
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(self.moduleName)
        return scene.AddNode(node)


class ScriptedLoadableModuleTest:
    def delayDisplay(self, message: str, *_: Any) -> None:
        self.messages = [*getattr(self, "messages", []), message]


def module_parent() -> Any:
    """What Slicer hands to a module's constructor."""
    return SimpleNamespace()


def install() -> None:
    """Make them importable; `slicer.app.connect` remembers what is to be called at start-up."""
    module = ModuleType("slicer.ScriptedLoadableModule")
    for cls in (ScriptedLoadableModule, ScriptedLoadableModuleWidget, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest):
        setattr(module, cls.__name__, cls)
    i18n = ModuleType("slicer.i18n")
    i18n.tr = lambda text: text  # type: ignore[attr-defined]
    i18n.translate = lambda _context, text: text  # type: ignore[attr-defined]
    sys.modules["slicer.ScriptedLoadableModule"], sys.modules["slicer.i18n"] = module, i18n
    slicer.app.startup = []
    slicer.app.connect = lambda signal, function: slicer.app.startup.append((signal, function))
