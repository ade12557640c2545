"""AIDEAL in 3D Slicer: the module file. Everything behind it is in AIDEALLib."""

import logging
import os

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class AIDEAL(ScriptedLoadableModule):
    """Title, help and sample data of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "AIDEAL"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = ["SegmentStatistics", "Sequences", "Markups"]
        parent.contributors = ["AIDEAL contributors"]
        parent.helpText = _(
            "Liver fat (proton density fat fraction, PDFF) from multi-echo MRI, with its uncertainty: how sure each voxel "
            "is, and where water and fat may be swapped. Choose a scan (or load the synthetic liver), press Apply, draw or "
            'place circles, and read the table. See the <a href="https://github.com/aideal-mri/SlicerAIDEAL">documentation</a>.'
            "<p><b>Research use only, not for diagnosis.</b></p>"
        )
        parent.acknowledgementText = _(
            "Builds on the AI-DEAL method: Meneses, Tejos, Makalic, Uribe, Medical Image Analysis 2026, "
            "doi 10.1016/j.media.2025.103811. An independent implementation with networks of its own. Known "
            "patent application: US 2025/0102607."
        )
        slicer.app.connect("startupCompleted()", onStartupCompleted)
        registerDICOMPlugin()


def registerDICOMPlugin():
    """Offer multi-echo scans in the DICOM browser; now, because the browser may open before start-up is completed."""
    try:
        from AIDEALLib.mrml.plugins.dicom_plugin import register

        register()
    except Exception:
        logging.exception("AIDEAL: DICOM plug-in not registered")


def onStartupCompleted():
    """Register layouts, sample data and the Segment Statistics plug-in; a failure there must not disturb Slicer."""
    try:
        from AIDEALLib.mrml.views.layout import register_layouts

        register_layouts(slicer.mrmlScene)  # a saved scene restores its layout only where it is known
    except Exception:
        logging.exception("AIDEAL: layouts not registered")
    try:
        from AIDEALLib.mrml.plugins.sample_data import register as registerSampleData
        from AIDEALLib.mrml.plugins.segment_statistics import register as registerPlugin

        registerSampleData()
        registerPlugin()
    except Exception:
        logging.exception("AIDEAL: sample data or Segment Statistics plug-in not registered")


class AIDEALWidget(ScriptedLoadableModuleWidget):
    """Loads the panel and hands it to AIDEALLib.mrml.widget."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.logic = None
        self.panel = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from AIDEALLib.mrml.widget import AidealPanel

        root = slicer.util.loadUI(self.resourcePath("UI/AIDEAL.ui"))
        self.layout.addWidget(root)
        self.ui = slicer.util.childWidgetVariables(root)
        root.setMRMLScene(slicer.mrmlScene)
        self.logic = AIDEALLogic()
        self.panel = AidealPanel(self.ui, root, self.logic.implementation, self.logic.getParameterNode)
        self.panel.enter()

    def enter(self):
        self.panel.enter()

    def exit(self):
        self.panel.exit()

    def cleanup(self):
        if self.panel:
            self.panel.close()

    def onReload(self):
        import sys

        for name in [name for name in sys.modules if name.split(".")[0] == "AIDEALLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class AIDEALLogic(ScriptedLoadableModuleLogic):
    """What scripts use; works without a main window.

    >>> logic = AIDEALLogic()
    >>> maps = logic.estimate(logic.loadSample())
    >>> logic.exportMaps(maps, "/some/folder")
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        from AIDEALLib.mrml.logic import AidealLogic

        self.implementation = AidealLogic(slicer.mrmlScene)

    def loadSample(self):
        """The bundled synthetic liver, in the scene and ready to be estimated."""
        return self.implementation.load_sample_scan()

    def loadFiles(self, paths):
        """A scan from files, in the scene and ready to be estimated."""
        from pathlib import Path

        from AIDEALLib.mrml.scan.files import load_scan
        from AIDEALLib.mrml.scan.sequences import scan_of_sequences

        return scan_of_sequences(*load_scan(slicer.mrmlScene, [Path(path) for path in paths]).pair)

    def estimate(self, scan, **options):
        """Estimate a scan and wait for it; returns its maps (`maps.pdff`, `maps['r2star']`, ...).

        Options are those of `AIDEALLib.options.RunOptions`, such as `method="one-shot"` or `preset="phantom"`.
        """
        from AIDEALLib.options import RunOptions

        return self.implementation.estimate(scan, RunOptions(**options))

    def exportMaps(self, maps, folder, suffix="nrrd"):
        """Write all maps of a run into a folder."""
        from pathlib import Path

        from AIDEALLib.mrml.results.export import save_maps

        return save_maps(maps, Path(folder), suffix)

    def close(self):
        """End the estimation process."""
        self.implementation.close()


class AIDEALTest(ScriptedLoadableModuleTest):
    """Reload and Test: the workflow on the synthetic liver. The test of the real application is Testing/Slicer/run.py."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        from AIDEALLib.mrml.self_test import run_self_test

        logic = AIDEALLogic()
        try:
            run_self_test(logic, self.delayDisplay, os.environ.get("AIDEAL_PICTURES", ""))
        finally:
            logic.close()
        self.delayDisplay("Test passed")
