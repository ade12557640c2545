"""docs/troubleshooting.md quotes messages that exist and lists every finding."""

from __future__ import annotations

import ast
import re
from functools import cache

from paths import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES, FINDINGS = PAGE.split("## Findings")


@cache
def texts() -> list[str]:
    """Every text of the package's source, joined where it is put together, with {} for what is filled in."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_quoted_messages_exist() -> None:
    quoted = re.findall(r"^\| `([^`]+)` \|", MESSAGES, re.MULTILINE)
    assert len(quoted) > 30
    patterns = {quote: re.compile(".*".join(map(re.escape, quote.split("...")))) for quote in quoted}
    missing = [quote for quote, pattern in patterns.items() if not any(pattern.search(text) for text in texts())]
    assert not missing, f"no message of the package contains: {missing}"


def test_all_findings_are_listed() -> None:
    calls = [
        node
        for path in sorted((PACKAGE / "quality").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    ]
    codes = {str(call.args[0].value) for call in calls if call.args and isinstance(call.args[0], ast.Constant)}
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", FINDINGS, re.MULTILINE))
    assert codes, "no finding was found in the source"
    assert listed == codes, f"differs between docs/troubleshooting.md and the package: {listed ^ codes}"
