"""The gallery in a real browser: a thousand cards, filters, keys, marks to a file and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import chromium
import numpy as np
import pytest
from chromium import Browser
from cohort_records import records, write_pictures

from AIDEALLib.cohort import gallery
from AIDEALLib.cohort.gallery import PAGE, cards_of, save_gallery
from AIDEALLib.cohort.marks import Mark, read_marks
from AIDEALLib.cohort.outliers import distances, robust_z

COUNT = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, out = records(COUNT), tmp_path_factory.mktemp("cohort")
    write_pictures(out, made)
    save_gallery(out, made, {made[0].id: Mark("reject", 'too "noisy", and moved')})
    return out


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    if chromium.executable() is None:
        pytest.skip("Chromium is not installed (.ci/apt-packages.txt names its package)")
    with chromium.running() as started:
        started.open(folder / PAGE)
        started.wait("window.gallery && gallery.state.ready")
        yield started


def choose(browser: Browser, name: str, value: str) -> None:
    browser.evaluate(
        f"(() => {{ const e = document.getElementById('{name}'); e.value = {json.dumps(value)};"
        " e.dispatchEvent(new Event(e.type === 'search' ? 'input' : 'change')); document.getElementById('grid').focus(); })()"
    )


@pytest.fixture(autouse=True)
def unfiltered(request: pytest.FixtureRequest) -> None:
    if "browser" in request.fixturenames:
        page = request.getfixturevalue("browser")
        for name in ("find", "state", "code", "protocol", "mark"):
            choose(page, name, "")
        choose(page, "sort", "need")
        page.press("Home")


def test_it_loads_alone_and_draws_only_what_is_in_sight(browser: Browser, folder: Path) -> None:
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [(folder / PAGE).resolve().as_uri()]
    assert browser.evaluate("gallery.state.shown.length") == COUNT
    assert 6 <= browser.evaluate("document.querySelectorAll('.card').length") <= 60
    assert browser.evaluate("[...document.querySelectorAll('.card img')].every((i) => i.src.startsWith('data:image/jpeg'))")
    assert browser.evaluate("document.querySelector('.card .worst').innerHTML.includes('<b>')") is False


def test_the_worst_come_first(browser: Browser) -> None:
    order = browser.evaluate("gallery.state.shown.map((c) => [c.severity, c.outliers.length > 0])")
    ranks = [0 if severity in ("failed", "stop") else 1 if severity == "warn" or apart else 2 for severity, apart in order]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == 2


def test_scrolling_through_all_cards_stays_fluent(browser: Browser) -> None:
    """Every frame draws as many cards as fit, whatever the number of scans."""
    most = browser.evaluate(
        "(async () => { const g = document.getElementById('grid'); let most = 0;"
        " for (let y = 0; y < g.scrollHeight; y += 900) { g.scrollTop = y; await new Promise(requestAnimationFrame);"
        " await new Promise(requestAnimationFrame); most = Math.max(most, document.querySelectorAll('.card').length); }"
        " return most; })()"
    )
    assert 0 < most <= 60
    assert browser.evaluate("drawn.has(gallery.state.shown.length - 1)"), "the last card was reached"


def test_filters(browser: Browser) -> None:
    choose(browser, "state", "failed")
    assert browser.evaluate("gallery.state.shown.every((c) => c.status === 'failed') && gallery.state.shown.length > 0")
    choose(browser, "state", "")
    choose(browser, "code", "outlier")
    assert 0 < browser.evaluate("gallery.state.shown.length") < 40
    choose(browser, "code", "")
    choose(browser, "find", "p0003 ses-2")
    assert browser.evaluate("gallery.state.shown.map((c) => c.id)") == ["p0003_ses-2_A"]


def test_keys_move_and_mark(browser: Browser) -> None:
    columns = browser.evaluate("gallery.state.columns")
    assert columns >= 2
    for key in ("ArrowDown", "ArrowRight"):
        browser.press(key)
    assert browser.evaluate("gallery.state.selected") == columns + 1
    browser.press("a")
    browser.press("r")
    browser.press("d")
    assert browser.evaluate(f"gallery.state.shown.slice({columns + 1}, {columns + 4}).map((c) => c.mark)") == [
        "accept",
        "reject",
        "redo",
    ]
    browser.evaluate(f"gallery.select({columns + 1})")
    browser.press("u")
    assert browser.evaluate(f"gallery.state.shown[{columns + 1}].mark") == ""
    choose(browser, "mark", "redo")
    assert browser.evaluate("gallery.state.shown.length") == 1


def test_a_note_is_typed_without_marking(browser: Browser) -> None:
    browser.press("n")
    for key in "drab":
        browser.press(key)
    browser.press("Escape")
    card = browser.evaluate("[gallery.state.shown[0].mark, gallery.state.shown[0].note]")
    assert card[1].endswith("drab") and card[0] == ""


def test_marks_to_a_file_and_back(browser: Browser, folder: Path, tmp_path: Path) -> None:
    text = browser.evaluate("gallery.marksText()")
    (tmp_path / "marks.csv").write_text(text, encoding="utf-8")
    marks = read_marks(tmp_path / "marks.csv")
    first = records(1)[0].id
    assert marks[first] == Mark("reject", 'too "noisy", and moved')
    other = 'scan,mark,note\r\n"p0003_ses-2_A",accept,"fine, ""really"""\r\nno-such-scan,redo,\r\n'
    assert browser.evaluate(f"gallery.readMarks({json.dumps(other)})") == 1
    kept = browser.evaluate(
        "(() => { const c = gallery.cards.find((c) => c.id === 'p0003_ses-2_A'); return [c.mark, c.note]; })()"
    )
    assert kept == ["accept", 'fine, "really"']
    assert browser.evaluate("gallery.readMarks('some,other\\n1,2\\n')") == -1


def test_distributions_and_a_click_on_a_point(browser: Browser) -> None:
    browser.evaluate("document.getElementById('plots-shown').click()")
    for against in ("protocol", "date", "scanner"):
        choose(browser, "against", against)
        assert browser.evaluate("document.getElementById('plot-residual').points.length") > 900
    place = browser.evaluate(
        "(() => { const c = document.getElementById('plot-residual'), b = c.getBoundingClientRect();"
        " const p = c.points.find((p) => gallery.cards[p[2]].outliers.includes('residual'));"
        " return [b.left + p[0], b.top + p[1], gallery.cards[p[2]].values.residual]; })()"
    )
    browser.click(place[0], place[1])
    assert browser.evaluate("gallery.state.shown[gallery.state.selected].values.residual") == pytest.approx(place[2], abs=1.0)
    browser.evaluate("document.getElementById('plots-shown').click()")
    assert browser.complaints() == []


def test_large_cohorts_show_pictures_beside_the_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "LARGEST_PICTURES_BYTES", 10)
    made = [record for record in records(20) if not record.failure]
    save_gallery(folder, made, {})
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert f'"scans/{made[0].id}/card.jpg"' in page and "data:image" not in page.split('id="content"')[1]


def test_outliers_of_a_protocol() -> None:
    assert np.all(robust_z(np.array([1.0, 2.0, 100.0])) == 0), "too few to tell"
    made = [*records(200), *records(200, seed=1)]
    cards = cards_of([record for record in made if not record.failure], {})
    apart = [card for card in cards if card["outliers"]]
    assert apart and all(card["values"]["residual"] > 10 for card in apart if "residual" in card["outliers"])
    z = distances({"pdff": [5.0, 5.1] * 10 + [None, 40.0]}, ["a"] * 22)["pdff"]
    assert np.all(np.abs(z[:21]) < 1) and z[21] > 10
