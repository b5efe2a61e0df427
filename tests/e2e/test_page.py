"""The page in a real browser: on a job of `weir run`, and on a manager with two workers."""

import json
import pathlib
import re
import urllib.request

import pytest

from e2e.cluster import Cluster
from e2e.weir import ROOT, Weir
from parts.browser import Browser, Tab

JOB = ROOT / "tests" / "e2e" / "jobs" / "page.yaml"
PATIENCE_MS = 30_000
SCRIPT = "<script>window.taken = 1</script>"


@pytest.fixture
def running(weir_binary: pathlib.Path, tmp_path: pathlib.Path):
    """A job of `weir run` that has taken checkpoints."""
    weir = Weir(JOB, tmp_path, {"JOB": "prices"}).serve_metrics()
    weir.start()
    weir.wait_until(lambda: weir.metric("weir_checkpoints_total") > 2, 60, "three checkpoints")
    yield weir
    weir.kill()


def address_of(weir: Weir) -> str:
    return f"http://{weir.metrics_address}/"


def fact(tab: Tab, name: str, section: str = "main > .facts") -> str:
    return tab.page.locator(f"{section} .fact", has=tab.page.get_by_text(name, exact=True)).locator("dd").first.inner_text()


def wait_fact(tab: Tab, name: str, pattern: str) -> None:
    """Until a figure of the job's view looks so."""
    tab.page.locator("main > .facts .fact", has=tab.page.get_by_text(name, exact=True)).locator(
        "dd").filter(has_text=re.compile(pattern)).wait_for(timeout=PATIENCE_MS)


def row(tab: Tab, text: str):
    return tab.page.locator("tbody tr", has=tab.page.get_by_text(text, exact=True))


def wait_row(tab: Tab, name: str, *texts: str) -> None:
    """Until the row of that name says all of these."""
    found = row(tab, name)
    for text in texts:
        found = found.filter(has_text=text)
    found.wait_for(timeout=PATIENCE_MS)


def number(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))


# --- a job of one process ---------------------------------------------------------------------------


def test_a_running_job_is_shown(browser: Browser, running: Weir, tmp_path: pathlib.Path) -> None:
    tab = browser.tab(address_of(running))
    wait_row(tab, "prices", "running", "k rows/s", "s ago")
    tab.picture(tmp_path / "jobs.png")
    # By keyboard alone: brand, two views, then the job.
    for _ in range(4):
        tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("heading", name="prices").wait_for(timeout=PATIENCE_MS)
    assert tab.page.url.endswith("#/jobs/prices")
    wait_fact(tab, "In", r"\d k rows/s")
    names = tab.page.locator("svg .node .name").all_text_contents()
    assert names[0] == "prices" and names[-1] == "nowhere" and len(names) >= 4, names
    assert tab.page.locator("svg .arrow.exchange").count() == 1
    tasks = tab.page.locator("svg .node .tasks").all_text_contents()
    assert [text.split(",")[0] for text in tasks if not text.startswith("in the tasks of")] == ["1 task", "2 tasks"]
    tab.page.locator("svg .node.sink .rate", has_text="rows/s written").wait_for(timeout=PATIENCE_MS)
    assert tab.page.locator("svg .node.source .mark").text_content() == "▲ holds the watermark"
    tab.picture(tmp_path / "job.png")
    assert not tab.faults()


def test_figures_rise_and_add_up(browser: Browser, running: Weir) -> None:
    tab = browser.tab(address_of(running) + "#/jobs/prices")
    ledger = "section:has(h2:text-is('Ledger')) .facts"
    tab.page.locator(ledger).wait_for(timeout=PATIENCE_MS)
    before = number(fact(tab, "Rows in", ledger))
    tab.page.wait_for_function(
        """([list, before]) => [...document.querySelectorAll("section .fact")].some((one) =>
            one.firstChild.textContent === "Rows in"
            && Number(one.lastChild.textContent.replaceAll(",", "")) > before)""",
        arg=[ledger, before + 4000], timeout=PATIENCE_MS)
    assert fact(tab, "Unaccounted", ledger).split("\n")[0] == "0"
    shown = tab.page.locator("table[aria-label=Ledger] tbody tr")
    for cells in shown.all():
        texts = cells.locator("td").all_inner_texts()
        assert "adds up" in texts, texts
        fates = texts[2:texts.index("adds up")]
        assert number(texts[1]) == sum(map(number, fates)), texts
    # It is drawn anew all the time, and what has the focus keeps it.
    tab.page.locator(".graph").focus()
    checkpoint = number(fact(tab, "Checkpoint").split("\n")[0])
    tab.page.wait_for_function(
        "before => Number(document.querySelectorAll('main > .facts .fact dd')[4].firstChild.data) > before",
        arg=checkpoint + 1, timeout=PATIENCE_MS)
    assert tab.page.evaluate("document.activeElement.className") == "graph"
    assert not tab.faults()


