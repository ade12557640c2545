"""Files shipped beside the code: beside the module in an installed extension, at the top of the source tree otherwise."""

from __future__ import annotations

from pathlib import Path

from .errors import AidealError


class ResourceMissing(AidealError):
    """A shipped file is not where it belongs."""


def resource(*parts: str, package: Path | None = None) -> Path:
    """Path of a shipped file or folder, such as `resource('SampleData', 'x.nrrd')`.

    Parameters
    ----------
    parts : path below `Resources`. package : folder of this package, for tests.

    Raises
    ------
    ResourceMissing
        When it is in neither place.
    """
    folder = package or Path(__file__).resolve().parent
    places = [root.joinpath("Resources", *parts) for root in (folder.parent, folder.parent.parent)]
    for place in places:
        if place.exists():
            return place
    raise ResourceMissing(
        f"{'/'.join(parts)} was not found; looked in {' and '.join(str(p.parent) for p in places)}. Reinstall the extension."
    )
