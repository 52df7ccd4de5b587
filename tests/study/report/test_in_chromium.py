"""Pages in a real browser: nothing is requested, nothing fails, everything works by keyboard and fits on a phone."""

import json
from itertools import pairwise

import pytest
from chromium import BINARY, chromium
from run_files import write_curves, write_matrix, write_run, write_study, write_worst

from leyden.study.records import read_present
from leyden.study.report.report import report

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(not BINARY, reason="Chromium is not installed"),
]
SCORES = [0.91, 0.95, 0.93]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The files of a run and of several, with long names and many columns."""
    root = tmp_path_factory.mktemp("project")
    paths = []
    for seed, score in enumerate(SCORES):
        paths.append(write_run(root, "vision/a_rather_long_name_of_an_experiment", seed, 10.0**-seed, score))
        write_curves(paths[-1], epochs=5, shift=seed / 100)
    write_matrix(paths[0], [f"class {n}" for n in range(12)], [[n * m for n in range(12)] for m in range(12)])
    (paths[0] / "environment.txt").write_text("torch==2.14.1\nzope==1.0\n")
    write_worst(paths[0])
    folder, trials = write_study(root)
    made = {"study": root / "study.html"}
    made["study"].write_text(report([read_present(path) for path in trials], None, "study", folder))
    for name, chosen in (("run", paths[:1]), ("several", paths)):
        made[name] = root / f"{name}.html"
        made[name].write_text(report([read_present(path) for path in chosen], None, "runs"))
    return made


@pytest.mark.parametrize("name", ["run", "several", "study"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_requests_nothing_and_does_not_scroll_sideways(browser, pages, name, width):
    browser.open(pages[name], width)
    assert browser.requests == [pages[name].as_uri()]
    assert browser.errors == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.querySelectorAll('.plot svg path, .plot svg circle').length") > 3
    levels = browser.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    unnamed = "[...document.querySelectorAll('img:not([alt]), button, input, select')].filter((one) => one.tagName === 'IMG' || !(one.textContent || one.labels?.length)).length"
    assert browser.evaluate(unnamed) == 0


def test_the_policy_forbids_requests(browser, pages):
    browser.open(pages["run"])
    blocked = "fetch('http://127.0.0.1:9/').then(() => false, () => true)"
    assert browser.evaluate(blocked)
    assert any("Content Security Policy" in json.dumps(error) for error in browser.errors)
    assert not any("127.0.0.1" in url for url in browser.requests)


def scores(browser):
    cells = "[...document.querySelectorAll('#runs tbody tr:not([hidden])')].map((row) => Number(row.cells[3].dataset.value))"
    return browser.evaluate(cells)


def test_the_table_is_sorted_by_click_and_by_keys(browser, pages):
    browser.open(pages["several"])
    head = "document.querySelectorAll('#runs th[scope=col]')[3]"
    assert browser.evaluate(f"{head}.textContent") == "test/accuracy"
    assert scores(browser) == SCORES
    browser.evaluate(f"{head}.querySelector('button').click()")
    assert (scores(browser), browser.evaluate(f"{head}.ariaSort")) == (sorted(SCORES), "ascending")
    browser.evaluate(f"{head}.querySelector('button').focus()")
    browser.press("Enter", "\r")
    assert (scores(browser), browser.evaluate(f"{head}.ariaSort")) == (sorted(SCORES, reverse=True), "descending")


def test_the_worst_samples_are_sorted(browser, pages):
    browser.open(pages["run"])
    table = "document.querySelector('#predictions table[data-sortable]')"
    cells = f"[...{table}.tBodies[0].rows].map((row) => row.cells[0].textContent)"
    assert browser.evaluate(cells) == ["7", "10", "3"]
    browser.evaluate(f"{table}.tHead.rows[0].cells[0].querySelector('button').focus()")
    browser.press("Enter", "\r")
    assert browser.evaluate(cells) == ["3", "7", "10"]  # as numbers
    browser.evaluate(f"{table}.tHead.rows[0].cells[6].querySelector('button').click()")
    assert browser.evaluate(cells) == ["10", "3", "7"]
    assert browser.errors == []


@pytest.mark.parametrize("width", [390, 1280])
def test_parallel_coordinates_are_read_by_keys_and_pointer(browser, pages, width):
    browser.open(pages["study"], width)
    chart = "document.querySelector('.parallel')"
    said = f"{chart}.querySelector('output').textContent"
    assert browser.evaluate(f"{chart}.querySelectorAll('path').length") == 4
    browser.evaluate(f"{chart}.scrollIntoView({{block: 'center'}})")
    browser.evaluate(f"{chart}.querySelector('.plot').focus()")
    browser.press("ArrowRight")
    assert browser.evaluate(said) == "trial 1 (1 of 4): lr 0.001, model large, dropout 0.5, val/accuracy 0.94"
    browser.press("End")
    assert browser.evaluate(said) == "trial 3 (4 of 4): lr 0.1, model small, dropout none, val/accuracy 0.49"
    assert browser.evaluate(f"{chart}.querySelectorAll('.chosen').length") == 1
    browser.press("Escape")
    assert browser.evaluate(said) == ""
    start = f"(() => {{ const path = {chart}.querySelector('path'), at = path.getPointAtLength(20).matrixTransform(path.getScreenCTM()); return [at.x, at.y]; }})()"
    x, y = browser.evaluate(start)  # of the worst, which lies below the others
    browser.mouse("mouseMoved", x, y)
    browser.settle()
    assert browser.evaluate(said).startswith("trial 3")
    axes = f"[...{chart}.querySelectorAll('.axis')].map((one) => one.x1.baseVal.value === one.x2.baseVal.value)"
    assert browser.evaluate(axes) == [width == 1280] * 4  # upright where there is room
    assert browser.errors == []


def test_the_table_is_filtered(browser, pages):
    browser.open(pages["several"])
    browser.evaluate("document.querySelector('#runs input').focus()")
    browser.call("Input.insertText", text="0.95")
    browser.settle()
    assert scores(browser) == [0.95]
    assert browser.evaluate("document.querySelector('#runs output').textContent") == "1 of 3"


def test_a_search_opens_the_settings_that_it_finds(browser, pages):
    browser.open(pages["run"])
    browser.evaluate("document.querySelector('#settings input').focus()")
    browser.call("Input.insertText", text="optimizer")
    browser.settle()
    shown = "[...document.querySelectorAll('#settings details:not([hidden])')].map((one) => [one.open, one.querySelector('summary').textContent])"
    assert browser.evaluate(shown) == [[True, "model (2)"]]


def test_a_chart_is_read_and_zoomed_by_keys_and_by_drag(browser, pages):
    browser.open(pages["run"])
    chart = "document.querySelector('.chart')"
    browser.evaluate(f"{chart}.querySelector('.plot').focus()")
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.evaluate(f"{chart}.querySelector('output').textContent").startswith("train/loss 1 at 1")
    length = f"{chart}.querySelectorAll('circle').length"
    ticks = f"[...{chart}.querySelectorAll('text')].map((one) => one.textContent).join()"
    whole = browser.evaluate(ticks)
    browser.press("+")
    assert browser.evaluate(ticks) != whole
    browser.press("0")
    assert browser.evaluate(ticks) == whole
    assert browser.evaluate(length)
    browser.evaluate(f"{chart}.scrollIntoView({{block: 'center'}})")
    box = browser.evaluate(f"JSON.parse(JSON.stringify({chart}.querySelector('.plot').getBoundingClientRect()))")
    y = box["y"] + 100
    browser.mouse("mousePressed", box["x"] + 150, y)
    browser.mouse("mouseMoved", box["x"] + 250, y)
    browser.mouse("mouseReleased", box["x"] + 250, y)
    browser.settle()
    assert browser.evaluate(ticks) != whole
    browser.evaluate(f"{chart}.querySelector('input[type=checkbox]').click()")
    browser.evaluate(f"{chart}.querySelector('.tools button').click()")
    assert "0.1" in browser.evaluate(ticks)
    assert browser.errors == []


@pytest.mark.parametrize("name", ["run", "several", "study"])
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast_in_both_themes(browser, pages, name, dark):
    browser.open(pages[name], dark=dark)
    for _ in range(2):
        assert browser.evaluate(CONTRAST) >= 4.5
        browser.evaluate("document.getElementById('theme').click()")
    assert browser.evaluate("document.getElementById('theme').textContent") == ("Light" if dark else "Dark")


def test_print_shows_what_is_folded(browser, pages, tmp_path):
    browser.open(pages["run"])
    browser.pdf(tmp_path / "short.pdf")
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.evaluate("getComputedStyle(document.querySelector('header')).display") == "none"
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.call("Emulation.setEmulatedMedia", media="")
    assert (tmp_path / "short.pdf").read_bytes().startswith(b"%PDF")


# The lowest contrast of a text with the nearest background above it, by WCAG 2.
CONTRAST = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (color) => rgb(color).slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  let lowest = 21;
  for (const node of document.querySelectorAll("main *, header *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest("script, noscript, svg") || node.disabled) continue;
    let back = node;
    while (back && rgb(getComputedStyle(back).backgroundColor)[3] < 255) back = back.parentElement;
    const [a, b] = [light(getComputedStyle(node).color), light(getComputedStyle(back ?? document.body).backgroundColor)].sort();
    lowest = Math.min(lowest, (b + 0.05) / (a + 0.05));
  }
  return lowest;
})()"""