def test_a_server_that_is_gone_is_told(browser: Browser, running: Weir) -> None:
    tab = browser.tab(address_of(running))
    wait_row(tab, "prices", "running")
    assert not tab.faults()
    running.kill()
    tab.page.get_by_role("alert").filter(has_text="The server cannot be reached").wait_for(timeout=PATIENCE_MS)
    assert "is asked again" in tab.page.get_by_role("alert").inner_text()
    row(tab, "prices").wait_for()  # What was last known stays, and is said to be old.
    running.start()
    tab.page.get_by_role("alert").wait_for(state="hidden", timeout=PATIENCE_MS)
    wait_row(tab, "prices", "running")


def test_one_that_runs_alone_has_no_workers(browser: Browser, running: Weir) -> None:
    tab = browser.tab(address_of(running) + "#/workers")
    tab.page.get_by_text("A manager lists the workers").wait_for(timeout=PATIENCE_MS)
    tab.page.goto(address_of(running) + "#/jobs/other")
    alert = tab.page.get_by_role("alert").filter(has_text="there is no job 'other'")
    alert.wait_for(timeout=PATIENCE_MS)
    assert "this process runs 'prices'" in alert.inner_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_its_window(browser: Browser, running: Weir, tmp_path: pathlib.Path, dark: bool, width: int) -> None:
    for view in ("", "#/jobs/prices", "#/workers"):
        tab = browser.tab(address_of(running) + view, dark, width)
        tab.page.locator("main h1").wait_for(timeout=PATIENCE_MS)
        tab.picture(tmp_path / f"{view.replace('/', '-') or 'jobs'}.png")
        assert not tab.is_wider_than_its_window()
        grounds = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", grounds))) < 64) == dark
        assert not tab.faults()


def test_numbers_are_told_as_a_person_reads_them(browser: Browser, running: Weir) -> None:
    tab = browser.tab(address_of(running))
    said = tab.page.evaluate("""async () => {
        const words = await import("/words.js");
        const noon = Date.parse("2026-01-02T12:00:00Z");
        return {
            short: [0, 7, 7.25, 99.96, 999, 999.7, 12_432, 999_600, 1_234_567, 4.5e9].map(words.short),
            span: [0.35, 0.9999, 3.21, 9.97, 45, 119.6, 7_200, 700_000].map(words.span),
            rate: [12_432, null].map(words.rate),
            share: words.share(0.973),
            ago: words.ago(3.21),
            exact: words.exact(1234567),
            watermark: ["2026-01-02T11:59:50Z", "2026-01-02T12:05:00Z", "end", null].map(
                (time) => words.watermark(time, noon)),
        };
    }""")
    assert said == {
        "short": ["0", "7", "7.25", "100", "999", "1.00 k", "12.4 k", "1.00 M", "1.23 M", "4.50 G"],
        "span": ["350 ms", "1.0 s", "3.2 s", "10 s", "45 s", "2 min", "2 h", "8 days"],
        "rate": ["12.4 k rows/s", "–"],
        "share": "97 %",
        "ago": "3.2 s ago",
        "exact": "1,234,567",
        "watermark": ["10 s behind the clock", "5 min ahead of the clock", "at the end of the input", "none yet"],
    }


# --- what comes from elsewhere ----------------------------------------------------------------------


