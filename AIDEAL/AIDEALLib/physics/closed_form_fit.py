"""The closed form of `variable_projection` in operators of TorchScript; symbols are those of its notes.

Complex values are written as their real and imaginary parts, which multiply faster than interleaved ones.
"""

from __future__ import annotations

from typing import Optional

import torch

from .torch_script import without_interpreter


def fitted_values(
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    echoes: list[torch.Tensor],
    basis: list[torch.Tensor],
    loss: Optional[torch.Tensor],  # noqa: UP045, as TorchScript of torch 2.2 requires
) -> list[torch.Tensor]:
    """Values of a `variable_projection.LinearFit`.

    Parameters
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance phi.
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        Transverse decay rate.
    echoes : list of torch.Tensor
        `variable_projection.SplitEchoes.tensors`.
    basis : list of torch.Tensor
        `variable_projection.EchoBasis.tensors`.
    loss : torch.Tensor, shape (echo, voxels), optional
        Known real factor of the signal at each echo.

    Returns
    -------
    list of torch.Tensor, each of shape (voxels,)
        In the order of the attributes of `LinearFit`, complex ones as their real and imaginary parts.
    """
    real, imag, energy = echoes
    tau_s, projections, gram = basis
    tau = tau_s[:, None]
    decay = torch.exp(-r2star_per_s * tau)
    if loss is not None:
        decay = decay * loss
    angle = field_hz * ((2 * torch.pi) * tau)
    cos, sin = torch.cos(angle) * decay, torch.sin(angle) * decay
    demodulated = [torch.addcmul(real * cos, imag, sin), torch.addcmul(imag * cos, real, sin, value=-1.0)]
    b_w_r, b_w_i, b_f_r, b_f_i, u_w_r, u_w_i, u_f_r, u_f_i = (projections @ torch.cat(demodulated)).unbind(0)  # A^H y, A^H t y
    ww, wf_r, wf_i, ff, ww1, wf_r1, wf_i1, ff1, ww2, wf_r2, wf_i2, ff2 = (gram @ (decay * decay)).unbind(0)  # |A|^2 t^j
    inverse = (ww * ff - wf_r * wf_r - wf_i * wf_i).clamp_min(1e-37).reciprocal()  # keeps voxels without any signal finite
    ww_, ff_, wf_r_, wf_i_ = ff * inverse, ww * inverse, -wf_r * inverse, -wf_i * inverse  # G^-1
    w_r, w_i, f_r, f_i = _product(ww_, ff_, wf_r_, wf_i_, b_w_r, b_w_i, b_f_r, b_f_i)
    explained = _real_product(w_r, w_i, f_r, f_i, b_w_r, b_w_i, b_f_r, b_f_i)
    v_w_r, v_w_i, v_f_r, v_f_i = _product(ww1, ff1, wf_r1, wf_i1, w_r, w_i, f_r, f_i)  # A^H v
    x_r, x_i, y_r, y_i = _product(ww_, ff_, wf_r_, wf_i_, v_w_r, v_w_i, v_f_r, v_f_i)
    vv_w_r, vv_w_i, vv_f_r, vv_f_i = _product(ww2, ff2, wf_r2, wf_i2, w_r, w_i, f_r, f_i)
    length = _real_product(w_r, w_i, f_r, f_i, vv_w_r, vv_w_i, vv_f_r, vv_f_i)  # |v|^2
    curvature = length - _real_product(x_r, x_i, y_r, y_i, v_w_r, v_w_i, v_f_r, v_f_i)
    curvature = torch.maximum(curvature, 1e-7 * length) + 1e-37
    r_w_r, r_w_i, r_f_r, r_f_i = u_w_r - v_w_r, u_w_i - v_w_i, u_f_r - v_f_r, u_f_i - v_f_i  # A^H t r
    slope_r = _real_product(w_r, w_i, f_r, f_i, r_w_r, r_w_i, r_f_r, r_f_i)
    slope_i = _real_product(-w_i, w_r, -f_i, f_r, r_w_r, r_w_i, r_f_r, r_f_i)
    residual = (energy - explained).clamp_min(0)
    fitted = [w_r, w_i, f_r, f_i, residual, slope_r, slope_i, curvature]
    return fitted + [x_r, x_i, y_r, y_i, ww, ff, wf_r, wf_i]


def _product(
    ww: torch.Tensor,
    ff: torch.Tensor,
    wf_r: torch.Tensor,
    wf_i: torch.Tensor,
    x_r: torch.Tensor,
    x_i: torch.Tensor,
    y_r: torch.Tensor,
    y_i: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """[[ww, wf], [conj(wf), ff]] (x, y)."""
    return (
        torch.addcmul(torch.addcmul(ww * x_r, wf_r, y_r), wf_i, y_i, value=-1.0),
        torch.addcmul(torch.addcmul(ww * x_i, wf_r, y_i), wf_i, y_r),
        torch.addcmul(torch.addcmul(ff * y_r, wf_r, x_r), wf_i, x_i),
        torch.addcmul(torch.addcmul(ff * y_i, wf_r, x_i), wf_i, x_r, value=-1.0),
    )


def _real_product(
    x_r: torch.Tensor,
    x_i: torch.Tensor,
    y_r: torch.Tensor,
    y_i: torch.Tensor,
    u_r: torch.Tensor,
    u_i: torch.Tensor,
    v_r: torch.Tensor,
    v_i: torch.Tensor,
) -> torch.Tensor:
    """Real part of (x, y)^H (u, v)."""
    return torch.addcmul(torch.addcmul(torch.addcmul(x_r * u_r, x_i, u_i), y_r, v_r), y_i, v_i)


fitted_without_interpreter = without_interpreter(fitted_values)
