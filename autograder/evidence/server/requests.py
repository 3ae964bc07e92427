"""Do what a test asks of the notebook's names, functions and files: one method `do_…` for each kind of request."""

import asyncio
import importlib
import threading
from typing import Any

from autograder.evidence.server.files import changed_files, files_of, write_files
from autograder.evidence.server.proxies import Back


class Requests:
    """The requests of one test, and what they leave in the notebook until it ends.

    `call`, `import` and `await` are done where the names in `patches` have the test's values.
    """

    def __init__(self, namespace: Any) -> None:
        self.namespace = namespace
        self.files: dict[str, Any] = {}
        self.deleted: dict[str, Any] = {}  # by the test
        self.lent: dict[str, Any] = {}  # values of names that have one of the test's functions meanwhile
        self.loop: Any = None

    def do_call(self, function: Any, args: Any, kwargs: Any, patches: Any) -> Any:
        return function(*args, **kwargs)

    def do_data(self, value: Any) -> Any:
        return value

    def do_name(self, name: Any) -> Any:
        return self.namespace[name]

    def do_has(self, name: Any) -> Any:
        return name in self.namespace

    def do_names(self) -> Any:
        return [name for name in self.namespace if type(name) is str]

    def do_set(self, name: Any, value: Any) -> None:
        if type(value) is Back:
            self.lent.setdefault(name, self.namespace.get(name, self.deleted.get(name, self)))
        self.namespace[name] = value

    def do_delete(self, name: Any) -> None:
        self.deleted[name] = self.namespace.pop(name)

    def do_import(self, name: Any, patches: Any) -> Any:
        return importlib.import_module(name)

    def do_await(self, awaitable: Any, patches: Any) -> Any:
        """Return the result of a coroutine, run in another thread because the kernel's loop is running in this one."""
        results: list[tuple[Any, BaseException | None]] = []
        self.loop = self.loop or asyncio.new_event_loop()  # one for all, since queues and locks belong to one

        async def wait() -> Any:
            return await awaitable

        def work() -> Any:
            try:
                results.append((self.loop.run_until_complete(wait()), None))
            except BaseException as error:
                results.append((None, error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        value, error = results[0]
        if error is not None:
            raise error
        return value

    def do_files(self, folder: Any) -> Any:
        """Return the files below the working folder, by path, as far as they are not too large together."""
        self.files = {}
        return self.do_changed(folder)

    def do_changed(self, folder: Any) -> Any:
        """Return the files that student code has changed; `folder` is for temporary files."""
        changes, self.files = changed_files(self.files, folder)
        return changes

    def do_write(self, files: Any, folder: Any) -> None:
        """Write what the test has written."""
        write_files(files)
        self.files = files_of(folder)

    def leave(self) -> None:
        """Put back what names had before the test's own functions, which nobody answers for when the test is over."""
        for name, value in self.lent.items():
            if type(self.namespace.get(name)) is Back:
                del self.namespace[name]
                if value is not self:
                    self.namespace[name] = value
