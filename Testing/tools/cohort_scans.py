"""A cohort of small simulated scans in several formats and protocols, some of them faulty in known ways."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from dicom_writer import DIALECTS, write_scan
from faults import clip, phase_times, random_phase, scale_echo, with_echoes

from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.io.images import image_of
from AIDEALLib.io.npz import write_npz
from AIDEALLib.simulation.protocol import PROTOCOLS, Protocol
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.tissue import TissueMaps

SHAPE = (1, 40, 40)
GEOMETRY = Geometry((8.0, 8.0, 10.0))
SCANNED_BY: tuple[tuple[str, Protocol, str], ...] = (
    ("A, 1.5 T", replace(PROTOCOLS[0], snr=40.0), ""),
    ("B, 3 T", replace(PROTOCOLS[5], snr=40.0), ""),
    ("C, 1.5 T", replace(PROTOCOLS[2], snr=40.0), "--method one-shot"),
)
"""Scanner, its protocol, and options of its runs."""
SHARES = (0.25, 0.25, 0.5)
"""Share of the participants that each has scanned."""
FORMATS = ("npz", "nifti", "dicom siemens classic", "dicom ge real/imaginary")
MANIFEST = "scans.csv"


@dataclass(frozen=True)
class Fault:
    """A way in which a scan is faulty.

    Attributes
    ----------
    name : str
        What is wrong.
    formats : tuple of str
        Formats it is made in.
    change : callable
        Spoils the echoes.
    damage : callable
        Spoils the files in the folder of the scan.
    """

    name: str
    formats: tuple[str, ...] = FORMATS
    change: Callable[[EchoSeries], EchoSeries] = lambda series: series
    damage: Callable[[Path], None] = lambda folder: None


def _cut(pattern: str, share: float = 0.6) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = sorted(folder.glob(pattern))[0]
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return damage


def _remove(pattern: str) -> Callable[[Path], None]:
    return lambda folder: sorted(folder.glob(pattern))[0].unlink()


def _spoil_npz(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (path,) = folder.glob("*.npz")
        with np.load(path) as stored:
            arrays = {key: stored[key] for key in stored.files}
        arrays[name] = change(arrays[name])
        np.savez_compressed(path, **arrays)

    return damage


def _nan(values: np.ndarray) -> np.ndarray:
    values[1, 0, 10] = np.nan
    return values


def _shift(values: np.ndarray) -> np.ndarray:
    values[-2:] = np.roll(values[-2:], 4, axis=2)
    return values


FAULTS: tuple[Fault, ...] = (
    Fault("file cut off", damage=_cut("*.npz"), formats=("npz",)),
    Fault("an echo cut off", damage=_cut("*part-mag*.nii.gz"), formats=("nifti",)),
    Fault("a phase image missing", damage=_remove("*part-phase*.nii.gz"), formats=("nifti",)),
    Fault("a DICOM image missing", damage=_remove("IM*"), formats=FORMATS[2:3]),
    Fault("a DICOM image cut off", damage=_cut("IM*"), formats=FORMATS[2:3]),
    Fault("values that are no numbers", damage=_spoil_npz("echoes", _nan), formats=("npz",)),
    Fault("echo times in milliseconds", damage=_spoil_npz("te_s", lambda te: 1000 * te), formats=("npz",)),
    Fault("no phase", change=lambda s: with_echoes(s, lambda e: np.abs(e) + 0j), formats=("npz", "nifti")),
    Fault("phase replaced by noise", change=lambda s: with_echoes(s, random_phase)),
    Fault("phase scaled by one half", change=lambda s: with_echoes(s, phase_times(0.5))),
    Fault("magnitudes clipped", change=lambda s: with_echoes(s, clip)),
    Fault("an echo scaled", change=lambda s: with_echoes(s, scale_echo)),
    Fault("echoes moved", change=lambda s: with_echoes(s, _shift)),
)


def small_patient(seed: int, field_strength_t: float) -> TissueMaps:
    """An ellipse with a liver of known fat, muscle, and a rim of fat."""
    rng = np.random.default_rng(seed)
    slices, rows, columns = SHAPE
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    body, inner = (x / 0.92) ** 2 + (y / 0.78) ** 2 < 1, (x / 0.8) ** 2 + (y / 0.66) ** 2 < 1
    liver = inner & (((x + 0.3) / 0.42) ** 2 + ((y + 0.05) / 0.5) ** 2 < 1)
    fat = float(np.clip(rng.lognormal(1.7, 0.8), 0.5, 45.0))
    pdff = np.where(liver, fat, np.where(inner, 4.0, 92.0)) * body
    r2star = np.where(liver, rng.uniform(25, 70) * field_strength_t / 1.5, 35.0) * body
    field = field_strength_t * 42.577 * (0.25 * (x**2 - y**2) * rng.uniform(0.5, 1.5) + 0.2 * rng.normal() * x)

    def stack(image: np.ndarray, kind: type) -> np.ndarray:
        return np.repeat(np.asarray(image, kind)[None], slices, axis=0)

    return TissueMaps(
        stack(body.astype(float), np.float32),
        stack(pdff, np.float32),
        stack(r2star, np.float32),
        stack(field, np.float32),
        stack(body, np.bool_),
        stack(liver, np.uint8),
        {1: "liver"},
        GEOMETRY,
        field_strength_t,
        (1,),
    )


def write_cohort(folder: Path, count: int, faulty: int, seed: int = 0) -> dict[str, str]:
    """Write a cohort with its table of scans.

    A tenth of the participants has a second session on the same scanner, another tenth on another one.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    count : int
        Number of scans.
    faulty : int
        Number of faulty ones.
    seed : int
        Draws everything.

    Returns
    -------
    dict of str to str
        Name of the fault by id of each faulty scan.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    spoiled = {int(index): FAULTS[n % len(FAULTS)] for n, index in enumerate(rng.choice(count, faulty, replace=False))}
    lines, faults, participant, session, scanner = [], {}, 0, 1, 0
    for index in range(count):
        again = rng.uniform() if session == 1 and index else 1.0
        if again < 0.2:
            session, scanner = 2, scanner if again < 0.1 else (scanner + 1) % len(SCANNED_BY)
        else:
            participant, session, scanner = participant + 1, 1, int(rng.choice(len(SCANNED_BY), p=SHARES))
        fault = spoiled.get(index, Fault(""))
        name = f"p{participant:04d}_s{session}"
        made = fault.formats[int(rng.integers(len(fault.formats)))]
        named, protocol, options = SCANNED_BY[scanner]
        tissue = small_patient(10_000 * seed + participant, protocol.field_strength_t)
        series = fault.change(acquire(tissue, protocol, np.random.default_rng([seed, index])))
        scan = _write(folder / name, series, made)
        sitk.WriteImage(image_of(tissue.labels, GEOMETRY), str(folder / f"{name}_liver.nrrd"))
        fault.damage(folder / name)
        if fault.name:
            faults[name] = fault.name
        date = f"2025-{1 + index * 12 // count:02d}-{1 + index % 28:02d}"
        cells = {"id": name, "participant": f"p{participant:04d}", "session": f"s{session}", "scan": scan.relative_to(folder)}
        lines.append({**cells, "segmentation": f"{name}_liver.nrrd", "options": options, "scanner": named, "date": date})
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return faults


