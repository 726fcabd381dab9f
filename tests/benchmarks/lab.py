"""A notebook in JupyterLab, in a browser without a screen, with a clock on what is seen to change."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
FOLDERS = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
# when a control last changed, and when the page last did: words, classes, or a picture that was read
CLOCK = """() => {
    window.clock = {begin: performance.now(), last: performance.now()};
    const seen = () => { clock.last = performance.now(); }, begin = () => { clock.begin = performance.now(); };
    new MutationObserver(seen).observe(document.querySelector('.zorgpad'),
        {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['src', 'class']});
    document.querySelector('.zorgpad').addEventListener('load', seen, true);
    document.addEventListener('change', begin, true);
    document.addEventListener('keydown', begin, true);
}"""


class Lab:
    """The notebook in its page.

    Parameters
    ----------
    page : Page
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def change(self, label: str, value: str | tuple[int, str]) -> float:
        """Choose an option by its words, or move a handle with a key; seconds until nothing changed any more."""
        if isinstance(value, str):
            own = self.page.locator(".widget-dropdown", has=self.page.locator(f"label:text-is('{label}')"))
            own.locator("select").select_option(label=value)
        else:
            handle, key = value
            self.page.locator(".noUi-handle").nth(handle).focus()
            self.page.keyboard.press(key)
        return self.settle()

    def settle(self, *, at_least: float = 2.0) -> float:
        """Wait until nothing has changed for a while; seconds from the change of the control to the last change."""
        while True:
            time.sleep(0.25)
            begin, last, now = self.page.evaluate("[clock.begin, clock.last, performance.now()]")
            if now - max(begin, last) > at_least * 1000:
                return (last - begin) / 1000


@contextmanager
def open_lab(notebook: str, *, width: int = 1500, height: int = 1000) -> Iterator[Lab]:
    """Open a notebook of this project in a JupyterLab of its own, and run all its cells."""
    if CHROMIUM is None:
        sys.exit("No chromium on this machine (apt install chromium); JupyterLab was not measured.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as own, serve(place, own), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"http://{place}/lab/tree/notebooks/{notebook}?reset")
        page.locator(".jp-Notebook .jp-Cell").first.click()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_selector(".zorgpad img", timeout=60_000)
        page.evaluate(CLOCK)
        lab = Lab(page)
        lab.settle()
        yield lab
        browser.close()


@contextmanager
def serve(place: str, own: str) -> Iterator[None]:
    """JupyterLab at a place of this machine alone, with nothing of the user's settings."""
    host, port = place.split(":")
    arguments = [f"--ServerApp.ip={host}", f"--ServerApp.port={port}", f"--ServerApp.root_dir={ROOT}"]
    arguments += ["--IdentityProvider.token=", "--no-browser", "--allow-root"]
    settings = {f"JUPYTER_{name}": str(Path(own, name)) for name in FOLDERS}
    environment = {**os.environ, **settings, "JUPYTERLAB_WORKSPACES_DIR": own, "JUPYTERLAB_SETTINGS_DIR": own}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *arguments], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            with suppress(OSError), urllib.request.urlopen(f"http://{place}/api"):
                break
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(30)
