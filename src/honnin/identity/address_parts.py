"""Taking an address apart, offline and without a list of towns; the text itself is never rewritten.

Prefecture, city (with county, ward), town, block numbers, building, room. Renamed places, prefectures and the cities
whose names would be cut in the wrong place are data (`places.json`).
"""

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from honnin.identity.characters import family, fold_kana, readable

__all__ = ["Address", "area", "beside", "fold", "places", "take_apart"]

_DIGITS = "〇一二三四五六七八九"
_NUMBER = re.compile(r"[〇一二三四五六七八九十百千]+")
_POSTAL = re.compile(r"^\s*〒?\s*\d{3}-?\d{4}(?!\d)\s*")
_DIRECTION = re.compile(
    r"(?:上る|下る|上ル|下ル|上がる|下がる|東入る|西入る|南入る|北入る|[東西南北]入ル|[東西南北]入)"
)
_BLOCK_WORD = r"(?:丁目|丁|番地割|番地|番|号|地割|線)?\s*[-のノ之]?"
_BLOCK = re.compile(
    rf"第?\d+(?:\s*(?=[丁番号地線のノ之-]){_BLOCK_WORD}\s*\d+)*(?:\s*(?:丁目|丁|番外地|番地|番|号)(?!室|棟|館))?"
)
_PREFIX = re.compile(r"(?<=[一-鿿])(?:([甲乙丙戊己庚辛壬癸イロハニホヘトチリヌ])(?:[のノ]?部)?)$")

_ROOM = re.compile(r"(?:room|rm\.?|no\.?|#|室|-| )*(\d+)(?:号室|号|室|(f|階))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """An address taken apart; empty strings where it does not say."""

    prefecture: str
    city: str
    town: str
    block: tuple[str, ...]
    building: str
    room: str
    kyoto: bool
    plain: str


@cache
def places() -> dict[str, Any]:
    places: dict[str, Any] = json.loads(files("honnin.identity").joinpath("places.json").read_text(encoding="utf-8"))
    return places


def area(text: str) -> tuple[str, str]:
    """Return prefecture and city (with county and ward) as an address writes them; `""` for what it leaves out."""
    prefecture, rest = _prefecture(_plain(text))
    return prefecture, _city(rest.lstrip(), prefecture)[0]


def take_apart(text: str) -> Address:
    plain = _plain(text)
    prefecture, rest = _prefecture(plain)
    city, rest = _city(rest.lstrip(), prefecture)
    rest = rest.lstrip()
    rest, kyoto = _past_streets(rest, prefecture, city)
    town, block, tail = _town_and_block(rest)
    block, building, room = _building(block, tail)
    return Address(
        prefecture=prefecture,
        city=fold(city),
        town=_town(town),
        block=block,
        building=fold(building),
        room=room,
        kyoto=kyoto,
        plain=fold(plain),
    )


def beside(one: Address, other: Address, text: str) -> Address:
    """Return an address that leaves out prefecture and county, taken apart with those of the other.

    玉城町田丸 alone could be cut anywhere; beside 三重県度会郡玉城町 its town begins after 玉城町.
    """
    county, found, place = other.city.partition("郡")
    if one.city or one.prefecture or not found or not place or not fold(_plain(text)).startswith(place):
        return one
    again = take_apart(f"{other.prefecture}{county}郡{_plain(text)}")
    return replace(again, prefecture="", plain=one.plain) if again.city == other.city else one


def _plain(text: str) -> str:
    """Return an address without postal code, country and doubled spaces."""
    plain = _POSTAL.sub("", readable(text).strip())
    plain = re.sub(r"\s+", " ", plain)
    return re.sub(r"^日本国?,?\s*", "", plain)


def _prefecture(text: str) -> tuple[str, str]:
    for name in places()["prefectures"]:
        if text.startswith(name):
            return name, text[len(name) :]
    return "", text


def _city(text: str, prefecture: str) -> tuple[str, str]:
    """Return county, city and ward, and what follows; names that hold 市, 町, 村 or 区 themselves are data."""
    compact = text.replace(" ", "")
    county = re.match(r"(?:[^\d市区町村]{1,6}郡)", compact)
    for name in places()["cities_cut_wrongly"]:
        if compact.startswith(name):
            return _with_ward(name, compact[len(name) :], text)
    if county and not compact.startswith(("郡山市", "郡上市", "大和郡山市", "蒲郡市", "小郡市")):
        after = compact[county.end() :]
        place = re.match(r"[^\d]{1,8}?[町村]", after)
        if place:
            return _split(text, county.group() + place.group())
    city = re.match(r"[^\d]{1,8}?市", compact)
    if city:
        return _with_ward(city.group(), compact[city.end() :], text)
    island = re.match(r"(?:大島町|利島村|新島村|神津島村|三宅村|御蔵島村|八丈町|青[ケヶが]島村|小笠原村)", compact)
    if island and not prefecture:
        return _split(text, island.group())
    ward = re.match(r"[^\d]{1,5}?区", compact)
    if ward and (prefecture in {"", "東京都"} or prefecture.endswith("府")):
        return _split(text, ward.group())
    place = re.match(r"[^\d]{1,6}?[町村]", compact)
    if place and prefecture:
        return _split(text, place.group())
    return "", text


def _with_ward(city: str, rest: str, text: str) -> tuple[str, str]:
    ward = re.match(r"[^\d町村]{1,5}?区", rest)
    return _split(text, city + (ward.group() if ward else ""))


def _split(text: str, name: str) -> tuple[str, str]:
    """Cut `name` off the front of `text`, which may have spaces in it."""
    at = seen = 0
    while seen < len(name):
        seen += text[at] != " "
        at += 1
    return name, text[at:]


def _past_streets(text: str, prefecture: str, city: str) -> tuple[str, bool]:
    """Read past Kyoto's street directions (…通…上る) to the town's name."""
    if not (prefecture == "京都府" or city.startswith("京都市")):
        return text, False
    directions = list(_DIRECTION.finditer(text))
    return (text[directions[-1].end() :].lstrip(), True) if directions else (text, False)


def _arabic(text: str) -> str:
    """Turn a kanji number into digits."""
    total = current = 0
    if not set(text) & set("十百千"):
        return "".join(str(_DIGITS.index(c)) for c in text)
    for character in text:
        if character in _DIGITS:
            current = _DIGITS.index(character)
        else:
            total += (current or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            current = 0
    return str(total + current)


def _kanji(number: int) -> str:
    """Turn a number below 100 into kanji, as names of places write it (1番町, 北12条)."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十") + (
        "" if ones == 0 and tens else _DIGITS[ones]
    )


