"""Small DICOM segmentations on an axial grid at the origin, for tests of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def write_segmentation(path: Path, labels: npt.NDArray[np.integer], names: Mapping[int, str]) -> None:
    """Write labels (slice, row, column) of voxels of 1 mm; one frame a segment and slice, one bit a voxel."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SEGMENTATION, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = SEGMENTATION, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.SegmentationType = "SEG", "BINARY"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    frames, groups = [], []
    for label in names:
        for index, plane in enumerate(labels == label):
            frames.append(plane)
            groups.append(_group(label, index))
    dataset.NumberOfFrames, (dataset.Rows, dataset.Columns) = len(frames), labels.shape[1:]
    dataset.SegmentSequence = Sequence([_segment(label, name) for label, name in names.items()])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    bits = np.packbits(np.stack(frames).ravel(), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


def _segment(label: int, name: str) -> Dataset:
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = label, name, "MANUAL"
    return segment


def _group(label: int, index: int) -> Dataset:
    group, which, place, axes, measures = (Dataset() for _ in range(5))
    which.ReferencedSegmentNumber = label
    place.ImagePositionPatient = [0, 0, index]
    axes.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = [1, 1]
    group.SegmentIdentificationSequence, group.PlanePositionSequence = Sequence([which]), Sequence([place])
    group.PlaneOrientationSequence, group.PixelMeasuresSequence = Sequence([axes]), Sequence([measures])
    return group
