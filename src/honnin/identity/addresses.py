"""Comparing addresses (住所の突合): how deep two writings agree, and where they differ; never rewriting one.

An address is taken apart offline, without a list of towns: prefecture, city (with county, ward), town, block numbers,
building, room. Both sides are brought to one form first (丁目・番地・号 and hyphens, kanji and arabic digits, 大字, 字,
ケ and ヶ, ノ and の and 之, variant characters), and Kyoto's street directions are read past. Renamed places that are
known stand in `places.json`, with the prefectures and the cities whose names would be cut in the wrong place.
"""

import re
from dataclasses import dataclass
from typing import Literal

from honnin.identity.address_parts import Address, beside, fold, places, take_apart
from honnin.identity.characters import glyphs, readable
from honnin.identity.grades import Grade

__all__ = ["AddressMatch", "Grade", "Level", "compare_addresses"]

Level = Literal["none", "prefecture", "city", "town", "block", "building", "room"]

_ABROAD = re.compile(r"国外転出|海外転出|国外へ転出")


@dataclass(frozen=True, slots=True)
class AddressMatch:
    """A grade, the deepest level at which both agree, and what differs: (part, why) in order."""

    grade: Grade
    level: Level
    differences: tuple[str, ...] = ()


def compare_addresses(a: str, b: str) -> AddressMatch:
    """Compare two writings of an address. Raises InputError `identity.text` for text that cannot be one."""
    first, second = take_apart(a), take_apart(b)
    first, second = beside(first, second, a), beside(second, first, b)
    if not first.plain or not second.plain:
        return AddressMatch("same" if a == b else "unclear", "none", ("empty",))
    if _ABROAD.search(first.plain) or _ABROAD.search(second.plain):
        same = first.plain == second.plain
        return AddressMatch("same" if same else "unclear", "none", () if same else ("moved_abroad",))
    if not re.search(r"[぀-ヿ一-鿿]", readable(a)) or not re.search(r"[぀-ヿ一-鿿]", readable(b)):
        same = first.plain == second.plain
        return AddressMatch(
            "same" if same else "unclear", "block" if same else "none", () if same else ("other_script",)
        )
    return _compare(
        first, second, "".join(a.split()) == "".join(b.split()), _width(a) == _width(b) and glyphs(a) == glyphs(b)
    )


def _width(text: str) -> str:
    return "".join(readable(text).split())


# --- comparing


def _compare(a: Address, b: Address, identical: bool, same_width: bool) -> AddressMatch:
    """Compare; where a designated city's ward is left out, a town of that name may stand in another ward."""
    match = _by_parts(a, b, identical, same_width)
    if "ward_omitted" in match.differences and match.grade != "different":
        return AddressMatch("unclear", "city", match.differences)
    return match


def _by_parts(a: Address, b: Address, identical: bool, same_width: bool) -> AddressMatch:
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
                    "different" if part == "room" or _other_block_of_flats(one, other) else "likely",
                    level,
                    (*differences, f"{part}_differs"),
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


def _same_place(a: Address, b: Address, differences: list[str]) -> bool:
    """Tell whether prefecture and city do not contradict; what one side leaves out is noted."""
    if a.prefecture and b.prefecture and a.prefecture != b.prefecture:
        differences.append("prefecture_differs")
        return False
    if bool(a.prefecture) != bool(b.prefecture):
        differences.append("prefecture_omitted")
    if a.city == b.city:
        return True
    one, other = sorted((a.city, b.city), key=len)
    if one and _renamed(one, other, differences):
        return True
    if one.endswith("市") and other.startswith(one) and other.endswith("区"):
        differences.append("ward_omitted")
        return True
    if one and other.endswith(one):
        differences.append("county_or_city_omitted")
        return True
    differences.append("city_missing" if not one else "city_differs")
    return not one


def _deepest(a: Address, b: Address) -> Level:
    return "prefecture" if a.prefecture and a.prefecture == b.prefecture else "none"


def _renamed(one: str, other: str, differences: list[str]) -> bool:
    """Tell whether one name is the other's known former or newer name."""
    for old, new in places()["renamed"]:
        if {fold(old), fold(new)} == {one, other}:
            differences.append("renamed_town")
            return True
    return False


def _same_building(one: str, other: str) -> bool:
    strip = re.compile(r"[ー・.,'&＆]|マンション|アパート|ビル(?:デ[イィ]ング|[ヂジ]ング)?|荘$")
    return strip.sub("", one) == strip.sub("", other)


def _other_block_of_flats(one: str, other: str) -> bool:
    """Tell whether two buildings have one name and differ in the number or letter alone (A棟, 第2)."""
    mark = re.compile(r"\d+|[a-z]$")
    return bool(mark.search(one) and mark.search(other)) and mark.sub("", one) == mark.sub("", other)


def _other_block(a: Address, b: Address, differences: list[str]) -> AddressMatch:
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
