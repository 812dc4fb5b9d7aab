"""What is unique stays unique: over threads, over a piece's end and over a fork."""

import os
from concurrent.futures import ThreadPoolExecutor

from honnin.platform.randomness import PIECE, unique_octets


def test_no_two_calls_get_the_same_octets() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(unique_octets, [12] * (4 * PIECE // 12)))
    assert len(set(found)) == len(found)
    assert {len(one) for one in found} == {12}


def test_a_forked_process_has_a_piece_of_its_own() -> None:
    unique_octets(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, unique_octets(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 32) != unique_octets(32)
    os.close(reading)
    os.close(writing)
