"""The counter's pages over HTTP: every document in the reader's language, drawn as it is arranged, with its marks."""

import logging
import random
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from click.testing import CliRunner
from PIL import Image, ImageFilter
from tests.searching import tells
from tests.waiting import LONG
from tests.web.conftest import Visitor

from honnin.bench.ocr import my_number_card_face, photograph
from honnin.connect.worlds import open_world
from honnin.errors import HonninError
from honnin.identity.dates import JST
from honnin.platform import Settings
from honnin.sandbox.cards import open_emulated
from honnin.sandbox.command import sandbox
from honnin.sandbox.world import World
from honnin.web.counter.kinds import VARIANTS
from honnin.web.serving import Running, serve_in_thread

DESK = {"purpose": "age_check", "reader": "sandbox"}
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
        visitor.sign_in_at_counter()
        self.people = {one["id"]: one for one in open_world(server.platform.settings.data).people()}
        self.keys = {name: one["document_keys"] for name, one in self.people.items()}

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

    def read(
        self, person: str, document: str, language: str = "ja", *, variant: str = "", **more: str
    ) -> httpx.Response:
        """Read a document, or a forgery or another kind of it; return the page that shows it."""
        visit = self.begin(person, document, variant=variant)
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


def test_licence_on_a_my_number_card_is_read_by_its_own_pin(counter: Counter) -> None:
    pin = counter.keys["hanako"]["my_number_card"]["drivers_licence"]
    page = counter.read("hanako", "my_number_card", licence_pin=pin).text
    assert "本物と確認できました" in page
    assert field(page, "免許の種類") == "普通、原付"
    assert page.count("警察が署名したとおり") == 1
    assert "マイナ免許証は読み取れませんでした" not in page
    page = counter.read("kaede", "my_number_card", licence_pin="1234").text
    assert "マイナ免許証は読み取れませんでした" in page
    page = counter.read("hanako", "my_number_card", licence_pin=f"{(int(pin) + 1) % 10_000:04d}").text
    assert "マイナ免許証は読み取れませんでした" in page
    assert "本物と確認できました" in page


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        ("card-1", "在留カード（第1世代）"),
        ("certificate-1", "特別永住者証明書（第1世代）"),
        ("card-2", "在留カード（第2世代）"),
        ("certificate-2", "特別永住者証明書（第2世代）"),
        ("specified-card", "特定在留カード（マイナンバーカード一体）"),
        ("specified-certificate", "特定特別永住者証明書（マイナンバーカード一体）"),
    ],
)
def test_every_kind_of_residence_card_says_which_it_is(counter: Counter, variant: str, kind: str) -> None:
    page = counter.read("anna", "residence_card", variant=variant).text
    assert "本物と確認できました" in page
    assert f">{kind}</h2>" in page


@pytest.mark.parametrize(
    ("person", "document", "variant", "why"),
    [
        ("hanako", "my_number_card", "altered_portrait", "券面の内容が、署名されたときから書き換えられています。"),
        ("hanako", "my_number_card", "copied", "複製か、別のカードの記録です。"),
        ("hanako", "my_number_card", "forged_issuer", "カードの発行者の認証局の名をかたっていますが"),
        ("hanako", "drivers_licence", "altered_text", "署名が免許証の内容と一致しません。"),
        ("anna", "residence_card", "altered_text", "署名がカードの内容と一致しません。"),
        ("maximilian", "residence_card", "swapped_files", "署名がカードの内容と一致しません。"),
        ("hanako", "passport", "altered_portrait", "データが、署名されたときから書き換えられています。"),
    ],
)
def test_forgery_says_why_beside_what_is_red(
    counter: Counter, person: str, document: str, variant: str, why: str
) -> None:
    page = counter.read(person, document, variant=variant).text
    assert "偽造または変造のおそれがあります" in page
    assert why in page
    assert [part for part in Words(page).text if SENTENCE.search(part)] == []
    red = re.findall(r'class="mark mark--failed.*?</dt>', page, re.DOTALL)
    assert all(re.search(r'href="#proof-\d"', field) for field in red)
    assert red or variant == "copied"  # the data of a copy are as signed: the chip is another


