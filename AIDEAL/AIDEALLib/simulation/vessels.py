"""Blood vessels of the liver as trees of tubes."""

from __future__ import annotations

import numpy as np

from .shapes import Point, Segment


def branches(
    start: Point, heading: Point, length_mm: float, radius_mm: float, generations: int, rng: np.random.Generator
) -> list[Segment]:
    """A vessel tree: a gently bending stem that forks at its end into two thinner, shorter ones.

    Parameters
    ----------
    start : sequence of float
        Start of the stem in mm along (x, y, z).
    heading : sequence of float
        Direction of the stem.
    length_mm : float
        Length of the stem.
    radius_mm : float
        Radius at its start.
    generations : int
        Number of forks from stem to tip.
    rng : np.random.Generator
        Source of randomness.

    Returns
    -------
    list of Segment
    """
    direction = np.asarray(heading, float)
    direction /= np.linalg.norm(direction)
    point, pieces, tube = np.asarray(start, float), 3, []
    taper = 0.8 ** (1 / pieces)
    radius = radius_mm
    for _ in range(pieces):
        direction = direction + 0.18 * rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        following = point + direction * length_mm / pieces
        tube.append(
            Segment(
                (float(point[0]), float(point[1]), float(point[2])),
                (float(following[0]), float(following[1]), float(following[2])),
                radius,
                radius * taper,
            )
        )
        point, radius = following, radius * taper
    if generations > 0:
        side = np.cross(direction, rng.standard_normal(3))
        side /= np.linalg.norm(side)
        for sign in (1, -1):
            turned = direction + sign * rng.uniform(0.5, 0.9) * side
            tube += branches(point, turned, length_mm * rng.uniform(0.6, 0.85), radius * 0.85, generations - 1, rng)
    return tube


def liver_vessels(rng: np.random.Generator) -> list[Segment]:
    """Three hepatic veins that meet below the diaphragm and a portal vein with its right and left branch, in mm."""

    def about(*point: float) -> list[float]:
        return [p + rng.normal(0, 4) for p in point]

    confluence = (-16.0, 24.0, -22.0)
    veins = []
    for target in (about(-95, 0, -55), about(-50, -50, -70), about(40, -45, -40)):
        heading = np.subtract(target, confluence)
        veins += branches(confluence, heading, 0.55 * float(np.linalg.norm(heading)), 6.0, 3, rng)
    fork = about(-22, 4, -78)
    stem = [Segment((8.0, 14.0, -112.0), (fork[0], fork[1], fork[2]), 7.5, 7.0)]
    right = branches(fork, (-1.0, 0.05, 0.1), 40, 6.0, 3, rng)
    left = branches(fork, (0.75, -0.8, 0.45), 45, 5.5, 3, rng)
    return veins + stem + right + left
