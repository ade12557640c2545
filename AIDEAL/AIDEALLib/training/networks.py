"""The two networks: G_phi (off-resonance) and G_R2* (decay), each a categorical distribution over a grid.

Both see the residual profile instead of the echoes, so the same weights serve every protocol. The spatial part works at half
resolution (field and decay vary slowly, evidence does not): its context is added, voxel by voxel, to the full-resolution
evidence, so that detail is never lost to the down-sampling. What is exported is the whole function from echoes to
distribution, mean and variance.
"""

import torch
from torch import nn

from ..physics.residual_profile import field_grid_hz, field_period_hz, pair_products, projection_weights, residual_profile
from ..physics.spectrum import fat_phasor

FIELD_BINS = 32
R2STAR_BINS = 24
R2STAR_MAX_PER_S = 1500.0
R2STAR_SEARCH_PER_S = (12.0, 40.0, 90.0, 250.0, 700.0)
FIELDS_IN_A_BIN = 3
"""With both grids this fine, what a grid leaves over is below what tells the two modes apart in nearly all protocols."""
PROFILE_FLOOR = 5e-4
"""Share of the signal at which the log of a residual levels off."""


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with group normalisation and a residual path."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(8, outputs),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(8, outputs),
        )
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.act = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, rows, columns) to (batch, outputs, rows, columns)."""
        return self.act(self.body(x) + self.skip(x))


class UNet(nn.Module):
    """A small U-Net on half-resolution features: strided first convolution, three down-samplings, attention at the bottom."""

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, int, int, int], attention: bool) -> None:
        super().__init__()
        a, b, c, d = widths
        self.patch = nn.Conv2d(inputs, a, 2, stride=2)
        self.down1, self.down2, self.down3, self.down4 = ConvBlock(a, a), ConvBlock(a, b), ConvBlock(b, c), ConvBlock(c, d)
        self.up3, self.up2, self.up1 = ConvBlock(d + c, c), ConvBlock(c + b, b), ConvBlock(b + a, a)
        self.head = nn.Conv2d(a, outputs, 1)
        _fill_zero(self.head)  # context adds nothing until trained
        self.attention = nn.MultiheadAttention(d, 4, batch_first=True) if attention else None
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, rows, columns), both multiples of 16, to (batch, outputs, rows, columns)."""
        x1 = self.down1(self.patch(x.contiguous(memory_format=torch.channels_last)))
        x2 = self.down2(self.pool(x1))
        x3 = self.down3(self.pool(x2))
        x4 = self.down4(self.pool(x3))
        if self.attention is not None:
            tokens = x4.flatten(2).transpose(1, 2)
            attended = self.attention(tokens, tokens, tokens, need_weights=False)[0]
            x4 = x4 + attended.transpose(1, 2).reshape(x4.shape)
        y = self.up3(torch.cat([_double(x4), x3], 1))
        y = self.up2(torch.cat([_double(y), x2], 1))
        y = self.up1(torch.cat([_double(y), x1], 1))
        return _double(self.head(y))


def _fill_zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _double(x: torch.Tensor) -> torch.Tensor:
    # What interpolate(scale_factor=2, mode="bilinear") calls. TorchScript stores interpolate whole, and the operators of its
    # other modes are unknown to older releases, which would then refuse the file.
    return torch._C._nn.upsample_bilinear2d(x, None, False, [2.0, 2.0])


def _pad_to_16(x: torch.Tensor) -> torch.Tensor:
    rows, columns = x.shape[-2], x.shape[-1]
    return nn.functional.pad(x, [0, -columns % 16, 0, -rows % 16])


def _start_from_evidence(evidence: nn.Conv2d, bins: int) -> None:
    """Begin as the voxelwise fit, each logit its bin's profile: training only learns what neighbours add."""
    with torch.no_grad():
        evidence.weight.mul_(0.1)
        evidence.weight[:, :bins, 0, 0] += 1.5 * torch.eye(bins)


