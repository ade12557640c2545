"""What mkdocs needs to build the documentation, which is written to be read on the code host too.

Links out of docs/ lead to the code host, pictures are taken from Resources/Screenshots, and the comment `<!-- api: NAME -->` is
replaced with the reference of that object.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PICTURES = "Resources/Screenshots"
REFERENCE = re.compile(r"^<!-- api: ([\w.]+) -->$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the pictures to the files of the documentation."""
    from mkdocs.structure.files import File

    for path in sorted((ROOT / PICTURES).glob("*.png")):
        files.append(File.generated(config, f"{PICTURES}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Markdown of a page with links, pictures and references as the built documentation needs them."""
    up = "../" * page.file.src_uri.count("/")
    outside = "../" + up
    for before in ("](", 'src="'):
        markdown = markdown.replace(f"{before}{outside}{PICTURES}/", f"{before}{up}{PICTURES}/")
    markdown = markdown.replace(f"]({outside}", f"]({config.repo_url.rstrip('/')}/blob/main/")
    return REFERENCE.sub(r"::: \1", markdown)
