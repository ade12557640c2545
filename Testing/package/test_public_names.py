"""The public face of the package: complete, and loaded on first use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from paths import MODULE

import AIDEALLib


@pytest.mark.parametrize("name", AIDEALLib.__all__)
def test_public_names_are_what_their_modules_hold(name: str) -> None:
    value = getattr(AIDEALLib, name)
    assert value.__name__ == name
    assert value.__module__.startswith("AIDEALLib.")
    assert name in dir(AIDEALLib)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = AIDEALLib.no_such_name


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, AIDEALLib; print(sorted({'numpy', 'torch', 'scipy', 'pydicom', 'SimpleITK'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(MODULE)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
