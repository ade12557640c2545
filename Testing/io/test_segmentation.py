"""Segments land on the scan's grid, or are refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel.nifti1
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from image_files import GEOMETRY

from AIDEALLib.echoes import Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.io.segmentation import load_segmentation, save_segmentation

SHAPE = (4, 10, 12)
TWO_LOBES = {
    "Segment0_ID": "Segment_1",
    "Segment0_Name": "right lobe",
    "Segment0_LabelValue": "3",
    "Segment0_Layer": "0",
    "Segment1_ID": "Segment_2",
    "Segment1_Name": "left lobe",
    "Segment1_LabelValue": "7",
    "Segment1_Layer": "0",
}


def write(
    path: Path, array: npt.NDArray[np.integer], geometry: Geometry = GEOMETRY, header: dict[str, str] | None = None
) -> Path:
    """Write labels (slice, row, column), or layers (layer, slice, row, column) along the NRRD list axis as Slicer does."""
    layers = [sitk.GetImageFromArray(layer) for layer in (array if array.ndim == 4 else array[np.newaxis])]
    image = sitk.Compose(*layers) if len(layers) > 1 else layers[0]
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    for key, value in (header or {}).items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def labels() -> npt.NDArray[np.uint8]:
    array = np.zeros(SHAPE, np.uint8)
    array[1:3, 2:6, 3:7] = 3
    array[1:3, 2:6, 7:9] = 7
    return array


def test_label_map(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    found = load_segmentation(write(tmp_path / "labels.nrrd", labels), GEOMETRY, SHAPE)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.names == {3: "label 3", 7: "label 7"}


def test_slicer_segmentation(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    found = load_segmentation(write(tmp_path / "a.seg.nrrd", labels, header=TWO_LOBES), GEOMETRY, SHAPE)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.names == {3: "right lobe", 7: "left lobe"}
    masks = {segment.name: segment.mask for segment in found.segments}
    np.testing.assert_array_equal(masks["left lobe"], labels == 7)


def test_cropped_segmentation_is_put_in_its_place(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    matrix = np.reshape(GEOMETRY.direction, (3, 3)) * GEOMETRY.spacing_mm
    x, y, z = (float(v) for v in np.asarray(GEOMETRY.origin_mm) + matrix @ (3, 2, 1))
    path = write(tmp_path / "a.seg.nrrd", labels[1:3, 2:6, 3:9], replace(GEOMETRY, origin_mm=(x, y, z)), TWO_LOBES)
    found = load_segmentation(path, GEOMETRY, SHAPE)
    np.testing.assert_array_equal(found.labels, labels)


@pytest.mark.parametrize("old_style", [False, True])
def test_layers(tmp_path: Path, labels: npt.NDArray[np.uint8], old_style: bool) -> None:
    layers = np.stack([labels == 3, labels == 7]).astype(np.uint8)
    header = {key: value for key, value in TWO_LOBES.items() if not key.endswith(("LabelValue", "Layer"))}
    if not old_style:
        header |= {"Segment0_LabelValue": "1", "Segment1_LabelValue": "1", "Segment0_Layer": "0", "Segment1_Layer": "1"}
    path = write(tmp_path / "a.seg.nrrd", layers, header=header)
    found = load_segmentation(path, GEOMETRY, SHAPE)
    assert found.names == {1: "right lobe", 2: "left lobe"}
    np.testing.assert_array_equal(found.labels, (labels == 3) + 2 * (labels == 7))


def test_segments_that_share_voxels_are_both_read_whole(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    layers = np.stack([labels == 3, (labels == 7) | (labels == 3)]).astype(np.uint8)
    header = {**TWO_LOBES, "Segment0_LabelValue": "1", "Segment1_LabelValue": "1", "Segment0_Layer": "0", "Segment1_Layer": "1"}
    found = load_segmentation(write(tmp_path / "a.seg.nrrd", layers, header=header), GEOMETRY, SHAPE)
    masks = {segment.name: segment.mask for segment in found.segments}
    assert found.names == {1: "right lobe"} and [layer.names for layer in found.overlapping] == [{2: "left lobe"}]
    for name, layer in zip(("right lobe", "left lobe"), layers, strict=True):
        np.testing.assert_array_equal(masks[name], layer > 0)
    assert any("share voxels with others: left lobe" in note for note in found.notes)
    save_segmentation(found, GEOMETRY, tmp_path / "again.seg.nrrd")
    again = {segment.name: segment.mask for segment in load_segmentation(tmp_path / "again.seg.nrrd", GEOMETRY, SHAPE).segments}
    assert list(again) == list(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(again[name], mask)


def test_equal_names_in_two_layers_are_told_apart(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    layers = np.stack([labels == 3, labels > 0]).astype(np.uint8)
    both = {
        f"Segment{n}_{key}": value for n in (0, 1) for key, value in (("Name", "Liver"), ("LabelValue", "1"), ("Layer", str(n)))
    }
    found = load_segmentation(write(tmp_path / "a.seg.nrrd", layers, header=both), GEOMETRY, SHAPE)
    assert [(segment.name, int(segment.mask.sum())) for segment in found.segments] == [
        ("Liver", int(layers[0].sum())),
        ("Liver (2)", int(layers[1].sum())),
    ]


def test_segmentation_without_voxels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.seg.nrrd", np.zeros((1, 1, 1), np.uint8), Geometry(), TWO_LOBES)
    found = load_segmentation(path, GEOMETRY, SHAPE)
    assert not found.labels.any()
    assert list(found.names.values()) == ["right lobe", "left lobe"]


def resampled(image: sitk.Image, transposed: tuple[int, int, int], flipped: tuple[bool, bool, bool]) -> sitk.Image:
    """The same image with other axes: what reorientation by dcm2niix, nibabel or ITK-SNAP makes of it."""
    return sitk.Flip(sitk.PermuteAxes(image, transposed), flipped)


@pytest.mark.parametrize(
    "axes", [((0, 1, 2), (True, True, False)), ((2, 0, 1), (False, False, True)), ((1, 0, 2), (True,) * 3)]
)
def test_other_axes_are_put_in_place(tmp_path: Path, labels: npt.NDArray[np.uint8], axes: tuple) -> None:  # type: ignore[type-arg]
    write(tmp_path / "labels.nii.gz", labels)
    turned = resampled(sitk.ReadImage(str(tmp_path / "labels.nii.gz")), *axes)
    sitk.WriteImage(turned, str(tmp_path / "turned.nii.gz"))
    found = load_segmentation(tmp_path / "turned.nii.gz", GEOMETRY, SHAPE)
    np.testing.assert_array_equal(found.labels, labels)
    (note,) = found.notes
    assert "resampled onto the scan" in note and "nearest neighbour" in note


def test_other_spacing_is_resampled(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    fine = np.repeat(np.repeat(labels, 2, axis=1), 2, axis=2)
    column, row, slice_ = GEOMETRY.spacing_mm
    matrix = np.reshape(GEOMETRY.direction, (3, 3)) * GEOMETRY.spacing_mm
    x, y, z = (float(v) for v in np.asarray(GEOMETRY.origin_mm) - matrix @ (0.25, 0.25, 0))
    geometry = replace(GEOMETRY, spacing_mm=(column / 2, row / 2, slice_), origin_mm=(x, y, z))
    found = load_segmentation(write(tmp_path / "fine.nrrd", fine, geometry), GEOMETRY, SHAPE)
    np.testing.assert_array_equal(found.labels, labels)


def test_what_lies_outside_the_scan_is_stated(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    found = load_segmentation(write(tmp_path / "a.nrrd", labels), GEOMETRY, (2, 10, 12))
    assert np.count_nonzero(found.labels) == np.count_nonzero(labels) // 2
    assert found.notes == ("About 50 % of the volume drawn lies outside the scan and was left out.",)


def test_a_segmentation_of_another_place_is_refused(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    elsewhere = replace(GEOMETRY, origin_mm=(-20.0, 30.0, 107.0))
    with pytest.raises(InputError, match="segmentation.nrrd and the scan do not overlap: its segments lie around"):
        load_segmentation(write(tmp_path / "labels.nrrd", labels, elsewhere), GEOMETRY, SHAPE)


def test_labels_without_voxels_and_values_without_names_are_stated(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    header = TWO_LOBES | {"Segment1_LabelValue": "9"}
    found = load_segmentation(write(tmp_path / "a.seg.nrrd", labels, header=header), GEOMETRY, SHAPE)
    assert found.names == {3: "right lobe", 9: "left lobe", 7: "label 7"}
    assert found.notes == (
        "The header names 1 label(s) that no voxel has: left lobe.",
        "Voxels have label values that the header does not name: 7.",
    )


def segments_in_files(folder: Path, labels: npt.NDArray[np.uint8], prefix: str = "") -> None:
    folder.mkdir()
    for number, value in enumerate((3, 7), start=1):
        write(folder / f"{prefix}liver_segment_{number}.nii.gz", (labels == value).astype(np.uint8))
    write(folder / f"{prefix}liver_segment_3.nii.gz", np.zeros(SHAPE, np.uint8))


def test_a_folder_of_segments(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    segments_in_files(tmp_path / "segments", labels, prefix="Jane_Doe_")
    liver = (labels > 0).astype(np.uint8)
    liver[1, 2, 3] = 0  # whole organs and segments come from different networks
    write(tmp_path / "segments" / "liver.nii.gz", liver)
    write(tmp_path / "segments" / "spleen.nii.gz", np.ones(SHAPE, np.uint8))
    found = load_segmentation(tmp_path / "segments", GEOMETRY, SHAPE)
    masks = {segment.name: segment.mask for segment in found.segments}
    assert list(masks) == ["liver_segment_1", "liver_segment_2", "liver"]
    for name, mask in {"liver": liver > 0, "liver_segment_1": labels == 3, "liver_segment_2": labels == 7}.items():
        np.testing.assert_array_equal(masks[name], mask)
    assert found.notes == (
        "1 file(s) that are no part of the liver were left out.",
        "Without a voxel: liver_segment_3.",
        "Segments that share voxels with others: liver. Each is measured whole.",
    )


def test_a_folder_without_segments_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(InputError, match="no label map and 0 DICOM segmentation"):
        load_segmentation(tmp_path, GEOMETRY, SHAPE)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("seg.json", '{"labels": {"background": 0, "liver": 3, "spleen": 7}}'),
        ("seg.json", '{"3": "liver", "7": "spleen"}'),
        ("dataset.json", '{"labels": {"liver": 3, "spleen": 7}}'),
        ("seg.tsv", "index\tname\n3\tliver\n7\tspleen\n"),
        ("seg.ctbl", "# Color table\n0 Background 0 0 0 0\n3 liver 1 2 3 255\n7 spleen 4 5 6 255\n"),
        ("seg.txt", '# ITK-SNAP\n    3   255 0 0   1  1  1  "liver"\n    7   0 255 0   1  1  1  "spleen"\n'),
    ],
)
def test_names_from_a_table_beside(tmp_path: Path, labels: npt.NDArray[np.uint8], name: str, table: str) -> None:
    (tmp_path / name).write_text(table)
    found = load_segmentation(write(tmp_path / "seg.nii.gz", labels), GEOMETRY, SHAPE)
    assert found.names == {3: "liver", 7: "spleen"}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("spleen.nii.gz", "spleen"),
        ("Doe_John_spleen.nii.gz", "spleen"),
        ("John.nii.gz", "label 1"),
        ("vertebrae_L1.nii.gz", "vertebrae_L1"),
        ("sub-04_Leber.nrrd", "Leber"),
    ],
)
def test_a_file_names_its_only_segment_by_anatomy_alone(
    tmp_path: Path, labels: npt.NDArray[np.uint8], file: str, name: str
) -> None:
    path = write(tmp_path / file, (labels > 0).astype(np.uint8))
    assert load_segmentation(path, GEOMETRY, SHAPE).names == {1: name}


def test_values_of_a_file_of_liver_segments(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    found = load_segmentation(write(tmp_path / "liver_segments.nii.gz", labels), GEOMETRY, SHAPE)
    assert found.names == {3: "liver_segment_3", 7: "liver_segment_7"}


def test_a_label_map_without_place_is_refused(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    image = nibabel.nifti1.Nifti1Image(labels.T, None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    image.to_filename(tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="sform and qform are both 0"):
        load_segmentation(tmp_path / "a.nii.gz", GEOMETRY, SHAPE)


def test_files_that_are_no_segmentation_are_refused(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_segmentation(tmp_path / "nowhere.nrrd", GEOMETRY, SHAPE)
    with pytest.raises(InputError, match="zero in every voxel"):
        load_segmentation(write(tmp_path / "a.nrrd", np.zeros_like(labels)), GEOMETRY, SHAPE)
    with pytest.raises(InputError, match="no labels"):
        load_segmentation(write(tmp_path / "a.nrrd", labels * 0.3), GEOMETRY, SHAPE)
    with pytest.raises(InputError, match="no segment names"):
        load_segmentation(write(tmp_path / "a.nrrd", np.stack([labels, labels])), GEOMETRY, SHAPE)


def test_terminology_of_slicer_is_kept(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    entry = "Anatomy~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~list~^^~^^"
    header = TWO_LOBES | {"Segment0_Tags": f"Segmentation.Status:inprogress|TerminologyEntry:{entry}|"}
    found = load_segmentation(write(tmp_path / "a.seg.nrrd", labels, header=header), GEOMETRY, SHAPE)
    assert list(found.terminology.values()) == [entry]
    save_segmentation(found, GEOMETRY, tmp_path / "b.seg.nrrd")
    assert load_segmentation(tmp_path / "b.seg.nrrd", GEOMETRY, SHAPE).terminology == found.terminology


def test_names_of_a_nifti_label_map(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    plain = write(tmp_path / "plain.nii.gz", labels)
    values = [int(value) for value in np.unique(labels) if value]
    assert list(load_segmentation(plain, GEOMETRY, SHAPE).names.values()) == [f"label {v}" for v in values]
    image = nibabel.nifti1.Nifti1Image.from_filename(plain)
    entries = "".join(f'<Label Key="{v}" Red="1"><![CDATA[liver_segment_{n}]]></Label>' for n, v in enumerate(values, start=1))
    text = f"<CaretExtension><VolumeInformation><LabelTable>{entries}</LabelTable></VolumeInformation></CaretExtension>"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, text.encode()))
    image.to_filename(tmp_path / "named.nii.gz")
    named = load_segmentation(tmp_path / "named.nii.gz", GEOMETRY, SHAPE)
    assert list(named.names.values()) == [f"liver_segment_{n}" for n in range(1, len(values) + 1)]
    alone = write(tmp_path / "liver_segment_4.nii.gz", (labels > 0).astype(np.uint8))
    assert load_segmentation(alone, GEOMETRY, SHAPE).names == {1: "liver_segment_4"}


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_labels_at_the_identity_have_lost_their_place(tmp_path: Path, labels: npt.NDArray[np.uint8], suffix: str) -> None:
    """They would overlap a scan around the origin, at the wrong place."""
    path = write(tmp_path / f"liver{suffix}", labels, Geometry())
    here = replace(GEOMETRY, origin_mm=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="states no place in the patient"):
        load_segmentation(path, here, SHAPE)
    np.testing.assert_array_equal(load_segmentation(path, Geometry(), SHAPE).labels, labels)


def test_labels_may_be_off_whole_numbers_by_rounding(tmp_path: Path, labels: npt.NDArray[np.uint8]) -> None:
    path = write(tmp_path / "a.nrrd", labels.astype(np.float32) * np.float32(1.00003))
    np.testing.assert_array_equal(load_segmentation(path, GEOMETRY, SHAPE).labels, labels)
