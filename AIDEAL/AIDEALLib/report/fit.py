"""Fit at a voxel of a run."""

from __future__ import annotations

from ..choices import Method
from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..voxel_fit import EchoProtocol, VoxelEstimate, VoxelFit, corrected_samples, fit_voxel


def protocol_of(maps: ParameterMaps) -> EchoProtocol:
    """Echo times, field strength and fat spectrum of a run."""
    provenance = maps.provenance
    return EchoProtocol(
        provenance.te_s, provenance.field_strength_t, provenance.spectrum["ppm"], provenance.spectrum["amplitudes"]
    )


def voxel_fit(series: EchoSeries | None, maps: ParameterMaps, voxel: tuple[int, int, int]) -> VoxelFit | None:
    """Echoes and fitted curve of a voxel.

    Parameters
    ----------
    series : EchoSeries or None
        The scan.
    maps : ParameterMaps
        Its maps.
    voxel : tuple of int
        Slice, row and column.

    Returns
    -------
    VoxelFit or None
        None without the scan, and for magnitudes alone, which have two solutions.
    """
    provenance = maps.provenance
    if series is None or provenance.method == Method.MAGNITUDE.value:
        return None
    corrections = provenance.options.get("phase_corrections") or {}
    echoes = corrected_samples(series.echoes[(slice(None), *voxel)], corrections, voxel, maps.mask.shape)
    noise = provenance.noise_sd
    estimate = VoxelEstimate(
        field_hz=float(maps.field[voxel]),
        r2star_per_s=float(maps.r2star[voxel]),
        noise_sd=float(noise[voxel[0]]) if voxel[0] < len(noise) else 0.0,
    )
    return fit_voxel(echoes, protocol_of(maps), estimate, without_first=bool(corrections.get("mixed_fit")))
