"""Neutral ids that stay the same from call to call, and cannot be turned back without the file of the cohort's key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from ..io.output.staging import staged_file

KEY_FILE = ".cohort-key"
DIGITS = 10


class Pseudonyms:
    """Names derived from a secret of the cohort.

    Parameters
    ----------
    key : str
        The secret.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @classmethod
    def of(cls, folder: Path) -> Pseudonyms:
        """Those of a folder of results; of a new secret where it has none yet, which `keep` stores."""
        try:
            return cls((folder / KEY_FILE).read_text(encoding="ascii").strip())
        except OSError:
            return cls(secrets.token_hex(16))

    def keep(self, folder: Path) -> None:
        """Store the secret in a folder of results, readable for its owner only."""
        with staged_file(folder / KEY_FILE) as partial:
            partial.touch(mode=0o600)
            partial.write_text(self._key.decode() + "\n", encoding="ascii")

    def name(self, prefix: str, *of: str) -> str:
        """Name that stands for some texts."""
        digest = hmac.new(self._key, "\0".join(of).encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        return f"{prefix}{digest[:DIGITS]}"
