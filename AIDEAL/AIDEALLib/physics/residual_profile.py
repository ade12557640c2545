"""Residual profile: residual energy of the linear fit of water and fat over a grid of off-resonance and R2*.

For fixed (phi, R2*) water and fat follow by linear least squares, so the residual energy is a quadratic form of the echoes,

    J(phi, R2*) = |s|^2 - |Q^H D^* s|^2 = sum_nm conj(s_n) [I - D Q Q^H D^*]_nm s_m,

with Q an orthonormal basis of [1, c] exp(-R2* t) and D = diag exp(i 2 pi phi t). It is therefore linear in the N^2 real numbers
|s_n|^2, Re and Im of conj(s_n) s_m: one real matrix product evaluates a whole grid of phi and R2*. With evenly spaced echoes
the phase of D depends on the lag m - n alone, so that products of one lag are added first, for each R2*; the grid of phi then
takes 2 N - 1 numbers instead of N^2.

These functions use only operators of TorchScript in torch 2.2, because the exported networks contain them.

References
----------
Variable projection in water-fat imaging: Hernando, Haldar, Sutton, Ma, Kellman, Liang, Magn Reson Med 2008;59:571. The form
linear in products of echoes: closed form, expanded from it.
"""

from __future__ import annotations

import torch

from .torch_script import without_interpreter


def field_period_hz(te_s: torch.Tensor) -> torch.Tensor:
    """Period of off-resonance in Hz: 1 / (shortest echo spacing).

    With uniform spacing, phi and phi + 1/spacing give the same echoes (up to a constant phase of water and fat). With other
    echo times J is not exactly periodic; the same window, centred on 0 Hz, is then searched and treated as a circle.
    """
    return 1.0 / (te_s[1:] - te_s[:-1]).min()


