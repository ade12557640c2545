"""Spatial correlation of a scan's noise, from what the voxelwise fits leave over. Reads the maps and changes none.

Interpolation, zero filling and the filters of a reconstruction correlate the noise of neighbours. The residual of a fit is the
noise projected onto the complement of the model, r_i = P_i n_i, so that

    E[r_i^H r_j] = 2 sigma^2 rho_ij tr(P_i P_j),   P_i = 1 - Q_i Q_i^H,

Q_i an orthonormal basis of water, fat and their derivative along field and R2* (N x 3). The trace is what is left in common by
voxels of different field. Fits of three echoes leave nothing over, and magnitudes no complex residual; there the echoes of the
air are used, of magnitudes the square root of the correlation of their squares (closed form for circular Gaussian noise).
Where k-space is zero filled, the correlation that follows from that (`zero_filling`) is a lower limit: the residuals of scans
of high SNR hold more ringing than noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..parameter_maps import ParameterMaps
from .zero_filling import zero_filling_correlation

Complex = npt.NDArray[np.complex64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Table = tuple[tuple[tuple[float, ...], ...], ...]
"""Correlation (slice, row, column), as `statistics.NoiseCorrelation` takes it; () where it cannot be determined."""

REACH, REACH_ACROSS = 5, 2
"""Largest distance in voxels within a slice, and within the neighbouring slice."""
SLICES, VOXELS = 4, 2500
"""Slices examined with their next ones, and voxels of each."""
TRACE_EVERY = 8
"""Pairs of voxels per one whose trace is computed; it changes slowly."""
FEWEST_PAIRS = 200
OUTLIER = 3.0
"""Residuals above this multiple of their median energy are ringing, motion or flow."""
AROUND, GOOD_AROUND = 2, 0.85
"""Voxels are used where at least this share of the square reaching so far around them has no such residual."""
AIR_REACH, AIR_QUANTILE, AIR_ENERGY = 3, 0.02, 16.0
"""Air: neighbourhoods below twice this quantile of the mean energy, if that is not above so many times the noise's."""
RANGE_PER_S = (-200.0, 5000.0)
"""Limits of R2* here, for voxels of noise."""
SIGNIFICANT = 3.0
"""Correlations of fewer standard errors than this are noise of the estimate and count as 0."""


@dataclass(frozen=True, eq=False)
class _Residual:
    """Residual of some voxels of a slice.

    Attributes
    ----------
    values : complex, (voxels + 1, echo); the last row is 0.
    basis : complex (voxels + 1, echo, 3), orthonormal basis of what was fitted, the last 0; None where nothing was fitted.
    number : int, row after row of the slice with a margin of `REACH` on every side; number of each voxel, the last if unused.
    width : voxels in a row of the slice with its margins.
    """

    values: Complex
    basis: Complex | None
    number: npt.NDArray[np.int64]
    width: int

    @classmethod
    def of(cls, values: Complex, basis: Complex | None, used: Bools) -> _Residual:
        """From the values of the voxels that are `used` (row, column), in their order."""
        number = np.full(tuple(n + 2 * REACH for n in used.shape), len(values))
        number[REACH:-REACH, REACH:-REACH][used] = np.arange(len(values))
        basis = None if basis is None else np.concatenate([basis, np.zeros_like(basis[:1])])
        return cls(np.concatenate([values, np.zeros_like(values[:1])]), basis, number.ravel(), number.shape[1])

    @property
    def last(self) -> int:
        """Number of what is unused."""
        return len(self.values) - 1


