"""Echo times are understood as people type them, and what was understood is stated."""

from __future__ import annotations

import pytest

from AIDEALLib.cli.options import echo_times, joined_times
from AIDEALLib.errors import InputError

SECONDS = [0.0013, 0.0034, 0.0055]


@pytest.mark.parametrize(
    "words",
    [
        ["0.0013,0.0034,0.0055"],
        ["0.0013", "0.0034", "0.0055"],
        ["1.3ms,3.4ms,5.5ms"],
        ["1.3 ms, 3.4 ms, 5.5 ms"],
        ["1300us 3400us 5500us"],
        ["1.3e-3;3.4e-3;5.5e-3"],
    ],
)
def test_times_with_a_unit_or_in_seconds(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert echo_times(words) == pytest.approx(SECONDS)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("words", "unit"), [(["1.3,3.4,5.5"], "milliseconds"), (["1300", "3400", "5500"], "microseconds")])
def test_numbers_that_can_only_be_another_unit(words: list[str], unit: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert echo_times(words) == pytest.approx(SECONDS)
    assert f"were taken as {unit}" in capsys.readouterr().err


def test_mixed_units_are_not_guessed() -> None:
    assert echo_times(["0.0013,3.4,5.5"]) == [0.0013, 3.4, 5.5]
    with pytest.raises(InputError, match="with its unit"):
        echo_times(["1.3 miles"])


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("run a --te 1.3 3.4 5.5 -o x", "run a --te 1.3,3.4,5.5 -o x"),
        ("run a --te 1.3ms 3.4ms", "run a --te 1.3ms,3.4ms"),
        ("run a --te 1.3 ms 3.4 ms", "run a --te 1.3ms,3.4ms"),
        ("run a --te=1.3 3.4", "run a --te=1.3,3.4"),
        ("run a --te 1.3 --te 3.4", "run a --te 1.3 --te 3.4"),
        ("run --te 1.3,3.4 scan.npz -o 7", "run --te 1.3,3.4 scan.npz -o 7"),
        ("run a --tr 12ms --flip-angle 3", "run a --tr 12ms --flip-angle 3"),
    ],
)
def test_times_as_words_of_their_own(words: str, joined: str) -> None:
    found = " ".join(joined_times(words.split()))
    assert found.replace(",,", ",") == joined