def test_issuer_that_nobody_here_knows_leaves_all_grey(counter: Counter) -> None:
    for person, document in (("hanako", "drivers_licence"), ("anna", "residence_card"), ("hanako", "my_number_card")):
        page = counter.read(person, document, variant="wrong_issuer").text
        assert "判定できません" in page
        assert "mark--covered" not in page
        assert "ここにありません" in page
        assert '<button class="button button--outline" type="submit" name="same_person" value="yes">' in page


# --- the QR code of a My Number Card is its individual number


def with_qr(text: str, *, turned: int = 0, blur: float = 0.0) -> bytes:
    """Return a photograph of a My Number Card's face with a QR code on it, as both sides laid side by side."""
    face, _ = my_number_card_face(random.Random(7))  # noqa: S311
    drawn = BytesIO()
    segno.make(text, micro=False).save(drawn, kind="png", scale=7, border=4)
    sheet = Image.new("RGB", (face.width + 500, face.height + 60), (225, 225, 220))
    sheet.paste(face, (20, 20))
    sheet.paste(Image.open(drawn).convert("RGB"), (face.width + 80, 120))
    return photograph(sheet.rotate(turned, expand=True).filter(ImageFilter.GaussianBlur(blur)))


@pytest.fixture
def entitled(server: Running) -> Iterator[None]:
    caller = server.platform.authenticate(server.api_key)
    server.platform.change_tenant(caller.id, number_handler=True)
    yield
    server.platform.change_tenant(caller.id, number_handler=False)


def send(counter: Counter, visit: str, picture: bytes) -> httpx.Response:
    """Send a photograph from a visit's form."""
    answer = counter.visitor.post(f"{visit}/photo", files={"photo": ("card.jpg", picture, "image/jpeg")}, form=visit)
    assert isinstance(answer, httpx.Response)
    return answer


@pytest.mark.parametrize(("turned", "blur"), [(0, 0.0), (7, 0.0), (90, 0.0), (0, 1.2)])
def test_photograph_with_a_qr_code_is_refused_unread(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, turned: int, blur: float
) -> None:
    caplog.set_level(logging.DEBUG)
    read: list[str] = []
    for name in ("text_lines", "number_in_qr"):
        monkeypatch.setattr(f"honnin.web.counter.app.{name}", lambda _, name=name: read.append(name))
    number = counter.keys["hanako"]["my_number_card"]["number_a"]
    answer = send(counter, counter.begin("hanako", "my_number_card"), with_qr(number, turned=turned, blur=blur))
    assert "QRコードは個人番号なので、読まずに捨てました" in answer.text
    assert read == []
    assert re.findall(r'id="(?:printed_birth_date|expiry_year|security_code)"[^>]* value="([^"]+)"', answer.text) == []
    assert number not in answer.text + caplog.text


@pytest.mark.usefixtures("entitled")
def test_qr_code_is_refused_for_every_purpose_but_the_number_itself(counter: Counter) -> None:
    number = counter.keys["hanako"]["my_number_card"]["number_a"]
    answer = send(counter, counter.begin("hanako", "my_number_card"), with_qr(number))
    assert "読まずに捨てました" in answer.text


