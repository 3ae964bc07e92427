"""Make exceptions and warnings of real classes for those of the notebook, so that `except` works in a test.

An exception of Python or a library has its own class. One that the student defined gets a class with the same name and
bases, whose attributes and calls ask the notebook.
"""

from typing import TYPE_CHECKING, Any

from autograder.judging.live.classes import resolve

if TYPE_CHECKING:
    from autograder.judging.live.operations import LiveWire

TEST_TOOLS = ("unittest", "_pytest", "pytest")


class StudentClass(type):
    """The class of a student's exception classes: attributes and calls ask the notebook."""

    _wire: "LiveWire"
    _key: str

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        if cls.__dict__.get("_building"):
            return super().__call__(*args, **keywords)
        return cls._wire.invoke(cls, args, keywords)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._wire.read(getattr, cls, name)


def exception_class(wire: "LiveWire", lineage: Any, key: str) -> type:
    """Return the exception class for a lineage: that of Python or a library, or one that stands for the student's."""
    entries = [entry for entry in lineage if isinstance(entry, list) and len(entry) == 3] if lineage else []
    known = [resolve(path) for path, _, _ in entries]
    ready = [isinstance(kind, type) and issubclass(kind, BaseException) for kind in known]
    own_classes = ready.index(True) if True in ready else len(entries)
    base: type = known[own_classes] if True in ready else Exception
    for path, name, own in reversed(entries[:own_classes]):
        identity = own or str(path)
        if identity not in wire.exceptions:
            body = {"_wire": wire, "_key": identity, "__module__": "__main__", "__getattr__": _exception_attribute}
            wire.exceptions[identity] = StudentClass(str(name), (base,), body)
            if own:
                wire.keep(own, wire.exceptions[identity])
        base = wire.exceptions[identity]
    return base


def raised_exception(wire: "LiveWire", raised: dict[str, Any]) -> BaseException:
    """Return what the student's code raised as an exception of this process."""
    kind = exception_class(wire, raised.get("mro", []), "")
    if kind.__module__.startswith(TEST_TOOLS):  # a skipped test would not count as a failure
        kind = RuntimeError
    about = [str(part)[:300] for part in raised.get("about", ())] + ["", "", ""]
    args = wire.value(raised["args"]) if raised.get("args") is not None else (about[1],)
    ref = raised.get("ref")
    key = ref[1] if isinstance(ref, list) and len(ref) == 2 and isinstance(ref[1], str) else ""
    error = _build(kind, args if isinstance(args, tuple) else (about[1],), key, wire)
    if isinstance(error, NameError) and about[2]:
        error.name = about[2]
    return error


def exception_object(wire: "LiveWire", about: dict[str, Any], key: str) -> BaseException:
    """Return an exception that is not raised but is a value of the notebook."""
    lineage = [[path, str(path).rpartition(":")[2], ""] for path in about["mro"]]
    return _build(exception_class(wire, lineage, ""), (), key, wire)


def warning_class(wire: "LiveWire", lineage: Any) -> type[Warning]:
    """Return the class of a warning of the student's code."""
    kind = exception_class(wire, lineage, "")
    return kind if issubclass(kind, Warning) else UserWarning


def _exception_attribute(self: Any, name: str) -> Any:
    if name.startswith("__") or "_key" not in self.__dict__:
        raise AttributeError(name)
    return type(self)._wire.read(getattr, self, name)


def _build(kind: type, args: tuple[Any, ...], key: str, wire: "LiveWire") -> BaseException:
    error: BaseException
    try:
        error = kind.__new__(kind, *args)
        BaseException.__init__(error, *args)
    except Exception:
        error = Exception.__new__(Exception, *args)
    error.args = args
    if key and isinstance(kind, StudentClass):
        error.__dict__["_key"] = key
        wire.refs.setdefault(key, error)
        wire.ids[id(error)] = key
    return error
