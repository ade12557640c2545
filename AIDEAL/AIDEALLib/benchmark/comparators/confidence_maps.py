"""Confidence map by goodness of fit on graph cuts, nothing learned.

After Tamada et al., Magn Reson Med 2024;91:2172: the root mean square difference between the measured complex echoes and the
fitted signal model, normalised by the signal, is a map of confidence in PDFF and R2*; regions where it is high are not valid
for analysis. Differences: the map itself ranks the voxels here, so that no threshold of the publication enters; it is taken
without a moving average; the graph cut is the one of this project.
"""

from __future__ import annotations

from ...parameter_maps import ParameterMaps
from .system import Estimated


def goodness_of_fit(maps: ParameterMaps) -> Estimated:
    """PDFF of maps with the normalised misfit as measure of doubt."""
    return Estimated(maps.pdff, maps.residual)
