"""Small scans in every format but DICOM, and ways to damage them; `chaos.py` and tests use them.

Every case follows from its number, so one can be repeated.
"""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path

import numpy as np

Files = dict[str, bytes]
WORDS = (b"0", b"-1", b"1e400", b"nan", b"99999999999", b"4294967295", b"", b"\xff\xfe", b"../x", b"[" * 50, b"1e-300")
SUSPECT = 1e12
SEGMENTS = "segments"
KINDS = ((".nii", False), (".nii.gz", True), (".nrrd", True), (".nrrd", False), (".mha", True), (".mhd", False))
"""Suffixes of images, and whether they are compressed."""


def originals() -> dict[str, Files]:
    """Small scans by format, file by file."""
    import SimpleITK as sitk
    from scipy.io import savemat

    rng = np.random.default_rng(5)
    shape = (3, 2, 6, 5)
    echoes = (rng.uniform(10, 100, shape) * np.exp(1j * rng.uniform(-np.pi, np.pi, shape))).astype(np.complex64)
    te_s = (0.0012, 0.0032, 0.0052)
    scans: dict[str, Files] = {}
    stream = io.BytesIO()
    np.savez(stream, echoes=echoes, te_s=te_s, field_strength_t=1.5)
    scans["npz"] = {"scan.npz": stream.getvalue()}
    stream = io.BytesIO()
    np.savez_compressed(stream, echoes=echoes, te_s=te_s, field_strength_t=1.5)
    scans["npz compressed"] = {"scan.npz": stream.getvalue()}
    images = np.transpose(echoes, (2, 3, 1, 0))[:, :, :, None, :]
    content = {"imDataParams": {"images": images, "TE": np.asarray(te_s), "FieldStrength": 1.5, "PrecessionIsClockwise": 1.0}}
    for name, packed in (("matlab", False), ("matlab compressed", True)):
        stream = io.BytesIO()
        savemat(stream, content, do_compression=packed)
        scans[name] = {"scan.mat": stream.getvalue()}
    stream = io.BytesIO()
    plain = {"data": np.transpose(echoes[:, 0], (1, 2, 0)), "te": np.asarray(te_s), "Tesla": 1.5}
    savemat(stream, plain)
    scans["matlab plain"] = {"scan.mat": stream.getvalue()}
    sidecars = {f"scan_e{n}.json": b'{"EchoTime": %g, "MagneticFieldStrength": 1.5}' % t for n, t in enumerate(te_s, start=1)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix, packed in KINDS:
            for number, echo in enumerate(echoes, start=1):
                for part, values in (("", np.abs(echo)), ("_ph", np.angle(echo))):
                    image = sitk.GetImageFromArray(values.astype(np.float32))
                    sitk.WriteImage(image, str(folder / f"scan_e{number}{part}{suffix}"), useCompression=packed)
            found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
            scans[f"{suffix} {'packed' if packed else 'raw'}"] = {**found, **sidecars}
            for path in folder.iterdir():
                path.unlink()
    return scans


def segmentations() -> dict[str, Files]:
    """Segmentations on the grid of the scans: of Slicer, NIfTI with a table of names, and DICOM."""
    import nibabel.nifti1
    from segmentation_writer import write_segmentation

    from AIDEALLib.echoes import Geometry
    from AIDEALLib.io.segmentation import Segmentation, save_segmentation

    labels = np.zeros((2, 6, 5), np.int32)
    labels[:, 1:3], labels[:, 4:] = 1, 2
    names = {1: "right lobe", 2: "left lobe"}
    found: dict[str, Files] = {}
    with tempfile.TemporaryDirectory() as name:
        slicer, nifti, dicom = (Path(name) / f"{SEGMENTS}{suffix}" for suffix in (".seg.nrrd", ".nii.gz", ".dcm"))
        save_segmentation(Segmentation(labels, names), Geometry(), slicer)
        image = nibabel.nifti1.Nifti1Image(labels.T.astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
        entries = "".join(f'<Label Key="{key}"><![CDATA[{text}]]></Label>' for key, text in names.items())
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, f"<LabelTable>{entries}</LabelTable>".encode()))
        image.to_filename(nifti)
        write_segmentation(dicom, labels, names)
        for kind, path in (("Slicer segmentation", slicer), ("NIfTI labels", nifti), ("DICOM segmentation", dicom)):
            found[kind] = {path.name: path.read_bytes()}
    return found


