"""The drawing of every document in a real Chromium: authentic and forged, in two languages, narrow, large, on paper."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_counter import Clerk, clerk, key, keys, number_b

from honnin.web.counter.schema import FRONT
from honnin.web.serving import Running

__all__ = ["clerk", "key", "keys"]

SHOWN = [
    ("hanako", "my_number_card", "altered_portrait"),
    ("hanako", "drivers_licence", "altered_text"),
    ("maximilian", "residence_card", "altered_text"),
    ("hanako", "passport", "altered_portrait"),
]
NARROW = {"width": 320, "height": 800}
WIDE = {"width": 1280, "height": 900}
# Where things stand on the real document: of each pair the first lies left of, or above, the second.
LEFT_OF = {
    "my_number_card": [("portrait", "name_image"), ("birth_date", "sex")],
    "drivers_licence": [("name", "birth_date"), ("address", "portrait"), ("issue_date", "portrait")],
    "residence_card": [("name_image", "portrait"), ("birth_date", "sex")],
    "passport": [("portrait", "surname"), ("document_type", "document_number"), ("nationality", "birth_date")],
}
ABOVE = {
    "my_number_card": [
        ("name_image", "address_image"),
        ("address_image", "birth_date"),
        ("portrait", "security_code_image"),
    ],
    "drivers_licence": [("name", "address"), ("expiry_date", "licence_number"), ("licence_number", "licence_classes")],
    "residence_card": [
        ("card_number", "name_image"),
        ("birth_date", "address_image"),
        ("address_image", "expiry_date"),
    ],
    "passport": [("document_number", "surname"), ("surname", "given_names"), ("given_names", "nationality")],
}


@pytest.fixture
def see(clerk: Clerk, page: Page, keys: dict[str, Any], key: dict[str, str]) -> Callable[..., None]:
    """Return a function that reads a document and shows it."""

    def read(person: str, document: str, variant: str = "", language: str = "ja") -> None:
        clerk.begin(document, person=person, variant=variant, language=language)
        entries = {
            "my_number_card": lambda: number_b(keys, person),
            "drivers_licence": lambda: keys[person]["drivers_licence"],
            "residence_card": lambda: {"card_number": keys[person]["residence_card"]["card_number"]},
            "passport": lambda: key,
        }
        clerk.enter(**entries[document]())
        expect(page.locator(".answers")).to_be_visible()
        page.wait_for_load_state()  # with its style

    return read


def box(page: Page, name: str) -> dict[str, float]:
    """Return where a field of the drawing stands."""
    found = page.locator(f".at-{name}").bounding_box()
    assert found is not None, name
    return dict(found)


@pytest.mark.parametrize(("person", "document", "forgery"), SHOWN)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_document_is_arranged_as_its_front_and_accessible(
    page: Page,
    see: Callable[..., None],
    axe: Callable[[Page], Any],
    person: str,
    document: str,
    forgery: str,
    language: str,
) -> None:
    page.set_viewport_size(WIDE)
    for variant in ("", forgery):
        see(person, document, variant, language)
        assert axe(page) == []
        for first, second in LEFT_OF[document]:
            assert box(page, first)["x"] < box(page, second)["x"], (first, second)
        for first, second in ABOVE[document]:
            assert box(page, first)["y"] < box(page, second)["y"], (first, second)
        assert no_field_hides_another(page)
        signs = page.locator(".schema .sign").all()
        assert all(sign.inner_text().strip() for sign in signs)
        assert page.locator(".mark--failed").count() == page.locator(".mark--failed a[href^='#proof-']").count()
        assert (page.locator(".mark--failed").count() > 0) == (variant != "")


# Text and tags that reach over the right edge of their cell, or come nearer than its padding.
OVER = """() => [...document.querySelectorAll('.schema .mark')].flatMap((cell) =>
  [...cell.querySelectorAll('.tag, dd')].filter((one) => {
    const room = cell.getBoundingClientRect().right - one.getBoundingClientRect().right;
    return room < 5 || one.scrollWidth > one.clientWidth + 1;
  }).map((one) => one.textContent))"""


@pytest.mark.parametrize(("person", "document"), [(person, document) for person, document, _ in SHOWN])
def test_marks_keep_away_from_the_borders_of_narrow_cells(
    page: Page, see: Callable[..., None], person: str, document: str
) -> None:
    page.set_viewport_size(WIDE)
    see(person, document)
    for width in (1000, 1100, WIDE["width"]):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVER) == [], width


@pytest.mark.parametrize(("person", "document", "forgery"), SHOWN)
def test_narrow_and_large_are_one_column_in_reading_order(
    page: Page, see: Callable[..., None], axe: Callable[[Page], Any], person: str, document: str, forgery: str
) -> None:
    see(person, document, forgery)
    for size, zoom in ((NARROW, "100%"), (WIDE, "200%")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.evaluate(f"document.documentElement.style.fontSize = '{zoom}'")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert no_field_hides_another(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.evaluate("document.documentElement.style.fontSize = ''")
    assert axe(page) == []
    names = [name for name in FRONT[document] if page.locator(f".at-{name}").count()]
    places = [box(page, name) for name in names]
    assert [place["y"] for place in places] == sorted(place["y"] for place in places)
    assert len({round(place["x"]) for place in places}) == 1


def test_paper_shows_card_and_proofs_without_the_controls(page: Page, see: Callable[..., None]) -> None:
    see("hanako", "drivers_licence", "altered_text")
    page.emulate_media(media="print")
    for hidden in (".confirm", ".ribbon", ".steps", "nav"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".schema")).to_be_visible()
    expect(page.locator("#proof-1")).to_be_visible()
    lines = {
        kind: page.locator(f".mark--{kind}").first.evaluate("one => getComputedStyle(one).borderLeftStyle")
        for kind in ("failed",)
    }
    assert lines == {"failed": "double"}


def test_keyboard_goes_from_a_red_field_to_its_proof(page: Page, see: Callable[..., None], server: Running) -> None:
    see("hanako", "passport", "altered_portrait")
    page.focus(".mark--failed a")
    page.keyboard.press("Enter")
    expect(page.locator("#proof-1")).to_be_focused()


def no_field_hides_another(page: Page) -> bool:
    """Tell whether no field of the drawing lies over another or leaves it."""
    return bool(
        page.evaluate(
            """() => {
              const sheet = document.querySelector(".schema").getBoundingClientRect();
              const boxes = [...document.querySelectorAll(".schema > .mark")].map(one => one.getBoundingClientRect());
              const inside = [...document.querySelectorAll(".schema > .mark *")].every(one => {
                const box = one.getBoundingClientRect();
                return box.right <= sheet.right + 1;
              });
              return inside && boxes.every((a, n) => boxes.every((b, m) => n >= m ||
                a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1));
            }"""
        )
    )