def field_grid_hz(te_s: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Centres of `n_bins` equal bins over one period, from -period/2, shape (n_bins,)."""
    steps = torch.arange(n_bins, dtype=te_s.dtype, device=te_s.device)
    return field_period_hz(te_s) * ((steps + 0.5) / n_bins - 0.5)


def pair_products(echoes: torch.Tensor) -> torch.Tensor:
    """The N^2 real numbers that J is linear in.

    Parameters
    ----------
    echoes : torch.Tensor, shape (batch, echo, ...), complex
        Echoes.

    Returns
    -------
    torch.Tensor, shape (batch, N^2, ...), real
        |s_n|^2 for all n, then Re, then Im of conj(s_n) s_m for all n < m.
    """
    n = echoes.shape[1]
    pairs = torch.triu_indices(n, n, 1, device=echoes.device)
    re, im = echoes.real, echoes.imag
    re_n, im_n, re_m, im_m = re[:, pairs[0]], im[:, pairs[0]], re[:, pairs[1]], im[:, pairs[1]]
    return torch.cat([re * re + im * im, re_n * re_m + im_n * im_m, re_n * im_m - im_n * re_m], dim=1)


def projection_weights(
    field_hz: torch.Tensor, r2star_per_s: torch.Tensor, te_s: torch.Tensor, modulation: torch.Tensor
) -> torch.Tensor:
    """Weights that turn `pair_products` into J for every (R2*, phi) of a grid.

    Parameters
    ----------
    field_hz : torch.Tensor, shape (K,), Hz
        Off-resonance values.
    r2star_per_s : torch.Tensor, shape (R,), 1/s
        Decay rates.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor.

    Returns
    -------
    torch.Tensor, shape (R, K, N^2), float64
        Weights.
    """
    n = te_s.shape[0]
    te = te_s.to(torch.float64)
    pairs = torch.triu_indices(n, n, 1, device=te_s.device)
    decay = torch.exp(-r2star_per_s.to(torch.float64)[:, None] * (te - te[0]))  # (R, N)
    water = torch.complex(decay, torch.zeros_like(decay))
    fat = water * modulation.to(torch.complex128)
    q1 = water / torch.sqrt((decay * decay).sum(-1, keepdim=True))
    rest = fat - q1 * (q1.conj() * fat).sum(-1, keepdim=True)
    q2 = rest / torch.sqrt((rest.real * rest.real + rest.imag * rest.imag).sum(-1, keepdim=True))
    projector = q1[:, :, None] * q1.conj()[:, None, :] + q2[:, :, None] * q2.conj()[:, None, :]  # (R, N, N)
    diagonal = 1.0 - torch.diagonal(projector.real, dim1=-2, dim2=-1)  # (R, N)
    angle = 2 * torch.pi * field_hz.to(torch.float64)[:, None] * (te[pairs[0]] - te[pairs[1]])  # (K, pairs)
    upper = projector[:, pairs[0], pairs[1]][:, None, :] * torch.polar(torch.ones_like(angle), angle)  # (R, K, pairs)
    diagonal = diagonal[:, None, :].expand(-1, field_hz.shape[0], -1)
    return torch.cat([diagonal, -2.0 * upper.real, 2.0 * upper.imag], dim=-1)


def lag_weights(r2star_per_s: torch.Tensor, te_s: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
    """Weights that add the `pair_products` of equal lags, for evenly spaced echoes and every R2*.

    Parameters
    ----------
    r2star_per_s : torch.Tensor, shape (R,), 1/s
        Decay rates.
    te_s : torch.Tensor, shape (echo,), seconds
        Evenly spaced echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor.

    Returns
    -------
    torch.Tensor, shape (R, 2 N - 1, N^2), float64
        Weights of J without phases (lag 0), then of the real, then of the imaginary part of its terms of lag 1 to N - 1.
    """
    n = te_s.shape[0]
    on_resonance = projection_weights(torch.zeros_like(te_s[:1]), r2star_per_s, te_s, modulation)[:, 0]  # (R, N^2)
    pairs = torch.triu_indices(n, n, 1, device=te_s.device)
    lag = torch.arange(1, n, device=te_s.device)[:, None] == (pairs[1] - pairs[0])  # (N - 1, pairs)
    of_lag = lag.to(on_resonance.dtype)
    diagonal, real, imaginary = on_resonance[:, :n], on_resonance[:, n : n + lag.shape[1]], on_resonance[:, n + lag.shape[1] :]
    first = torch.cat([diagonal, torch.zeros_like(real), torch.zeros_like(imaginary)], 1)[:, None]
    none = torch.zeros_like(diagonal)[:, None].expand(-1, n - 1, -1)
    # conj(s_n) s_m times -2 P_nm: the weights of its real and imaginary parts are those of the real part of the product.
    real_part = torch.cat([none, of_lag * real[:, None], of_lag * imaginary[:, None]], 2)
    imaginary_part = torch.cat([none, -of_lag * imaginary[:, None], of_lag * real[:, None]], 2)
    return torch.cat([first, real_part, imaginary_part], 1)


def phase_weights(field_hz: torch.Tensor, te_s: torch.Tensor) -> torch.Tensor:
    """Weights that turn the sums of `lag_weights` into J at every field.

    Parameters
    ----------
    field_hz : torch.Tensor, shape (K,), Hz
        Off-resonance values.
    te_s : torch.Tensor, shape (echo,), seconds
        Evenly spaced echo times.

    Returns
    -------
    torch.Tensor, shape (K, 2 N - 1), float64
        Weights.
    """
    te = te_s.to(torch.float64)
    angle = 2 * torch.pi * field_hz.to(torch.float64)[:, None] * (te[1:] - te[0])
    return torch.cat([torch.ones_like(angle[:, :1]), torch.cos(angle), torch.sin(angle)], 1)


def evenly_spaced(te_s: torch.Tensor) -> bool:
    """Whether all echo spacings are equal within 1e-6 of their mean."""
    spacing = te_s[1:] - te_s[:-1]
    return bool((spacing - spacing.mean()).abs().max() < 1e-6 * spacing.mean())


def residual_profile(
    echoes: torch.Tensor,
    te_s: torch.Tensor,
    modulation: torch.Tensor,
    n_bins: int,
    r2star_per_s: torch.Tensor,
    oversampling: int = 2,
    voxels_at_once: int = 1024,
) -> torch.Tensor:
    """Residual energy over one period of off-resonance, minimised over a few R2* values.

    Parameters
    ----------
    echoes : torch.Tensor, shape (batch, echo, ...), complex
        Echoes.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor.
    n_bins : int
        Number of bins K over one period.
    r2star_per_s : torch.Tensor, shape (R,), 1/s
        Decay rates to try.
    oversampling : int
        Field values in each bin; the smallest energy is kept, so that a narrow minimum between two bin centres is found.
    voxels_at_once : int
        Size of a block of voxels on the CPU, whose energies stay in the processor's cache; 128 times as many on a GPU,
        to bound its memory.

    Returns
    -------
    torch.Tensor, shape (batch, K, ...), real
        J, not negative, in the unit of |echoes|^2.
    """
    # Fields in the order (position in the bin, bin): the minimum over R2* and position is then one reduction of leading axes.
    fields_hz = field_grid_hz(te_s, n_bins * oversampling).reshape([n_bins, oversampling]).t().flatten()
    even = evenly_spaced(te_s)
    if even:
        sums = lag_weights(r2star_per_s, te_s, modulation).to(echoes.real.dtype)
        rows = phase_weights(fields_hz, te_s).to(echoes.real.dtype)
    else:
        sums = torch.empty([0, 0, 0], dtype=echoes.real.dtype, device=echoes.device)
        rows = projection_weights(fields_hz, r2star_per_s, te_s, modulation).to(echoes.real.dtype)
    flat = echoes.flatten(2)
    profile = torch.empty([flat.shape[0], n_bins, flat.shape[2]], dtype=rows.dtype, device=rows.device)
    block = voxels_at_once if echoes.device.type == "cpu" else 128 * voxels_at_once
    for start in range(0, flat.shape[2], block):
        stop = min(start + block, flat.shape[2])
        products = pair_products(flat[:, :, start:stop])[:, None]
        if even:
            products = torch.matmul(sums, products)
        energy = torch.matmul(rows, products).reshape([flat.shape[0], -1, n_bins, stop - start])
        profile[:, :, start:stop] = energy.amin(1).clamp_min(0.0)
    return profile.reshape([echoes.shape[0], n_bins] + list(echoes.shape[2:]))


profile_without_interpreter = without_interpreter(residual_profile)
