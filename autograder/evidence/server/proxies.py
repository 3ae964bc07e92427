"""Stand in the kernel for the functions and objects of the test."""

from typing import Any


class Back:  # its `__doc__` is that of the test's object
    # Stand in the kernel for a function or an object of the test; every use of it asks the test's side.

    __slots__ = ("__weakref__", "_ask", "_key")

    def __init__(self, ask: Any, key: Any) -> None:
        object.__setattr__(self, "_ask", ask)
        object.__setattr__(self, "_key", key)

    def __getattr__(self, name: Any) -> Any:
        if name.startswith("_") and name not in ("__name__", "__qualname__"):
            raise AttributeError(name)
        return self._ask(self._key, "attr", (name,), {})

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self._ask(self._key, "attr", ("__doc__",), {})

    def __setattr__(self, name: Any, value: Any) -> None:
        self._ask(self._key, "set", (name, value), {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(self._key, "call", args, kwargs)

    def __iter__(self) -> Any:
        return self._ask(self._key, "iter", (), {})

    def __next__(self) -> Any:
        return self._ask(self._key, "next", (), {})

    def __len__(self) -> Any:
        return self._ask(self._key, "len", (), {})

    def __getitem__(self, key: Any) -> Any:
        return self._ask(self._key, "item", (key,), {})

    def __contains__(self, value: Any) -> Any:
        return self._ask(self._key, "contains", (value,), {})

    def __enter__(self) -> Any:
        return self._ask(self._key, "enter", (), {})

    def __exit__(self, *details: Any) -> None:
        self._ask(self._key, "exit", (), {})

    def __eq__(self, other: Any) -> Any:
        return self is other or self._ask(self._key, "eq", (other,), {})

    __hash__ = object.__hash__
