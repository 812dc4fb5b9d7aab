"""The counter's pages over HTTP: every document in the reader's language, drawn as it is arranged, with its marks."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from honnin.connect.worlds import open_world
from honnin.sandbox.command import sandbox
from honnin.web.serving import Running

DESK = {"staff": "見本", "place": "見本", "terminal": "見本", "purpose": "age_check", "reader": "sandbox"}
SKIPPED = {"script", "style", "nav", "code", "footer", "header", "aside", "select", "title"}
EMPTY = {"br", "hr", "img", "input", "link", "meta", "path", "circle", "rect"}
SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,'-]+[A-Za-z]{2,}){2,}")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


class Words(HTMLParser):
    """The text of a page's main part that is in the page's own language: what names another language is left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._open: list[tuple[str, bool]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.text += [given[name] or "" for name in ("alt", "aria-label") if name in given and not self._hidden()]
        if tag not in EMPTY:
            self._open.append((tag, tag in SKIPPED or (tag != "html" and "lang" in given)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, text: str) -> None:
        if text.strip() and not self._hidden():
            self.text.append(text.strip())

    def _hidden(self) -> bool:
        return any(hidden for _, hidden in self._open)


class Counter:
    """A clerk at the counter, over HTTP, with the cards of invented persons."""

    def __init__(self, visitor: Any, server: Running) -> None:
        self.visitor, self.server = visitor, server
        self.origin = server.origin("counter")
        self.keys = {one["id"]: one["document_keys"] for one in open_world(server.platform.settings.data).people()}

    def begin(self, person: str, document: str, **more: str) -> str:
        """Begin a reading; return its address."""
        answer = self.visitor.post(f"{self.origin}/", {**DESK, "document": document, "person": person, **more})
        assert answer.status_code == 303, answer.text
        return f"{self.origin}{answer.headers['location']}"

    def entries(self, person: str, document: str) -> dict[str, str]:
        """Return what opens a person's document."""
        if document == "passport":
            command = ["passport", person, "--data", str(self.server.platform.settings.data)]
            number, born, ends = CliRunner().invoke(sandbox, command).stdout.split()
            return {"document_number": number, "birth_date": f"19{born}", "expiry_date": f"20{ends}"}
        keys = self.keys[person][document]
        if document == "my_number_card":
            digits = keys["number_b"]
            return {"printed_birth_date": digits[:6], "expiry_year": digits[6:10], "security_code": digits[10:]}
        if document == "residence_card":
            return {"card_number": keys["card_number"]}
        return {name: keys[name] or "0000" for name in ("pin_1", "pin_2")}

    def read(self, person: str, document: str, language: str = "ja", **more: str) -> httpx.Response:
        """Read a document; return the page that shows it."""
        visit = self.begin(person, document)
        answer = self.visitor.post(visit, {**self.entries(person, document), **more})
        assert answer.headers["location"].endswith("/seen"), answer.text
        return self.visitor.get(f"{visit}/seen?lang={language}")


@pytest.fixture
def counter(visitor: Any, server: Running) -> Counter:
    return Counter(visitor, server)


READ = [
    ("hanako", "my_number_card"),
    ("hanako", "drivers_licence"),
    ("anna", "residence_card"),
    ("maximilian", "residence_card"),
    ("madeup", "residence_card"),
    ("hanako", "passport"),
]


@pytest.mark.parametrize(("person", "document"), READ)
def test_japanese_page_has_no_english_sentence(counter: Counter, person: str, document: str) -> None:
    text = Words(counter.read(person, document, "ja").text).text
    assert "本物と確認できました" in "".join(text)
    assert [part for part in text if SENTENCE.search(part)] == []
    assert not any(word in part.split() for part in text for word in ("female", "male", "record", "dg1", "details"))


@pytest.mark.parametrize(("person", "document"), READ)
def test_english_page_has_japanese_in_the_documents_own_words_alone(
    counter: Counter, person: str, document: str
) -> None:
    text = Words(counter.read(person, document, "en").text).text
    assert any("Signature over the data" in part for part in text)
    assert [part for part in text if JAPANESE.search(part)] == []
    assert sum(1 for part in text if SENTENCE.search(part)) >= 5


def field(page: str, name: str) -> str:
    """Return the text of one field."""
    found = re.search(rf"<dt>{re.escape(name)} .*?<dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    assert found, name
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def test_values_are_in_the_readers_language(counter: Counter) -> None:
    card = counter.read("hanako", "my_number_card").text
    assert field(card, "性別") == "女"
    assert field(card, "生年月日") == "平成2年（1990年）4月12日"
    passport = counter.read("hanako", "passport").text
    assert field(passport, "生年月日") == "1990年4月12日"
    assert field(passport, "国籍・地域") == "日本（JPN）"
    english = counter.read("hanako", "passport", "en").text
    assert (field(english, "Birth date"), field(english, "Sex")) == ("12 April 1990", "Female")
    assert field(english, "Nationality or region") == "Japan (JPN)"
    licence = counter.read("hanako", "drivers_licence", "en").text
    assert field(licence, "Birth date") == "12 April 1990 (Heisei 2)"
    residence = counter.read("maximilian", "residence_card").text
    assert field(residence, "国籍・地域") == "難民（XXB）"
    assert field(residence, "在留期間") == "無期限"
    assert field(residence, "就労制限") == "就労制限なし"


def test_every_proof_of_a_page_is_numbered_and_says_why_in_words(counter: Counter) -> None:
    page = counter.read("hanako", "passport").text
    assert re.findall(r'id="proof-(\d)"', page) == ["1", "2", "3"]
    assert "旅券のデータは、発行国が署名したとおりです。" in page
    assert "機械読取領域（DG1）、顔画像（DG2）" in page
