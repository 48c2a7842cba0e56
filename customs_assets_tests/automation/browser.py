"""Dagster's UI as a person meets it, in Debian's Chromium: what a click does, and what is then to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
GROUPS = ("source", "anonymization", "synthesis", "quality", "release", "benchmark", "report")

# Nothing of the browser's own may look for the network.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# The machine that tests run on may be busy.
_PATIENCE = 120_000


class Browser:
    """A page of the UI.

    Args:
        page: the page.
        url: where the UI is.
        shots: folder that screenshots go to; none are taken where it is None.
    """

    def __init__(self, page: Page, url: str, shots: Path | None) -> None:
        self.page, self.url, self.shots = page, url, shots
        page.set_default_timeout(_PATIENCE)

    def open(self, path: str) -> None:
        """Open a page of the UI."""
        self.page.goto(f"{self.url}{path}")

    def shoot(self, name: str) -> None:
        """Keep a picture of what is to be seen, once it has settled."""
        if self.shots is not None:
            self.page.wait_for_timeout(3000)
            self.page.screenshot(path=self.shots / f"{name}.png")

    def see(self, text: str) -> None:
        """Wait until a text is to be seen."""
        self.page.get_by_text(text).first.wait_for()

    def rows_of_table(self, entry: str) -> list[str]:
        """The text of the rows of a table that an entry of the metadata shows."""
        row = self.page.locator("tr", has=self.page.get_by_text(entry, exact=True)).last
        rows = row.locator("table tbody tr")
        rows.first.wait_for()
        return rows.all_inner_texts()

    def open_graph(self, selection: str = "") -> None:
        """Open the asset graph with its groups unfolded, of all assets or of those of a selection."""
        expanded = quote(",".join(f"global@global:{group}" for group in GROUPS), safe="")
        self.open(f"/asset-groups{f'~{quote(selection)}/' if selection else ''}?expanded={expanded}")
        self.see("raw_declarations")

    def open_whole_graph(self) -> None:
        """Open the asset graph so that one picture holds all of it; a step further and its names would vanish."""
        self.page.set_viewport_size({"width": 2200, "height": 2000})
        self.open_graph()
        for _ in range(2):
            self.page.wait_for_timeout(1000)
            self.page.locator("[class*=SVGViewport_iconButton]").nth(1).click()

    def launch(self, month: str) -> None:
        """Launch the job ``month`` for one month."""
        self.open("/locations/customs_assets/jobs/month")
        self._materialize(month, "Launch 1 run")

    def launch_backfill(self, selection: str, months: str, shot: str) -> None:
        """Launch one backfill of the assets of a selection for a range of months (``[2020-01...2020-03]``)."""
        self.open_graph(selection)
        self._materialize(months, "Launch backfill", shot)

    def _materialize(self, months: str, button: str, shot: str = "") -> None:
        self.page.get_by_role("button", name="Materialize all").first.click()
        box = self.page.get_by_placeholder("ex: 2020-01")
        box.fill(months)
        box.press("Enter")
        launch = self.page.get_by_role("button", name=button)
        launch.wait_for()
        if shot:
            self.shoot(shot)
        launch.click()
        launch.wait_for(state="detached")


@contextmanager
def browser(url: str, shots: Path | None = None) -> Iterator[Browser]:
    """A browser on the UI."""
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1600, "height": 850})
        yield Browser(page, url, shots)
        chromium.close()
