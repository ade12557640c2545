"""Build step that pyproject.toml cannot express: a wheel takes the networks along, which lie outside the package."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path("Resources", "Models")


class BuildWithModels(build_py):
    """Copy the networks into the package, except in an editable installation, which finds them in the source tree."""

    def run(self) -> None:
        """Build as usual, then copy."""
        super().run()
        for source, target in self._models().items():
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str(source), str(target), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Files built, with the copies."""
        return [*super().get_outputs(include_bytecode), *map(str, self._models().values())]

    def get_source_files(self) -> list[str]:
        """Files that a source distribution needs."""
        return [*super().get_source_files(), *map(str, sorted(MODELS.iterdir()))]

    def _models(self) -> dict[Path, Path]:
        """Networks, each with its place in the package that is built."""
        if self.editable_mode:
            return {}
        package = Path(self.build_lib, "AIDEALLib")
        return {file: package / file for file in sorted(MODELS.iterdir())}


setup(cmdclass={"build_py": BuildWithModels})
