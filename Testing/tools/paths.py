"""Where things lie in the source tree, for tests and tools."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "AIDEAL"
PACKAGE = MODULE / "AIDEALLib"
TESTING = ROOT / "Testing"
REAL_DATA = ROOT.parent / "shared" / "data"
"""Real scans, where a checkout has them beside it."""
