"""Damaged, lying, endless and odd files of every format: our own errors, quickly, and nothing read that does not fit."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import signal
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from file_fuzz import Files, damaged, originals, outcome, results, segmentations
from segmentation_writer import write_segmentation
from waiting import LONG_S

from AIDEALLib.echoes import Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.io import load, reader_process, sizes
from AIDEALLib.io.load import load_series
from AIDEALLib.io.segmentation import load_segmentation
from AIDEALLib.io.sizes import check_file

ONES, TE_S = np.ones((3, 1, 2, 2), np.complex64), (0.001, 0.003, 0.005)
CASES = 6
"""Of each format; `make chaos` runs thousands."""
NRRD = "NRRD0004\ntype: float\ndimension: 3\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n{more}\n"


@pytest.fixture(scope="module")
def scans() -> dict[str, Files]:
    return {**originals(), **segmentations(), "result": results()}


def test_undamaged_scans_load(scans: dict[str, Files], tmp_path: Path) -> None:
    assert {name: outcome(files, tmp_path / "scan") for name, files in scans.items()} == dict.fromkeys(scans, "loaded")


def test_damaged_scans(scans: dict[str, Files], tmp_path: Path) -> None:
    seen = {outcome(damaged(files, number), tmp_path / "scan") for files in scans.values() for number in range(CASES)}
    assert "refused" in seen


def refused(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_series(path)


def test_a_reader_that_crashes_ends_its_own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(
        tmp_path / "scan.npz", echoes=np.ones((3, 1, 2, 2), np.complex64), te_s=[0.001, 0.003, 0.005], field_strength_t=1.5
    )
    for reader, message in (
        (lambda *_: os.kill(os.getpid(), signal.SIGSEGV), "its reader crashed .SIGSEGV."),
        (lambda *_: os._exit(0), "ended with exit code 0"),
        (lambda *_: time.sleep(3600), "took more than 1 s"),
        (lambda *_: np.empty(1 << 45, np.uint8), "more memory than there is"),
        (lambda *_: bytearray(1 << 45), "more memory than there is"),
        (lambda *_: (_ for _ in ()).throw(ZeroDivisionError("x")), "could not be read .x."),
    ):
        monkeypatch.setattr(reader_process, "LONGEST_S", 1.0 if "took" in message else LONG_S)
        monkeypatch.setattr(load, "read_npz", reader)
        refused(tmp_path / "scan.npz", message)


@pytest.mark.parametrize("fork", [True, False])
def test_a_full_folder_of_temporary_files_is_named(
    scans: dict[str, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fork: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for name, content in scans["npz"].items():
        (tmp_path / name).write_bytes(content)
    if fork:
        monkeypatch.setattr(load, "write_series", full)
    else:
        monkeypatch.setattr(reader_process, "_spawned", lambda *_: reader_process._in_words(reader_process.EXIT_FULL))
        monkeypatch.setattr(reader_process, "_can_fork", lambda: False)
    refused(tmp_path / "scan.npz", "scan.npz could not be read: the folder of temporary files is full. Free space there")


def test_reading_in_a_fresh_process(scans: dict[str, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in scans[".nrrd raw"].items():
        (tmp_path / name).write_bytes(content)
    here = load_series(tmp_path)
    monkeypatch.setattr(reader_process, "_can_fork", lambda: False)
    there = load_series(tmp_path)
    np.testing.assert_array_equal(here.echoes, there.echoes)
    assert here.geometry == there.geometry and here.notes == there.notes
    (tmp_path / "scan_e1.nrrd").write_bytes(b"NRRD0004\n")
    refused(tmp_path, r"file 2.nrrd states values of type")


def test_bombs(tmp_path: Path) -> None:
    """Files that unfold to more than there is are refused by their headers, without a byte of them being unfolded."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    zeros = gzip.compress(bytes(1 << 20)) * 12
    (tmp_path / "a.nrrd").write_bytes(NRRD.format(sizes="4096 4096 192", encoding="gzip", more="").encode() + zeros * 1000)
    refused(tmp_path / "a.nrrd", "GB")
    (tmp_path / "b.nrrd").write_bytes(NRRD.format(sizes="4096 4096 320", encoding="raw", more="").encode() + b"\0" * 100)
    refused(tmp_path / "b.nrrd", "GB|cannot hold")
    header = struct.pack("<i36x8h14x2h", 348, 4, 4096, 4096, 100, 3, 1, 1, 1, 16, 32) + bytes(400)
    for name, content in (("c.nii", header), ("c.nii.gz", gzip.compress(header))):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, "GB|cannot hold")
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        array = np.lib.format.magic(1, 0) + struct.pack("<H", 118)
        text = "{'descr': '<c8', 'fortran_order': False, 'shape': (3, 200, 1024, 1024), }"
        archive.writestr("echoes.npy", array + text.ljust(117).encode() + b"\n" + bytes(1000))
        archive.writestr("te_s.npy", b"x")
        archive.writestr("field_strength_t.npy", b"x")
    refused(tmp_path / "d.npz", "states a shape")
    (tmp_path / "e.mha").write_text("DimSize = 99999 99999 999\nElementType = MET_FLOAT\nElementDataFile = LOCAL\nxx")
    refused(tmp_path / "e.mha", "GB")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 1 << 20, "more than a gigabyte was taken"