def test_names_and_errors_are_text(browser: Browser, running: Weir) -> None:
    """Forged, as weir itself takes no such name for a job."""
    job = {"name": SCRIPT, "state": "failed", "reason": SCRIPT, "parallelism": 1, "version": 1, "restarts": 1,
           "failure": {"code": "WEIR-X001", "message": SCRIPT, "cure": "<img src=x onerror='window.taken=1'>"}}
    tab = browser.tab(address_of(running))
    tab.page.route("**/api/v1/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    wait_row(tab, SCRIPT, "failed", "WEIR-X001", "<img src=x")
    row(tab, SCRIPT).get_by_role("link").click()
    tab.page.wait_for_url("**/#/jobs/%3Cscript%3E*")
    assert tab.page.evaluate("window.taken") is None
    assert tab.page.locator("main script, main img").count() == 0


def test_a_token_is_asked_for_and_kept_in_the_tab(browser: Browser, running: Weir) -> None:
    tab = browser.tab(address_of(running))

    def guard(route) -> None:
        if route.request.headers.get("authorization") == "Bearer sesame":
            route.continue_()
        else:
            route.fulfill(status=401, json={"error": {"code": "X", "kind": "invalid", "message": "no token", "cure": ""}})

    tab.page.route("**/api/v1/**", guard)
    field = tab.page.get_by_label("API token")
    field.wait_for(timeout=PATIENCE_MS)
    field.fill("wrong")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("alert").filter(has_text="is not taken").wait_for(timeout=PATIENCE_MS)
    field.fill("sesame")
    tab.page.keyboard.press("Enter")
    wait_row(tab, "prices", "running")
    field.wait_for(state="hidden")
    tab.page.reload()
    wait_row(tab, "prices", "running")
    assert tab.page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    tab.page.get_by_role("button", name="Forget the API token").click()
    field.wait_for(timeout=PATIENCE_MS)
    assert tab.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("path", ["", "main.js", "page.css", "icon.svg"])
def test_browsers_are_told_to_load_nothing_else(running: Weir, path: str) -> None:
    with urllib.request.urlopen(address_of(running) + path, timeout=5) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        text = answer.read().decode()
    assert policy.startswith("default-src 'none'; script-src 'self';") and "unsafe" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\son\w+=|<script>|style=", text)


# --- a cluster --------------------------------------------------------------------------------------


def test_a_killed_worker_is_shown(browser: Browser, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with Cluster(tmp_path, JOB, {"JOB": "prices"}, workers=2) as cluster:
        cluster.start()
        cluster.wait_job("running")
        tab = browser.tab(f"http://{cluster.http}/")
        wait_row(tab, "prices", "running", "k rows/s")
        tab.page.click("text=Workers")
        for worker in cluster.workers:
            wait_row(tab, worker, "connected")
        tab.picture(tmp_path / "workers.png")
        before = cluster.status()
        victim = before["attempt"]["workers"][-1]
        cluster.workers[victim].kill()
        wait_row(tab, victim, "lost")
        tab.picture(tmp_path / "lost.png")
        after = cluster.wait_job("running", not_attempt=before["attempt"]["id"])
        tab.page.goto(f"http://{cluster.http}/#/jobs/prices")
        wait_fact(tab, "Restarts", r"^1\s*down for")
        wait_row(tab, after["history"][0]["reason"], before["attempt"]["id"])
        survivor = next(name for name in cluster.workers if name != victim)
        wait_row(tab, "prices/0", survivor)
        wait_fact(tab, "In", r"\d k rows/s")
        tab.picture(tmp_path / "job.png")
        cluster.ask("stop", "prices")
        tab.page.locator("h1 .badge", has_text="stopped").wait_for(timeout=PATIENCE_MS)
        assert not tab.faults()


def test_what_a_job_failed_of_is_shown_with_its_cure(
        browser: Browser, weir_binary: pathlib.Path, tmp_path: pathlib.Path) -> None:
    job = tmp_path / "lines.yaml"
    job.write_text(
        f"job: lines\nsources:\n  lines:\n    files: {{ path: \"{tmp_path}/{SCRIPT}\" }}\n    format: raw\n"
        "sinks:\n  nowhere: { from: lines, blackhole: {} }\n")
    with Cluster(tmp_path / "cluster", job, {"JOB": "lines"}, workers=1) as cluster:
        cluster.ask("submit", str(job))
        failed = cluster.wait_until(
            lambda: next((one for one in [cluster.look_at_job()] if one and one.get("failure")), None),
            60, "the job has failed")
        assert SCRIPT in json.dumps(failed["failure"])
        tab = browser.tab(f"http://{cluster.http}/#/jobs/lines")
        told = tab.page.locator(".failure", has_text=SCRIPT).first
        told.wait_for(timeout=PATIENCE_MS)
        assert failed["failure"]["code"] in told.inner_text()
        assert tab.page.evaluate("window.taken") is None
        assert not tab.faults()
