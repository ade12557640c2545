"""The methods of estimation by name: the one list that estimation, command line and panel share. Imports nothing."""

from __future__ import annotations

from enum import Enum


class Method(str, Enum):
    """How the maps are estimated; the value is what `estimate` takes, and saved scenes keep the member's name."""

    REFINED = "refined"
    ONE_SHOT = "one-shot"
    GRAPH_CUTS = "graph-cuts"
    MAGNITUDE = "magnitude"

    def label(self) -> str:
        """For people to choose by."""
        return {Method.REFINED: "Refined (recommended)"}.get(self, self.value.replace("-", " ").capitalize())
