"""The documentation builds, with the reference of the Python interface, without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT
from waiting import LONG_S

pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra docs)")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed (extra docs)")


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=2 * LONG_S)
    assert built.returncode == 0, built.stdout + built.stderr
    page = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    named = re.findall(r"<!-- api: ([\w.]+) -->", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    assert named
    missing = [name for name in named if f'id="{name}"' not in page]
    assert not missing, f"not in the reference: {missing}"
    assert (tmp_path / "site" / "Resources" / "Screenshots" / "overview.png").is_file()
