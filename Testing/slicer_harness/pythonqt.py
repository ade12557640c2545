"""PySide6 with the manners of PythonQt. An imitation: it is not Slicer.

What is imitated: Qt properties are attributes (`w.checked`, `spin.value = 3`), `object.connect("signal(args)", f)` with its
signature checked, and no attributes beyond those of the class. Exceptions in slots go to `slot_errors`.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

STAND_INS_MODULE = "slicer_harness.stand_ins"
slot_errors: list[str] = []
_KEEP_METHODS = {"singleShot", "sizeHint", "minimumSizeHint", "children", "objectName", "metaObject", "parent", "layout"}
_PATCHED: set[type] = set()
_GETATTR = QtCore.QObject.__getattribute__


def application() -> Any:
    """The one Qt application of the process, and PythonQt's manners for all of PySide."""
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    for module in (QtCore, QtGui, QtWidgets):
        for value in [getattr(module, name) for name in dir(module)]:
            if isinstance(value, type) and issubclass(value, QtCore.QObject):
                _properties_as_attributes(value)
    QtCore.qInstallMessageHandler(_qt_message)
    return app


def _qt_message(kind: Any, _context: Any, text: str) -> None:
    if "mrmlSceneChanged" not in text and "(sender name" not in text and "(receiver name" not in text:
        print("Qt:", text, file=sys.stderr)


def _properties_as_attributes(cls: type) -> None:
    if cls in _PATCHED:
        return
    _PATCHED.add(cls)
    cls.__getattribute__ = _get  # type: ignore[method-assign, assignment]
    cls.__setattr__ = _strict_setattr  # type: ignore[method-assign, assignment]
    meta = cls.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name not in _KEEP_METHODS and not name.startswith("_"):
            setattr(cls, name, property(_getter(name), _setter(name)))


def _getter(name: str) -> Callable[[Any], Any]:
    return lambda self: QtCore.QObject.property(self, name)


def _setter(name: str) -> Callable[[Any, Any], None]:
    def set_value(self: Any, value: Any) -> None:
        if not QtCore.QObject.setProperty(self, name, value):
            raise TypeError(f"{type(self).__name__}.{name} cannot be set to {value!r}")

    return set_value


def _get(self: Any, name: str) -> Any:
    # PySide looks up its own QObject.connect in a way that a class attribute does not replace
    return partial(_connect, self) if name == "connect" else _GETATTR(self, name)


def _strict_setattr(self: Any, name: str, value: Any) -> None:
    stand_in = type(self).__module__ == STAND_INS_MODULE
    if not stand_in and not name.startswith("_") and not hasattr(type(self), name):
        raise AttributeError(f"{type(self).__name__} has no property '{name}': PythonQt would raise here")
    descriptor = getattr(type(self), name, None)
    if hasattr(type(descriptor), "__set__"):
        descriptor.__set__(self, value)
    elif isinstance(descriptor, QtCore.Property):
        QtCore.QObject.setProperty(self, name, value)
    else:
        self.__dict__[name] = value


def _connect(self: Any, *arguments: Any) -> Any:
    if len(arguments) != 2 or not isinstance(arguments[0], str) or arguments[0][:1].isdigit():
        return _GETATTR(self, "connect")(*arguments)  # PySide itself
    signature, function = arguments
    name = signature.split("(")[0]
    declared = getattr(type(self), "SIGNALS", {})
    if signature not in declared:
        normal = bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()
        if self.metaObject().indexOfSignal(normal) < 0:
            raise ValueError(f"{type(self).__name__} has no signal {signature}")
    signal = getattr(self, declared.get(signature, name))
    signal.connect(guarded(function))
    return True


def guarded(function: Callable[..., Any]) -> Callable[..., None]:
    """Call with as many arguments as the function takes; collect what it raises."""
    try:
        parameters = inspect.signature(function).parameters.values()
        open_ended = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        most = 99 if open_ended else sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    except ValueError:
        most = 99

    def call(*arguments: Any) -> None:
        try:
            function(*arguments[:most])
        except Exception:
            slot_errors.append(traceback.format_exc())

    return call
