"""The child process: waits for scans on its standard input, estimates them, and reports on its standard output.

torch is imported and the networks are loaded with the first request, and both stay; all runs share one thread. A later run so
saves the import, the compilation of the networks and the benchmarks of their kernels.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import AidealError, Cancelled, DeviceError, ModelError
from ..parameter_maps import ParameterMaps
from .messages import (
    QUALITY_FILE,
    CancelRequest,
    EstimateRequest,
    Failed,
    Finished,
    Message,
    Progress,
    Ready,
    Reason,
    Stage,
    Step,
    Stopped,
    decode,
    encode,
    read_series,
    write_maps,
)

if TYPE_CHECKING:
    from ..models import Networks

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


class Server:
    """Answers requests one after the other; cancel requests are heard in between.

    Parameters
    ----------
    send : delivers a message to the client.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._requests: queue.Queue[EstimateRequest] = queue.Queue()
        self._cancelled: set[int] = set()
        self._torch_there = False
        self._networks: dict[tuple[str, str], Networks] = {}

    def hear(self, message: Message | None) -> None:
        """Take in a message from the client (any thread)."""
        if isinstance(message, CancelRequest):
            self._cancelled.add(message.run)
        elif isinstance(message, EstimateRequest):
            self._requests.put(message)

    def work(self) -> None:
        """Answer requests for ever, in this thread."""
        self._send(Ready(os.getpid()))
        while True:
            self.answer(self._requests.get())

    def answer(self, request: EstimateRequest) -> None:
        """Answer one request; never raises."""
        run = request.run
        reply: Message
        try:
            started = time.perf_counter()
            torch_import_s = self._import_torch(run)
            reply = self._refused(request) or self._finished(request, started, torch_import_s)
        except Cancelled:
            reply = Stopped(run)
        except Exception as error:
            reply = failure(run, error)
        self._send(reply)

    def _refused(self, request: EstimateRequest) -> Failed | None:
        from ..quality.assess import unusable

        if request.options.anyway or not request.options.check:
            return None
        self._send(Stage(request.run, Step.CHECK))
        found = unusable(read_series(Path(request.folder)), request.options.method)
        return Failed(request.run, Reason.UNUSABLE, found[0].sentence, findings=tuple(found)) if found else None

    def _finished(self, request: EstimateRequest, started: float, torch_import_s: float | None) -> Finished:
        from ..quality.assess import assess

        folder = Path(request.folder)
        maps = self._estimate(request)
        write_maps(maps, folder)
        if request.options.check:
            self._send(Stage(request.run, Step.ASSESS))
            assess(read_series(folder), maps).save(folder / QUALITY_FILE)
        return Finished(request.run, time.perf_counter() - started, torch_import_s)

    def _import_torch(self, run: int) -> float | None:
        if self._torch_there:
            return None
        self._send(Stage(run, Step.TORCH))
        started = time.perf_counter()
        import torch  # noqa: F401

        self._torch_there = True
        return time.perf_counter() - started

    def _estimate(self, request: EstimateRequest) -> ParameterMaps:
        import torch

        from ..estimation.estimate import estimate

        series = read_series(Path(request.folder))
        options = request.options

        def on(device: str) -> ParameterMaps:
            self._send(Stage(request.run, Step.NETWORKS))
            networks = self._loaded(device, options.models)
            self._send(Stage(request.run, Step.PREPARE))
            return estimate(
                series,
                options.method,
                device,
                progress=lambda done, total: self._send(Progress(request.run, done, total)),
                cancel=lambda: request.run in self._cancelled,
                conjugate=options.conjugate,
                bipolar=options.bipolar,
                first_echo=options.first_echo,
                gain_steps=options.gain_steps,
                networks=networks,
            )

        try:
            return on(options.device)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            maps = on("cpu")
            note = "The graphics card ran out of memory; the whole scan was estimated on the CPU instead."
            return replace(maps, provenance=replace(maps.provenance, notes=(*maps.provenance.notes, note)))

    def _loaded(self, device: str, directory: str) -> Networks:
        from ..estimation.estimate import choose_device
        from ..models import load_networks

        key = (str(choose_device(device)), directory)
        if key not in self._networks:
            self._networks = {key: load_networks(key[0], Path(directory) if directory else None)}
        return self._networks[key]


def failure(run: int, error: Exception) -> Failed:
    """Tell the client about an exception, in words for the user."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, ImportError) and (error.name or "").split(".")[0] == "torch":
        text = "PyTorch is not installed; estimation needs it. Install it (the module offers to), then press Apply again."
        return Failed(run, Reason.TORCH_MISSING, text, details)
    if isinstance(error, AidealError):
        reason = Reason.MODEL if isinstance(error, ModelError) else Reason.INPUT
        return Failed(run, Reason.DEVICE if isinstance(error, DeviceError) else reason, str(error), details)
    if isinstance(error, MemoryError) or any(said in str(error).lower() for said in _OUT_OF_MEMORY):
        text = "The computer ran out of memory. Close other programs, or choose the CPU as device, and press Apply again."
        return Failed(run, Reason.MEMORY, text, details)
    return Failed(run, Reason.INTERNAL, f"Estimation failed: {type(error).__name__}: {error}", details)


def _own_channel() -> BinaryIO:
    """Keep standard output for messages alone: whatever libraries print goes to standard error."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def main() -> None:
    """Serve until standard input ends, which it does when the client goes, however it goes."""
    channel = _own_channel()
    lock = threading.Lock()

    def send(message: Message) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            channel.write(encode(message))

    server = Server(send)

    def listen() -> None:
        for line in sys.stdin.buffer:
            server.hear(decode(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True, name="requests").start()
    server.work()