def test_what_fits_the_limit_by_its_header_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "available_bytes", lambda: 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", echoes=np.zeros((3, 4, 256, 256), np.complex64), te_s=[1], field_strength_t=1)
    with pytest.raises(InputError, match="at most 0.0 GB are allowed"):
        check_file(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.mat", "a.nii", "a.nrrd", "a.mha", "a.dcm", "a"])
def test_pipes_and_devices(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    refused(tmp_path / name, "no regular file")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    refused(tmp_path / name, "no regular file")
    with pytest.raises(InputError, match="no regular file"):
        load_segmentation(tmp_path / name, Geometry(), (1, 1, 1))


@pytest.mark.parametrize("named", ["../secret.raw", "/etc/passwd", "pipe", "/dev/zero", "LIST", "%d.raw 1 3 1", "..", "a\\b"])
def test_data_of_a_detached_header(tmp_path: Path, named: str) -> None:
    (tmp_path / "secret.raw").write_bytes(b"\0" * 4000)
    folder = tmp_path / "scan"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    header = NRRD.format(sizes="10 10 10", encoding="raw", more=f"data file: {named}\n")
    (folder / "mag_e1.nhdr").write_text(header)
    (folder / "mag_e1.mhd").write_text(f"NDims = 3\nDimSize = 10 10 10\nElementType = MET_FLOAT\nElementDataFile = {named}\n")
    for suffix in (".nhdr", ".mhd"):
        with pytest.raises(InputError, match="not one file beside it|no regular file|cannot be read"):
            check_file(folder / f"mag_e1{suffix}")


def test_a_detached_header_with_its_file_beside_it(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.ones((2, 3, 4), np.float32))
    for suffix in (".nhdr", ".mhd", ".nrrd", ".mha", ".nii", ".nii.gz"):
        sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
        check_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    "changes",
    [
        {"spacing_mm": (1e-9, 1, 1)},
        {"spacing_mm": (1e30, 1, 1)},
        {"origin_mm": (1e30, 0, 0)},
        {"direction": (1, 0.5, 0, 0, 1, 0, 0, 0, 1)},
    ],
)
def test_absurd_geometry(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected"):
        Geometry(**changes)
    np.savez(
        tmp_path / "a.npz",
        echoes=np.ones((3, 1, 2, 2), np.complex64),
        te_s=[0.001, 0.003, 0.005],
        field_strength_t=1.5,
        **changes,
    )
    refused(tmp_path / "a.npz", "expected")


def test_values_no_scanner_stores(tmp_path: Path) -> None:
    echoes = np.ones((3, 1, 2, 2), np.complex64)
    echoes[1, 0, 0, 0] = 1e20
    np.savez(tmp_path / "a.npz", echoes=echoes, te_s=[0.001, 0.003, 0.005], field_strength_t=1.5)
    refused(tmp_path / "a.npz", "Echo 2 has values up to 1e.20")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"bad\xff")
    folder.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 3, 4), np.float32)), str(tmp_path / "mag_e1.nrrd"))
    (tmp_path / "mag_e1.nrrd").rename(folder / "mag_e1.nrrd")
    (tmp_path / os.fsdecode(b"\xfe.npz")).write_bytes(b"x")
    for path in (folder, folder / "mag_e1.nrrd", tmp_path / os.fsdecode(b"\xfe.npz")):
        refused(path, "no text")


def test_deep_sidecar(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 3, 4), np.float32)), str(tmp_path / "mag_e1.nii"))
    (tmp_path / "mag_e1.json").write_text("[" * 100_000)
    refused(tmp_path / "mag_e1.nii", "no valid JSON")


@pytest.mark.parametrize("name", ["a.png", "a.dcm", "a.vtk", "a"])
def test_only_the_formats_of_label_maps_are_tried(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(128) + b"DICM" + bytes(2000) if name == "a.dcm" else b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match="no NRRD, NIfTI or MetaImage file|could not be read as DICOM"):
        load_segmentation(tmp_path / name, Geometry(), (1, 1, 1))


def test_frames_far_apart_make_no_large_grid(tmp_path: Path) -> None:
    labels = np.ones((3, 4, 4), np.int32)
    write_segmentation(tmp_path / "a.dcm", labels, {1: "liver"})
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    for group, depth in zip(dataset.PerFrameFunctionalGroupsSequence, (0.0, 0.01, 900_000.0), strict=True):
        group.PlanePositionSequence[0].ImagePositionPatient = [0, 0, depth]
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"mm apart in steps of 0\.01 mm; at most"):
        load_segmentation(tmp_path / "a.dcm", Geometry(), (3, 4, 4))
