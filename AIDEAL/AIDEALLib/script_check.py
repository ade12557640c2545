"""TorchScript files of unknown origin: what a file may hold is checked before anything in it runs.

A TorchScript file is a program. Loading it runs a method `__setstate__` where a class has one; everything else runs when the
network is called. So the archive is rebuilt from its inspected parts (weights, and source text parsed and written out anew),
and the operators of the loaded graphs are compared with those of the networks of this package.
"""

from __future__ import annotations

import ast
import io
import json
import pickletools
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import ModelError
from .escaping import plain

if TYPE_CHECKING:
    import torch

LARGEST_BYTES = 64 << 20
LARGEST_SOURCE_BYTES = 4 << 20
MOST_RECORDS = 4096
RUN_ON_LOADING = ("__setstate__", "__getstate__")
HOOKS = ("__forward_hooks__", "__forward_pre_hooks__")
_PICKLE = """
APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE BUILD EMPTY_DICT EMPTY_LIST EMPTY_TUPLE
GLOBAL LONG1 LONG_BINGET LONG_BINPUT MARK NEWFALSE NEWOBJ NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS STOP TUPLE TUPLE1 TUPLE2
TUPLE3
"""
PICKLE_CODES = frozenset(_PICKLE.split())
"""Instructions of a pickle that weights and settings need."""
PICKLE_NAMES = re.compile(
    r"__torch__(\.(?!classes\b)\w+)+|torch\.\w+Storage|torch\._utils\._rebuild_tensor_v2|collections\.OrderedDict|"
    r"torch\.jit\._pickle\.(build_\w+list|restore_type_tag)"
)
"""What a pickle may name: classes of the inspected source, and tensors, lists and dictionaries."""

_ATEN = """
Bool Float Int __and__ __contains__ __derive_index __getitem__ __is__ __isnot__ __not__ __or__ __range_length
_native_multi_head_attention _set_item abs add all amax amin angle any append arange argmax argmin avg_pool2d baddbmm bmm cat
chunk clamp clamp_max clamp_min complex conj contiguous conv2d copy_ cos detach diagonal dim div dropout empty eq exp expand
flatten floor floordiv format full full_like gather ge gelu group_norm gt imag index is_autocast_enabled is_floating_point
is_grad_enabled layer_norm le len linear list log log10 lt masked_fill masked_fill_ matmul max max_pool2d mean min mul narrow ne
neg new_zeros ones ones_like pad permute polar pow real reciprocal relu relu_ remainder repeat reshape rsqrt rsub
scaled_dot_product_attention select sigmoid silu silu_ sin size slice softmax split sqrt square squeeze stack sub sum t tanh
tensor to transpose triu_indices type_as unflatten unsqueeze upsample_bilinear2d upsample_nearest2d view warn where zeros
zeros_like
"""
_PRIM = """
Constant DictConstruct GetAttr If ListConstruct ListUnpack Loop RaiseException TupleConstruct TupleIndex TupleUnpack
Uninitialized device dtype is_nested max min requires_grad type unchecked_cast
"""
OPERATORS = frozenset(f"aten::{name}" for name in _ATEN.split()) | frozenset(f"prim::{name}" for name in _PRIM.split())
"""Operators of networks: arithmetic, shapes, convolutions, attention. None reads or writes files or starts anything."""


