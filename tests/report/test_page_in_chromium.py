"""The page in a headless Chromium: no request, no script but its own, every theme and width, keyboard, print."""

import base64
import json
import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TAB, ENTER = "\ue004", "\ue007"  # https://www.w3.org/TR/webdriver2/#keyboard-actions
PAGES = ["proof", "rehearsal", "hostile"]


@pytest.fixture(scope="session")
def axe():
    """The accessibility engine, which lives beside the other judges."""
    home = ROOT / os.environ.get("BASEOPS_JUDGES", ".judges") / "axe-core"
    script = home / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        pytest.skip(f"axe-core is not installed in {home}; run: make judges")
    return script.read_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("name", PAGES)
def test_it_asks_nobody_for_anything_and_the_browser_has_no_complaint(browser, texts, name, scripts):
    page = browser(getattr(texts, name), scripts=scripts)

    assert [url.rpartition("/")[2] for url in page.asked_for()] == ["page.html"]
    assert page.complaints() == []


def test_what_strings_of_others_say_is_text(browser, texts, made):
    page = browser(texts.hostile)
    page.js("document.querySelectorAll('details').forEach((each) => each.open = true)")

    assert page.driver.title.endswith("1 promise refuted; 0 of 1 promise proven.")
    assert page.js("return document.querySelectorAll('script, img, iframe, [onerror], [onmouseover]').length") == 1
    seen = page.find("main").text
    assert "<script>document.title='owned'</script>" in seen
    assert "invoice⟨U+202E⟩gnp.exe" in seen
    assert not re.search("[\u202e\u2066\u2069\x00\x07\x1b\ufeff]", page.driver.page_source)


def test_a_script_that_is_not_the_pages_own_never_runs(browser, texts):
    page = browser(texts.proof.replace("</main>", "</main><script>document.title = 'owned'</script>"))

    assert "owned" not in page.driver.title
    assert any("Content Security Policy" in each for each in page.complaints())


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 768, 1200, 2560])
def test_no_width_scrolls_sideways(browser, texts, name, width):
    page = browser(getattr(texts, name))
    page.js("document.querySelectorAll('details').forEach((each) => each.open = true)")
    page.width(width)

    assert page.js("return document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_the_accessibility_engine_finds_nothing(browser, texts, axe, name, scheme, width):
    page = browser(getattr(texts, name))
    page.dark(scheme)
    page.width(width)
    page.js("document.querySelectorAll('details').forEach((each) => each.open = true)")
    # Past the page's own policy, as a debugger may.
    page.cdp("Runtime.evaluate", expression=axe)
    run = "axe.run({resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations))"
    found = page.cdp("Runtime.evaluate", expression=run, awaitPromise=True)["result"]["value"]

    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in json.loads(found)] == []


