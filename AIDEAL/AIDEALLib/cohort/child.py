"""The process that runs scans for a worker: a line of JSON for each task comes in, one for its end goes out.

What a scan crashes, hangs or fills is this process. It ends as soon as its worker does, so that no scan is run twice at a time.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading

from .task import do_line


def main() -> None:
    """Run the tasks on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what libraries print must not be taken for an answer
    tasks: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    import torch

    torch.set_num_threads(1)
    while True:
        answers.write(do_line(tasks.get()))
        answers.flush()


def _listen(tasks: queue.Queue[bytes]) -> None:
    while line := sys.stdin.buffer.readline():
        tasks.put(line)
    # the worker has ended: what is being written stays in its hidden folder, and a reader ends too
    if os.name != "nt" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
