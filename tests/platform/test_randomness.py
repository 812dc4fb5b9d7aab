"""What is unique stays unique: over threads, over a piece's end and over a fork."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.waiting import LONG

from honnin.platform.randomness import PIECE, unique_octets


def test_no_two_calls_get_the_same_octets() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(unique_octets, [12] * (4 * PIECE // 12)))
    assert len(set(found)) == len(found)
    assert {len(one) for one in found} == {12}


FORKED = """
import os
from honnin.platform.randomness import unique_octets
unique_octets(1)
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, unique_octets(32))
    os._exit(0)
os.close(writing)  # a child that died before it wrote is the pipe's end
os.waitpid(child, 0)
theirs = os.read(reading, 32)
print(len(theirs) == 32 and theirs != unique_octets(32))
"""


def test_a_forked_process_has_a_piece_of_its_own() -> None:
    """In a process of its own, without the threads that servers of other tests leave in this one."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKED], capture_output=True, text=True, check=False, timeout=LONG
    )
    assert (done.stdout.strip(), done.stderr) == ("True", "")