def results() -> Files:
    """What is read back of a result."""
    from AIDEALLib.echoes import Geometry
    from AIDEALLib.io.output.save import save_maps
    from AIDEALLib.io.output.tables import save_table
    from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
    from AIDEALLib.statistics import Measuring, region_statistics

    rng, shape = np.random.default_rng(2), (2, 6, 5)
    provenance = Provenance("0", "refined", "cpu", "2", (0.001, 0.003, 0.005), 1.5, {}, {}, "as model", "unknown", (1.0,))
    arrays = {name: rng.normal(20, 5, shape).astype(np.float32) for name in MAP_INFO}
    maps = ParameterMaps(**arrays, mask=np.ones(shape, np.bool_), geometry=Geometry(), provenance=provenance)
    with tempfile.TemporaryDirectory() as name:
        save_maps(maps, name)
        save_table([region_statistics(maps, maps.mask, "body mask", Measuring(1.0))], Path(name) / "statistics.csv")
        return {path.name: path.read_bytes() for path in sorted(Path(name).iterdir()) if path.is_file()}


def damaged(scan: Files, number: int) -> Files:
    """The scan of one case."""
    r = random.Random(number)
    files = dict(scan)
    victims = list(files) if r.random() < 0.3 else r.sample(sorted(files), min(len(files), r.randint(1, 2)))
    for name in victims:
        content = files[name]
        for _ in range(r.choice((1, 1, 2, 5))):
            content = _damage(content, r)
        files[name] = content
    return files


def _damage(content: bytes, r: random.Random) -> bytes:
    if not content:
        return content
    kind = r.random()
    at = min(int(r.expovariate(1 / 200)) if r.random() < 0.6 else r.randrange(len(content)), len(content) - 1)
    if kind < 0.12:
        return content[: r.randint(0, len(content))]
    if kind < 0.5:
        changed = bytearray(content)
        for _ in range(r.choice((1, 1, 4, 30))):
            changed[min(at + r.randrange(8), len(changed) - 1)] = r.randrange(256)
        return bytes(changed)
    if kind < 0.6:
        return content[:at] + r.randbytes(r.randint(1, 60)) + content[at:]
    if kind < 0.7:
        return content[:at] + content[at + r.randint(1, 40) :]
    if kind < 0.8:
        value = r.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, r.randrange(2**32)))
        return content[:at] + value.to_bytes(4, r.choice(("little", "big"))) + content[at + 4 :]
    lines = content[:4000].split(b"\n")
    if len(lines) > 3 and kind < 0.95:  # a text header
        line = r.randrange(len(lines) - 1)
        key, mark, value = lines[line].partition(r.choice((b":", b"=", b" ")))
        words = value.split(b" ")
        words[r.randrange(len(words))] = r.choice(WORDS)
        lines[line] = b"" if r.random() < 0.2 else key + mark + b" ".join(words)
        return b"\n".join(lines) + content[4000:]
    return content[::-1] if r.random() < 0.1 else r.randbytes(r.randint(0, 300))


def outcome(files: Files, folder: Path) -> str:
    """'loaded', or 'refused'; what is neither is raised."""
    from AIDEALLib.errors import InputError

    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        largest = _read(folder, list(files))
    except InputError as error:
        if len(str(error)) < 20:
            raise AssertionError(f"{error} is no clear message") from error
        return "refused"
    if largest > SUSPECT:
        raise AssertionError(f"values up to {largest:g} were loaded")
    return "loaded"


def _read(folder: Path, names: list[str]) -> float:
    """Largest magnitude of what the files hold, read as their names demand."""
    from AIDEALLib.echoes import Geometry
    from AIDEALLib.io.load import load_series
    from AIDEALLib.io.output.results import read_maps, read_table
    from AIDEALLib.io.segmentation import load_segmentation

    if "provenance.json" in names:
        maps = read_maps(folder)
        read_table(folder / "statistics.csv")
        return float(maps.mask.size)
    if names[0].startswith(SEGMENTS):
        return float(load_segmentation(folder / names[0], Geometry(), (2, 6, 5)).labels.max())
    series = load_series(folder)
    if series.echoes.nbytes > 1 << 24:
        raise AssertionError(f"{series.echoes.nbytes} bytes were loaded")
    return float(np.abs(series.echoes).max())
