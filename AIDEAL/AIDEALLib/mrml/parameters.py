"""State of the panel: a typed parameter node, saved with the scene.

Enums are stored by name: do not rename members.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

from slicer import (
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSequenceNode,
    vtkMRMLTableNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from ..choices import T1, Bipolar, Conjugate, FirstEcho, Method, PhaseUnit, Preset, Readout, Spectrum
from ..statistics import TANG_2013, TANG_2015, LowConfidence, SteatosisCutoffs
from .run_options import HIGHEST_PPM_OFFSET, LOWEST_PPM_OFFSET
from .views.overlay import Overlay


class ScanSource(Enum):
    """Where the echoes come from."""

    SEQUENCES = "Two sequences"
    VOLUMES = "Single volumes"

    def label(self) -> str:
        """Text of the combo box."""
        return self.value


class _PhaseUnitChoice(Enum):
    """Unit of the phase, or detection from the values."""

    def label(self) -> str:
        """Text of the combo box."""
        return str(self.value)

    @property
    def unit(self) -> PhaseUnit | None:
        """The unit, None to have it detected."""
        return PhaseUnit(self.value) if self.name in PhaseUnit.__members__ else None


PhaseUnitChoice: Any = _PhaseUnitChoice(  # type: ignore[call-arg]
    "PhaseUnitChoice", {"AUTO": "Detect", **{unit.name: unit.value for unit in PhaseUnit}}
)


class ReadoutChoice(Enum):
    """Read-out of the echoes, or as the scan states."""

    FROM_SCAN = "As the scan states"
    MONOPOLAR = "Monopolar"
    BIPOLAR = "Bipolar"

    def label(self) -> str:
        """Text of the combo box."""
        return self.value

    @property
    def readout(self) -> Readout | None:
        """The read-out, None to take that of the scan."""
        return {ReadoutChoice.MONOPOLAR: Readout.MONOPOLAR, ReadoutChoice.BIPOLAR: Readout.BIPOLAR}.get(self)


class Device(Enum):
    """Where to compute; the value is the option of the estimate."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"

    def label(self) -> str:
        """Text of the combo box."""
        return {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA"}[self.value]


class AnatomyView(Enum):
    """What the first view shows; the value is the name of the map or image."""

    WATER = "water"
    ECHO_1 = "echo_1"

    def label(self) -> str:
        """Text of the combo box."""
        return {"water": "Water", "echo_1": "Echo 1 (magnitude)"}[self.value]


class FourthMap(Enum):
    """Map of the fourth view; the value is the map's name."""

    R2STAR = "r2star"
    FIELD = "field"
    SWAP = "swap_probability"
    FAT = "fat"
    RESIDUAL = "residual"
    MODE_SD = "pdff_sd"
    DIFFERENCE = "difference"
    CHANGE = "change"

    def label(self) -> str:
        """Text of the combo box."""
        return {
            "r2star": "R2*",
            "field": "Field",
            "swap_probability": "Swap probability",
            "fat": "Fat",
            "residual": "Fit residual",
            "pdff_sd": "PDFF SD in mode",
            "difference": "Minus reference",
            "change": "Change (visits)",
        }[self.value]


class PdffWindow(Enum):
    """Range of the PDFF colours; the value is its upper end in percent."""

    LIVER = 40
    FULL = 100

    def label(self) -> str:
        """Text of the combo box."""
        return f"0 to {self.value} %"


class Place(Enum):
    """Where the next circle lies; the value is its name in the table."""

    RIGHT_LOBE = "Right lobe"
    LEFT_LOBE = "Left lobe"
    SEGMENT_I = "Segment I"
    SEGMENT_II = "Segment II"
    SEGMENT_III = "Segment III"
    SEGMENT_IV = "Segment IV"
    SEGMENT_IVA = "Segment IVa"
    SEGMENT_IVB = "Segment IVb"
    SEGMENT_V = "Segment V"
    SEGMENT_VI = "Segment VI"
    SEGMENT_VII = "Segment VII"
    SEGMENT_VIII = "Segment VIII"

    def label(self) -> str:
        """Text of the combo box."""
        return self.value


class Cutoffs(Enum):
    """Steatosis cut-offs."""

    TANG_2015 = "Tang 2015"
    TANG_2013 = "Tang 2013"

    def label(self) -> str:
        """Text of the combo box, limits included."""
        limits = self.cutoffs
        return f"{limits.name} ({limits.grade_1}, {limits.grade_2}, {limits.grade_3} %)"

    @property
    def cutoffs(self) -> SteatosisCutoffs:
        """The limits."""
        return TANG_2015 if self is Cutoffs.TANG_2015 else TANG_2013


@parameterNodeWrapper
class AidealParameters:
    """State of the panel.

    Attributes
    ----------
    scanSource : ScanSource
        Where the echoes come from.
    firstSequence, secondSequence : vtkMRMLSequenceNode
        Real and imaginary parts, or magnitudes and phases.
    volumeIds : str
        Identifiers of single volumes, separated by spaces.
    echoTimesMs : str
        Echo times typed by hand in ms, separated by spaces, '-' for an echo without one; '' for none.
    flipAngle, repetitionTimeMs : float, degrees and ms
        Of the excitation; 0 takes those of the scan.
    slices : str
        Slices to estimate, such as '3-20'; '' for all.
    t1 : T1
        Correction of T1 weighting.
    fieldStrength : float, tesla
        Overrides that of the scan; 0 takes that of the scan.
    phaseUnit : PhaseUnitChoice
        Unit of phase volumes, and of phase images when files are loaded.
    conjugate : Conjugate
        Rotation sense of the phase.
    readout : ReadoutChoice
        How the echoes were read out.
    method : Method
        How the maps are estimated.
    device : Device
        Where to compute.
    preset : Preset
        What was scanned.
    spectrum : Spectrum
        Fat spectrum.
    ppmOffset : float, ppm
        Added to every fat shift; the lowest value takes that of the preset.
    bipolar : Bipolar
        Correction of a phase between odd and even echoes.
    firstEcho : FirstEcho
        Correction of a phase error of the first echo.
    gainSteps : bool
        Correct scales of the echoes that only the data show.
    keepRuns : bool
        Keep earlier runs of a scan; otherwise a new run takes their place.
    pdff : vtkMRMLScalarVolumeNode
        PDFF of the run that is shown.
    anatomy : AnatomyView
        Image of the first view.
    fourthMap : FourthMap
        Map of the fourth view.
    pdffWindow : PdffWindow
        Range of the PDFF colours.
    overlay : Overlay
        Map laid over the PDFF.
    overlayThreshold, overlayOpacity : float
        Lowest value that the overlay shows, in the unit of its map, and its opacity.
    lowConfidenceSd : float, points
        A voxel with a larger SD counts as low confidence.
    lowConfidenceSwap : float
        A voxel with a larger swap probability counts as low confidence.
    segmentation : vtkMRMLSegmentationNode
        Segments to measure.
    roiPlace : Place
        Where the next circle lies.
    roiDiameter : float, mm
        Diameter of all circles.
    excludeLowConfidence : bool
        Measure without voxels of low confidence.
    leaveOutVesselsAndEdges : bool
        Measure drawn regions without vessels and edges.
    cutoffs : Cutoffs
        Steatosis cut-offs.
    table : vtkMRMLTableNode
        Table of the statistics.
    allColumns : bool
        Show all statistics where no columns were chosen, as scenes of version 0.2.0 before their choice store it.
    columns : str
        Columns of the table, separated by spaces; '' for those that are read first.
    jointEstimate : bool
        Estimate one PDFF and one R2* of each region, too.
    baseline : vtkMRMLScalarVolumeNode
        PDFF of the earlier visit.
    followUp : vtkMRMLScalarVolumeNode
        PDFF of the later visit.
    repeatability : float, percentage points
        What 95 % of pairs of scans of an unchanged liver stay within; 0 takes the published figure.
    folded : bool
        A run has ended, and the sections above it are folded.
    keptOpen : str
        Sections that the user opened after that, separated by spaces.
    """

    scanSource: ScanSource = ScanSource.SEQUENCES
    firstSequence: vtkMRMLSequenceNode
    secondSequence: vtkMRMLSequenceNode
    volumeIds: str = ""
    echoTimesMs: str = ""
    fieldStrength: Annotated[float, WithinRange(0.0, 12.0)] = 0.0
    flipAngle: Annotated[float, WithinRange(0.0, 180.0)] = 0.0
    repetitionTimeMs: Annotated[float, WithinRange(0.0, 10000.0)] = 0.0
    slices: str = ""
    t1: T1 = T1.AS_MEASURED
    phaseUnit: PhaseUnitChoice = PhaseUnitChoice.AUTO
    conjugate: Conjugate = Conjugate.AUTO
    readout: ReadoutChoice = ReadoutChoice.FROM_SCAN
    method: Method = Method.REFINED
    device: Device = Device.AUTO
    preset: Preset = Preset.LIVER
    spectrum: Spectrum = Spectrum.SIX_PEAK
    ppmOffset: Annotated[float, WithinRange(LOWEST_PPM_OFFSET, HIGHEST_PPM_OFFSET)] = LOWEST_PPM_OFFSET
    bipolar: Bipolar = Bipolar.AUTO
    firstEcho: FirstEcho = FirstEcho.AS_STORED
    gainSteps: bool = False
    keepRuns: bool = False
    pdff: vtkMRMLScalarVolumeNode
    anatomy: AnatomyView = AnatomyView.WATER
    fourthMap: FourthMap = FourthMap.R2STAR
    pdffWindow: PdffWindow = PdffWindow.LIVER
    overlay: Overlay = Overlay.TOTAL_SD
    overlayThreshold: Annotated[float, WithinRange(0.0, 10.0)] = 5.0
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.7
    lowConfidenceSd: Annotated[float, WithinRange(0.1, 50.0)] = LowConfidence.total_sd_points
    lowConfidenceSwap: Annotated[float, WithinRange(0.001, 1.0)] = LowConfidence.swap_probability
    segmentation: vtkMRMLSegmentationNode
    roiPlace: Place = Place.RIGHT_LOBE
    roiDiameter: Annotated[float, WithinRange(4.0, 60.0)] = 20.0
    excludeLowConfidence: bool = False
    leaveOutVesselsAndEdges: bool = False
    cutoffs: Cutoffs = Cutoffs.TANG_2015
    table: vtkMRMLTableNode
    allColumns: bool = False
    columns: str = ""
    jointEstimate: bool = False
    baseline: vtkMRMLScalarVolumeNode
    followUp: vtkMRMLScalarVolumeNode
    repeatability: Annotated[float, WithinRange(0.0, 50.0)] = 0.0
    folded: bool = False
    keptOpen: str = ""
