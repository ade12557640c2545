"""The two networks: G_phi (off-resonance) and G_R2* (decay), each a categorical distribution over a grid.

Both take the residual profile instead of the echoes, so the same weights serve every protocol. The spatial part works at half
resolution (field and decay vary slowly, evidence does not): its context is added, voxel by voxel, to the full-resolution
evidence, so that no detail is lost to the down-sampling. The whole function from echoes to distribution, mean and variance is
exported.
"""

from .field import FIELD_BINS, FieldNetwork, circular_moments
from .r2star import R2STAR_BINS, R2STAR_MAX_PER_S, R2StarNetwork, r2star_grid, r2star_profile

__all__ = [
    "FIELD_BINS",
    "R2STAR_BINS",
    "R2STAR_MAX_PER_S",
    "FieldNetwork",
    "R2StarNetwork",
    "circular_moments",
    "r2star_grid",
    "r2star_profile",
]
