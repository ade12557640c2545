"""Time against accuracy of leaving voxels beyond doubt out of the fusion: python Testing/tools/open_voxels.py [CASES]

For a range of evidence limits (`fusion.open_voxels.CLEAR_NATS`), over simulated scans of every protocol, plain and hard: the
share of open voxels, how many of the others get another mode from the whole comparison, and how many of these are thereby
swapped. About three minutes on one core for 40 cases.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
from paths import MODULE

sys.path.insert(0, str(MODULE))

from AIDEALLib.estimation.estimate import fat_spectrum
from AIDEALLib.estimation.fusion import open_voxels
from AIDEALLib.estimation.fusion.learned_settings import LearnedSettings
from AIDEALLib.estimation.fusion.posterior import mode_posterior
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.slice_pool import one_core
from AIDEALLib.estimation.voxelwise.candidates import largest, pick, wrap
from AIDEALLib.estimation.voxelwise.neighbours import Neighbours
from AIDEALLib.estimation.voxelwise.noise import foreground, noise_from_differences
from AIDEALLib.estimation.voxelwise.refinement import main_candidate, with_other_candidates
from AIDEALLib.estimation.voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.validation.cases import Case
from AIDEALLib.validation.plan import Plan

LIMITS_NATS = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)


def counts(case: Case, networks: Networks) -> torch.Tensor:
    """Voxels, open voxels, modes that differ, and swaps caused, shape (limit, 4)."""
    simulated, options = case.scan(), case.options("cpu")
    series, spectrum = simulated.series, fat_spectrum(options)
    corrections = plan_corrections(series, spectrum, options, lambda _: networks)
    scan = Scan.of(torch.from_numpy(series.te_s), series.field_strength_t, spectrum)
    weights, total = LearnedSettings.of(networks.settings).fusion, torch.zeros(len(LIMITS_NATS), 4, dtype=torch.int64)
    for index in range(series.shape[0]):
        echoes = torch.from_numpy(corrections.apply(series.echoes[:, index], index))
        rough = noise_from_differences(echoes)
        mask = foreground(echoes, rough)
        slice_echoes = SliceEchoes(scan=scan, echoes=echoes, mask=mask, voxels=echoes[:, mask], rough_noise=rough)
        given, neighbours = SliceInput.of(slice_echoes, networks), Neighbours.of(mask)
        main = main_candidate(given.voxels, given.field_hz[mask], scan.period_hz, scan.basis)
        noise = given.noise(main.least_residual_energy)
        every = torch.arange(int(mask.sum()))
        whole = mode_posterior(
            given, with_other_candidates(main, every, given.voxels, scan.fat_shift_hz, scan.basis), noise, neighbours, weights
        )
        field = pick(whole.candidates.field_hz, largest(whole.posterior))
        truth = torch.from_numpy(simulated.truth.field_hz[index])[mask]
        body = torch.from_numpy(simulated.truth.body[index])[mask]

        def swapped(hz: torch.Tensor, truth: torch.Tensor = truth, body: torch.Tensor = body) -> torch.Tensor:
            return (wrap(hz - truth, scan.period_hz).abs() > scan.swap_hz / 2) & body

        main_hz = main.candidate.field_hz
        differs = wrap(field - main_hz, scan.period_hz).abs() > 0.25 * scan.swap_hz
        for row, nats in enumerate(LIMITS_NATS):
            open_voxels.CLEAR_NATS = nats
            free = open_voxels.open_voxels(main, len(given.voxels), given.evidence_noise(noise), scan, neighbours, weights)
            kept = torch.ones_like(mask[mask]).index_fill(0, free, False)
            caused = kept & swapped(main_hz) & ~swapped(field)
            total[row] += torch.stack([torch.tensor(len(every)), torch.tensor(len(free)), (kept & differs).sum(), caused.sum()])
    return total


def main(most: int) -> None:
    """Print one table for plain and one for hard scans."""
    networks, plan = load_networks("cpu"), Plan()
    for name, cases in (("plain", plan.plain()), ("hard", plan.hard())):
        total = torch.zeros(len(LIMITS_NATS), 4, dtype=torch.int64)
        with one_core(), torch.inference_mode():
            for case in cases[:most]:
                total += counts(replace(case, target=replace(case.target, matrix=(2, 128, 128), slice_mm=40.0)), networks)
        print(f"\n{name}: {int(total[0, 0])} voxels\nnats   open %   other mode   swapped by it")
        for nats, (voxels, free, differs, caused) in zip(LIMITS_NATS, total.tolist(), strict=True):
            print(f"{nats:4g}   {100 * free / voxels:6.1f}   {differs:10d}   {caused:13d}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
