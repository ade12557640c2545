"""Steatosis grades begin at the published cut-offs."""

from __future__ import annotations

from AIDEALLib.statistics import TANG_2013, TANG_2015


def test_steatosis_grades() -> None:
    assert [TANG_2015.grade(v) for v in (-1, 5.1, 5.2, 11.3, 17.1, 60)] == ["S0", "S0", "S1", "S2", "S3", "S3"]
    assert [TANG_2013.grade(v) for v in (6.3, 6.4, 17.4, 22.1)] == ["S0", "S1", "S2", "S3"]
    assert TANG_2015.grade(float("nan")) == ""
