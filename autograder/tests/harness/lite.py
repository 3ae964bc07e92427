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
    """Serves files that do not change, also to pages of other servers, and prints nothing."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "max-age=3600")  # what is kept is not compiled again
        super().end_headers()

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

    def load(self, path: str) -> None:
        """Load the page with a notebook, whose kernel may still be starting."""
        self.page.goto(f"{self.address}/lab/index.html?path={path}&reset")
        self._cells_are_there()

    def open(self, path: str) -> None:
        """Load the page with a notebook, and wait for a kernel that is ready."""
        self.load(path)
        self._kernel_is_ready()

    def open_next(self, path: str) -> None:
        """Open another notebook in the page; the kernel before it ends, and the page's scripts need not start again."""
        self.menu("Kernel", "Shut Down Kernel")
        expect(self.page.get_by_text("Python (Pyodide) | Idle")).to_have_count(0)
        self.menu("File", "Open from Path")
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(path)
        dialog.get_by_role("button", name="Open").click()
        expect(self.page.locator(".lm-TabBar-tab.lm-mod-current", has_text=Path(path).name)).to_be_visible()
        self._cells_are_there()
        self._kernel_is_ready()

    def _cells_are_there(self) -> None:
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()

    def _kernel_is_ready(self) -> None:
        expect(self.page.get_by_text("Python (Pyodide) | Idle")).to_be_visible()
