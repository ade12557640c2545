"""Elements of DICOM headers, absent or damaged ones included."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom's warnings of what it corrects on reading; what matters to an estimate is checked here."""
    import logging

    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def value(dataset: Any, key: str | tuple[int, int]) -> Any:
    """Value of an element by keyword or tag, None where it is absent, empty or unreadable."""
    if dataset is None:
        return None
    try:
        with quiet():
            if isinstance(key, str):
                found = dataset.get(key)
            else:
                element = dataset.get(key)
                found = None if element is None else element.value
    except Exception:
        return None
    return None if found is None or (isinstance(found, str | bytes) and not found) else found


def text(dataset: Any, key: str | tuple[int, int]) -> str:
    """An element as text, '' where there is none."""
    return _plain(value(dataset, key))


def _plain(found: Any) -> str:
    """A single string or number as text; '' for anything else (a sequence where text was expected)."""
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    return str(found).strip("\0 ")[:1024] if isinstance(found, str | int | float) else ""


def texts(dataset: Any, key: str | tuple[int, int]) -> tuple[str, ...]:
    """Values of a text element with several, in capitals."""
    found = value(dataset, key)
    if found is None:
        return ()
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    if isinstance(found, str):
        found = found.split("\\")
    try:
        return tuple(_plain(item).upper() for item in list(found)[:64])
    except TypeError:
        return ()


def numbers(dataset: Any, key: str | tuple[int, int], count: int | None = None) -> tuple[float, ...] | None:
    """Values of a numeric element.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header, or item of a sequence.
    key : str or tuple of int
        Keyword or tag.
    count : int, optional
        Number of values expected; any when None.

    Returns
    -------
    tuple of float or None
        None where the element is absent, unreadable, not finite or has another number of values.
    """
    found = value(dataset, key)
    if found is None:
        return None
    if isinstance(found, bytes):
        found = found.decode("latin-1").strip("\0 ").split("\\")
    if isinstance(found, str):
        found = found.strip("\0 ").split("\\")
    try:
        items = tuple(float(v) for v in (found if hasattr(found, "__iter__") else (found,)))
    except (TypeError, ValueError, OverflowError):
        return None
    if not items or not all(math.isfinite(v) for v in items) or (count is not None and len(items) != count):
        return None
    return items


def number(dataset: Any, key: str | tuple[int, int]) -> float | None:
    """First value of a numeric element, None where there is none."""
    found = numbers(dataset, key)
    return found[0] if found else None


def integer(dataset: Any, key: str | tuple[int, int]) -> int | None:
    """First value of an integer element, None where there is none."""
    found = number(dataset, key)
    return int(found) if found is not None and abs(found) < 2**53 else None


def items(dataset: Any, key: str | tuple[int, int]) -> list[Any]:
    """Items of a sequence, [] where there is none."""
    found = value(dataset, key)
    try:
        return list(found) if found is not None and not isinstance(found, str | bytes) else []
    except TypeError:
        return []
