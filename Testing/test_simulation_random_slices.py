"""Training slices come from their seed alone."""

from __future__ import annotations

import torch

from AIDEALLib.simulation.random_slices import SliceBatch, random_slices


def test_random_slices_are_reproducible_and_plausible() -> None:
    def draw(seed: int) -> SliceBatch:
        return random_slices(2, 48, torch.Generator().manual_seed(seed))

    for seed in range(3):
        one, again = draw(seed), draw(seed)
        for name in ("echoes", "te_s", "noise_sd", "pdff_percent", "r2star_per_s", "field_hz", "tissue"):
            assert torch.equal(getattr(one, name), getattr(again, name)), name
        assert one.echoes.shape == (2, one.te_s.numel(), 48, 48)
        assert 3 <= one.te_s.numel() <= 16
        assert bool((one.te_s[1:] > one.te_s[:-1]).all())
        assert 0.3 < one.field_strength_t < 7.2
        assert bool(torch.isfinite(torch.view_as_real(one.echoes)).all())
        assert bool(one.tissue.any())
        assert float(one.pdff_percent.min()) >= 0
        assert float(one.pdff_percent.max()) <= 100.01
    assert not torch.equal(draw(0).tissue, draw(1).tissue)
