"""The quick spelling of records is RFC 8785's: held against the rfc8785 library over generated members."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.errors import FormatError
from honnin.platform.evidence import canonical

NAMES = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEAVES = st.none() | st.booleans() | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_texts_are_spelled_as_the_library_does(value: dict[str, object]) -> None:
    assert canonical.encode_texts(value) == canonical.encode(value)


def test_every_character_of_the_basic_plane() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x10000), 0x1F600, 0x10FFFF]:
        value = {"text": chr(code)}
        assert canonical.encode_texts(value) == canonical.encode(value)


def test_half_a_pair_has_no_spelling() -> None:
    with pytest.raises(FormatError):
        canonical.encode_texts({"text": "\ud800"})
