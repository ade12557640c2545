"""Check the estimate on a GPU, in under five minutes: python Testing/tools/gpu_check.py

One table: the same maps as on the CPU, time and memory of 32 x 256 x 256 x 6, its parts in one go against slice by slice, and
how far the time is from what the memory of the card allows. `--device cpu` with a small scan runs the same code without a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from count_work import Work, counted
from paths import MODULE

sys.path.insert(0, str(MODULE))

from AIDEALLib.benchmark.memory import peak_mib
from AIDEALLib.benchmark.report import markdown
from AIDEALLib.benchmark.scan_size import ScanSize
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps
from AIDEALLib.physics.residual_profile import residual_profile
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit
from AIDEALLib.pipeline import run

NO_GPU = 2
"""Exit status where no GPU is found."""
LARGEST_DIFFERENCE_POINTS = 0.01
ON_THE_FENCE = 1e-3
"""Share of voxels whose modes single precision may decide otherwise on another device, as in `test_cuda.py`."""
AIM_S = 0.1
COPIED_BYTES = 2**28
FLOATS_OF_A_FIT = 16
"""Real numbers that a fit returns for a voxel."""
LAUNCH_S = 4e-6
"""Least time between two kernels that the host launches one by one."""
BINS, R2STAR_PER_S = 128, (10.0, 100.0, 400.0)
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Check:
    """Scan, device and repetitions."""

    series: EchoSeries
    device: torch.device
    repeats: int

    def seconds(self, work: Callable[[], object]) -> float:
        """Median time of the work after one run to warm up."""
        work()
        return statistics.median(self._once(work) for _ in range(self.repeats))

    def _once(self, work: Callable[[], object]) -> float:
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def wait(self) -> None:
        """Wait until the device has nothing to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def estimate(self, networks: Networks, device: str | None = None) -> ParameterMaps:
        """Maps of the default method, without checks and search for phase errors."""
        options = RunOptions(device=device or str(self.device))
        return run(self.series, options, check=False, networks=lambda _: networks, corrections=NO_CORRECTIONS).maps


def main(arguments: list[str] | None = None) -> int:
    """Print the table; returns the exit status, 1 where the maps differ from those of the CPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda")
    for name, default in (("slices", 32), ("matrix", 256), ("echoes", 6), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args(arguments)
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            f"No GPU was checked: torch {torch.__version__} finds no CUDA device. Run this on a machine with an NVIDIA GPU and "
            "a CUDA build of torch; `--device cpu --slices 2 --matrix 64` runs the same code without one.",
            file=sys.stderr,
        )
        return NO_GPU
    size = ScanSize(given.matrix, given.slices, given.echoes)
    check = Check(size.series(), device, given.repeats)
    networks = load_networks(str(device))
    seconds, maps, work = timed_estimate(check, networks)
    same, differences = same_as_cpu(check, maps)
    rows = [
        *differences,
        *costs(check, seconds, maps, given.repeats),
        *[row for part in parts(check, networks) for row in part],
        *roofline(check, seconds, maps, work, launches(check, networks)),
    ]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, scan {size}\n")
    print(markdown(("Check", "Found", "Expected"), rows))
    return 0 if same else 1


def timed_estimate(check: Check, networks: Networks) -> tuple[float, ParameterMaps, Work]:
    """Median time of the estimate, its maps, and the work that it is."""
    if check.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(check.device)
    found: list[ParameterMaps] = []
    seconds = check.seconds(lambda: found.append(check.estimate(networks)))
    with counted() as work:
        check.estimate(networks)
    return seconds, found[-1], work


def same_as_cpu(check: Check, maps: ParameterMaps) -> tuple[bool, list[Row]]:
    """Whether the maps are those of the CPU, and by how much they differ."""
    cpu = check.estimate(load_networks("cpu"), "cpu")
    both = cpu.mask & maps.mask
    if not both.any():
        return False, [("maps of CPU and device: voxels in both masks", "0", "> 0")]
    apart = np.abs(cpu.pdff[both] - maps.pdff[both])
    swap = np.abs(cpu.swap_probability[both] - maps.swap_probability[both])
    shares = {
        "voxels in one mask only": float(np.mean(cpu.mask != maps.mask)),
        f"voxels more than {LARGEST_DIFFERENCE_POINTS} points apart": float(np.mean(apart > LARGEST_DIFFERENCE_POINTS)),
        "voxels whose P(swap) is more than 0.01 apart": float(np.mean(swap > 0.01)),
    }
    rows = [(f"maps of CPU and device: {name}", f"{share:.1e}", f"< {ON_THE_FENCE:.0e}") for name, share in shares.items()]
    middle = ("maps of CPU and device: median difference of PDFF, points", f"{np.median(apart):.1e}", "< 1e-03")
    same = np.median(apart) < LARGEST_DIFFERENCE_POINTS / 10 and max(shares.values()) < ON_THE_FENCE
    return bool(same), [middle, *rows]


def costs(check: Check, seconds: float, maps: ParameterMaps, repeats: int) -> list[Row]:
    """Time and memory of the estimate, and its stages."""
    if check.device.type == "cuda":
        memory = f"{torch.cuda.max_memory_allocated(check.device) / 2**30:.2f} GiB of the card"
    else:
        memory = f"{peak_mib() / 1024:.2f} GiB of the process"
    stages = ", ".join(f"{name} {1000 * s:.0f}" for name, s in maps.provenance.seconds.items())
    return [
        (f"estimate, s (median of {repeats})", f"{seconds:.3f}", f"< {AIM_S}"),
        ("its stages, ms", stages, ""),
        ("peak memory", memory, "bounded"),
    ]


def parts(check: Check, networks: Networks) -> list[list[Row]]:
    """Parts of the estimate on all slices in one go against a loop over the slices."""
    series, device = check.series, check.device
    te = torch.from_numpy(series.te_s).to(device)
    modulation = SIX_PEAK.modulation(te, series.field_strength_t)
    volume = torch.from_numpy(series.echoes).to(device).transpose(0, 1).contiguous()  # (slice, echo, row, column)
    ppm, amplitudes = (torch.tensor(values, device=device) for values in (SIX_PEAK.ppm, SIX_PEAK.amplitudes))
    decays = torch.tensor(R2STAR_PER_S, dtype=torch.float64, device=device)
    basis = EchoBasis.of(te, modulation)

    def fits(echoes: torch.Tensor) -> object:
        voxels = echoes.transpose(0, 1).flatten(1)
        return fit(voxels, torch.full_like(voxels[0].real, 20.0), torch.full_like(voxels[0].real, 40.0), basis)

    work: dict[str, Callable[[torch.Tensor], object]] = {
        "G_phi": lambda echoes: networks.field(echoes, te, series.field_strength_t, ppm, amplitudes),
        "residual profile": lambda echoes: residual_profile(echoes, te, modulation, BINS, decays, voxels_at_once=2**17),
        "voxel fits": fits,
    }
    with torch.inference_mode():
        return [_in_one_go(check, name, part, volume) for name, part in work.items()]


def _in_one_go(check: Check, name: str, part: Callable[[torch.Tensor], object], volume: torch.Tensor) -> list[Row]:
    def loop() -> None:
        for one in volume.split(1):
            part(one)

    looped = check.seconds(loop)
    try:
        whole = check.seconds(lambda: part(volume))
    except torch.cuda.OutOfMemoryError:
        return [(f"{name}: volume in one go, ms / slice by slice, ms", f"out of memory / {1000 * looped:.1f}", "")]
    found = f"{1000 * whole:.1f} / {1000 * looped:.1f} = {whole / looped:.2f}"
    return [(f"{name}: volume in one go, ms / slice by slice, ms", found, "< 1")]


def launches(check: Check, networks: Networks) -> int:
    """Number of kernels of an estimate (of operators on the CPU)."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    cuda = check.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as recorded:
        check.estimate(networks)
        check.wait()
    kind = DeviceType.CUDA if cuda else DeviceType.CPU
    return sum(average.count for average in recorded.key_averages() if average.device_type == kind)


