"""Pages to look at: records made by hand, and a headless Chromium that is allowed to ask nobody."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from baseops.contract.drill import Drill
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.evidence.records import Head, Record, Signature, new_run_id, timestamp
from baseops.report.proof import proof_page
from baseops.report.rehearsal import rehearsal_page
from baseops.report.render import html

NOW = datetime(2026, 1, 18, 5, 0, tzinfo=UTC)
RAN = datetime(2026, 1, 18, 2, 0, tzinfo=UTC)
SITE = Site("acme", ("111111111111",), "eu-west-1")


def record(drill, target, verdict="proven", reason="as promised", *, at=RAN, **others):
    """A record as evidence keeps it."""
    values = {
        "schema": "baseops/evidence/1",
        "run": new_run_id(at, "d82c07"),
        "number": 1,
        "previous": "0" * 64,
        "account": "111111111111",
        "region": "eu-west-1",
        "area": drill.partition("/")[0],
        "drill": drill,
        "class": "observe",
        "promise": f"what {drill} promises",
        "target": target,
        "verdict": verdict,
        "reason": reason,
        "method": "observed",
        "measures": {"requests": 3.0, "seconds": 12.0},
        "not_exercised": [],
        "started": timestamp(at),
        "ended": timestamp(at + timedelta(seconds=12)),
        "spans": [],
        "steps": [],
        "tool": "baseops 0.1.0",
    }
    return Record(values | others)


def span(lane, state, start, end=None):
    """A span of a record, in minutes from the run."""
    last = start if end is None else end
    return {
        "lane": lane,
        "state": state,
        "start": timestamp(RAN + timedelta(minutes=start)),
        "end": timestamp(RAN + timedelta(minutes=last)),
    }


def drill(name, drill_class="observe", **others):
    """A drill as a declaration has it."""
    return Drill(name, f"what {name} promises", ("x",), run=lambda _: [], drill_class=drill_class, **others)


REPORTING = "role/reporting can read it by kms:Decrypt on *"
WAITS = "the identity waits for a person: a link in a mail has to be followed"
DAY = 24 * 60
SNAPSHOTS = [
    span(volume, "kept", (day - days) * DAY + 70, (day + keep - days) * DAY + 70)
    for volume, days, keep in (("vol-0a1b2c3d4e5f60718", 9, 7), ("vol-0f9e8d7c6b5a49382", 6, 7))
    for day in range(days)
]
ALARM = [
    span("canary line", "written", 1),
    span("alarm too-many-errors", "OK", 0, 3),
    span("alarm too-many-errors", "ALARM", 3, 8),
    span("alarm too-many-errors", "OK", 8, 12),
    span("notification", "received", 3.2),
    span("remedy restart-nginx", "InProgress", 3.5, 5),
]
MAILS = [
    span("success", "sent", 0),
    span("success", "delivered", 0.1),
    span("bounce", "sent", 0.2),
    span("bounce", "bounced", 0.7),
]


def history(name, target, count=8, **others):
    """Runs of a drill, newest first, one a day, each with its own reading time."""
    return [
        [
            record(
                name,
                target,
                at=RAN - timedelta(days=day),
                measures={"read_seconds": 20.0 + day % 3, "blocks_read": 31.0},
                **others,
            )
        ]
        for day in range(count)
    ]


def rich_runs():
    """Something of everything."""
    web = [
        record("images/published", f"images.web/{region}", method="observed") for region in ("eu-west-1", "us-east-1")
    ]
    steps = [
        {"at": timestamp(RAN + timedelta(seconds=after)), "text": text}
        for after, text in (
            (0, "a line is written to the twin"),
            (190, "the alarm is in ALARM"),
            (720, "back to OK"),
        )
    ]
    return {
        "images/published": [web],
        "backups/coverage": [[record("backups/coverage", "backups.daily", spans=SNAPSHOTS)]],
        "backups/read": history("backups/read", "backups.daily/vol-0a1b2c3d4e5f60718", method="exercised"),
        "logs/twin": [
            [
                record(
                    "logs/twin",
                    "logs.web/too-many-errors",
                    method="exercised",
                    spans=ALARM,
                    steps=steps,
                    measures={"rang_seconds": 190.0, "requests": 41.0, "cost_usd": 0.0012, "bytes_read": 70000.0},
                    not_exercised=["systemctl restart nginx (no guest on this machine)"],
                )
            ]
        ],
        "secrets/readers": [
            [
                record("secrets/readers", "secrets.api", method="evaluated"),
                record(
                    "secrets/readers",
                    "secrets.db",
                    "refuted",
                    "role/reporting can read it by kms:Decrypt on *",
                    method="evaluated",
                ),
            ],
            [record("secrets/readers", "secrets.db", at=RAN - timedelta(days=3))],
        ],
        "email/round-trip": [
            [
                record("email/round-trip", "email.acme.example", method="exercised", spans=MAILS),
                record(
                    "email/round-trip",
                    "email.partner",
                    "inconclusive",
                    WAITS,
                ),
            ]
        ],
    }


DRILLS = [
    drill("images/published"),
    drill("images/launch", "exercise", touches=("one t4g.nano instance, for minutes",), cost_usd=0.01),
    drill("backups/coverage"),
    drill("backups/read"),
    drill(
        "logs/twin",
        "exercise",
        touches=("a log group, an alarm and a topic of its own",),
        traces=("CreateLogGroup in CloudTrail",),
        cost_usd=0.002,
    ),
    drill("secrets/readers"),
    drill("email/round-trip", "exercise"),
]
HEAD = Head(
    run=new_run_id(RAN, "d82c07"),
    account="111111111111",
    region="eu-west-1",
    started=timestamp(RAN),
    ended=timestamp(RAN + timedelta(minutes=13)),
    tool="baseops 0.1.0",
    previous_run="",
    previous="0" * 64,
    files=(),
    counts={},
    signature=Signature("ECDSA_SHA_256", "local:3f2a9c", "x"),
)


def rich_proof():
    """The page of a proof with something of everything."""
    return proof_page(SITE, "111111111111", DRILLS, rich_runs(), HEAD, NOW)


def rich_rehearsal(**changes):
    """The page of a rehearsal: two areas lived, two breaks were tried."""
    from baseops.workflow.rehearse import VERBS, Cell, Rehearsal
    from baseops.workflow.sabotage import Outcome

    runs = rich_runs()
    cells = [
        Cell(area, verb, "created\n2 imported", 118.0, verb == "apply")
        for area in ("foundation", "backups", "logs")
        for verb in VERBS
    ]
    breaks = [
        Outcome(
            "backups/policy-disabled",
            "backups/coverage",
            "the DLM policy is disabled",
            True,
            "backups.daily: the newest snapshot is 8.1 d old",
            0.4,
        ),
        Outcome(
            "logs/typo",
            "logs/twin",
            "the filter's pattern has a typo",
            True,
            "logs.web: nothing rang within 10 minutes",
            0.6,
        ),
    ]
    found = Rehearsal(
        cells=cells,
        findings=[Finding(Severity.NOTE, "logs/rule", ("logs",), "5 alarms cost 0.50 USD a month", "")],
        seconds=dict.fromkeys(VERBS, 1.25),
        records=[dict(each.values) for found in runs.values() for each in found[0]],
        sabotage=breaks,
        kept=["AWS::S3::Bucket acme-artifacts"],
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return rehearsal_page(SITE, DRILLS, found, NOW)


HOSTILE = {
    "script": "<script>document.title='owned'</script>",
    "image": "<img src=https://evil.example/x.png onerror=\"document.title='owned'\">",
    "attribute": "\" onmouseover=\"document.title='owned'\" x='",
    "style": "</style></title></script><script>document.title='owned'</script>",
    "template": "{{ 7*7 }} {% raw %} ${7*7}",
    "turned": "invoice\u202egnp.exe \u2066hidden\u2069",
    "controls": "bell\x07 null\x00 escape\x1b[31m line\nbreak\ttab \ufeff \ud800",
    "long": "long-" + "x" * 10_000,
    "vega": "datum.toString() || 'x' \\u003cscript\\u003e",
}


def hostile_proof():
    """A page on which every text that AWS or a person could choose is hostile."""
    runs = {
        "logs/twin": [
            [
                record(
                    "logs/twin",
                    f"logs.web/{text}",
                    verdict,
                    text,
                    promise=text,
                    measures={f"{text}_seconds": 1.0},
                    not_exercised=[text],
                    spans=[span(text, text, 0, 5), span(text, f"at {text}", 7)],
                    steps=[{"at": timestamp(RAN), "text": text}],
                )
                for text in HOSTILE.values()
                for verdict in ("refuted", "proven")
            ]
        ]
        * 2
    }
    hostile = Drill(
        "logs/twin", HOSTILE["script"], ("x",), lambda _: [], "exercise", (HOSTILE["image"],), (HOSTILE["turned"],)
    )
    return proof_page(Site(HOSTILE["style"], ("1",), "eu-west-1"), "1", [hostile], runs, HEAD, NOW)


class Page:
    """One page in the browser, and everything the browser asked for or complained of."""

    def __init__(self, driver):
        self.driver = driver

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def dark(self, scheme="dark"):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def width(self, pixels, height=900):
        self.cdp("Emulation.setDeviceMetricsOverride", width=pixels, height=height, deviceScaleFactor=1, mobile=False)

    def shot(self, path):
        import base64

        picture = self.cdp("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(picture["data"]))

    def asked_for(self):
        """The URLs that the browser wanted, but the page itself and what is written into it."""
        events = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]
        urls = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("data:")]

    def complaints(self):
        return [each["message"] for each in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Opens a page's text from a file, in a fresh profile; skips where there is no Chromium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed; run: make setup-dev")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("there is no chromium with its chromedriver; run: make packages")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for flag in (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars "
        f"--window-size=1200,900 --user-data-dir={profile}"
    ).split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    folder = tmp_path_factory.mktemp("pages")

    def open_(text, name="page.html", *, scripts=True):
        path = folder / name
        path.write_text(text)
        page = Page(driver)
        page.cdp("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.dark("light")
        page.width(1200)
        driver.get("about:blank")
        page.asked_for(), page.complaints()
        driver.get(path.as_uri())
        return page

    yield open_
    driver.quit()


@pytest.fixture(scope="session")
def made():
    """What pages here are made from, and the pages."""
    return SimpleNamespace(
        record=record,
        span=span,
        drill=drill,
        history=history,
        runs=rich_runs,
        proof=rich_proof,
        rehearsal=rich_rehearsal,
        hostile=hostile_proof,
        texts=HOSTILE,
        site=SITE,
        drills=DRILLS,
        head=HEAD,
        now=NOW,
        ran=RAN,
    )


@pytest.fixture(scope="session")
def texts():
    """The rich pages as text, drawn once."""
    return SimpleNamespace(proof=html(rich_proof()), rehearsal=html(rich_rehearsal()), hostile=html(hostile_proof()))
