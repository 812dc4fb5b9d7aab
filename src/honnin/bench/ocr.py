"""`python -m honnin.bench.ocr [--images N] [--document D] [--photograph P]`: how photographed numbers are read.

How often wholly, and what an image costs.

Faces and zones are rendered with invented numbers, then blurred, tilted, lit by a glare, made noisy, each alone and all
together. Counted: every entry right; some entry missing (the clerk types it); some entry wrong. The last is what must
not happen: a number goes to a chip only after the clerk has looked at it, and a zone only when its check digits hold.
"""

import argparse
import random
import resource
import sys
from collections.abc import Callable
from datetime import date
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from honnin.chip.icao9303.mrz import check_digit
from honnin.web.counter.camera import entries_of, text_lines
from honnin.words.fonts import japanese_font

__all__ = ["DISTORTIONS", "SUBJECTS", "measured", "my_number_card_face", "passport_zone", "photograph"]

TODAY = date(2026, 11, 26)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Distortion = Callable[[Image.Image, random.Random], Image.Image]


def passport_zone(rng: random.Random) -> tuple[Image.Image, dict[str, str]]:
    """Return a picture of a passport's zone and the entries that it means."""
    number = "".join(rng.choices(LETTERS, k=2)) + f"{rng.randrange(10**7):07d}"
    born = date(rng.randrange(1940, 2010), rng.randrange(1, 13), rng.randrange(1, 29))
    until = date(rng.randrange(2027, 2036), rng.randrange(1, 13), rng.randrange(1, 29))
    six, end = f"{born:%y%m%d}", f"{until:%y%m%d}"
    second = f"{number}{check_digit(number)}JPN{six}{check_digit(six)}F{end}{check_digit(end)}" + "<" * 14 + "0"
    composite = second[:10] + second[13:20] + second[21:43]
    lines = ("P<JPNMIHON<<HANAKO".ljust(44, "<"), f"{second}{check_digit(composite)}")
    picture, draw = _paper(1300, 320, 250)
    font = ImageFont.truetype("DejaVuSansMono.ttf", 46)
    for at, line in enumerate(lines):
        draw.text((30, 70 + at * 100), line, font=font, fill=20)
    return picture, {"document_number": number, "birth_date": f"{born:%Y%m%d}", "expiry_date": f"{until:%Y%m%d}"}


def my_number_card_face(rng: random.Random) -> tuple[Image.Image, dict[str, str]]:
    """Return a picture of a My Number Card's face (ours, not the official drawing) and the entries that it means."""
    era, year = rng.choice((("昭和", rng.randrange(20, 64)), ("平成", rng.randrange(1, 30))))
    month, day = rng.randrange(1, 13), rng.randrange(1, 29)
    until, code = rng.randrange(2027, 2036), f"{rng.randrange(10**4):04d}"
    picture, draw = _paper(1012, 638, 235)
    for x, y, size, text in (
        (40, 40, 36, "氏名 見本　花子"),
        (40, 110, 28, "住所 東京都千代田区見本町一丁目２番３号"),
        (40, 200, 30, f"{era}{year}年{month}月{day}日生"),
        (560, 200, 30, "性別 女"),
        (40, 290, 30, f"{until}年{month}月{day}日まで有効"),
        (60, 540, 34, code),
    ):
        draw.text((x, y), text, font=ImageFont.truetype(str(japanese_font()), size), fill=25)
    return picture, {
        "printed_birth_date": f"{year:02d}{month:02d}{day:02d}",
        "expiry_year": str(until),
        "security_code": code,
    }


def residence_card_face(rng: random.Random) -> tuple[Image.Image, dict[str, str]]:
    """Return a picture of a residence card's face (ours, not the official drawing) and its number."""
    first, last = ("".join(rng.choices(LETTERS, k=2)) for _ in range(2))
    number = f"{first}{rng.randrange(10**8):08d}{last}"
    born, until = rng.randrange(1940, 2010), rng.randrange(2027, 2036)
    month, day = rng.randrange(1, 13), rng.randrange(1, 29)
    picture, draw = _paper(1012, 638, 235)
    for x, y, size, text in (
        (40, 30, 30, "日本国政府 在留カード"),
        (560, 34, 34, f"番号 {number}"),
        (40, 110, 34, "氏名 MIHON ANNA"),
        (40, 180, 28, f"生年月日 {born}年{month:02d}月{day:02d}日 性別 女 国籍・地域 見本国"),
        (40, 240, 28, "住居地 東京都千代田区見本町一丁目２番３号"),
        (40, 320, 28, "在留資格 永住者"),
        (40, 390, 28, f"このカードは{until}年{month:02d}月{day:02d}日まで有効です。"),
    ):
        draw.text((x, y), text, font=ImageFont.truetype(str(japanese_font()), size), fill=25)
    return picture, {"card_number": number}


