"""Geometries for tests."""

from __future__ import annotations

from AIDEALLib.echoes import Geometry

OBLIQUE = Geometry((1.5, 2.0, 6.0), (-80.0, 40.0, 12.0), (0.8, -0.36, 0.48, 0.6, 0.48, -0.64, 0.0, 0.8, 0.6))
"""A doubly oblique grid: three rows of an orthonormal right-handed matrix."""