def noise_correlation(
    maps: ParameterMaps, echoes_of: Callable[[int], Complex], modulation: npt.NDArray[np.complex128], complex_fit: bool
) -> Table:
    """Correlation of the noise of neighbouring voxels.

    Parameters
    ----------
    maps : ParameterMaps
        Result of the run.
    echoes_of : callable
        Corrected echoes (echo, row, column) of a slice.
    modulation : np.ndarray, shape (echo,), complex
        Fat phasor.
    complex_fit : bool
        Whether the method fits the phase too.

    Returns
    -------
    Table
        Correlation, cut where it is 0 beyond; () where there are too few voxels.
    """
    filled = np.flatnonzero(maps.mask.any(axis=(1, 2)))  # others were not requested, or hold no signal
    if not filled.size:
        return ()
    places = np.linspace(0, len(filled) - 1, SLICES + 2)[1:-1].round().astype(int)
    chosen = sorted({int(z) for z in filled[places]})
    rng = np.random.default_rng(0)
    te = np.asarray(maps.provenance.te_s)
    known: dict[int, _Residual] = {}
    air = not complex_fit or len(modulation) == 3

    def residual(z: int) -> _Residual:
        if z not in known:
            known[z] = (
                _air(echoes_of(z), maps.provenance.noise_sd[z], complex_fit)
                if air
                else _residual(echoes_of(z), maps, z, te, modulation)
            )
        return known[z]

    within, across = _Sums(REACH), _Sums(REACH_ACROSS)
    for z in chosen:
        first = residual(z)
        drawn = np.flatnonzero(first.number < first.last)
        if drawn.size > VOXELS:
            drawn = rng.choice(drawn, VOXELS, replace=False)
        within.add(first, first, drawn)
        if z + 1 in filled:
            across.add(first, residual(z + 1), drawn)
    found = None
    if within.products[REACH, REACH] > 0 and within.pairs[REACH, REACH] >= FEWEST_PAIRS:
        found = _significant(*(sums.correlation(within, not complex_fit) for sums in (within, across)))
    level = float(np.median([maps.provenance.noise_sd[z] for z in chosen]))
    interpolated = zero_filling_correlation((echoes_of(z) for z in chosen), level, REACH) if complex_fit else None
    if interpolated is not None and (found is None or interpolated.sum() > found[0].sum()):
        found = [interpolated, *(found[1:] if found else [])]
    return _cut(found) if found else ()


class _Sums:
    """Sums of r_i^H r_j and tr(P_i P_j) by distance within `reach`, (row, column)."""

    def __init__(self, reach: int) -> None:
        self.reach = reach
        size = 2 * reach + 1
        self.products, self.traces, self.pairs = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))

    def add(self, first: _Residual, second: _Residual, drawn: npt.NDArray[np.int64]) -> None:
        """Add the pairs of the voxels `drawn` of the first slice with those at each distance in the second."""
        n, some = first.values.shape[-1], drawn[::TRACE_EVERY]
        own = first.values[first.number[drawn]]
        own_basis = None if first.basis is None else first.basis[first.number[some]].conj().transpose(0, 2, 1)
        for dy, dx in _distances(self.reach):
            shift = dy * first.width + dx
            other = second.number[drawn + shift]
            pairs = int(np.count_nonzero(other < second.last))
            traces = float(n * pairs)
            if own_basis is not None and second.basis is not None:
                other_some = other[::TRACE_EVERY]
                overlap = own_basis @ second.basis[other_some]
                counted = int(np.count_nonzero(other_some < second.last))
                traces = pairs * (n - 6 + float(np.sum(np.abs(overlap) ** 2)) / max(counted, 1))
            at = (dy + self.reach, dx + self.reach)
            self.products[at] += float(np.vdot(own, second.values[other]).real)
            self.traces[at] += traces
            self.pairs[at] += pairs

    def correlation(self, same: _Sums, squares: bool) -> tuple[Floats, Floats]:
        """Correlation and its standard error, given the sums of pairs within the slice; of squares, its square root."""
        middle = (same.reach, same.reach)
        variance = same.products[middle] / same.traces[middle]
        traces = np.maximum(self.traces, 1.0)
        found, error = self.products / (variance * traces), np.where(self.pairs > FEWEST_PAIRS, 1 / np.sqrt(2 * traces), np.inf)
        if squares:
            significant = found > SIGNIFICANT * error
            return np.where(significant, np.sqrt(np.maximum(found, 0.0)), 0.0), error
        return found, error