def clean_archive(content: bytes, name: str) -> tuple[bytes, str]:
    """Rebuild a TorchScript archive from its weights and its parsed source.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Name of the file, for messages.

    Returns
    -------
    archive : bytes
        The archive with nothing else in it.
    settings : str
        Text of the file `extra/fusion.json` in it, '' where there is none.

    Raises
    ------
    ModelError
        The file is no such archive, is too large, or has code that would run while it is loaded.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            records = archive.infolist()
            names = [record.filename for record in records]
            if len(records) > MOST_RECORDS or len(set(names)) < len(names):
                raise ModelError(f"Model file {name} has {len(records)} parts, some of them twice or too many.")
            if sum(record.file_size for record in records) > LARGEST_BYTES:
                raise ModelError(f"Model file {name} unfolds to more than {LARGEST_BYTES >> 20} MB; networks are smaller.")
            parts = {record.filename: archive.read(record) for record in records}
        return _rebuilt(parts, name)
    except (zipfile.BadZipFile, ValueError, SyntaxError, RecursionError, MemoryError, OSError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelError(f"Model file {name} is no TorchScript archive, or is damaged ({reason}).") from error
    except (EOFError, RuntimeError, zlib.error) as error:
        raise ModelError(f"Model file {name} is damaged ({error}).") from error


def _rebuilt(parts: dict[str, bytes], name: str) -> tuple[bytes, str]:
    top = {path.partition("/")[0] for path in parts}
    if len(top) != 1:
        raise ModelError(f"Model file {name} is no TorchScript archive: one folder was expected in it.")
    settings, out = "", io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, part in parts.items():
            inner = path.partition("/")[2]
            if inner.startswith("code/") and inner.endswith(".py"):
                archive.writestr(f"model/{inner}", _inspected(part, name))
            elif inner.startswith(("data/", "constants/")) or inner in ("data.pkl", "constants.pkl", "version", "byteorder"):
                if inner.endswith(".pkl"):
                    _check_pickle(part, name)
                archive.writestr(f"model/{inner}", part)
            elif inner == "extra/fusion.json":
                settings = part.decode("utf-8")
    return out.getvalue(), settings


def _check_pickle(part: bytes, name: str) -> None:
    """Raise where a pickle names what is no part of a network, such as the classes of other libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in damaged text
        for instruction, argument, _ in pickletools.genops(part):
            named = str(argument).replace(" ", ".")
            if instruction.name not in PICKLE_CODES or (instruction.name == "GLOBAL" and not PICKLE_NAMES.fullmatch(named)):
                raise ModelError(
                    f"Model file {name} holds objects of other libraries ({instruction.name} {plain(named)[:80]}); weights and "
                    "code were expected."
                )


def _inspected(source: bytes, name: str) -> str:
    """Source as parsed and written out anew, so that what is loaded is what was inspected."""
    if len(source) > LARGEST_SOURCE_BYTES:
        raise ModelError(f"Model file {name} holds {len(source)} bytes of code; networks need less.")
    tree = ast.parse(source.decode("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in RUN_ON_LOADING:
            raise ModelError(f"Model file {name} has code that runs while it is loaded ({node.name}); it was not loaded.")
        if isinstance(node, ast.Name) and node.id in HOOKS:
            raise ModelError(f"Model file {name} has hooks ({node.id}), which no network of AIDEAL has; it was not loaded.")
        if isinstance(node, ast.Attribute) and node.attr == "classes":
            raise ModelError(f"Model file {name} uses classes of other libraries; it was not loaded.")
    return ast.unparse(tree) + "\n"


def check_operators(network: Any, name: str) -> None:
    """Compare the operators of every method of a loaded, not yet called network with `OPERATORS`.

    Parameters
    ----------
    network : torch.jit.ScriptModule
        The network.
    name : str
        Name of its file, for the message.

    Raises
    ------
    ModelError
        It has others.
    """
    unknown: set[str] = set()
    for module in network.modules():
        for method in module._c._method_names():
            unknown |= set(_kinds(module._c._get_method(method).inlined_graph)) - OPERATORS
    if unknown:
        raise ModelError(
            f"Model file {name} uses the operators {', '.join(sorted(unknown)[:6])}, which no network of AIDEAL has; it was "
            "not run. Export the network with 'aideal train export'."
        )


def _kinds(block: Any) -> Iterator[str]:
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _kinds(inner)
        for attribute in node.attributeNames():
            if node.kindOf(attribute) == "g":
                yield from _kinds(node.g(attribute))


def load_script(content: bytes, name: str, device: str, trusted: bool) -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """Load a TorchScript network.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Name of the file, for messages.
    device : str
        Torch device.
    trusted : bool
        Its checksum is that of a bundled network; otherwise it is inspected before it is loaded, and again before it runs.

    Returns
    -------
    network : torch.jit.ScriptModule
        The network, for inference.
    settings : dict
        Settings stored with it, empty where there are none.

    Raises
    ------
    ModelError
        It cannot be read, or holds what no network of this package holds.
    """
    import torch

    extra = {"fusion.json": ""}
    if not trusted:
        content, extra["fusion.json"] = clean_archive(content, name)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*")  # newer releases announce the end of TorchScript
        try:
            stored = extra if trusted else None
            network = torch.jit.load(io.BytesIO(content), map_location=device, _extra_files=stored).eval()
            settings = json.loads(extra["fusion.json"] or "{}")
        except Exception as error:  # whatever the loader, written in C++, raises on a damaged archive
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ModelError(f"Model file {name} cannot be read by torch {torch.__version__}: {reason}") from error
    if not isinstance(settings, dict) or not all(isinstance(part, dict) for part in settings.values()):
        raise ModelError(f"The settings stored in model file {name} have the wrong form; numbers by name were expected.")
    if not trusted:
        check_operators(network, name)
    return network, settings
