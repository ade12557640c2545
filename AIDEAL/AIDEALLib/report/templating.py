"""Pages from the templates beside this file; whatever is put into one is escaped."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(template: str, **values: Any) -> str:
    """Page from a template.

    Parameters
    ----------
    template : str
        Name of the file.
    **values : Any
        What the template shows.

    Returns
    -------
    str
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def encoded(content: bytes) -> str:
    """Base64, for data inside a page."""
    return base64.b64encode(content).decode("ascii")
