"""Write the sample scan of the extension.

    python -m AIDEALLib.simulation.sample_data ../Resources/SampleData    (in the folder AIDEAL)

Real and imaginary parts are integers, four steps to a standard deviation of the noise (0.5 % more variance), so that the files
stay small. The truth is in a folder beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..echoes import EchoSeries, Geometry
from .demo import demo_liver

SCAN_FOLDER, TRUTH_FOLDER = "synthetic_liver", "synthetic_liver_truth"
STEPS_PER_NOISE_SD = 4.0


def noise_sd(series: EchoSeries) -> float:
    """Noise SD of one real channel, from a corner without signal."""
    corner = series.echoes[:, :, :12, :12]
    return float(np.concatenate([corner.real.ravel(), corner.imag.ravel()]).std())


def write_sample(directory: Path) -> None:
    """Write `synthetic_liver/*.nrrd` and `synthetic_liver_truth/truth.npz` below `directory`."""
    series, truth = demo_liver()
    step = noise_sd(series) / STEPS_PER_NOISE_SD
    (directory / SCAN_FOLDER).mkdir(parents=True, exist_ok=True)
    (directory / TRUTH_FOLDER).mkdir(parents=True, exist_ok=True)
    for part, values in (("real", series.echoes.real), ("imag", series.echoes.imag)):
        path = directory / SCAN_FOLDER / f"liver_{part}.nrrd"
        _write(path, np.round(values / step).astype(np.int16), series)
    np.savez_compressed(
        directory / TRUTH_FOLDER / "truth.npz",
        pdff=truth.pdff_percent.astype(np.float16),
        labels=truth.labels.astype(np.uint8),
    )


def _write(path: Path, echoes: npt.NDArray[np.int16], series: EchoSeries) -> None:
    image = sitk.GetImageFromArray(np.moveaxis(echoes, 0, -1), isVector=True)
    geometry: Geometry = series.geometry
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    image.SetMetaData("te_s", " ".join(f"{te:.6g}" for te in series.te_s))
    image.SetMetaData("field_strength_t", f"{series.field_strength_t:g}")
    image.SetMetaData("note", "Simulated. Research use only, not for diagnosis.")
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressionLevel(9)
    writer.Execute(image)


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]))
