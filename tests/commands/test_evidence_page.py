"""The summary of an evidence bundle in a real browser: it is drawn, and nothing of the server runs."""

from __future__ import annotations

import base64
import sys
import zipfile
from pathlib import Path

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.history.database import locate_archive
from tests.browsers import real_browsers
from tests.history.export_cases import fill, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="the browsers are started as on Linux"),
]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
INSPECT = """
const box = name => document.querySelector(name).getBoundingClientRect();
const script = document.createElement("script");
script.textContent = "document.title = 'owned'";
document.body.append(script);
const image = document.createElement("img");
const [resolve] = arguments;
const refused = [];
document.addEventListener("securitypolicyviolation", event => {
    refused.push(event.effectiveDirective);
    if (refused.includes("img-src")) resolve({
        title: document.title,
        headings: [...document.querySelectorAll("h2")].map(one => one.textContent),
        scripts: document.querySelectorAll("script").length,
        images: document.querySelectorAll("body > img").length,
        width: getComputedStyle(document.body).maxWidth,
        chart: [box("svg").width > 500, box("svg path").height > 0],
        requests: performance.getEntriesByType("resource").length,
        refused: refused,
    });
});
image.src = "https://evil.test/x.png";
"""


def test_summary_in_firefox(tmp_path: Path) -> None:
    """The style and the chart are drawn; scripts and requests are refused by the page's own policy."""
    fill(locate_archive())
    with written(locate_archive()) as connection:
        connection.execute("UPDATE orgs SET name = ? WHERE name = 'Personal'", (HOSTILE,))
    assert main(["--export", str(tmp_path / "evidence.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "evidence.zip") as bundle:
        bundle.extractall(tmp_path / "bundle")
    with real_browsers.firefox(tmp_path / "home", tmp_path / "home" / "a.default") as browser:
        browser.visit((tmp_path / "bundle" / "summary.html").as_uri())
        seen = browser.ask("WebDriver:ExecuteAsyncScript", script=INSPECT, args=[])["value"]
        picture = base64.b64decode(browser.ask("WebDriver:TakeScreenshot", full=True)["value"])
        browser.close()
    (tmp_path / "summary.png").write_bytes(picture)
    assert seen == {
        "title": "claude.ai usage: evidence bundle",
        "headings": [f"{HOSTILE} · Max 5x", "Acme Team · Team"],
        "scripts": 1,
        "images": 0,
        "width": "960px",
        "chart": [True, True],
        "requests": 0,
        "refused": ["script-src-elem", "img-src"],
    }
    assert len(picture) > 20_000
