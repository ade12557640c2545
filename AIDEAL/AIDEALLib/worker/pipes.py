"""Reading what a child writes, in threads of their own: bounded, and never waited for."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

LONGEST_LINE_BYTES = 1 << 20
LOG_BYTES = 1 << 20
CHUNK_BYTES = 4096
PAUSE_S = 0.001
"""Between chunks, so that a child that floods its pipe takes little of the interpreter from the thread that polls."""
WAKE_EVERY_S = 0.1


class PipeReader:
    """A thread that hands on what arrives in a pipe, and closes the pipe itself.

    Parameters
    ----------
    pipe : binary file, unbuffered
        Owned by the reader from here on.
    take : callable
        Called in the thread with each chunk; an exception ends the reading.
    chunk_bytes : int
        Largest chunk.
    """

    def __init__(self, pipe: BinaryIO, take: Callable[[bytes], None], chunk_bytes: int = CHUNK_BYTES) -> None:
        self._pipe, self._take, self._chunk_bytes = pipe, take, chunk_bytes
        self._stop, self._ended = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.heard = 0
        threading.Thread(target=self._run, daemon=True, name="aideal-pipe").start()

    @property
    def ended(self) -> bool:
        """True when nothing more will be handed on."""
        return self._ended.is_set()

    @property
    def stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the thread to close the pipe; returns at once."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:
            self.error = error
        finally:
            with contextlib.suppress(OSError):
                self._pipe.close()
            self._ended.set()

    def _read(self) -> None:
        descriptor, most = self._pipe.fileno(), 0
        with contextlib.ExitStack() as stack:
            selector = None
            if os.name != "nt":  # where a read cannot be waited for with a limit, the thread stays until the pipe ends
                selector = stack.enter_context(selectors.DefaultSelector())
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                stopping = self._stop.is_set()
                if selector is not None and not selector.select(0 if stopping else WAKE_EVERY_S):
                    if stopping:
                        return
                    continue
                if stopping and self.heard > most:
                    return
                if not stopping:
                    most = self.heard + LOG_BYTES  # what had arrived before it was stopped is still handed on
                chunk = os.read(descriptor, self._chunk_bytes)
                if not chunk:
                    return
                self.heard += len(chunk)
                self._take(chunk)
                if len(chunk) == self._chunk_bytes:
                    time.sleep(PAUSE_S)


class Lines:
    """Splits chunks into lines; what is longer than the limit is dropped.

    Parameters
    ----------
    take : callable
        Called with each line, without its end.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._begun = bytearray()
        self._dropping = False

    def __call__(self, chunk: bytes) -> None:
        """Take in a chunk."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            line = bytes(self._begun) + part
            self._begun.clear()
            if not self._dropping and len(line) <= LONGEST_LINE_BYTES:
                self._take(line)
            self._dropping = False
        if self._dropping:
            return
        self._begun += rest
        if len(self._begun) > LONGEST_LINE_BYTES:
            self._begun.clear()
            self._dropping = True


class LogRing:
    """The last megabyte of a log."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()

    def __call__(self, chunk: bytes) -> None:
        """Add a chunk; the oldest go."""
        with self._lock:
            self._chunks.append(chunk)
            self._size += len(chunk)
            while self._size > LOG_BYTES:
                self._size -= len(self._chunks.popleft())

    def last_lines(self, count: int) -> str:
        """The last lines, at most 16 kB of them."""
        with self._lock:
            recent = [self._chunks[-1 - n] for n in range(min(len(self._chunks), 8))]
        text = b"".join(reversed(recent))[-(16 << 10) :].decode("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-count:])