def _residual(echoes: Complex, maps: ParameterMaps, z: int, te: Floats, modulation: npt.NDArray[np.complex128]) -> _Residual:
    """Project the echoes of a slice off water, fat and their derivative along field and R2*."""
    mask = maps.mask[z]
    tau = (te - te[0]).astype(np.float32)
    decay = np.exp(-np.clip(maps.r2star[z][mask], *RANGE_PER_S)[:, None] * tau)
    angle = 2 * np.pi * maps.field[z][mask][:, None] * tau
    common = np.empty(angle.shape, np.complex64)
    common.real, common.imag = decay * np.cos(angle), decay * np.sin(angle)
    samples = echoes[:, mask].T
    water = _unit(common)
    fat = _unit(_off(_off(common * modulation.astype(np.complex64), water), water))
    fitted = water * _inner(water, samples) + fat * _inner(fat, samples)
    third = tau * fitted
    for known in (water, fat, water, fat):
        third = _off(third, known)
    third = _unit(third)
    rest = _off(samples - fitted, third)
    energy = np.sum(np.abs(rest) ** 2, axis=1)
    good = (energy > 0) & (energy < OUTLIER * np.median(energy)) if energy.size else np.zeros(0, bool)
    used = mask.copy()
    used[mask] = good
    used &= _mean_around(used.astype(np.float64), AROUND) >= GOOD_AROUND
    kept = used[mask]
    return _Residual.of(rest[kept], np.stack([water[kept], fat[kept], third[kept]], axis=-1), used)


def _air(echoes: Complex, noise_sd: float, has_phase: bool) -> _Residual:
    """Echoes of the air, which is where the mean signal of a neighbourhood is lowest; of magnitudes squares less their mean."""
    values = np.moveaxis(echoes, 0, -1)
    energy = np.sum(np.abs(values) ** 2, axis=-1).astype(np.float64)
    around = _mean_around(energy, AIR_REACH)
    known = _mean_around((energy > 0).astype(np.float64), AIR_REACH) > 1 - 1e-9  # background that was set to 0 shows nothing
    air = np.zeros(energy.shape, np.bool_)
    if np.any(known):
        level = float(np.quantile(around[known], AIR_QUANTILE))
        if level < AIR_ENERGY * 2 * noise_sd**2 * len(echoes):
            air = known & (around < 2 * level)
    if not has_phase and np.any(air):
        squares = np.abs(values) ** 2
        values = (squares - squares[air].mean(0)).astype(np.complex64)
    return _Residual.of(values[air], None, air)


def _mean_around(values: Floats, reach: int) -> Floats:
    """Mean over the square reaching so far around each voxel; the image counts as 0 outside."""
    size = 2 * reach + 1
    rows = np.lib.stride_tricks.sliding_window_view(np.pad(values, reach), size, axis=0).sum(-1)
    result: Floats = np.lib.stride_tricks.sliding_window_view(rows, size, axis=1).sum(-1) / size**2
    return result


def _inner(a: Complex, b: Complex) -> Complex:
    result: Complex = np.sum(a.conj() * b, axis=1, keepdims=True)
    return result


def _off(x: Complex, unit: Complex) -> Complex:
    return x - unit * _inner(unit, x)


def _unit(x: Complex) -> Complex:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _significant(within: tuple[Floats, Floats], across: tuple[Floats, Floats]) -> list[Floats] | None:
    """Correlations that exceed their standard errors, within a slice and, if any, with the next one; None if unknown."""
    if not np.isfinite(within[1][REACH, REACH]):
        return None
    layers = [np.zeros((2 * REACH + 1,) * 2) for _ in range(2)]
    for layer, (correlation, error) in zip(layers, (within, across), strict=True):
        margin = (len(layer) - len(correlation)) // 2
        inner = layer[margin : margin + len(correlation), margin : margin + len(correlation)]
        limit = np.maximum(SIGNIFICANT * error, 0.01)
        inner[...] = np.clip(np.where(np.abs(correlation) > limit, correlation, 0.0), -1.0, 1.0)
    layers[0] = layers[0] + layers[0][::-1, ::-1]  # only one of two opposite distances was summed
    layers[1] = layers[1] + layers[1][::-1, ::-1]
    layers[1][REACH, REACH] /= 2
    layers[0][REACH, REACH] = 1.0
    return layers if layers[1].any() else layers[:1]


def _cut(layers: list[Floats]) -> Table:
    """Table without empty margins."""
    far = np.max([np.abs(np.array(np.nonzero(layer)).T - REACH).max(0, initial=0) for layer in layers], axis=0)
    kept = tuple(slice(REACH - int(d), REACH + int(d) + 1) for d in far)
    return tuple(tuple(tuple(round(float(v), 3) for v in row) for row in layer[kept]) for layer in layers)


def _distances(reach: int) -> Iterator[tuple[int, int]]:
    """One of two opposite distances each, and 0."""
    return ((dy, dx) for dy in range(reach + 1) for dx in range(-reach, reach + 1) if dy or dx >= 0)
