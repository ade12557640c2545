"""Scans on the workers of dask.distributed: one a task, no more under way than there are workers, lost ones run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .child_client import Limits, run_here
from .ends import KILLED
from .task import Task, fail

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

AHEAD = 2
"""Tasks at the scheduler for each thread of a worker: the next one is there when one ends. A task holds no data of its scan."""
TIMES_LOST = 4
"""Times that a scan is run again after its worker or process was killed."""
ASK_EVERY_S = 0.5
REPLACE_EVERY_S = 20.0
GPU = "GPU"


@dataclass(frozen=True)
class EngineOptions:
    """Where scans are run.

    Attributes
    ----------
    workers : int
        Worker processes of this computer; 0 for one a core, or one a GPU where scans are computed on GPUs.
    scheduler : str
        Address of a scheduler whose workers are taken instead; '' for none.
    gpu : bool
        A scan takes the resource 'GPU' of its worker.
    limits : Limits
        What a scan may take.
    """

    workers: int = 0
    scheduler: str = ""
    gpu: bool = False
    limits: Limits = field(default_factory=Limits)


class Workers:
    """Workers of a scheduler; those of this computer are replaced where they were lost for good.

    Parameters
    ----------
    client : distributed.Client
        Client of the scheduler.
    cluster : distributed.LocalCluster, optional
        The cluster of this computer, where it is one.
    wanted : int
        Number of workers of the cluster.
    """

    def __init__(self, client: Client, cluster: LocalCluster | None = None, wanted: int = 0) -> None:
        self.client = client
        self._cluster, self._wanted = cluster, wanted
        self._next_look = 0.0

    def threads(self) -> int:
        """Scans that can be under way at a time, 0 while no worker is there."""
        found = sum(self.client.nthreads().values())
        if self._cluster is not None and found < self._wanted and time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + REPLACE_EVERY_S
            self._cluster.loop.add_callback(self._replace)  # type: ignore[union-attr]
        return found

    def _replace(self) -> None:
        """Start workers in the place of those whose nanny has given up: one that was killed while it started."""
        from distributed.core import Status

        assert self._cluster is not None
        for name, worker in list(self._cluster.workers.items()):
            if worker.status in (Status.failed, Status.closed):
                del self._cluster.workers[name]
        self._cluster.scale(self._wanted)


@contextmanager
def connected(options: EngineOptions) -> Iterator[Workers]:
    """Workers of a scheduler, of a cluster of this computer unless another one is named.

    Parameters
    ----------
    options : EngineOptions
        Where scans are run.

    Yields
    ------
    Workers

    Raises
    ------
    InputError
        dask.distributed is not installed, or the scheduler does not answer.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError(
            "dask.distributed is not installed; cohorts need it. Install it: pip install 'aideal[cohort]'."
        ) from error
    if options.scheduler:
        try:
            client = Client(options.scheduler, timeout="20s")
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"No scheduler answers at {options.scheduler} ({error}); an address such as tcp://127.0.0.1:8786 was expected. "
                "Start a scheduler and workers of Dask; the documentation of cohorts shows how."
            ) from error
        with client:
            yield Workers(client)
        return
    wanted = options.workers or default_workers(options.gpu)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": TIMES_LOST}),
        LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,  # that of a scan is kept by its own process
            resources={GPU: 1} if options.gpu else None,
            silence_logs="CRITICAL",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield Workers(client, cluster, wanted)


def default_workers(gpu: bool) -> int:
    """Worker processes for this computer: one a GPU, or one a core that this process may use."""
    if gpu:
        import torch

        return max(1, torch.cuda.device_count())
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    workers: Workers,
    tasks: Sequence[Task],
    options: EngineOptions,
    ended: Callable[[dict[str, Any]], None],
    cancelled: Callable[[], bool],
) -> None:
    """Run scans until all have ended.

    Parameters
    ----------
    workers : Workers
        Who runs them.
    tasks : sequence of Task
        The scans.
    options : EngineOptions
        What a scan may take.
    ended : callable
        Called with the end of each task (`task.do`); what it raises ends the call.
    cancelled : callable
        Asked twice a second; when it returns True, no more is begun and the call ends.
    """
    from distributed import TimeoutError as NotYet
    from distributed import wait

    client = workers.client
    waiting = list(reversed(tasks))
    under_way: dict[Future[Any], tuple[Task, int]] = {}
    try:
        while (waiting or under_way) and not cancelled():
            room = AHEAD * max(1, workers.threads()) - len(under_way)
            for _ in range(min(room, len(waiting))):
                task = waiting.pop()
                under_way[_submitted(client, task, 1, options)] = (task, 1)
            try:
                done = wait(list(under_way), timeout=ASK_EVERY_S, return_when="FIRST_COMPLETED").done
            except NotYet:
                continue
            for future in done:
                task, attempt = under_way.pop(future)
                end = _end_of(future, task)
                if end.get("kind") == KILLED and attempt < TIMES_LOST:
                    under_way[_submitted(client, task, attempt + 1, options)] = (task, attempt + 1)
                    continue
                ended(end if "kind" not in end or "recorded" in end else fail(task, end["kind"], end["reason"]))
    finally:
        client.cancel(list(under_way), force=True)


def _submitted(client: Client, task: Task, attempt: int, options: EngineOptions) -> Future[Any]:
    return client.submit(
        run_here,
        task.as_dict(),
        (options.limits.seconds, options.limits.memory_bytes),
        key=f"scan-{task.scan.id}-{attempt}",
        pure=False,
        resources={GPU: 1} if options.gpu else None,
    )


def _end_of(future: Future[Any], task: Task) -> dict[str, Any]:
    """End of a task, also of one whose worker was lost."""
    try:
        return dict(future.result())
    except Exception as error:
        return {"id": task.scan.id, "kind": KILLED, "reason": f"Its worker was lost again and again ({type(error).__name__})."}
