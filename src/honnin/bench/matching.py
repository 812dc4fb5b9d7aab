"""Name and address matching: pairs per second of one core, over pairs that are all different."""

import time

import msgspec

from honnin.identity import compare_addresses, compare_names

__all__ = ["Matching", "measure_matching"]


class Matching(msgspec.Struct, frozen=True):
    """Pairs a second by processor time, the best of the rounds."""

    names: int
    addresses: int


def measure_matching(*, rounds: int = 3, pairs: int = 2000) -> Matching:
    """Return how many pairs of names and of addresses one core compares in a second."""
    names = addresses = 0
    for _ in range(rounds):
        began = time.process_time()
        for number in range(pairs):
            compare_names(f"髙見［架空］太郎{number}", f"高見 太郎{number}")
        middle = time.process_time()
        for number in range(pairs):
            compare_addresses(
                f"東京都見本区見本町{number}-2-3 見本ビル101", f"見本区見本町{number}番地2-3見本ビル101号室"
            )
        names = max(names, int(pairs / (middle - began)))
        addresses = max(addresses, int(pairs / (time.process_time() - middle)))
    return Matching(names, addresses)
