"""What to do is data: every front end names the same options in its own words, and no message names those of another."""

from __future__ import annotations

import ast
import re

import pytest
from paths import PACKAGE

from AIDEALLib.advice import Advice, Setting, advise, plain_words
from AIDEALLib.errors import InputError
from AIDEALLib.options import flag_words, option_fields, option_type

FRONT_ENDS = ("cli", "training", "benchmark", "validation")


def calls(name: str) -> list[ast.Call]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
    return [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    ]


def literal_settings() -> list[Setting]:
    found = []
    for call in calls("advise"):
        for argument in call.args[1:]:
            if isinstance(argument, (ast.Constant, ast.Tuple)):
                value = ast.literal_eval(argument)
                found.append(Setting(value) if isinstance(value, str) else Setting(*value))
    return found


def test_every_advised_setting_is_an_option_and_its_value_allowed() -> None:
    settings = literal_settings()
    assert len(settings) > 15
    for setting in settings:
        assert setting.option in option_fields()
        if setting.value and setting.option != "device":
            option_type(setting.option)(setting.value)


def test_each_front_end_has_its_words() -> None:
    pytest.importorskip("slicer")
    from AIDEALLib.mrml.wording import panel_words

    advice = advise("Compare with {}, or state the unit ({}).", ("conjugate", "yes"), "phase_unit")
    assert advice.worded(flag_words) == "Compare with --conjugate yes, or state the unit (--phase-unit)."
    assert advice.worded(panel_words) == "Compare with 'Phase sign: Conjugate', or state the unit ('Phase unit')."
    assert advice.worded() == "Compare with conjugate yes, or state the unit (phase unit)."
    assert flag_words(Setting("te_s")) == "--te SECONDS"
    assert plain_words(Setting("te_s")) == "echo times in seconds"
    assert panel_words(Setting("te_s")) == "'Echo times (ms)'"
    assert panel_words(Setting("first_echo", "mixed")) == "'First echo: Mixed fit'"


def test_an_error_carries_its_advice() -> None:
    error = InputError("Found none.", advise("Give them ({}).", "te_s"))
    assert str(error) == "Found none. Give them (echo times in seconds)."
    assert error.worded(flag_words) == "Found none. Give them (--te SECONDS)."
    assert str(InputError("Found none.")) == "Found none."


def test_advice_survives_json_and_old_sentences() -> None:
    advice = advise("Take {}.", ("method", "magnitude"))
    assert Advice.from_dict(advice.as_dict()) == advice
    assert Advice.from_dict("Nothing to do.").worded() == "Nothing to do."
    with pytest.raises(ValueError, match="places"):
        advise("Take it.", "te_s")


def test_no_message_outside_the_command_line_names_its_flags() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in FRONT_ENDS or path.name == "options.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith(("Error", "advise", "Finding")):
                texts = [
                    part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                named = [text for text in texts if re.search(r"--[a-z]", text)]
                assert not named, f"{path.name}: {named}"