@pytest.mark.usefixtures("entitled")
def test_entitled_tenant_holds_the_qr_code_against_the_chip_and_sees_it_on_no_page(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    number = counter.keys["hanako"]["my_number_card"]["number_a"]
    visit = counter.begin("hanako", "my_number_card", purpose="individual_number")
    answer = send(counter, visit, photograph(Image.new("RGB", (600, 400), (200, 200, 200))))
    assert "QRコードを読み取れません" in answer.text
    answer = send(counter, visit, with_qr("見本"))
    assert "QRコードを読み取れません" in answer.text
    answer = send(counter, visit, with_qr("123456789012"))  # no check digit holds
    assert "形式が正しくありません" in answer.text
    assert "123456789012" not in answer.text
    answer = send(counter, visit, with_qr(number))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{visit.removeprefix(counter.origin)}/seen")
    page = counter.visitor.get(f"{visit}/seen")
    assert "本物と確認できました" in page.text
    assert number not in answer.text + page.text + caplog.text
    other = counter.begin("hanako", "my_number_card", purpose="individual_number")
    send(counter, other, with_qr(counter.keys["takako"]["my_number_card"]["number_a"]))
    assert "card.pin_wrong" in counter.visitor.get(f"{other}/seen").text


def test_number_is_read_for_nobody_whose_entitlement_ended_meanwhile(counter: Counter, server: Running) -> None:
    caller = server.platform.authenticate(server.api_key)
    number = counter.keys["hanako"]["my_number_card"]["number_a"]
    server.platform.change_tenant(caller.id, number_handler=True)
    try:
        visit = counter.begin("hanako", "my_number_card", purpose="individual_number")
    finally:
        server.platform.change_tenant(caller.id, number_handler=False)
    for answer in (send(counter, visit, with_qr(number)), counter.visitor.post(visit, {"individual_number": number})):
        assert answer.status_code == 403
        assert "個人番号を扱えません" in answer.text
        assert number not in answer.text


# --- the record on paper


def recorded(counter: Counter, person: str, document: str, language: str) -> bytes:
    """Read a document, confirm it, and return the record as a PDF."""
    page = counter.read(person, document, language)
    visit = f"{counter.origin}{page.request.url.path.removesuffix('/seen')}"
    said = {"same_person": "yes", "printed_expiry": "2030 06 30"}
    answer = counter.visitor.post(f"{visit}/confirm", said, form=f"{visit}/seen")
    found = counter.visitor.get(f"{counter.origin}{answer.headers['location']}.pdf?lang={language}")
    assert found.headers["content-type"] == "application/pdf"
    return bytes(found.content)


@pytest.mark.peer("pdftotext")
@pytest.mark.parametrize(("person", "document"), READ)
def test_paper_speaks_the_readers_language_and_names_nobody(counter: Counter, person: str, document: str) -> None:
    business = counter.server.platform.authenticate(counter.server.api_key).tenant.name
    for language, verdict in (("ja", "本人確認ができました"), ("en", "The identity was verified")):
        made = recorded(counter, person, document, language)
        text = subprocess.run(
            ["pdftotext", "-", "-"], input=made, capture_output=True, check=True, timeout=LONG
        ).stdout.decode()
        text = re.sub(r"honnin\s+evidence\s+verify", "", text)  # a command
        assert verdict in text
        assert "○" in text
        if language == "ja":
            assert SENTENCE.search(text) is None
        else:
            assert JAPANESE.search(re.sub(rf"{business}|見本(\s*係員|支店|窓口)", "", text)) is None
        assert not any(tells(text, name) for name in ("花子", "HANAKO", "ＡＮＮＡ", "1990", "千代田"))
        assert b"/FontFile2" in made  # embedded: the paper looks the same everywhere


def test_appended_address_is_grey_and_named_beside_the_printed_one(counter: Counter) -> None:
    page = counter.read("hanako", "drivers_licence", variant="appended_address").text
    assert "本物と確認できました" in page  # what was signed is as it was
    assert re.search(r'mark--open">\s*<dt>新しい住所（追記）', page)
    assert re.search(r"<dt>住所 .*?追記があります.*?</dt>", page, re.DOTALL)
    assert "東京都千代田区偽造一丁目" in field(page, "新しい住所（追記）")
    assert "追記があります" not in counter.read("hanako", "drivers_licence").text


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"document": "residence_card"}, "person", "この人は、選んだ書類を持っていません"),
        ({"document": "auto", "reader": ""}, "reader", "選んでください"),
        ({"document": "auto"}, "document", "自動で見分けるのは"),
        ({"reader": ""}, "reader", "選んでください"),
    ],
)
def test_refused_choice_is_named_where_it_was_made(
    counter: Counter, more: dict[str, str], field: str, said: str
) -> None:
    fields = {**DESK, "document": "passport", "person": "hanako", **more}
    answer = counter.visitor.post(f"{counter.origin}/", fields)
    assert answer.status_code == 422
    assert re.findall(r'<li><a href="#(\w+)">', answer.text) == [field]
    assert said in answer.text


def test_kind_of_a_card_is_not_asked_where_a_reader_of_this_computer_reads(counter: Counter) -> None:
    counter.begin("hanako", "passport", reader="agent", variant="card-1")