def _paper(width: int, height: int, light: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (width, height), light)
    return picture, ImageDraw.Draw(picture)


def _blurred(picture: Image.Image, rng: random.Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.8, 2.0)))


def _tilted(picture: Image.Image, rng: random.Random) -> Image.Image:
    return picture.rotate(rng.uniform(-6, 6), expand=True, fillcolor=120, resample=Image.Resampling.BICUBIC)


def _glaring(picture: Image.Image, rng: random.Random) -> Image.Image:
    x, y = rng.uniform(0.2, 0.8) * picture.width, rng.uniform(0.2, 0.8) * picture.height
    rows, columns = np.mgrid[0 : picture.height, 0 : picture.width]
    light = 110 * np.exp(-(((columns - x) / 160) ** 2 + ((rows - y) / 80) ** 2))
    return Image.fromarray(np.clip(np.asarray(picture, dtype=float) + light, 0, 255).astype(np.uint8))


def _noisy(picture: Image.Image, rng: random.Random) -> Image.Image:
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, 18, (picture.height, picture.width))
    return Image.fromarray(np.clip(np.asarray(picture, dtype=float) + noise, 0, 255).astype(np.uint8))


def _all(picture: Image.Image, rng: random.Random) -> Image.Image:
    for distort in (_glaring, _blurred, _tilted, _noisy):
        picture = distort(picture, rng)
    return picture


DISTORTIONS: dict[str, Distortion] = {
    "clean": lambda picture, _rng: picture,
    "blur": _blurred,
    "tilt": _tilted,
    "glare": _glaring,
    "noise": _noisy,
    "all": _all,
}
SUBJECTS = {
    "passport": passport_zone,
    "my_number_card": my_number_card_face,
    "residence_card": residence_card_face,
}


def photograph(picture: Image.Image) -> bytes:
    """Return a picture as a camera gives it: JPEG."""
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def measured(
    document: str, distortion: str, images: int, told: Callable[[str], None] = lambda _: None
) -> dict[str, float]:
    """Return shares of images read wholly, partly and wrongly, and processor seconds for one image.

    told: called with a sentence after each image.
    """
    rng = random.Random(f"{document} {distortion}")  # noqa: S311 - repeatable pictures
    counts, seconds = {"whole": 0, "part": 0, "wrong": 0}, 0.0
    for number in range(images):
        picture, meant = SUBJECTS[document](rng)
        content = photograph(DISTORTIONS[distortion](picture, rng))
        before = _processor()
        found = entries_of(document, text_lines(content), today=TODAY)
        seconds += _processor() - before
        wrong = any(meant.get(name) != text for name, text in found.items())
        counts["wrong" if wrong else "whole" if found == meant else "part"] += 1
        told(f"{document} {distortion}: {number + 1} of {images}, {seconds / (number + 1):.1f} s an image")
    return {name: count / images for name, count in counts.items()} | {"seconds": seconds / images}


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--document", choices=SUBJECTS, action="append")
    parser.add_argument("--photograph", choices=DISTORTIONS, action="append")
    asked = parser.parse_args()
    print("| Document | Photograph | wholly right | some missing | some wrong | processor s an image |")  # noqa: T201
    print("|---|---|---:|---:|---:|---:|")  # noqa: T201
    for document in asked.document or SUBJECTS:
        for distortion in asked.photograph or DISTORTIONS:
            row = measured(document, distortion, asked.images, told=_progress)
            shares = " | ".join(f"{row[name]:.0%}" for name in ("whole", "part", "wrong"))
            print(f"| {document} | {distortion} | {shares} | {row['seconds']:.2f} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
