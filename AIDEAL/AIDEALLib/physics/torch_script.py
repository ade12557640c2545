"""Functions of tensors that run on the CPU without Python's interpreter.

Slices are estimated side by side in threads. Between two operators a thread needs Python's global interpreter lock, and with
the few thousand voxels of a slice threads would wait for the lock about as long as they compute. A function compiled with
TorchScript holds it neither between its operators nor during them.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch

F = TypeVar("F", bound=Callable[..., Any])


def without_interpreter(function: F) -> F:
    """Compile a function with TorchScript for tensors on the CPU.

    Elsewhere the function itself runs: one thread is at work there, and the compiler would fuse operators anew for every number
    of voxels.

    Parameters
    ----------
    function : callable
        Function with annotated arguments, the first one a tensor, of what TorchScript supports since torch 2.2.

    Returns
    -------
    callable
        Function with the same results.
    """
    with end_not_announced():
        compiled = torch.jit.script(function)

    @functools.wraps(function)
    def on_its_device(*args: Any, **named: Any) -> Any:
        return (compiled if args[0].device.type == "cpu" else function)(*args, **named)

    return cast(F, on_its_device)


@contextmanager
def end_not_announced() -> Iterator[None]:
    """Ignore that torch 2.9 and later announce the end of TorchScript, in warnings of a category that depends on the release.

    Its successors do not serve: files of `torch.export` hold one shape each, `torch.compile` needs a C++ compiler.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        yield
