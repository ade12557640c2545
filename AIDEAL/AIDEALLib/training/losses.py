"""The unsupervised losses: negative evidence lower bounds of a smooth-field Markov random field.

For a voxel with categorical distribution q over a grid of field (or R2*) values and negative log-likelihood U_k,

    loss = E_q[U] - H(q) + lambda * sum over neighbours of E_{q_i q_j}[d(x_i - x_j)],

which is minus the evidence lower bound under the mean-field approximation: no reference maps enter.
"""

from __future__ import annotations

import torch

NEIGHBOURS: tuple[tuple[int, int, float], ...] = (
    (0, 1, 1.0),
    (1, 0, 1.0),
    (1, 1, 0.7),
    (1, -1, 0.7),
    (0, 2, 0.5),
    (2, 0, 0.5),
    (0, 4, 0.25),
    (4, 0, 0.25),
)
"""Half of a symmetric neighbourhood: row offset, column offset, weight."""


def soft_cap(nats: torch.Tensor, cap: float) -> torch.Tensor:
    """-log(exp(-nats) + exp(-cap)): a likelihood with a floor for signal that the model does not explain."""
    return -torch.logaddexp(-nats, torch.full_like(nats, -cap))


def gaussian_nats(
    energy: torch.Tensor, total: torch.Tensor, noise_sd: torch.Tensor, n_echoes: int, misfit: float = 0.04
) -> torch.Tensor:
    """Negative log-likelihood J / 2 sigma^2 of the complex echoes, relative to the best grid value.

    Parameters
    ----------
    energy : torch.Tensor, shape (batch, K, ...)
        Residual energy J over a grid.
    total : torch.Tensor, shape (batch, 1, ...)
        |s|^2.
    noise_sd : torch.Tensor, shape (batch,)
        Noise SD of one real channel.
    n_echoes : int
        Number of echoes.
    misfit : float
        Root mean square model error as a share of the signal, added to the noise: the resolution of the finite grid.

    Returns
    -------
    torch.Tensor, shape (batch, K, ...), nats

    Notes
    -----
    Closed form: complex Gaussian noise, terms free of the grid value left out.
    """
    sigma2 = noise_sd.reshape([-1] + [1] * (energy.dim() - 1)) ** 2 + misfit**2 * total / (2 * n_echoes)
    return (energy - energy.amin(1, keepdim=True)) / (2 * sigma2)


