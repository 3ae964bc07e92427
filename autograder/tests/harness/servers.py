"""A real Jupyter server and a real browser, for tests that look at what people see."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from playwright.sync_api import Browser, sync_playwright

TOKEN = "secret"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def jupyter_server(folder: Path) -> Iterator[str]:
    """A Jupyter server in a course folder, with nbgrader's extensions; gives its address."""
    with _served(folder, [sys.executable, "-m", "jupyter_server", "--allow-root"]) as address:
        yield address


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """JupyterLab in any folder; gives its address."""
    with _served(folder, [sys.executable, "-m", "jupyterlab", "--allow-root"]) as address:
        yield address


@contextmanager
def make_lab(course: Path) -> Iterator[str]:
    """What `make lab` runs in a course folder, in a home where Jupyter was never used; gives its address."""
    with _served(course, [sys.executable, "-m", "autograder.cli", "lab"]) as address:
        yield address


@contextmanager
def _served(folder: Path, command: list[str]) -> Iterator[str]:
    """Run a command that becomes a Jupyter server, with settings in a home of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    server_app = {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False}
    settings = {"ServerApp": server_app, "IdentityProvider": {"token": TOKEN}}
    (home / "jupyter_server_config.json").write_text(json.dumps(settings))
    places = dict.fromkeys(("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"), str(home))
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env={**os.environ, **places}, stdout=log, stderr=log) as server,
    ):
        try:
            get(f"http://127.0.0.1:{port}/api/status")
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(server)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """End a server and its kernels, gently where that works."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()


def post(address: str) -> dict[str, object]:
    """Post to a server; gives its JSON."""
    return _ask("POST", address)


def get(address: str) -> dict[str, object]:
    """Get from a server, which may still be starting; gives its JSON."""
    return _ask("GET", address)


def _ask(method: str, address: str) -> dict[str, object]:
    patient = urllib3.Retry(total=120, backoff_factor=0.1, backoff_max=2)
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
