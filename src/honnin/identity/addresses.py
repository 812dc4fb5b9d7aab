"""Comparing addresses (住所の突合): how deep two writings agree, and where they differ; never rewriting one.

An address is taken apart offline, without a list of towns: prefecture, city (with county, ward), town, block numbers,
building, room. Both sides are brought to one form first (丁目・番地・号 and hyphens, kanji and arabic digits, 大字, 字,
ケ and ヶ, ノ and の and 之, variant characters), and Kyoto's street directions are read past. Renamed places that are
known stand in `places.json`, with the prefectures and the cities whose names would be cut in the wrong place.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from honnin.identity.characters import family, fold_kana, readable

__all__ = ["AddressMatch", "Grade", "Level", "compare_addresses"]

Grade = Literal["same", "same_variant", "likely", "unclear", "different"]
Level = Literal["none", "prefecture", "city", "town", "block", "building", "room"]
PARTS: tuple[Literal["prefecture", "city", "town", "block", "building", "room"], ...] = (
    "prefecture",
    "city",
    "town",
    "block",
    "building",
    "room",
)

_DIGITS = "〇一二三四五六七八九"
_NUMBER = re.compile(r"[〇一二三四五六七八九十百千]+")
_POSTAL = re.compile(r"^\s*〒?\s*\d{3}-?\d{4}(?!\d)\s*")
_DIRECTION = re.compile(
    r"(?:上る|下る|上ル|下ル|上がる|下がる|東入る|西入る|南入る|北入る|[東西南北]入ル|[東西南北]入)"
)
_BLOCK_WORD = r"(?:丁目|丁|番地割|番地|番|号|地割|線|-|の|ノ|之)"
_BLOCK = re.compile(rf"\d+(?:\s*{_BLOCK_WORD}\s*\d+)*(?:\s*(?:丁目|丁|番地|番|号)(?!室|棟|館))?")
_ROOM = re.compile(r"(?:[^\d]*?(\d+)\s*(?:号室|号|室|f|階)|[^\d]*?[-\s](\d+)|^(\d+))\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AddressMatch:
    """A grade, the deepest level at which both agree, and what differs: (part, why) in order."""

    grade: Grade
    level: Level
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class _Address:
    """An address taken apart; empty strings where it does not say."""

    prefecture: str
    city: str
    town: str
    block: tuple[str, ...]
    building: str
    room: str
    kyoto: bool
    plain: str


def compare_addresses(a: str, b: str) -> AddressMatch:
    """Compare two writings of an address. Raises InputError `identity.text` for text that cannot be one."""
    first, second = _take_apart(a), _take_apart(b)
    if not first.plain or not second.plain:
        return AddressMatch("unclear", "none", ("empty",))
    if not re.search(r"[぀-ヿ一-鿿]", first.plain) or not re.search(r"[぀-ヿ一-鿿]", second.plain):
        same = first.plain == second.plain
        return AddressMatch(
            "same" if same else "unclear", "block" if same else "none", () if same else ("other_script",)
        )
    return _compare(first, second, "".join(a.split()) == "".join(b.split()), _width(a) == _width(b))


def _width(text: str) -> str:
    return "".join(readable(text).split())


# --- taking apart


@cache
def _places() -> dict[str, Any]:
    places: dict[str, Any] = json.loads(files("honnin.identity").joinpath("places.json").read_text(encoding="utf-8"))
    return places


def _take_apart(text: str) -> _Address:
    plain = _POSTAL.sub("", readable(text).strip())
    plain = re.sub(r"\s+", " ", plain)
    plain = re.sub(r"^日本国?,?\s*", "", plain)
    prefecture, rest = _prefecture(plain)
    city, rest = _city(rest.lstrip(), prefecture)
    rest = rest.lstrip()
    rest, kyoto = _past_streets(rest, prefecture, city)
    town, block, tail = _town_and_block(rest)
    block, building, room = _building(block, tail)
    return _Address(
        prefecture=prefecture,
        city=_fold(city),
        town=_town(town),
        block=block,
        building=_fold(building),
        room=room,
        kyoto=kyoto,
        plain=_fold(plain),
    )


def _prefecture(text: str) -> tuple[str, str]:
    for name in _places()["prefectures"]:
        if text.startswith(name):
            return name, text[len(name) :]
    return "", text


def _city(text: str, prefecture: str) -> tuple[str, str]:
    """Return county, city and ward, and what follows; names that hold 市, 町, 村 or 区 themselves are data."""
    compact = text.replace(" ", "")
    county = re.match(r"(?:[^\d市区町村]{1,6}郡)", compact)
    for name in _places()["cities_cut_wrongly"]:
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
    text = re.sub(r"\d{1,2}(?=条|番町|軒)", lambda m: _kanji(int(m.group())), text)
    text = re.sub(
        rf"{_NUMBER.pattern}(?=\s*(?:丁目|丁(?!堀|田)|番地|番(?!町)|号|地割))", lambda m: _arabic(m.group()), text
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
        bare = re.search(rf"({_NUMBER.pattern})((?:\s*-\s*{_NUMBER.pattern})+)", text)
        if bare is None:
            return text, (), ""
        text = text[: bare.start()] + _NUMBER.sub(lambda m: _arabic(m.group()), bare.group()) + text[bare.end() :]
        match = _BLOCK.search(text)
        if match is None:
            return text, (), ""
    numbers = tuple(str(int(n)) for n in re.findall(r"\d+", match.group()))
    return text[: match.start()], numbers, text[match.end() :]


def _building(block: tuple[str, ...], tail: str) -> tuple[tuple[str, ...], str, str]:
    """Tell building and room apart in what follows the block; a fourth number of the block is a room."""
    tail = tail.strip(" -、,")
    room = ""
    if len(block) > 3 or (
        len(block) == 3 and len(block[-1]) >= 3 and int(block[-1]) > 100 and not tail and len(block[0]) >= 3
    ):
        block, room = block[:-1], block[-1]
    if not tail:
        return block, "", room
    match = _ROOM.search(tail)
    if match:
        room = next(group for group in match.groups() if group)
        room = str(int(room))
        tail = tail[: match.start(match.lastindex or 0)].rstrip(" -第#")
    tail = re.sub(r"(?:号室|号|室)\s*$", "", tail).strip(" -、,")
    return block, tail, room


# --- forms


def _fold(text: str) -> str:
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


# --- comparing


def _compare(a: _Address, b: _Address, identical: bool, same_width: bool) -> AddressMatch:
    differences: list[str] = []
    level: Level = "none"
    missing = False
    if not _same_place(a, b, differences):
        return AddressMatch("different", _deepest(a, b), tuple(differences))
    level = "prefecture" if a.prefecture or b.prefecture else "none"
    if a.city or b.city:
        level = "city"
    for part in ("town", "block", "building", "room"):
        one, other = getattr(a, part), getattr(b, part)
        if not one and not other:
            continue
        if part == "town" and one != other and not (one and other and _renamed(one, other, differences)):
            if bool(one) != bool(other) and a.block == b.block and a.block:
                return AddressMatch("unclear", level, ("town_missing",))
            return AddressMatch(
                "unclear" if not one or not other else "different",
                level,
                (f"town_{'missing' if not one or not other else 'differs'}",),
            )
        if part == "block" and one != other:
            return _other_block(a, b, differences)
        if part in {"building", "room"} and one != other:
            if one and other and not (part == "building" and _same_building(one, other)):
                return AddressMatch(
                    "different" if part == "room" else "likely", level, (*differences, f"{part}_differs")
                )
            if not (one and other):
                differences.append(f"{part}_missing")
                missing = True
                continue
        if not missing or part == "room":
            level = part
    if a.kyoto != b.kyoto:
        differences.append("kyoto_street_omitted")
    if missing:
        return AddressMatch("likely", level, tuple(differences))
    if not a.block and not identical and not same_width and level in {"none", "prefecture", "city"}:
        return AddressMatch("unclear", level, tuple(differences))
    grade: Grade = "same" if identical or same_width else "same_variant"
    if differences and grade == "same_variant" and "renamed_town" in differences:
        grade = "likely"
    return AddressMatch(grade, level, tuple(differences))


def _same_place(a: _Address, b: _Address, differences: list[str]) -> bool:
    """Tell whether prefecture and city do not contradict; what one side leaves out is noted."""
    if a.prefecture and b.prefecture and a.prefecture != b.prefecture:
        differences.append("prefecture_differs")
        return False
    if bool(a.prefecture) != bool(b.prefecture):
        differences.append("prefecture_omitted")
    if a.city == b.city:
        return True
    one, other = sorted((a.city, b.city), key=len)
    if one and (other.endswith(one) or _renamed(one, other, differences)):
        differences.append("county_or_city_omitted")
        return True
    differences.append("city_missing" if not one else "city_differs")
    return not one


def _deepest(a: _Address, b: _Address) -> Level:
    return "prefecture" if a.prefecture and a.prefecture == b.prefecture else "none"


def _renamed(one: str, other: str, differences: list[str]) -> bool:
    """Tell whether one name is the other's known former or newer name."""
    for old, new in _places()["renamed"]:
        if {_fold(old), _fold(new)} == {one, other}:
            differences.append("renamed_town")
            return True
    return False


def _same_building(one: str, other: str) -> bool:
    strip = re.compile(r"[ー・.,'&＆]|マンション|アパート|ビル(?:ディング)?|荘$")
    return strip.sub("", one) == strip.sub("", other)


def _other_block(a: _Address, b: _Address, differences: list[str]) -> AddressMatch:
    """Judge block numbers that differ: one side stops earlier, or writes the room behind a hyphen."""
    few, many = sorted((a, b), key=lambda side: len(side.block))
    if many.block[: len(few.block)] == few.block and few.block:
        rest = many.block[len(few.block) :]
        if len(rest) == 1 and few.room == rest[0] and not many.room:
            if few.building:
                return AddressMatch("likely", "room", (*differences, "building_missing"))
            return AddressMatch("same_variant", "room", tuple(differences))
        if len(rest) == 1 and len(few.block) >= 2 and not few.room and not few.building and not many.building:
            return AddressMatch("likely", "block", (*differences, "room_missing"))
        return AddressMatch("unclear", "town", (*differences, "block_missing"))
    if not few.block:
        return AddressMatch("unclear", "town", (*differences, "block_missing"))
    return AddressMatch("different", "town", (*differences, "block_differs"))