def _numbers(text: str) -> str:
    """Write kanji numbers as digits where they count blocks, and digits as kanji where they are part of a name."""
    number = f"[{_DIGITS}十百千]"
    text = re.sub(rf"(?<=[\d{_DIGITS}十])ー(?=[\d{_DIGITS}十])", "-", text)
    text = re.sub(rf"(?<!{number}){number}{{1,8}}(?=\s?-\s?[\d{_DIGITS}十百])", lambda m: _arabic(m.group()), text)
    text = re.sub(r"([東西南北]\d{1,2})(?=[東西南北]\d)", r"\1条", text)
    text = re.sub(r"\d{1,2}(?=条|番町|軒)", lambda m: _kanji(int(m.group())), text)
    text = re.sub(
        rf"(?<!{number}){number}{{1,8}}(?=\s?(?:丁目|丁(?!堀|田)|番地|番(?!町)|号|地割))",
        lambda m: _arabic(m.group()),
        text,
    )
    return re.sub(
        rf"(?<=[\d-]){_NUMBER.pattern}|(?<=番地の){_NUMBER.pattern}|(?<=番の){_NUMBER.pattern}",
        lambda m: _arabic(m.group()),
        text,
    )


def _town_and_block(text: str) -> tuple[str, tuple[str, ...], str]:
    """Return the town, the block numbers and what follows them."""
    text = _numbers(text)
    match = _BLOCK.search(text)
    if match is None:
        return text, (), ""
    numbers = tuple(str(int(n)) for n in re.findall(r"\d+", match.group()))
    town = text[: match.start()].rstrip(" -")
    prefix = _PREFIX.search(town)
    if prefix:
        town, numbers = town[: prefix.start()], (prefix.group(1), *numbers)
    return town, numbers, text[match.end() :]


def _building(block: tuple[str, ...], tail: str) -> tuple[tuple[str, ...], str, str]:
    """Tell building and room apart in what follows the block; a fourth number of the block is a room."""
    tail = re.sub(
        r"(?<![〇一二三四五六七八九十])[〇一二三四五六七八九十]{1,4}(?=号|階|棟)|(?<=第)[一二三四五六七八九十]",
        lambda m: _arabic(m.group()),
        tail.strip(" -、,"),
    )
    room = ""
    if len(block) > 3 and tail in {"号室", "号", "室"}:
        tail = ""
    if len(block) > 3 or (len(block) == 3 and int(block[-1]) > 100 and not tail and len(block[0]) >= 3):
        block, room = block[:-1], block[-1]
    match = _ROOM.search(tail[-30:]) if tail else None
    if match:
        room = match.group(1).lstrip("0") + ("f" if match.group(2) else "")
        tail = tail[: len(tail) - len(match.group())]
        tail = re.sub(r"\d+(?:f|階)$", "", tail.strip(), flags=re.IGNORECASE)
    return block, re.sub(r"号?棟|号館|第(?=\d)|[・.,'&#\s-]", "", tail), room


# --- forms


def fold(text: str) -> str:
    """Return the form in which names of places are compared."""
    text = "".join(family(c) for c in text if not c.isspace())
    text = fold_kana(text, small=True).casefold()
    return text.replace("が", "ケ").replace("-", "ー")


def _town(text: str) -> str:
    """Return a town's form: without 大字 and 字, ケ・ガ・ヶ as one, ノ・之 as one."""
    text = re.sub(r"大字|(?<!文)(?<!十)字(?!都)", "", text.strip(" -、,"))
    text = "".join(family(c) for c in text if not c.isspace())
    text = re.sub(r"(?<=[一-鿿])[ケヶがガヵカ](?=[一-鿿])", "ケ", text)
    text = re.sub(r"(?<=[一-鿿])[ノの之乃](?=[一-鿿])", "ノ", text)
    return fold_kana(text, small=True).casefold()
