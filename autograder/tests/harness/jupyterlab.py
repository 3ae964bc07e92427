"""JupyterLab as a learner has it before him: menus, cells, what they show."""

import re
from contextlib import suppress

from playwright.sync_api import Locator, Page, expect

from autograder.tests.harness.servers import TOKEN
from autograder.tests.support import ROOT

SHOTS = ROOT / "screenshots"  # of the last run, to be looked at; ignored by git
TIMEOUT = 60_000  # ms, on a busy machine
SAVES = 12  # that are tried, all in that time
SEES = """element => {
    const channels = text => text.match(/[0-9.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    let behind = element;
    while (behind.parentElement && (channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0)
        behind = behind.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
        .map(text => luminance(channels(text))).sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
}"""


class Lab:
    """A browser page with JupyterLab in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        page.set_default_timeout(TIMEOUT)
        expect.set_options(timeout=TIMEOUT)

    def open(self, path: str) -> None:
        """Open a page of the server, and wait for a kernel that is ready."""
        self.page.goto(f"{self.address}/{path}?reset&token={TOKEN}")  # without the tabs of the last time
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
        expect(
            self.page.get_by_text("Python 3 (ipykernel) | Idle")
        ).to_be_visible()  # a kernel, and no mere plan of one
        self.page.wait_for_load_state("networkidle")

    def idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        indicator = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle")

    def menu(self, *names: str) -> None:
        """Choose from the menus, such as ("Run", "Run All Cells")."""
        for name in names:
            label = self.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").filter(visible=True)
            label.filter(has_text=re.compile(f"^{re.escape(name)}")).first.click()

    def restart_and_run_all(self) -> None:
        """As the menu has it, and its question answered."""
        self.menu("Kernel", "Restart Kernel and Run All Cells")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()

    def save(self) -> None:
        """Save from the menu until nothing is unsaved; something, such as a widget's state, may arrive after a save."""
        unsaved = self.page.locator(".jp-mod-dirty")
        for _ in range(SAVES):
            self.menu("File", "Save Notebook")
            with suppress(AssertionError):
                expect(unsaved).to_have_count(0, timeout=TIMEOUT / SAVES)
                return
        raise AssertionError(f"still unsaved after {SAVES} saves: {unsaved.all_inner_texts()}")

    def cell(self, source: str) -> Locator:
        """The code cell that begins with this text."""
        begins = self.page.locator(".cm-content", has_text=re.compile(f"^{re.escape(source)}"))
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").filter(has=begins)

    def type(self, source: str, text: str) -> None:
        """Type over the cell that begins with `source`."""
        self.cell(source).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def write(self, source: str, text: str) -> None:
        """Type over the cell that begins with `source`, and run it."""
        self.type(source, text)
        self.page.keyboard.press("ControlOrMeta+Enter")

    def run(self, source: str) -> Locator:
        """Run the cell that begins with `source`; gives what it shows."""
        self.cell(source).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+Enter")
        return self.shown(source)

    def shown(self, source: str) -> Locator:
        """What the cell that begins with `source` shows."""
        return self.cell(source).get_by_role("status")

    def theme(self, name: str) -> None:
        """Change the theme, to Dark or Light."""
        self.menu("Settings", "Theme", f"JupyterLab {name}")
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", str(name == "Light").lower())

    def shoot(self, **cells: str) -> None:
        """Keep pictures of these cells in both themes, to be looked at; to change the theme takes JupyterLab a second.

        `cells` are what each cell begins with, by the name of its picture.
        """
        SHOTS.mkdir(exist_ok=True)
        self.page.keyboard.press("Escape")
        for theme in ("Dark", "Light"):
            self.theme(theme)
            for name, source in cells.items():
                self.cell(source).screenshot(path=SHOTS / f"{name}-{theme.lower()}.png")

    def contrast(self, source: str) -> float:
        """Of the text that a cell shows against what lies behind it; WCAG wants 4.5."""
        return float(self.shown(source).first.evaluate(SEES))
