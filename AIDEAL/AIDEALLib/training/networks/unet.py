"""The U-Net that gives spatial context at half resolution."""

import torch
from torch import nn


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with group normalisation and a residual path.

    Parameters
    ----------
    inputs : int
        Input channels.
    outputs : int
        Output channels.
    """

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
    """A small U-Net on half-resolution features: strided first convolution, three down-samplings, attention at the bottom.

    Parameters
    ----------
    inputs : int
        Input channels.
    outputs : int
        Output channels.
    widths : tuple of int
        Channels of each level.
    attention : bool
        Self-attention at the lowest resolution.
    """

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, int, int, int], attention: bool) -> None:
        super().__init__()
        a, b, c, d = widths
        self.patch = nn.Conv2d(inputs, a, 2, stride=2)
        self.down1, self.down2, self.down3, self.down4 = ConvBlock(a, a), ConvBlock(a, b), ConvBlock(b, c), ConvBlock(c, d)
        self.up3, self.up2, self.up1 = ConvBlock(d + c, c), ConvBlock(c + b, b), ConvBlock(b + a, a)
        self.head = nn.Conv2d(a, outputs, 1)
        fill_zero(self.head)  # context adds nothing until trained
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
        return _double(self.head(y).contiguous())  # the format of what it is added to


def fill_zero(layer: nn.Module) -> None:
    """Set the parameters of a layer to zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def pad_to_16(x: torch.Tensor) -> torch.Tensor:
    """Pad rows and columns, the last two axes, with zeros to multiples of 16."""
    rows, columns = x.shape[-2], x.shape[-1]
    return nn.functional.pad(x, [0, -columns % 16, 0, -rows % 16])


def _double(x: torch.Tensor) -> torch.Tensor:
    # The operator behind interpolate(scale_factor=2, mode="bilinear"). TorchScript would store all of interpolate, and older
    # releases refuse files with the operators of its other modes.
    return torch._C._nn.upsample_bilinear2d(x, None, False, [2.0, 2.0])