def roofline(check: Check, seconds: float, maps: ParameterMaps, work: Work, kernels: int) -> list[Row]:
    """The time against what the bandwidth of the memory, and the number of kernels, allow."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device=check.device)
    target = torch.empty_like(source)
    bandwidth = 2 * COPIED_BYTES / check.seconds(lambda: target.copy_(source))
    echoes = check.series.n_echoes
    least = check.series.echoes.nbytes + len(MAP_INFO) * 4 * maps.mask.size
    fits = work.voxel_fits * 4 * (2 * echoes + 1 + 2 + FLOATS_OF_A_FIT)
    gib = 2**30
    return [
        ("bandwidth of a copy, GB/s", f"{bandwidth / 1e9:.0f}", ""),
        (
            "echoes read once and maps written once",
            f"{least / gib:.2f} GiB, {1000 * least / bandwidth:.1f} ms, {100 * least / bandwidth / seconds:.1f} % of the time",
            "",
        ),
        (
            f"{work.voxel_fits / int(maps.mask.sum()):.0f} fits a voxel, each reads its echoes and writes its result once",
            f"{fits / gib:.2f} GiB, {1000 * fits / bandwidth:.1f} ms, {100 * fits / bandwidth / seconds:.1f} % of the time",
            "",
        ),
        (
            f"kernels launched one by one, {1e6 * LAUNCH_S:.0f} us each",
            f"{kernels}, {1000 * kernels * LAUNCH_S:.0f} ms, {100 * kernels * LAUNCH_S / seconds:.0f} % of the time",
            "",
        ),
        ("limited by", _verdict(seconds, fits / bandwidth, kernels * LAUNCH_S), "the memory"),
    ]


def _verdict(seconds: float, memory_s: float, launch_s: float) -> str:
    if max(memory_s, launch_s) < 0.5 * seconds:
        return "neither: half of the time is spent between kernels, in arithmetic or on the host"
    return "the memory" if memory_s > launch_s else "the launches: many small kernels; larger ones or CUDA graphs help"


if __name__ == "__main__":
    sys.exit(main())
