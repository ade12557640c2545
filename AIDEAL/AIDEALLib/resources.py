"""Files shipped with the code: inside the package in a wheel, beside it in an installed extension, else in the source tree."""

from __future__ import annotations

from pathlib import Path

from .errors import AidealError

PACKAGE = Path(__file__).resolve().parent


class ResourceMissing(AidealError):
    """A shipped file is not where it belongs.

    Parameters
    ----------
    name : str
        Path of the file below `Resources`.
    folders : tuple of Path
        Folders searched, in order.
    """

    def __init__(self, name: str, folders: tuple[Path, ...]) -> None:
        self.folders = folders
        super().__init__(
            f"{name} was not found; it was expected in {listed(folders)}. Reinstall AIDEAL, or run from a complete source tree."
        )


def resource(*parts: str) -> Path:
    """Path of a shipped file or folder, such as `resource('SampleData', 'x.nrrd')`.

    Parameters
    ----------
    *parts : str
        Path below `Resources`.

    Returns
    -------
    Path
        The first that exists of those in the package, the module folder and the source tree.

    Raises
    ------
    ResourceMissing
        None of them has it.
    """
    places = [root.joinpath("Resources", *parts) for root in (PACKAGE, PACKAGE.parent, PACKAGE.parent.parent)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise ResourceMissing("/".join(parts), tuple(place.parent for place in places))
    return found


def listed(folders: tuple[Path, ...]) -> str:
    """Folders searched, in words."""
    return ", ".join(map(str, folders[:-1])) + f" or {folders[-1]}"
