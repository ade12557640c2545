"""Patients of the section on regions: simulated, estimated, and every region measured with its interval."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import torch

from ..choices import Bipolar, Conjugate
from ..options import RunOptions
from ..physics.cramer_rao import cramer_rao
from ..pipeline import Outcome, region_fit_of, run
from ..progress import Monitor
from ..simulation.artefacts import zero_filled
from ..simulation.held_out import held_out_case
from ..simulation.protocol import PROTOCOLS, Protocol
from ..simulation.tissue import TissueMaps
from ..statistics import Measuring, RunErrors, Sample, circle_roi, region_statistics
from .bench import Bench
from .cases import Scan, cramer_rao_sd
from .files import written_whole
from .voxels import LOBES

Bools = npt.NDArray[np.bool_]

DIAMETERS_MM = (10.0, 20.0, 30.0)
CIRCLES = 2
"""Circles of each diameter in a lobe, where they fit."""
SNRS = (8.0, 12.0, 20.0, 30.0, 45.0, 60.0)
ZOOMS = (1.0, 1.25, 1.6, 2.0)
R2STAR_PER_S = (None, None, 300.0, 600.0)
"""R2* of the liver; None for that of a healthy liver."""
LARGEST_BOUND_POINTS = 10.0
"""Iron is simulated where the Cramer-Rao bound of a voxel is below this."""
STRONG_IRON_PER_S = (600.0, 1000.0)
STRONG_IRON_SNR = 30.0


@dataclass(frozen=True)
class RegionPatient:
    """A patient and a scan.

    Attributes
    ----------
    seed : int
        Anatomy.
    protocol : Protocol
        Acquisition; its SNR is that of the images after interpolation.
    zoom : float
        Interpolation by zero filling.
    matrix : tuple of int
        Voxels along (slice, row, column).
    slice_mm : float
        Distance of slices.
    """

    seed: int
    protocol: Protocol
    zoom: float
    matrix: tuple[int, int, int]
    slice_mm: float

    def scan(self) -> Scan:
        """Simulate."""
        snr = self.protocol.snr
        assert snr is not None
        acquired = replace(self.protocol, snr=snr / self.zoom)  # interpolation averages noise
        found = held_out_case(self.seed, acquired, (self.seed, 17), self.matrix, self.slice_mm)
        echoes = np.stack([zero_filled(echo, self.zoom) for echo in found.series.echoes])
        return Scan(replace(found.series, echoes=echoes), found.truth, (found.snr * self.zoom).astype(np.float32))


@dataclass(frozen=True)
class RegionRow:
    """One region of one patient beside its truth; PDFF in percent, errors in percentage points.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    seed : int
        Patient.
    snr : float
        SNR of the liver in the images.
    zoom : float
        Interpolation.
    liver_r2star : float, 1/s
        R2* set; NaN for a healthy liver.
    kind : str
        'lobe', or the diameter of a circle.
    name : str
        Lobe.
    voxels : int
        Voxels used.
    stated_sd : float
        Mean stated SD of a voxel.
    true_mean : float
        True mean of what the region stands for: itself, or the lobe of a circle.
    true_median : float
        True median of it.
    mean : float
        Mean.
    mean_error : float
        Its standard error.
    median : float
        Median.
    median_error : float
        Its standard error.
    joint : float
        Joint estimate.
    joint_error : float
        Its standard error.
    reported : float
        Reported value.
    reported_error : float
        Its standard error.
    best_error : float
        Standard error of the mean of voxels at the Cramer-Rao bound, for the true correlation of the noise.
    """

    protocol: str
    seed: int
    snr: float
    zoom: float
    liver_r2star: float
    kind: str
    name: str
    voxels: int
    stated_sd: float
    true_mean: float
    true_median: float
    mean: float
    mean_error: float
    median: float
    median_error: float
    joint: float
    joint_error: float
    reported: float
    reported_error: float
    best_error: float


def patients(seed: int, count: int, quick: bool) -> list[RegionPatient]:
    """Patients over protocols, SNR, interpolation and iron, and some more with strong iron.

    Parameters
    ----------
    seed : int
        First patient of the report.
    count : int
        Number of patients.
    quick : bool
        Few, small slices.

    Returns
    -------
    list of RegionPatient
    """
    matrix, slice_mm = ((2, 64, 64), 40.0) if quick else ((3, 128, 128), 20.0)
    found = []
    for k in range(count):
        rng = np.random.default_rng([seed, 23, k])
        protocol, iron = PROTOCOLS[k % len(PROTOCOLS)], int(rng.choice(len(R2STAR_PER_S)))
        chosen = replace(protocol, snr=float(rng.choice(SNRS)), liver_r2star_per_s=R2STAR_PER_S[iron])
        while not _determined(chosen):
            iron -= 1
            chosen = replace(chosen, liver_r2star_per_s=R2STAR_PER_S[iron])
        found.append(RegionPatient(seed + 400 + k, chosen, float(rng.choice(ZOOMS)), matrix, slice_mm))
    iron_protocol = next(p for p in PROTOCOLS if p.liver_r2star_per_s is not None)
    for n, decay in enumerate(STRONG_IRON_PER_S * max(count // 10, 1)):
        chosen = replace(iron_protocol, snr=STRONG_IRON_SNR, liver_r2star_per_s=decay, name=f"strong iron, R2* {decay:.0f}")
        found.append(RegionPatient(seed + 800 + n, chosen, 1.0, matrix, slice_mm))
    return found


def _determined(protocol: Protocol) -> bool:
    """Whether the echoes determine the liver: a healthy one always, iron by the Cramer-Rao bound of a voxel at PDFF 10 %."""
    if protocol.liver_r2star_per_s is None or protocol.snr is None:
        return True
    pdff, r2star, snr, te = (
        torch.tensor(value, dtype=torch.float64) for value in (10.0, protocol.liver_r2star_per_s, protocol.snr, protocol.te_s)
    )
    return float(cramer_rao(pdff, r2star, snr, te, protocol.field_strength_t).pdff_sd) < LARGEST_BOUND_POINTS


def rows_of(patient: RegionPatient, bench: Bench) -> list[RegionRow]:
    """Regions of a patient, measured now unless they were measured before.

    Parameters
    ----------
    patient : RegionPatient
        The patient.
    bench : Bench
        Networks, device and folder of finished patients.

    Returns
    -------
    list of RegionRow
    """
    path = bench.folder / f"regions-{hashlib.sha256(repr(patient).encode()).hexdigest()[:24]}.json"
    if not path.exists():
        rows = list(_measured(patient, bench))
        with written_whole(path) as partial:
            partial.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    return [RegionRow(**content) for content in json.loads(path.read_text(encoding="utf-8"))]


def _measured(patient: RegionPatient, bench: Bench) -> Iterator[RegionRow]:
    scan = patient.scan()
    options = RunOptions(device=bench.device, conjugate=Conjugate.AS_STORED, bipolar=Bipolar.AS_STORED)
    monitor = Monitor(cancelled=bench.cancel)
    outcome = run(scan.series, options, check=False, networks=lambda _: bench.networks, monitor=monitor)
    errors = RunErrors.of(outcome.maps.provenance.as_dict())
    how = Measuring(outcome.maps.geometry.voxel_volume_ml, errors=errors, joint=region_fit_of(outcome))
    estimated = _Estimated(patient, outcome, how, scan.truth, cramer_rao_sd(scan, patient.protocol)[0])
    for name in LOBES:
        lobe = scan.truth.segment(name) & outcome.maps.mask
        if np.count_nonzero(lobe) < 50:
            continue
        yield _row(estimated, lobe, lobe, "lobe", name)
        for diameter in DIAMETERS_MM:
            for circle in _circles(lobe, diameter, scan.truth.geometry.spacing_mm, patient.seed):
                yield _row(estimated, circle, lobe, f"{diameter / 10:.0f} cm", name)


@dataclass(frozen=True, eq=False)
class _Estimated:
    """A patient with the estimate, how it is measured, the truth and the Cramer-Rao bound of the PDFF, percentage points."""

    patient: RegionPatient
    outcome: Outcome
    how: Measuring
    truth: TissueMaps
    bound: npt.NDArray[np.float32]


def _row(estimated: _Estimated, region: Bools, lobe: Bools, kind: str, name: str) -> RegionRow:
    patient, maps = estimated.patient, estimated.outcome.maps
    row = region_statistics(maps, region, name, estimated.how, None if kind == "lobe" else Sample(lobe))
    stands_for = estimated.truth.pdff_percent[lobe].astype(np.float64)
    used = row.used_voxels or math.nan  # none where the number of the region is withheld
    best = math.sqrt(float(np.sum(estimated.bound[region].astype(np.float64) ** 2))) * patient.zoom / used
    decay = patient.protocol.liver_r2star_per_s
    assert patient.protocol.snr is not None
    return RegionRow(
        protocol=patient.protocol.name,
        seed=patient.seed,
        snr=patient.protocol.snr,
        zoom=patient.zoom,
        liver_r2star=math.nan if decay is None else decay,
        kind=kind,
        name=name,
        voxels=row.used_voxels,
        stated_sd=row.stated_sd_mean,
        true_mean=float(stands_for.mean()),
        true_median=float(np.median(stands_for)),
        mean=row.pdff_mean,
        mean_error=row.mean_error,
        median=row.pdff_median,
        median_error=row.median_error,
        joint=row.joint_pdff,
        joint_error=row.joint_error,
        reported=row.reported,
        reported_error=row.reported_error,
        best_error=best,
    )


def _circles(lobe: Bools, diameter_mm: float, spacing_mm: tuple[float, float, float], seed: int) -> list[Bools]:
    """Circles that lie within a lobe, at random places."""
    room = np.stack([scipy.ndimage.distance_transform_edt(image, sampling=spacing_mm[1::-1]) for image in lobe])
    places = np.argwhere(room > diameter_mm / 2)
    rng = np.random.default_rng([seed, int(diameter_mm)])
    chosen = rng.permutation(len(places))[:CIRCLES]
    return [
        circle_roi(lobe.shape, (int(z), float(y), float(x)), diameter_mm / 2, spacing_mm) & lobe for z, y, x in places[chosen]
    ]
