"""BER-TLV as a chip writes and takes it: one- and two-byte tags, lengths up to two bytes."""

from honnin.sandbox.cards.status import BAD_CONTENT, Refusal

__all__ = ["opened", "written"]


def written(tag: int, content: bytes) -> bytes:
    """Return one data object."""
    name = tag.to_bytes(2 if tag > 0xFF else 1)
    if len(content) < 0x80:
        return name + bytes((len(content),)) + content
    if len(content) < 0x100:
        return name + bytes((0x81, len(content))) + content
    return name + b"\x82" + len(content).to_bytes(2) + content


def opened(octets: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return tag, value and whole bytes of each data object. Raises Refusal 6A80."""
    found = []
    at = 0
    while at < len(octets):
        start = at
        tag = octets[at]
        at += 1
        if tag & 0x1F == 0x1F and at < len(octets):
            tag = tag << 8 | octets[at]
            at += 1
        if at >= len(octets):
            raise Refusal(BAD_CONTENT)
        size = octets[at]
        at += 1
        if size in {0x81, 0x82}:
            more = size - 0x80
            size = int.from_bytes(octets[at : at + more])
            at += more
        elif size >= 0x80:
            raise Refusal(BAD_CONTENT)
        if at + size > len(octets):
            raise Refusal(BAD_CONTENT)
        found.append((tag, octets[at : at + size], octets[start : at + size]))
        at += size
    return found
