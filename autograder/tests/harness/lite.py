"""The browser edition, served and opened: a static site, with Pyodide from a local copy."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, expect

from autograder.tests.harness.jupyterlab import Lab

TIMEOUT = 180_000  # ms, for a kernel that starts and a notebook that runs, on a busy machine


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """A static site, served on this machine; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Lite(Lab):
    """A browser page with the browser edition in it."""

    def __init__(self, page: Page, address: str) -> None:
        super().__init__(page, address)
        page.set_default_timeout(TIMEOUT)
        expect.set_options(timeout=TIMEOUT)

    def open(self, path: str) -> None:
        """Open a notebook, and wait for a kernel that is ready."""
        self.page.goto(f"{self.address}/lab/index.html?path={path}&reset")
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
        expect(self.page.get_by_text("Python (Pyodide) | Idle")).to_be_visible()
