"""Boot slicer-core: one application logic and one scene for the process, emptied between tests."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import slicer
import slicer.util
import vtk

_LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "units": "vtkSlicerUnitsLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "volumes": "vtkSlicerVolumesLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "tables": "vtkSlicerTablesLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "plots": "vtkSlicerPlotsLogic",
    "models": "vtkSlicerModelsLogic",
}


class _Module:
    """What `slicer.modules.<name>` gives: a logic."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


class _CoreIOManager:
    """Loading and saving of what the tests need, through the nodes' own storage nodes."""

    def fileType(self, filename: str) -> str:
        return "VolumeFile"

    def fileWriterFileType(self, node: Any) -> str:
        return "NodeFile"

    def saveNodes(self, filetype: str, properties: dict[str, Any], messages: Any = None) -> bool:
        if filetype == "SceneFile" or "nodeID" not in properties:
            return bool(save_mrb(str(properties["fileName"])))
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode()
        if storage is None:
            node.AddDefaultStorageNode()
            storage = node.GetStorageNode()
        storage.SetFileName(str(properties["fileName"]))
        return bool(storage.WriteData(node))

    def loadNodes(self, filetype: str, properties: dict[str, Any], loaded: Any, messages: Any = None) -> bool:
        if filetype == "SceneFile":
            load_mrb(str(properties["fileName"]))
            return True
        node = slicer.modules.volumes.logic().AddArchetypeVolume(properties["fileName"], properties.get("name", "volume"))
        if node is None:
            return False
        loaded.AddItem(node)
        return True


class _Application:
    """What `slicer.app` is asked for; a main window and a layout manager are not there."""

    applicationName = "slicer-core harness"
    slicerHome = ""
    revision = "0"

    def __init__(self, logic: Any) -> None:
        self._logic = logic
        self._io = _CoreIOManager()
        self.queued: list[Callable[[], None]] = []
        self.temporaryPath = tempfile.mkdtemp(prefix="aideal-harness-")
        atexit.register(shutil.rmtree, self.temporaryPath, ignore_errors=True)

    def applicationLogic(self) -> Any:
        return self._logic

    def coreIOManager(self) -> _CoreIOManager:
        return self._io

    def layoutManager(self) -> None:
        return None

    def testingEnabled(self) -> bool:
        return True

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def processEvents(self) -> None:
        """Run what is queued: Slicer makes the views of a layout, and reports positions of sliders, only then."""
        while self.queued:
            self.queued.pop(0)()

    def pauseRender(self) -> None: ...

    def resumeRender(self) -> None: ...


def boot() -> Any:
    """Bring up the scene once a process; returns the `slicer` package."""
    if hasattr(slicer, "app"):
        return slicer
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    slicer.mrmlScene, slicer.app = scene, _Application(application)
    application.SetTemporaryPath(slicer.app.temporaryPath)
    cache, transfer = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
    cache.SetRemoteCacheDirectory(slicer.app.temporaryPath)
    transfer.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(transfer)
    slicer.modules = SimpleNamespace()
    logics = {name: getattr(slicer, class_name)() for name, class_name in _LOGICS.items()}
    for name, logic in logics.items():
        logic.SetMRMLApplicationLogic(application)  # before the scene: the logics reach their colleagues through it
        setattr(slicer.modules, name, _Module(logic))
        application.SetModuleLogic(_module_name(name), logic)
    application.SetMRMLScene(scene)
    application.SetColorLogic(logics["colors"])
    for logic in logics.values():
        logic.SetMRMLScene(scene)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    return slicer


def _module_name(name: str) -> str:
    return {"subjecthierarchy": "SubjectHierarchy"}.get(name, name.capitalize())


def empty_scene() -> None:
    """Remove everything but what the logics put there."""
    slicer.mrmlScene.Clear(False)
    slicer.app.queued.clear()
    for class_name in ("vtkMRMLInteractionNode", "vtkMRMLSelectionNode", "vtkMRMLCrosshairNode"):
        if slicer.mrmlScene.GetNumberOfNodesByClass(class_name) == 0:
            node = getattr(slicer, class_name)()
            node.SetSingletonTag("Singleton" if "Crosshair" not in class_name else "default")
            slicer.mrmlScene.AddNode(node)


def save_mrb(path: str) -> bool:
    """Write the scene as an MRB file."""
    return bool(slicer.mrmlScene.WriteToMRB(path, None))


def load_mrb(path: str) -> None:
    """Replace the scene by that of an MRB file."""
    messages = slicer.vtkMRMLMessageCollection()
    if not slicer.mrmlScene.ReadFromMRB(path, True, messages):
        raise RuntimeError(messages.GetAllMessagesAsString())


@contextmanager
def vtk_errors() -> Iterator[list[str]]:
    """Collect VTK errors raised inside the block."""
    found: list[str] = []
    window = vtk.vtkOutputWindow.GetInstance()

    def on_error(caller: Any, event: str, message: str) -> None:
        found.append(str(message).strip())

    on_error.CallDataType = vtk.VTK_STRING  # type: ignore[attr-defined]
    tag = window.AddObserver("ErrorEvent", on_error)
    display = window.GetDisplayMode()
    window.SetDisplayModeToNever()
    try:
        yield found
    finally:
        window.SetDisplayMode(display)
        window.RemoveObserver(tag)
        for line in found:
            print(line, file=sys.stderr)
