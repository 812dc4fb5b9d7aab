"""`honnin sandbox card`: one card in a virtual reader, its conversation in a log."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.waiting import LONG, running

from honnin.sandbox.cards.command import card

CARD = [sys.executable, "-c", "from honnin.sandbox.cards.command import card; card()"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_card_is_served_until_it_is_taken_out(data: Path, tmp_path: Path, how: int) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as reader:
        reader.settimeout(60)
        arguments = ["hanako", "--vpcd", f"127.0.0.1:{reader.getsockname()[1]}", "--log", str(log), "--data", str(data)]
        with running([*CARD, *arguments], stderr=subprocess.PIPE, env=os.environ) as process:
            slot, _ = reader.accept()
            with slot, slot.makefile("rwb") as wire:
                for apdu in ("00A4040C0AD392F000260100000001", "0020009804" + b"0000".hex()):
                    payload = bytes.fromhex(apdu)
                    wire.write(len(payload).to_bytes(2) + payload)
                    wire.flush()
                    answer = wire.read(int.from_bytes(wire.read(2)))
                assert answer.hex() == "63c2"
                process.send_signal(how)
                _, complaint = process.communicate(timeout=LONG)
        assert process.returncode == 0
        assert b"Traceback" not in complaint
    assert log.read_text().splitlines() == [
        "> 00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01",
        "< 90 00",
        "> 00 20 00 98 04 ** ** ** **",
        "< 63 C2",
    ]


@pytest.mark.parametrize("address", ["here", "127.0.0.1", ":35963", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x"])
def test_address_that_is_none(data: Path, address: str) -> None:
    result = CliRunner().invoke(card, ["hanako", "--vpcd", address, "--data", str(data)])
    assert result.exit_code == 2
    assert "127.0.0.1:35963" in result.output