def _weighing(inputs: int, bins: int) -> nn.Sequential:
    """How much a residual says depends on the noise and on the number of echoes; at first it adds nothing."""
    layers = nn.Sequential(nn.Conv2d(inputs, 64, 1), nn.SiLU(), nn.Conv2d(64, bins, 1))
    _fill_zero(layers[2])
    return layers


def _log_profile(energy: torch.Tensor, total: torch.Tensor, floor: float) -> torch.Tensor:
    logs = -torch.log(energy / total + floor)
    return logs - logs.mean(1, keepdim=True)


def _centre_index(profile: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Bins to rotate each slice's profile by, (batch,), to bring the field most voxels agree on to the middle of the circle.

    The centre frequency of a scan is arbitrary; without it the network need not learn every rotation of every anatomy.
    """
    bright = (total > 0.02 * total.flatten(1).amax(1).reshape(-1, 1, 1, 1)).to(profile.dtype)
    return (profile * bright).sum([2, 3]).argmax(1) - profile.shape[1] // 2


def _rotate(x: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """Roll axis 1 of (batch, K, rows, columns) down by a number of bins of each sample's own."""
    k = x.shape[1]
    index = (torch.arange(k, device=x.device).unsqueeze(0) + bins.unsqueeze(1)).remainder(k)
    return x.gather(1, index.reshape(-1, k, 1, 1).expand(-1, -1, x.shape[2], x.shape[3]))


def _context(least: torch.Tensor, total: torch.Tensor, spare: int) -> torch.Tensor:
    """Two channels: log signal relative to the brightest tissue, and log of signal over misfit (local quality of the fit)."""
    scale = total.flatten(1).amax(1).reshape(-1, 1, 1, 1)
    level = torch.log10(total / scale + 1e-5)
    quality = torch.log10(total / (least / max(spare, 1) + 1e-6 * total + 1e-9 * scale))
    return torch.cat([level, quality - 2.0], 1)


class FieldNetwork(nn.Module):
    """G_phi: echoes to a distribution of off-resonance over the circle of one period."""

    r2star_search: torch.Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 104, 136)) -> None:
        super().__init__()
        self.bins, self.fields_in_a_bin, self.floor = FIELD_BINS, FIELDS_IN_A_BIN, PROFILE_FLOOR
        self.register_buffer("r2star_search", torch.tensor(R2STAR_SEARCH_PER_S))
        self.unet = UNet(FIELD_BINS + 5, FIELD_BINS, widths, attention=True)
        self.evidence = nn.Conv2d(FIELD_BINS + 2, FIELD_BINS, 1)
        _start_from_evidence(self.evidence, FIELD_BINS)
        self.weighing = _weighing(FIELD_BINS + 5, FIELD_BINS)
        self.temperature = nn.Parameter(torch.ones(()), requires_grad=False)

    def logits(self, energy: torch.Tensor, total: torch.Tensor, n_echoes: int, shift_turns: torch.Tensor) -> torch.Tensor:
        """Network part alone.

        Parameters
        ----------
        energy : residual profile (batch, K, rows, columns); total : |s|^2 (batch, 1, rows, columns).
        shift_turns : mean fat shift as a fraction of the period, scalar: how far away the swapped mode lies.
        """
        profile = _log_profile(energy, total, self.floor)
        middle = _centre_index(profile, total)
        profile = _rotate(profile, middle)
        context = _context(energy.amin(1, keepdim=True), total, 2 * n_echoes - 6)
        angle = 2 * torch.pi * shift_turns
        constant = torch.stack([torch.cos(angle), torch.sin(angle), torch.full_like(angle, 4.0 / n_echoes)]).to(profile.dtype)
        constant = constant.reshape(1, 3, 1, 1).expand(profile.shape[0], 3, profile.shape[2], profile.shape[3])
        rows, columns = profile.shape[2], profile.shape[3]
        inputs = torch.cat([profile, context, constant], 1)
        spatial = self.unet(_pad_to_16(inputs))[:, :, :rows, :columns]
        logits = spatial + self.evidence(inputs[:, :-3]) + self.weighing(inputs)
        return _rotate(logits, -middle) / self.temperature

    def forward(
        self,
        echoes: torch.Tensor,
        te_s: torch.Tensor,
        field_strength_t: float,
        fat_ppm: torch.Tensor,
        fat_amplitudes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Distribution, mean and variance of off-resonance.

        Parameters
        ----------
        echoes : complex64 (batch, echo, row, column); te_s : float64 (echo,) seconds; field_strength_t : tesla.
        fat_ppm, fat_amplitudes : (peaks,) fat spectrum.

        Returns
        -------
        q : (batch, K, row, column) probabilities over `field_grid_hz`; mean in Hz and variance in Hz^2 of the main mode,
        circular, (batch, row, column).
        """
        modulation = fat_phasor(te_s, field_strength_t, fat_ppm, fat_amplitudes)
        search = self.r2star_search.to(te_s.dtype)
        energy = residual_profile(echoes, te_s, modulation, self.bins, search, self.fields_in_a_bin)
        total = (echoes.real * echoes.real + echoes.imag * echoes.imag).sum(1, keepdim=True)
        total = total + 1e-12 * total.amax() + 1e-30
        shift = torch.angle((modulation[1:] * modulation[:-1].conj()).sum()) / (2 * torch.pi)
        q = torch.softmax(self.logits(energy, total, echoes.shape[1], shift), 1)
        mean, variance = circular_moments(q, field_grid_hz(te_s, self.bins), field_period_hz(te_s))
        return q, mean, variance


def circular_moments(q: torch.Tensor, grid_hz: torch.Tensor, period_hz: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance within the main mode of a distribution over the circle.

    The main mode is the bin with the most mass among its two neighbours each side; offsets from it are averaged over that
    window, so that a second mode (a swap) widens neither. The variance includes the width of a bin, 1/12 of its square.

    Parameters
    ----------
    q : (batch, K, ...) probabilities; grid_hz : (K,) bin centres; period_hz : circumference.
    """
    bins = q.shape[1]
    width = (period_hz / bins).to(q.dtype)
    wrapped = torch.cat([q[:, -2:], q, q[:, :2]], 1)
    mass = wrapped[:, :-4] + wrapped[:, 1:-3] + q + wrapped[:, 3:-1] + wrapped[:, 4:]
    mode = mass.max(1, keepdim=True)[1]  # several times faster than argmax along this axis
    window = torch.cat([wrapped.gather(1, mode + j) for j in range(5)], 1)
    window = window / window.sum(1, keepdim=True).clamp_min(1e-12)
    offsets = torch.arange(-2, 3, dtype=q.dtype, device=q.device).reshape([1, 5] + [1] * (q.dim() - 2))
    mean = (window * offsets).sum(1)
    variance = (window * offsets * offsets).sum(1) - mean * mean + 1.0 / 12.0
    hz = grid_hz.to(q.dtype)[mode.squeeze(1)] + mean * width
    period = period_hz.to(q.dtype)
    return hz - period * torch.floor(hz / period + 0.5), variance * width * width


def r2star_grid() -> torch.Tensor:
    """Grid of R2* in 1/s, dense near 0 and spread like a logarithm up to R2STAR_MAX_PER_S, (R2STAR_BINS,), float64."""
    u = torch.linspace(0, 1, R2STAR_BINS, dtype=torch.float64)
    return 20.0 * ((1.0 + R2STAR_MAX_PER_S / 20.0) ** u - 1.0)


def r2star_profile(
    echoes: torch.Tensor, field_hz: torch.Tensor, te_s: torch.Tensor, modulation: torch.Tensor, grid_per_s: torch.Tensor
) -> torch.Tensor:
    """Residual energy over a grid of R2* at a given field.

    Parameters
    ----------
    echoes : complex (batch, echo, ...); field_hz : (batch, ...); grid_per_s : (R,).

    Returns
    -------
    Real tensor (batch, R, ...).
    """
    tau = (te_s - te_s[0]).to(field_hz.dtype).reshape([1, -1] + [1] * (field_hz.dim() - 1))
    angle = -2 * torch.pi * field_hz.unsqueeze(1) * tau
    demodulated = echoes * torch.polar(torch.ones_like(angle), angle)
    weights = projection_weights(torch.zeros(1, dtype=torch.float64, device=te_s.device), grid_per_s, te_s, modulation)[:, 0]
    products = pair_products(demodulated).flatten(2)
    energy = torch.matmul(weights.to(products.dtype), products).clamp_min(0.0)
    return energy.reshape([echoes.shape[0], grid_per_s.shape[0]] + list(field_hz.shape[1:]))


class R2StarNetwork(nn.Module):
    """G_R2*: echoes and field to a distribution of R2* over a log-spaced grid."""

    grid_per_s: torch.Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (24, 32, 48, 64)) -> None:
        super().__init__()
        self.floor = PROFILE_FLOOR
        self.register_buffer("grid_per_s", r2star_grid())
        self.unet = UNet(R2STAR_BINS + 4, R2STAR_BINS, widths, attention=False)
        self.evidence = nn.Conv2d(R2STAR_BINS + 2, R2STAR_BINS, 1)
        _start_from_evidence(self.evidence, R2STAR_BINS)
        self.weighing = _weighing(R2STAR_BINS + 4, R2STAR_BINS)
        self.temperature = nn.Parameter(torch.ones(()), requires_grad=False)

    def logits(self, energy: torch.Tensor, total: torch.Tensor, n_echoes: int, duration_s: torch.Tensor) -> torch.Tensor:
        """Network part alone; `duration_s` is the time from first to last echo, scalar."""
        profile = _log_profile(energy, total, self.floor)
        context = _context(energy.amin(1, keepdim=True), total, 2 * n_echoes - 6)
        protocol = torch.stack([torch.log10(duration_s) + 2.0, torch.full_like(duration_s, 4.0 / n_echoes)]).to(profile.dtype)
        protocol = protocol.reshape(1, 2, 1, 1).expand(profile.shape[0], 2, profile.shape[2], profile.shape[3])
        rows, columns = profile.shape[2], profile.shape[3]
        inputs = torch.cat([profile, context, protocol], 1)
        spatial = self.unet(_pad_to_16(inputs))[:, :, :rows, :columns]
        return (spatial + self.evidence(inputs[:, :-2]) + self.weighing(inputs)) / self.temperature

    def forward(
        self,
        echoes: torch.Tensor,
        field_hz: torch.Tensor,
        te_s: torch.Tensor,
        field_strength_t: float,
        fat_ppm: torch.Tensor,
        fat_amplitudes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Distribution, mean and variance of R2*.

        Parameters
        ----------
        echoes : complex64 (batch, echo, row, column); field_hz : (batch, row, column) from G_phi.
        te_s, field_strength_t, fat_ppm, fat_amplitudes : as for G_phi.

        Returns
        -------
        q : (batch, R2STAR_BINS, row, column) over `r2star_grid`; mean in 1/s and variance in 1/s^2, (batch, row, column).
        """
        modulation = fat_phasor(te_s, field_strength_t, fat_ppm, fat_amplitudes)
        energy = r2star_profile(echoes, field_hz, te_s, modulation, self.grid_per_s)
        total = (echoes.real * echoes.real + echoes.imag * echoes.imag).sum(1, keepdim=True)
        total = total + 1e-12 * total.amax() + 1e-30
        q = torch.softmax(self.logits(energy, total, echoes.shape[1], te_s[-1] - te_s[0]), 1)
        grid = self.grid_per_s.to(q.dtype).reshape(1, -1, 1, 1)
        mean = (q * grid).sum(1)
        variance = (q * grid * grid).sum(1) - mean * mean
        return q, mean, variance.clamp_min(1.0)
