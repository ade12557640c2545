"""A server and its pipes, seen from the client: nothing here waits for the child."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .messages import Alive, Message, decode, encode
from .pipes import Lines, LogRing, PipeReader
from .process import kill_tree

T = TypeVar("T")
MOST_WAITING = 1000
LOG_CHUNK_BYTES = 1 << 16
MOST_A_POLL, LONGEST_POLL_S = 64, 0.002
DRAIN_S = 1.0
"""After the child or one of its pipes has ended, this long the others may still take."""


class Connection(Generic[T]):
    """A running server.

    Parameters
    ----------
    process : subprocess.Popen
        The server, with unbuffered pipes.
    convert : callable
        Turns a message into what `received` returns, or None; called in the thread that reads.
    """

    def __init__(self, process: subprocess.Popen[bytes], convert: Callable[[Message], T | None]) -> None:
        self._process, self._convert = process, convert
        self._inbox: queue.Queue[T] = queue.Queue(MOST_WAITING)
        self._log = LogRing()
        self._ended_at: float | None = None
        self._heard, self._silent_s, self._asked_at = 0, 0.0, time.monotonic()
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        if stdin is None or stdout is None or stderr is None:
            raise ValueError("a process with three pipes is needed")
        self._stdin: Any = stdin
        if os.name != "nt":
            os.set_blocking(stdin.fileno(), False)
        self._messages = PipeReader(stdout, Lines(self._receive))  # type: ignore[arg-type]
        self._errors = PipeReader(stderr, self._log, LOG_CHUNK_BYTES)  # type: ignore[arg-type]

    @property
    def pid(self) -> int | None:
        """Process id, None when the process has ended."""
        return self._process.pid if self._process.poll() is None else None

    @property
    def returncode(self) -> int | None:
        """Exit code, None while the process runs."""
        return self._process.poll()

    def send(self, message: Message) -> None:
        """Send a message; one to a process that has ended or does not read is lost, which `ended` and `silent_s` show."""
        with contextlib.suppress(OSError, ValueError):
            self._stdin.write(encode(message))

    def received(self) -> list[T]:
        """What has arrived; at most some of it, the rest with the next call."""
        found: list[T] = []
        end = time.monotonic() + LONGEST_POLL_S
        with contextlib.suppress(queue.Empty):
            while len(found) < MOST_A_POLL and time.monotonic() < end:
                found.append(self._inbox.get_nowait())
        return found

    def ended(self) -> bool:
        """True when the process has ended, or its messages have, and all that it wrote was received."""
        dead, silent = self._process.poll() is not None, self._messages.ended
        if not (dead or silent):
            return False
        self._ended_at = self._ended_at or time.monotonic()
        drained = dead and silent and self._errors.ended  # its last words say why it ended
        return self._inbox.empty() and (drained or time.monotonic() - self._ended_at > DRAIN_S)

    def silent_s(self) -> float:
        """Seconds without a sign of life, counted by calls: while nobody asks (a suspended computer), none pass."""
        now = time.monotonic()
        step, self._asked_at = min(now - self._asked_at, 1.0), now
        if self._heard != self._messages.heard or not self._inbox.empty():
            self._heard, self._silent_s = self._messages.heard, 0.0
        else:
            self._silent_s += step
        return self._silent_s

    def log(self, lines: int) -> str:
        """Last lines that the process wrote to its standard error."""
        return self._log.last_lines(lines)

    def kill(self) -> None:
        """Kill the process and all that it started; returns at once."""
        kill_tree(self._process)
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._messages.stop()
        self._errors.stop()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of the process, for at most this long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def _receive(self, line: bytes) -> None:
        message = decode(line)
        if message is None or isinstance(message, Alive):
            return
        if (item := self._convert(message)) is None:
            return
        while not self._messages.stopping:
            try:
                self._inbox.put(item, timeout=0.1)
            except queue.Full:
                continue
            return
