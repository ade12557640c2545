"""Square regions of interest in a lobe, away from vessels and edges."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from .voxels import Bools, Voxels

PAPER_SIDE = 17 / 384
"""Side of the square over the width of the image: 17 of 384 pixels (Meneses et al. 2026)."""


def square_rois(voxels: Voxels, lobe: str) -> list[Bools]:
    """Place one square per slice as far from the edges of the segment as possible.

    Parameters
    ----------
    voxels : Voxels
        Voxels of a scan.
    lobe : str
        Name of the segment.

    Returns
    -------
    list of numpy.ndarray, each of shape (voxel,), bool
        Squares that fit with a margin of one pixel, the one farthest from edges first.
    """
    inside = np.zeros(voxels.shape, bool)
    numbers = [number for number, name in voxels.label_names.items() if name == lobe]
    inside.ravel()[voxels.place] = np.isin(voxels.label, numbers)
    half = max(round(PAPER_SIDE * voxels.shape[2] / 2 - 0.5), 1)
    squares = []
    for index, image in enumerate(inside):
        room = scipy.ndimage.distance_transform_cdt(np.pad(image, 1), "chessboard")[1:-1, 1:-1]
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] > half + 1:
            square = np.zeros(voxels.shape, bool)
            square[index, row - half : row + half + 1, column - half : column + half + 1] = True
            squares.append((int(room[row, column]), square.ravel()[voxels.place]))
    return [square for _, square in sorted(squares, key=lambda pair: -pair[0])]