def rgb(page, selector, style):
    return page.js("return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, style)


def test_dark_and_light_are_two_pages_also_inside_plots(browser, texts):
    page = browser(texts.proof)
    seen = {}
    for scheme in ("light", "dark"):
        page.dark(scheme)
        seen[scheme] = [rgb(page, "body", "backgroundColor"), rgb(page, "svg text[fill='var(--ink)']", "fill")]

    assert seen == {
        "light": ["rgb(247, 247, 245)", "rgb(27, 30, 34)"],
        "dark": ["rgb(18, 20, 22)", "rgb(231, 233, 235)"],
    }


def test_every_plot_has_a_name_a_description_and_a_table(browser, texts):
    page = browser(texts.proof)
    tree = page.cdp("Accessibility.getFullAXTree")["nodes"]
    plots = [
        (each["name"]["value"], each.get("description", {}).get("value", ""))
        for each in tree
        if each.get("role", {}).get("value") in ("image", "img") and each["name"]["value"]
    ]

    assert len(plots) == page.js("return document.querySelectorAll('figure').length") == 4
    assert "alarm too-many-errors: OK 2×, ALARM 1×" in plots[1][0] + plots[1][1]
    assert page.js("return document.querySelectorAll('figure table').length") == 4


def test_headings_go_down_one_at_a_time(browser, texts):
    page = browser(texts.rehearsal)
    levels = page.js("return [...document.querySelectorAll('h1,h2,h3,h4')].map((each) => Number(each.tagName[1]))")

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_keyboard_reaches_what_the_mouse_does(browser, texts):
    page = browser(texts.proof)
    body = page.find("body")
    body.send_keys(TAB)
    assert page.driver.switch_to.active_element.text == "Skip to the content"
    assert rgb(page, "a.skip", "left") == "0px"
    page.driver.switch_to.active_element.send_keys(ENTER)
    assert page.js("return document.activeElement.id") == "main"

    reached = set()
    for _ in range(60):
        page.driver.switch_to.active_element.send_keys(TAB)
        active = "const at = document.activeElement; return [at.tagName, at.id || at.textContent.trim().slice(0, 40)]"
        tag, text = page.js(active)
        if tag == "BODY":
            break
        reached.add((tag, text))
        outline = page.js("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", (tag, text)

    assert {tag for tag, _ in reached} == {"A", "DIV", "SUMMARY", "INPUT", "BUTTON"}
    assert {("INPUT", "words"), ("BUTTON", "open-all")} <= reached


def test_a_link_opens_the_story_that_it_leads_to(browser, texts):
    page = browser(texts.proof)
    story = page.find("#drill-logs-twin")
    assert not story.get_attribute("open")

    page.js("document.querySelector('.tiles a[href=\"#drill-logs-twin\"]').click()")
    page.js("return new Promise((done) => setTimeout(done, 50))")

    assert story.get_attribute("open")
    assert "a line is written to the twin" in story.text
    assert "+3 min 10 s" in story.text
    assert "systemctl restart nginx (no guest on this machine)" in story.text
    assert "CreateLogGroup in CloudTrail" in story.text


def test_the_filter_leaves_what_was_asked_for(browser, texts):
    page = browser(texts.proof)
    visible = "return [...document.querySelectorAll('details.story:not([hidden])')].map((each) => each.id)"

    page.find("#words").send_keys("email.partner")
    assert page.js(visible) == ["drill-email-round-trip"]
    assert page.find("#shown").text == "1 drills, 1 targets shown"

    page.find("#words").clear()
    page.find("input[value=proven]").click()
    assert page.js(visible) == ["drill-secrets-readers", "drill-email-round-trip"]


def test_without_scripts_everything_is_there_and_opens(browser, texts):
    page = browser(texts.rehearsal, scripts=False)
    assert not page.find("#filter").is_displayed()

    page.find("#drill-logs-twin summary").click()

    assert "a line is written to the twin" in page.find("#drill-logs-twin").text


def test_paper_has_every_story_whether_it_was_open_or_not(browser, texts, tmp_path):
    page = browser(texts.rehearsal, scripts=False)
    printed = base64.b64decode(page.cdp("Page.printToPDF", preferCSSPageSize=True)["data"])

    assert printed.startswith(b"%PDF")
    if not Path("/usr/bin/pdftotext").exists():
        pytest.skip("there is no pdftotext to read it with")
    (tmp_path / "page.pdf").write_bytes(printed)
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, check=True).stdout
    assert b"a line is written to the twin" in text
    assert b"Skip to the content" not in text


def test_two_thousand_findings_are_a_page_like_any_other(browser, made):
    from baseops.report.proof import proof_page
    from baseops.report.render import html

    runs = {
        name: [[made.record(name, f"t-{n:04}", spans=[made.span(f"lane {n}", "kept", 0, 9)]) for n in range(500)]]
        for name in ("backups/coverage", "images/published", "logs/twin", "secrets/readers")
    }
    text = html(proof_page(made.site, "111111111111", made.drills, runs, made.head, made.now))

    page = browser(text)

    assert len(text) < 3_000_000
    assert page.js("return document.querySelectorAll('tr[data-verdict]').length") == 2000
    page.find("#words").send_keys("t-0499")
    assert page.find("#shown").text == "4 drills, 4 targets shown"
