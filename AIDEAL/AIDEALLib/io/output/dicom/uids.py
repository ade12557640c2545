"""Unique identifiers that follow from what they name, so that the same result always has the same ones."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import numpy as np

from ....parameter_maps import ParameterMaps

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/aideal-mri/SlicerAIDEAL")


@dataclass(frozen=True)
class Uids:
    """Identifiers of the objects of one result.

    Attributes
    ----------
    key : str
        What the result is derived from; other results have another key.
    """

    key: str

    def of(self, *names: object) -> str:
        """Identifier under the root 2.25 (PS3.5, B.2) of whatever `names` names."""
        return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join([self.key, *map(str, names)])).int}"


def digest(*parts: bytes | str) -> str:
    """SHA-256 over parts, hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        total.update(len(encoded).to_bytes(8, "little") + encoded)
    return total.hexdigest()


def maps_digest(maps: ParameterMaps) -> str:
    """SHA-256 over the values of all maps, their grid, and how they were estimated (without times and device)."""
    provenance = maps.provenance
    how = [provenance.version, provenance.method, str(provenance.te_s), str(sorted(provenance.models.items()))]
    values = [np.ascontiguousarray(array).tobytes() for _, array in maps.items()]
    return digest(*how, str(maps.geometry), str(maps.mask.shape), *values)
