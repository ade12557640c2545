"""Square regions of interest in a lobe, placed as a reader would: off vessels and edges."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from .voxels import Bools, Voxels

PAPER_SIDE = 17 / 384
"""Side of the paper's square over the width of the image: 17 pixels of 384."""


def square_rois(voxels: Voxels, lobe: str) -> list[Bools]:
    """One square a slice where it fits into the segment with a pixel to spare, at the place farthest from its edges.

    Returns
    -------
    Bool arrays (voxel,), the one farthest from edges first.
    """
    inside = np.zeros(voxels.shape, bool)
    numbers = [number for number, name in voxels.label_names.items() if name == lobe]
    inside.ravel()[voxels.place] = np.isin(voxels.label, numbers)
    half = max(round(PAPER_SIDE * voxels.shape[2] / 2 - 0.5), 1)
    found = []
    for index, image in enumerate(inside):
        room = scipy.ndimage.distance_transform_cdt(np.pad(image, 1), "chessboard")[1:-1, 1:-1]
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] > half + 1:
            square = np.zeros(voxels.shape, bool)
            square[index, row - half : row + half + 1, column - half : column + half + 1] = True
            found.append((int(room[row, column]), square.ravel()[voxels.place]))
    return [square for _, square in sorted(found, key=lambda pair: -pair[0])]
