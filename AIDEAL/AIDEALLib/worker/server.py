"""The child process: receives requests on its standard input, runs them, and reports on its standard output.

torch is imported and the networks are loaded with the first request, which may be one to warm up, and both stay; all runs
share one thread. This saves later runs the import, the compilation of the networks and the benchmarks of their kernels.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import AidealError, Cancelled, DeviceError, ModelError, out_of_memory
from ..io.interchange import read_series, write_maps
from ..options import RunOptions
from ..progress import Monitor, Step
from ..quality.findings import Finding
from ..threads import let_waiting_threads_sleep
from .messages import (
    QUALITY_FILE,
    Alive,
    CancelRequest,
    EstimateRequest,
    Failed,
    Finished,
    Message,
    Progress,
    Ready,
    Reason,
    Stage,
    Stopped,
    WarmUpRequest,
    decode,
    encode,
)

if TYPE_CHECKING:
    from ..models import Networks, NetworkSource

_REASONS = ((ModelError, Reason.MODEL), (DeviceError, Reason.DEVICE))


class Server:
    """Answers requests one after the other; cancel requests are received in between.

    Parameters
    ----------
    send : callable
        Delivers a message to the client.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._requests: queue.Queue[EstimateRequest | WarmUpRequest] = queue.Queue()
        self._cancelled: set[int] = set()
        self._folders: set[str] = set()
        self._torch_imported = False
        self._networks: dict[tuple[str, str, bool], Networks] = {}

    def receive(self, message: Message | None) -> None:
        """Take in a message from the client (any thread)."""
        if isinstance(message, CancelRequest):
            self._cancelled.add(message.run)
        elif isinstance(message, EstimateRequest):
            self._folders.add(message.folder)
            self._requests.put(message)
        elif isinstance(message, WarmUpRequest):
            self._requests.put(message)

    def forget(self) -> None:
        """Remove the scans of all requests: the client has gone and cannot."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def work(self) -> None:
        """Answer requests in this thread until the process ends."""
        self._send(Ready(os.getpid()))
        while True:
            request = self._requests.get()
            if isinstance(request, WarmUpRequest):
                self.warm_up(request)
            else:
                self.answer(request)

    def warm_up(self, request: WarmUpRequest) -> None:
        """Import and load what a run needs, until one is requested; never raises, since the run meets the same error."""
        options = request.options
        try:
            import torch  # noqa: F401

            self._torch_imported = True
            from .warm_up import warm_up

            warm_up(options, self._networks_of(options), cancelled=lambda: not self._requests.empty())
        except Cancelled:
            return
        except Exception:
            traceback.print_exc()

    def answer(self, request: EstimateRequest) -> None:
        """Answer one request; never raises."""
        reply: Message
        try:
            reply = self._finished(request)
        except Cancelled:
            reply = Stopped(request.run)
        except Exception as error:
            reply = failure(request.run, error)
        self._send(reply)

    def _finished(self, request: EstimateRequest) -> Finished:
        started, number = time.perf_counter(), request.run
        torch_import_s = self._import_torch(number)
        from ..pipeline import run

        folder, options = Path(request.folder), request.options
        monitor = Monitor(
            step=lambda step: self._send(Stage(number, step)),
            slices=lambda done, total: self._send(Progress(number, done, total)),
            cancelled=lambda: number in self._cancelled,
        )
        outcome = run(
            read_series(folder),
            options,
            check=request.check,
            networks=self._networks_of(options),
            monitor=monitor,
        )
        write_maps(outcome.maps, folder)
        if outcome.quality is not None:
            outcome.quality.save(folder / QUALITY_FILE)
        return Finished(number, time.perf_counter() - started, torch_import_s)

    def _import_torch(self, run: int) -> float | None:
        if self._torch_imported:
            return None
        self._send(Stage(run, Step.TORCH))
        started = time.perf_counter()
        import torch  # noqa: F401

        self._torch_imported = True
        return time.perf_counter() - started

    def _networks_of(self, options: RunOptions) -> NetworkSource:
        def loaded(device: str) -> Networks:
            from ..models import load_networks

            key = (device, options.models, options.trust_models)
            if key not in self._networks:
                directory = Path(options.models) if options.models else None
                self._networks = {key: load_networks(device, directory, options.trust_models)}
            return self._networks[key]

        return loaded


HEART_BEAT_S = 1.0
LONGEST_DETAILS = 20_000


def failure(run: int, error: Exception) -> Failed:
    """Describe an exception to the client, in words for the user."""
    details = "".join(traceback.format_exception(error))[-LONGEST_DETAILS:]
    if isinstance(error, ImportError) and (error.name or "").split(".")[0] == "torch":
        text = "PyTorch is not installed; estimation needs it. Install it (the module offers to), then press Apply again."
        return Failed(run, Reason.TORCH_MISSING, text, details)
    if isinstance(error, AidealError):
        findings: tuple[Finding, ...] = getattr(error, "findings", ())
        reason = next((r for kind, r in _REASONS if isinstance(error, kind)), Reason.UNUSABLE if findings else Reason.INPUT)
        return Failed(run, reason, error.message, details, findings, error.advice)
    if out_of_memory(error):
        text = "The computer ran out of memory. Close other programs, or choose the CPU as device, and press Apply again."
        return Failed(run, Reason.MEMORY, text, details)
    return Failed(run, Reason.INTERNAL, f"Estimation failed: {type(error).__name__}: {error}"[:2000], details)


def _own_channel() -> BinaryIO:
    """Keep standard output for messages alone: whatever libraries print goes to standard error."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def main() -> None:
    """Serve until standard input ends, which it does when the client goes, however it goes."""
    let_waiting_threads_sleep()
    channel = _own_channel()
    lock = threading.Lock()

    def send(message: Message) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            channel.write(encode(message))

    server = Server(send)

    def listen() -> None:
        for line in sys.stdin.buffer:
            server.receive(decode(line))
        server.forget()
        os._exit(0)

    def beat() -> None:
        while True:
            send(Alive())
            time.sleep(HEART_BEAT_S)

    threading.Thread(target=beat, daemon=True, name="heart beat").start()

    threading.Thread(target=listen, daemon=True, name="requests").start()
    server.work()
