"""Cases of a report; all randomness follows from the seed of the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..simulation.scan import PAPER, PROTOCOLS, Protocol, echo_times
from ..simulation.scenes import CROPPED, HARD_SCENES, INTERPOLATED, PATIENTS, PLAIN, THICK_SLICE_MM, THICK_SLICES, Scene
from .cases import Abdomen, Case, Vials

PHANTOM_PROTOCOLS: dict[str, Protocol] = {
    "paper": PAPER,
    "3T": Protocol("3T 6 echoes 1.2+1.0n", echo_times(1.2, 1.0, 6), 3.0),
    "3-echo": Protocol("1.5T 3 echoes 1.6+1.55n", echo_times(1.6, 1.55, 3), 1.5),
    "12-echo": Protocol("1.5T 12 echoes 1.2+1.6n", echo_times(1.2, 1.6, 12), 1.5),
}
"""Protocols of the vial phantom by short name."""
METHODS = ("refined", "one-shot")
VISIT_PATIENTS = 6
VIAL_SETS = ("1", "2", "3")


def phantom_case(vial_set: str, protocol: Protocol, snr: float | None, slices: int, seed: int, method: str = "refined") -> Case:
    """Scan of a vial phantom.

    Parameters
    ----------
    vial_set : str
        Table of the vials.
    protocol : Protocol
        Acquisition.
    snr : float or None
        Signal-to-noise ratio; None for no noise.
    slices : int
        Number of slices.
    seed : int
        Seed of the noise.
    method : str
        Value of a member of `Method`.

    Returns
    -------
    Case
        The case.
    """
    return Case(Vials(vial_set, slices), replace(protocol, snr=snr), (seed, 11), method)


@dataclass(frozen=True)
class Plan:
    """Cases of a report.

    Attributes
    ----------
    seed : int
        Seed of the first patient, of coils and of noise.
    quick : bool
        Few cases on small matrices, which only show that everything runs.
    region_patients : int
        Patients of the section on regions.
    """

    seed: int = 100
    quick: bool = False
    region_patients: int = 40

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that are compared; sections on uncertainty use the first one only."""
        return METHODS[:1] if self.quick else METHODS

    @property
    def snrs(self) -> tuple[float, ...]:
        """Signal-to-noise ratios of the sweep."""
        return (10.0, 30.0) if self.quick else (5.0, 10.0, 15.0, 20.0, 30.0, 50.0)

    def phantoms(self) -> list[Case]:
        """Vial phantoms by method, protocol, SNR and set of R2*."""
        protocols = list(PHANTOM_PROTOCOLS.values())[: 1 if self.quick else None]
        return [
            phantom_case(vial_set, protocol, snr, 1 if self.quick else 2, self.seed + int(vial_set), method)
            for method in METHODS
            for protocol in protocols
            for snr in ((50.0,) if self.quick else (None, 50.0, 10.0))
            for vial_set in VIAL_SETS[: 1 if self.quick else None]
        ]

    def plain(self, method: str = METHODS[0]) -> list[Case]:
        """Held-out patients, different ones for each protocol."""
        matrix, slice_mm = ((2, 64, 64), 40.0) if self.quick else ((6, 160, 160), 10.0)
        patients = range(len(PROTOCOLS) * (1 if self.quick else 3))
        return [
            Case(Abdomen(self.seed + k, matrix, slice_mm), PROTOCOLS[k % len(PROTOCOLS)], (self.seed, k), method)
            for k in patients
        ]

    def hard(self) -> list[Case]:
        """Every hard scene under every protocol, on other patients."""
        return self._in_scenes(HARD_SCENES, *self._few_slices)

    def patients(self) -> list[Case]:
        """Every patient who is not average under every protocol."""
        return self._in_scenes(PATIENTS, *(((2, 64, 64), 40.0) if self.quick else ((3, 160, 160), 25.0)))

    def thick(self) -> list[tuple[Case, Case]]:
        """Per protocol: contiguous slices whose signal field gradients dephase, and the same patient without that loss."""
        matrix = (4, 48, 48) if self.quick else (7, 96, 96)
        protocols = PROTOCOLS[:1] if self.quick else [PROTOCOLS[k] for k in (0, 5, 7)]
        pairs = []
        for k, protocol in enumerate(protocols):
            patients = (Abdomen(self.seed + 60 + k, matrix, THICK_SLICE_MM, scene) for scene in (THICK_SLICES, PLAIN))
            dephased, whole = (Case(patient, protocol, (self.seed, 60 + k)) for patient in patients)
            pairs.append((dephased, whole))
        return pairs

    def _in_scenes(self, scenes: tuple[Scene, ...], matrix: tuple[int, int, int], slice_mm: float) -> list[Case]:
        return [
            Case(Abdomen(self.seed + 50 + k, matrix, slice_mm, scene), protocol, (self.seed, 50 + k))
            for scene in scenes
            for k, protocol in enumerate(PROTOCOLS[:1] if self.quick else PROTOCOLS)
        ]

    def sweep(self) -> list[Case]:
        """Every protocol at every SNR, one patient per protocol."""
        protocols = PROTOCOLS[:2] if self.quick else PROTOCOLS
        return [
            Case(Abdomen(self.seed + k, *self._few_slices), replace(protocol, snr=snr), (self.seed, k, int(snr)))
            for k, protocol in enumerate(protocols)
            for snr in self.snrs
        ]

    def cropped(self) -> list[Case]:
        """Three protocols in cropped k-space at several SNRs, one patient per protocol."""
        return self._of_k_space(CROPPED, 500)

    def interpolated(self) -> list[Case]:
        """The same with images interpolated by zero filling, on other patients."""
        return self._of_k_space(INTERPOLATED, 520)

    def _of_k_space(self, scene: Scene, first: int) -> list[Case]:
        matrix, slice_mm = self._few_slices
        return [
            Case(
                Abdomen(self.seed + first + k, matrix, slice_mm, scene), replace(PROTOCOLS[k], snr=snr), (self.seed, first + k)
            )
            for k in ((0,) if self.quick else (0, 2, 5))
            for snr in ((30.0,) if self.quick else (15.0, 20.0, 30.0, 50.0))
        ]

    def visits(self) -> list[tuple[int, tuple[int, int, int]]]:
        """Patients of the section on two visits: seed, and voxels along (slice, row, column)."""
        patients, matrix = (1, (5, 48, 48)) if self.quick else (VISIT_PATIENTS, (8, 96, 96))
        return [(self.seed + 400 + k, matrix) for k in range(patients)]

    def iron(self) -> list[Case]:
        """One patient with increasing R2* of the liver, under the protocol for iron."""
        protocol = next(p for p in PROTOCOLS if p.liver_r2star_per_s is not None)
        decays = (100.0, 600.0) if self.quick else (100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1000.0)
        return [
            Case(
                Abdomen(self.seed + 300, *self._few_slices),
                replace(protocol, snr=snr, liver_r2star_per_s=decay),
                (self.seed, 300, int(snr), int(decay)),
            )
            for snr in ((30.0,) if self.quick else (20.0, 30.0, 50.0))
            for decay in decays
        ]

    def repeats(self) -> list[tuple[Case, Case, Case]]:
        """Per patient: a scan, its repetition with other noise, and one at 3 T."""
        three_tesla = PROTOCOLS[5]
        repeats = []
        for k in range(2 if self.quick else 16):
            patient = Abdomen(self.seed + 200 + k, *self._few_slices)
            scans = [Case(patient, p, (self.seed, 200 + k, n)) for n, p in enumerate((PAPER, PAPER, three_tesla))]
            repeats.append((scans[0], scans[1], scans[2]))
        return repeats

    @property
    def _few_slices(self) -> tuple[tuple[int, int, int], float]:
        return ((2, 64, 64), 40.0) if self.quick else ((4, 160, 160), 15.0)
