"""Swaps with every slice alone, and with slices estimated again that disagree with the adjoining one.

    python Testing/tools/swapped_slices.py [patients]

Simulated abdomens at 7 T, three echoes, SNR 6, 6 contiguous slices of 8 mm, 128 x 128; no network was trained on them. Prints
for each patient the swapped share of body and liver, the share of swaps flagged at 5 % of the area, before and after.
"""

from __future__ import annotations

import sys
from unittest import mock

from AIDEALLib.estimation.adjoining_slices import SliceStack
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.held_out import HeldOutCase, held_out_case
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.validation.detection import caught_percent
from AIDEALLib.validation.voxels import LIVER, Voxels, percent

PROTOCOL = Protocol("7T 3 echoes 1.0+0.6n, SNR 6", echo_times(1.0, 0.6, 3), 7.0, snr=6.0)
FIRST_PATIENT = 800
FLAGGED_PERCENT = 5.0


def figures(case: HeldOutCase) -> str:
    """Swaps of body and liver, and the share of them that is flagged, in percent."""
    maps = estimate(case.series, RunOptions(device="cpu"))
    voxels = Voxels.of(maps, case.truth, SIX_PEAK.mean_shift_hz(PROTOCOL.field_strength_t))
    caught = caught_percent(voxels.swap_probability, voxels.swapped, FLAGGED_PERCENT)
    return f"{percent(voxels.swapped):6.2f} {percent(voxels.segment(*LIVER).swapped):6.2f} {caught:6.1f}"


def main() -> None:
    """Print one line a patient."""
    print("patient, body / liver / flagged before, after")
    for patient in range(FIRST_PATIENT, FIRST_PATIENT + int(sys.argv[1] if len(sys.argv) > 1 else 8)):
        case = held_out_case(patient, PROTOCOL, (patient, 3), (6, 128, 128), 8.0)
        with mock.patch.object(SliceStack, "settle", return_value={}):
            before = figures(case)
        print(patient, before, " ", figures(case), flush=True)


if __name__ == "__main__":
    main()