def test_date_that_stands_in_the_picture_alone_is_read_by_staff(counter: Counter) -> None:
    for typed, answer in (("20000101", "本人確認はできませんでした"), ("２０３２-０３-１７", "本人確認ができました")):
        visit = counter.begin("anna", "residence_card", variant="card-1")
        counter.visitor.post(visit, counter.entries("anna", "residence_card"))
        for wrong in ("", "soon", "20320230", "320317"):
            said = {"same_person": "yes", "printed_expiry": wrong}
            refused = counter.visitor.post(f"{visit}/confirm", said, form=f"{visit}/seen")
            assert refused.status_code == 422
            assert "まだ記録していません" in refused.text
        said = {"same_person": "yes", "printed_expiry": typed}
        made = counter.visitor.post(f"{visit}/confirm", said, form=f"{visit}/seen")
        check = counter.visitor.get(f"{counter.origin}{made.headers['location']}").text
        assert answer in check
    other = counter.begin("maximilian", "residence_card")
    counter.visitor.post(other, counter.entries("maximilian", "residence_card"))
    assert "printed_expiry" not in counter.visitor.get(f"{other}/seen").text


def test_last_day_ends_at_midnight_in_japan(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir(mode=0o700)
    with serve_in_thread(Settings(data=data)) as server:
        visitor = Visitor(server)
        counter = Counter(visitor, server)
        shown = field(counter.read("hanako", "drivers_licence").text, "有効期限")
        year, month, day = (int(part) for part in re.findall(r"(\d+)[年月日]", shown)[-3:])
        last = datetime(year, month, day, 23, 59, 59, tzinfo=JST)
        for moment, answer in ((last, "有効期限内"), (last + timedelta(seconds=1), "期限切れ")):
            World(data).set_clock(moment, frozen=True)
            visitor.sign_in_at_counter()
            page = counter.read("hanako", "drivers_licence").text
            assert re.search(
                rf'class="answer answer--(good|bad)"><p class="answer__name">有効期限</p><p>{answer}', page
            )
        visitor.close()


@pytest.mark.parametrize(
    ("language", "left", "offer"),
    [
        ("ja", "残り2回です。", "暗証番号1を確かめました。この番号の最後の1回を使います"),
        ("ja-simple", "あと 2回です。", "暗証番号1を たしかめました。この 番号の さいごの"),
        ("en", "Tries left: 2.", "Checked: PIN 1. Use the last try of it, and of no other"),
    ],
)
def test_last_try_is_offered_with_one_left_and_used_only_where_chosen(
    counter: Counter, language: str, left: str, offer: str
) -> None:
    person = "hanako"
    right = counter.entries(person, "drivers_licence")
    wrong = right | {"pin_1": "9999" if right["pin_1"] != "9999" else "8888"}
    visit = counter.begin(person, "drivers_licence")

    def read(entries: dict[str, str]) -> str:
        counter.visitor.post(visit, entries)
        return str(counter.visitor.get(f"{visit}/seen?lang={language}").text)

    assert left in read(wrong | {"last_try_pin_1": "yes"})
    assert counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen").status_code == 303
    assert 'name="last_try_' not in counter.visitor.get(visit).text
    assert left.replace("2", "1") in read(wrong | {"last_try_pin_1": "yes"})
    for entries in (wrong, right):  # not chosen: nothing is sent, so the right one is refused too
        assert counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen").status_code == 303
        form = counter.visitor.get(f"{visit}?lang={language}").text
        assert 'name="last_try_pin_1"' in form
        assert 'name="last_try_pin_2"' not in form
        assert offer in form
        assert "card.pin_last_try" in read(entries)
    assert counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen").status_code == 303
    assert "proof-1" in read(right | {"last_try_pin_1": "yes"})
    again = counter.begin(person, "drivers_licence")
    counter.visitor.post(again, wrong)
    assert left in counter.visitor.get(f"{again}/seen?lang={language}").text  # a right entry gave all tries back
    assert counter.visitor.post(f"{again}/again", {}, form=f"{again}/seen").status_code == 303
    counter.visitor.post(again, right)


def test_last_try_is_used_of_the_named_pin_alone(counter: Counter) -> None:
    """Both PINs of a licence have one try left; the word for the first is none for the second."""
    person = "hanako"
    right = counter.entries(person, "drivers_licence")
    wrong = {name: "9999" if pin != "9999" else "8888" for name, pin in right.items()}
    visit = counter.begin(person, "drivers_licence")

    def read(entries: dict[str, str]) -> str:
        counter.visitor.post(visit, entries)
        page = str(counter.visitor.get(f"{visit}/seen").text)
        counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen")
        return page

    for _ in range(2):
        assert "card.pin_wrong" in read(right | {"pin_2": wrong["pin_2"]})
    for _ in range(2):
        assert "card.pin_wrong" in read(wrong)
    assert "card.pin_last_try" in read(right | {"last_try_pin_2": "yes"})  # of the other one
    assert "card.pin_last_try" in read(right | {"last_try": "yes"})  # of none
    form = counter.visitor.get(visit).text
    assert 'name="last_try_pin_1"' in form
    assert 'name="last_try_pin_2"' not in form
    assert "card.pin_last_try" in read(right | {"last_try_pin_1": "yes", "last_try_pin_2": "yes"})  # PIN 2, not offered
    form = counter.visitor.get(visit).text
    assert 'name="last_try_pin_2"' in form
    assert 'name="last_try_pin_1"' not in form  # the right entry gave its tries back
    counter.visitor.post(visit, right | {"last_try_pin_2": "yes"})
    assert "proof-1" in counter.visitor.get(f"{visit}/seen").text


@pytest.mark.parametrize(
    ("document", "wrong", "named", "left"),
    [
        ("drivers_licence", "pin_1", "暗証番号1", 2),
        ("drivers_licence", "pin_2", "暗証番号2", 2),
        ("my_number_card", "security_code", "券面の生年月日・有効期限・セキュリティコード（照合番号B）", 9),
    ],
)
def test_refused_pin_or_number_is_named_and_its_tries_stay_beside_the_form(
    counter: Counter, document: str, wrong: str, named: str, left: int
) -> None:
    right = counter.entries("takako", document)
    visit = counter.begin("takako", document)
    counter.visitor.post(visit, right | {wrong: "9999" if right[wrong] != "9999" else "8888"})
    page = counter.visitor.get(f"{visit}/seen").text
    assert f"{named}が違います" in page
    assert f"{named}：残り{left}回です。" in page
    assert counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen").status_code == 303
    assert f"{named}：残り{left}回です。" in counter.visitor.get(visit).text
    counter.visitor.post(visit, right)  # gives all tries back
    assert "本物と確認できました" in counter.visitor.get(f"{visit}/seen").text


def test_refused_pin_beside_the_face_can_be_keyed_in_anew(counter: Counter) -> None:
    entries = counter.entries("hanako", "my_number_card") | {"jpki_consent": "yes", "jpki_pin": "0000"}
    visit = counter.begin("hanako", "my_number_card")
    for left in (2, 1):
        counter.visitor.post(visit, entries)
        page = counter.visitor.get(f"{visit}/seen").text
        assert f"残り{left}回です。" in page
        assert counter.visitor.post(f"{visit}/again", {}, form=f"{visit}/seen").status_code == 303
    assert 'name="last_try_user_authentication"' in counter.visitor.get(visit).text
    pin = counter.people["hanako"]["pins"]["user_authentication"]
    counter.visitor.post(visit, entries | {"jpki_pin": pin, "last_try_user_authentication": "yes"})
    assert "/again" not in counter.visitor.get(f"{visit}/seen").text


def tile(page: str, name: str) -> str:
    """Return the colour of an answer."""
    found = re.search(rf'answer--(\w+)"><p class="answer__name">{name}<', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("variant", "expiry", "button"),
    [
        ("", "good", "button"),
        ("altered_text", "bad", "button button--outline"),
        ("expired", "bad", "button button--outline"),
    ],
)
def test_page_promises_no_more_than_the_check_will_be(
    counter: Counter, server: Running, variant: str, expiry: str, button: str
) -> None:
    visit = counter.begin("hanako", "drivers_licence", purpose="account_opening", variant=variant)
    counter.visitor.post(visit, counter.entries("hanako", "drivers_licence"))
    page = counter.visitor.get(f"{visit}/seen").text
    assert tile(page, "有効期限") == expiry
    assert f'<button class="{button}" type="submit" name="same_person" value="yes">' in page
    assert ("封印して残します" in page) is (variant == "")
    answer = counter.visitor.post(f"{visit}/confirm", {"same_person": "yes"}, form=f"{visit}/seen")
    made = f"{counter.origin}{answer.headers['location']}"
    shown = counter.visitor.get(f"{made}?lang=ja").text
    paper = subprocess.run(
        ["pdftotext", "-", "-"],
        input=counter.visitor.get(f"{made}.pdf?lang=ja").content,
        capture_output=True,
        check=True,
        timeout=LONG,
    ).stdout.decode()
    caller = server.platform.authenticate(server.api_key)
    check = server.platform.counter.check(caller.id, made.rpartition("/")[2])
    assert check.full is (variant == "")
    for text in (shown, re.sub(r"\s", "", paper)):
        assert ("aml.in_person" in text) is (variant == "")
        assert ("法律の方法による確認ではありません" in text) is (variant != "")


def test_unsigned_date_of_expiry_is_not_green(counter: Counter) -> None:
    assert tile(counter.read("hanako", "my_number_card").text, "有効期限") == "wait"


@pytest.mark.parametrize("variant", ["", "expired"])
@pytest.mark.parametrize(("person", "document"), [one for one in READ if one[0] in {"hanako", "anna"}])
def test_form_shows_what_opens_an_invented_document(counter: Counter, person: str, document: str, variant: str) -> None:
    visit = counter.begin(person, document, variant=variant)
    form = counter.visitor.get(f"{visit}?lang=en").text
    shown = re.search(r"What opens this invented card.*?<dl.*?</dl>", form, re.DOTALL)
    assert shown
    texts = dict(re.findall(r"<dt>(.*?)</dt><dd><code>(.*?)</code>", shown[0])[::-1])
    labels = dict(re.findall(r'<label class="label" for="(\w+)">([^<]+)', form))
    entries = {name: texts[label] for name, label in labels.items() if label in texts}
    if document == "my_number_card":
        entries["jpki_consent"] = "yes"
    answer = counter.visitor.post(visit, entries)
    assert answer.status_code == 303, (
        entries,
        re.findall(r'field-error.*?</p>|id="error.*?</div>', answer.text, re.DOTALL),
    )
    page = counter.visitor.get(f"{visit}/seen").text
    assert "proof-1" in page
    assert "card.pin" not in page


def test_form_of_a_real_reader_shows_nothing_that_opens(counter: Counter) -> None:
    answer = counter.visitor.post(
        f"{counter.origin}/",
        {"purpose": "age_check", "reader": "agent", "document": "drivers_licence", "person": "hanako"},
    )
    form = counter.visitor.get(f"{counter.origin}{answer.headers['location']}?lang=en").text
    assert "What opens this invented card" not in form


def test_page_knows_who_holds_a_document_and_which_kinds_it_has(counter: Counter) -> None:
    page = counter.visitor.get(f"{counter.origin}/").text
    option = r'<option value="([^"]+)" data-of="([^"]*)"'
    people, offered = (dict(re.findall(option, part)) for part in page.split('id="variant"'))
    assert {name: held.split() for name, held in people.items()} == {
        name: list(one["documents"]) for name, one in counter.people.items()
    }
    assert set(offered) == set(VARIANTS)
    data = counter.server.platform.settings.data
    holders = {"my_number_card": "hanako", "drivers_licence": "hanako", "residence_card": "anna", "passport": "hanako"}
    for variant, having in offered.items():
        for document, person in holders.items():
            try:
                open_emulated(f"{person}/{document}:{variant}", data).close()
                exists = True
            except HonninError:
                exists = False
            assert (document in having.split()) is exists, (document, variant)


@pytest.mark.parametrize(
    ("document", "variant"),
    [("my_number_card", "appended_address"), ("drivers_licence", "card-1"), ("passport", "specified-card")],
)
def test_kind_that_a_document_does_not_have_is_refused_before_any_pin(
    counter: Counter, document: str, variant: str
) -> None:
    fields = {**DESK, "document": document, "person": "hanako", "variant": variant}
    answer = counter.visitor.post(f"{counter.origin}/", fields)
    assert answer.status_code == 422
    assert 'href="#variant"' in answer.text
    assert "この書類には、選んだ種類の見本がありません" in answer.text
    assert re.search(rf'<option value="{variant}" data-of="[^"]*" selected>', answer.text)
