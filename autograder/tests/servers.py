"""A real Jupyter server and a real browser, for tests that look at what people see."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, sync_playwright

TOKEN = "secret"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; `make system` installs it")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def jupyter_server(folder: Path) -> Iterator[str]:
    """A Jupyter server in a course folder, with nbgrader's extensions; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--allow-root"]
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    places = dict.fromkeys(("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"), str(home))
    command = [sys.executable, "-m", "jupyter_server", *options]
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env={**os.environ, **places}, stderr=log) as server,
    ):
        try:
            get(f"http://127.0.0.1:{port}/api/status")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def post(address: str) -> dict[str, object]:
    """Post to a server; gives its JSON."""
    return _ask("POST", address)


def get(address: str) -> dict[str, object]:
    """Get from a server, which may still be starting; gives its JSON."""
    return _ask("GET", address)


def _ask(method: str, address: str) -> dict[str, object]:
    patient = urllib3.Retry(connect=40, backoff_factor=0.1, backoff_max=2)
    with urllib3.PoolManager(retries=patient) as pool:
        answer = pool.request(method, address, headers={"Authorization": f"token {TOKEN}"}, timeout=120)
    return dict(answer.json())


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()