def _write(folder: Path, series: EchoSeries, made: str) -> Path:
    """Write a scan; what to name in the table."""
    folder.mkdir(parents=True, exist_ok=True)
    if made == "npz":
        write_npz(folder / "scan.npz", series)
        return folder / "scan.npz"
    if made.startswith("dicom"):
        write_scan(folder, series, DIALECTS[made.removeprefix("dicom ")])
        return folder
    write_bids(folder, series, "sub-x")
    return folder


def write_bids(folder: Path, series: EchoSeries, stem: str) -> None:
    """Write a scan as BIDS: magnitude and phase of each echo, with sidecars."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    for number, (te, echo) in enumerate(zip(series.te_s, series.echoes, strict=True), start=1):
        for part, values in (("mag", np.abs(echo)), ("phase", np.angle(echo))):
            name = f"{stem}_echo-{number}_part-{part}_MEGRE"
            sitk.WriteImage(image_of(values.astype(np.float32), series.geometry), str(folder / f"{name}.nii.gz"))
            sidecar = {"EchoTime": float(te), "MagneticFieldStrength": series.field_strength_t, "Manufacturer": "simulated"}
            if part == "phase":
                sidecar["Units"] = "rad"
            (folder / f"{name}.json").write_text(json.dumps(sidecar) + "\n", encoding="utf-8")
