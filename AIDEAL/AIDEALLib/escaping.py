"""Text from files and users on its way out is data: one function for each place it goes to."""

from __future__ import annotations

import html
import unicodedata

LONGEST = 4000
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that steer a terminal or the direction of text, or are none: controls, formats, surrogates."""
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def plain(text: object) -> str:
    r"""One line of visible characters: anything else is written as its escape, such as `\x1b`; long text is cut.

    Parameters
    ----------
    text : object
        Text, or what is to be shown as text.

    Returns
    -------
    str
        Text that is safe for a terminal, a picture, a file header and UTF-8.
    """
    shown = str(text)
    if len(shown) > LONGEST:
        shown = shown[: LONGEST - 1] + "…"
    return "".join(_visible(c) for c in shown)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def for_terminal(text: object) -> str:
    """Lines for the screen, without its control sequences."""
    return "\n".join(plain(line) for line in str(text).split("\n"))


def for_markup(text: object) -> str:
    """Text inside rich's markup: brackets are no tags."""
    from rich.markup import escape

    return escape(plain(text))


def for_csv(text: object) -> str:
    """A cell that spreadsheets do not take for a formula; `from_csv` gives the text back."""
    shown = plain(text)
    return f"'{shown}" if shown.lstrip("' ").startswith(_FORMULA) else shown


def from_csv(cell: str) -> str:
    """Text of a cell that `for_csv` has written."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("' ").startswith(_FORMULA) else cell


def for_html(text: object) -> str:
    """Text inside an HTML element or a quoted attribute."""
    return html.escape(plain(text), quote=True)


def for_figure(text: object) -> str:
    """Text in a matplotlib figure: dollar signs are no formulas."""
    return plain(text).replace("$", r"\$")