def rician_nats(magnitude: torch.Tensor, model: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """-log of the Rice density, without terms free of the model, summed over the echoes.

    Parameters
    ----------
    magnitude : torch.Tensor, shape (batch, 1, echo, ...)
        Measured magnitudes.
    model : torch.Tensor, shape (batch, R, echo, ...)
        Noise-free magnitudes.
    sigma : torch.Tensor, broadcastable
        Noise SD of one real channel.

    Returns
    -------
    torch.Tensor, shape (batch, R, ...), nats

    Notes
    -----
    p(s | m) = s / sigma^2 exp(-(s^2 + m^2) / 2 sigma^2) I_0(s m / sigma^2), written with the scaled Bessel function so that it
    does not overflow.

    References
    ----------
    Gudbjartsson and Patz, Magn Reson Med 1995;34:910.
    """
    argument = magnitude * model / sigma**2
    return ((magnitude - model) ** 2 / (2 * sigma**2) - torch.log(torch.special.i0e(argument))).sum(2)


def entropy(log_q: torch.Tensor) -> torch.Tensor:
    """H(q) in nats over axis 1."""
    return -(log_q.exp() * log_q).sum(1)


def circular_penalty(bins: int, bin_hz: float, scale_hz: float, cut: float = 9.0) -> torch.Tensor:
    """Truncated quadratic on the circle: min((distance / scale)^2, cut).

    Parameters
    ----------
    bins : int
        Bins of the circle.
    bin_hz : float
        Width of a bin.
    scale_hz : float
        Distance of penalty 1.
    cut : float
        Largest penalty.

    Returns
    -------
    torch.Tensor, shape (bins, bins)
    """
    k = torch.arange(bins)
    apart = (k[:, None] - k[None, :]).abs()
    distance = torch.minimum(apart, bins - apart) * bin_hz
    return ((distance / scale_hz) ** 2).clamp_max(cut)


def line_penalty(values: torch.Tensor, scale: float, cut: float = 9.0) -> torch.Tensor:
    """Truncated quadratic on a line: min(((x_k - x_l) / scale)^2, cut).

    Parameters
    ----------
    values : torch.Tensor, shape (K,)
        The values x.
    scale : float
        Distance of penalty 1.
    cut : float
        Largest penalty.

    Returns
    -------
    torch.Tensor, shape (K, K)
    """
    return (((values[:, None] - values[None, :]) / scale) ** 2).clamp_max(cut)


def shifted_pair(x: torch.Tensor, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of neighbours.

    Parameters
    ----------
    x : torch.Tensor, shape (..., H, W)
        Images.
    rows : int
        Offset of the neighbour along the rows, not negative.
    columns : int
        Offset of the neighbour along the columns.

    Returns
    -------
    first : torch.Tensor
        View of the voxels that have this neighbour; empty where the image is too small for any pair.
    second : torch.Tensor
        View of their neighbours.
    """
    h, w = max(x.shape[-2] - rows, 0), max(x.shape[-1] - abs(columns), 0)
    left, right = max(-columns, 0), max(columns, 0)
    return x[..., :h, left : left + w], x[..., rows : rows + h, right : right + w]


def pairwise(
    q: torch.Tensor,
    foreground: torch.Tensor,
    penalties: dict[float, torch.Tensor],
    neighbours: tuple[tuple[int, int, float], ...] = NEIGHBOURS,
) -> torch.Tensor:
    """Sum over neighbour pairs inside the foreground of weight * E_{q_i q_j}[d].

    Parameters
    ----------
    q : torch.Tensor, shape (batch, K, H, W)
        Distributions.
    foreground : torch.Tensor, shape (batch, H, W)
        Weights, 0 to 1.
    penalties : dict[float, torch.Tensor]
        Matrix d, shape (K, K), by distance in voxels.
    neighbours : tuple
        Row offset, column offset and weight of each neighbour.

    Returns
    -------
    torch.Tensor, scalar
    """
    total = q.new_zeros(())
    expected = {d: torch.einsum("kl,blhw->bkhw", matrix.to(q), q) for d, matrix in penalties.items()}
    for rows, columns, weight in neighbours:
        distance = float(rows**2 + columns**2) ** 0.5
        left, _ = shifted_pair(q, rows, columns)
        _, right = shifted_pair(expected[distance], rows, columns)
        a, b = shifted_pair(foreground, rows, columns)
        total = total + weight * ((left * right).sum(1) * a * b).sum()
    return total


def evidence_loss(
    log_q: torch.Tensor,
    nats: torch.Tensor,
    foreground: torch.Tensor,
    penalties: dict[float, torch.Tensor],
    smoothness: float,
    inverse_temperature: float = 1.0,
) -> torch.Tensor:
    """Negative evidence lower bound per foreground voxel, in nats.

    Parameters
    ----------
    log_q : torch.Tensor, shape (batch, K, H, W)
        Log-probabilities.
    nats : torch.Tensor, shape (batch, K, H, W)
        Negative log-likelihood U.
    foreground : torch.Tensor, shape (batch, H, W)
        Weights, 0 to 1.
    penalties : dict[float, torch.Tensor]
        Matrix d, shape (K, K), by distance in voxels.
    smoothness : float
        lambda.
    inverse_temperature : float
        Anneals likelihood and smoothness together against the entropy; if smoothness grew faster, the network would converge to
        a constant field.

    Returns
    -------
    torch.Tensor, scalar, nats
    """
    q = log_q.exp()
    voxelwise = inverse_temperature * (q * nats).sum(1) - entropy(log_q)
    smooth = inverse_temperature * smoothness * pairwise(q, foreground, penalties)
    return ((voxelwise * foreground).sum() + smooth) / foreground.sum().clamp_min(1)
