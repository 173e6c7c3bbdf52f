"""Open dashboards in headless Chromium and wait until every chart has drawn; a screenshot of each. Runs in Superset's environment.

Exit status 1 when a chart shows an error or does not draw in time; what it says stands on standard error.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WIDTH, HEIGHT = 1600, 1000
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1", "--disable-dev-shm-usage")  # fmt: skip
MARGIN = 180  # pixels: the frame of the window and some air
BOTTOM = (
    "return Math.max(0, ...[...document.querySelectorAll('.dashboard-component-chart-holder')].map(h => h.getBoundingClientRect().bottom))"
)
# Of each chart on the page: whether it turns, has drawn, shows an error, says that it has no data.
COUNTS = """
const holders = [...document.querySelectorAll('.dashboard-component-chart-holder')];
const waiting = h => h.querySelector("[data-test='loading-indicator'], img.loading, .loading") !== null;
const drawn = h => h.querySelector('canvas, svg.superset-legacy-chart, table, .header-line, .superset-legacy-chart-big-number, .echarts-container, .slice_container canvas') !== null;
const broken = h => h.querySelector("[data-test='error-message'], .ant-alert-error, .missing-chart-container, [class*='ErrorAlert'], .errorMessage") !== null;
const empty = h => /No data|Không có dữ liệu|No results/i.test(h.innerText);
return holders.map(h => ({title: (h.querySelector('.header-title, [data-test="slice-header"]') || h).innerText.split('\\n')[0],
    waiting: waiting(h), drawn: drawn(h), broken: broken(h), empty: empty(h), says: broken(h) ? h.innerText.slice(0, 400) : ''}));
"""


def browser(profile: str) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver") or "/usr/bin/chromedriver"))


def log_in(driver: webdriver.Chrome, base: str, password: str) -> None:
    driver.get(f"{base}/login/")
    wait = WebDriverWait(driver, 60)
    wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, "input[type=password]"))[0].send_keys(password)
    driver.find_element(By.CSS_SELECTOR, "input[name=username], #username").send_keys("admin")
    driver.find_element(By.CSS_SELECTOR, "input[type=submit], button[type=submit]").click()
    wait.until(lambda d: "/login" not in d.current_url)


def open_dashboard(driver: webdriver.Chrome, base: str, slug: str, charts: int, seconds: float, picture: Path | None) -> list[str]:
    """Errors of one dashboard. Superset draws a chart when it comes into view: the window is made as tall as the page."""
    driver.set_window_size(WIDTH, HEIGHT)
    driver.get(f"{base}/superset/dashboard/{slug}/?standalone=2")
    until = time.monotonic() + seconds
    seen: list[dict] = []
    while time.monotonic() < until:
        time.sleep(1)
        bottom = driver.execute_script(BOTTOM)
        if bottom and abs(bottom + MARGIN - driver.get_window_size()["height"]) > MARGIN:
            driver.set_window_size(WIDTH, min(int(bottom) + MARGIN, 12_000))
        seen = driver.execute_script(COUNTS)
        if any(x["broken"] for x in seen) or (len(seen) >= charts and all(not x["waiting"] and (x["drawn"] or x["empty"]) for x in seen)):
            time.sleep(2)  # animations
            seen = driver.execute_script(COUNTS)
            break
    if picture:
        picture.parent.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(picture))
    said = [
        f"{slug}: {x['title']}: {x['says'] or 'did not draw'}"
        for x in seen
        if x["broken"] or x["waiting"] or not (x["drawn"] or x["empty"])
    ]
    if len(seen) < charts:
        said.append(f"{slug}: {len(seen)} of {charts} charts on the page")
    print(f"{slug}: {len(seen)} charts, {sum(x['drawn'] for x in seen)} drawn, {sum(x['empty'] for x in seen)} without data")
    return said


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dashboards", nargs="+", help="slug:number of charts")
    options.add_argument("--base", default="http://127.0.0.1:8088")
    options.add_argument("--password-file", type=Path, default=Path(".superset/home/admin_password"))
    options.add_argument("--pictures", type=Path)
    options.add_argument("--seconds", type=float, default=120)
    given = options.parse_args()
    said: list[str] = []
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile)
        try:
            log_in(driver, given.base, given.password_file.read_text(encoding="ascii"))
            for word in given.dashboards:
                slug, charts = word.split(":")
                said += open_dashboard(
                    driver, given.base, slug, int(charts), given.seconds, given.pictures and given.pictures / f"{slug}.png"
                )
        finally:
            driver.quit()
    if said:
        raise SystemExit("\n".join(said))


if __name__ == "__main__":
    sys.exit(main())
