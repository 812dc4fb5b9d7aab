"""The lists that are measured are real ones, and the measurement's own parts work on small ones."""

import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from honnin.bench import crl
from honnin.bench.day import Plan, Times, simulate
from honnin.bench.lists import Shape, Signer, municipality
from honnin.bench.nation import picture, table


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.mark.parametrize(
    "shape",
    [Shape(0), Shape(3), Shape(300), Shape(70_000), Shape(500, octets=8, ordered=False), Shape(500, 20, ordered=False)],
)
def test_pyca_reads_and_verifies_a_written_list(tmp_path: Path, signer: Signer, shape: Shape) -> None:
    path = tmp_path / "list.crl"
    signer.write(path, shape, number=7, point=municipality(3))
    found = x509.load_der_x509_crl(path.read_bytes())
    key = x509.load_der_x509_certificate(signer.certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert found.is_signature_valid(key)
    serials = {entry.serial_number for entry in found}
    assert len(serials) == shape.entries
    assert all((serial.bit_length() + 7) // 8 == shape.octets for serial in serials)
    point = found.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    assert point.full_name is not None
    assert point.full_name[0].value.public_bytes() == municipality(3)


@pytest.mark.peer("openssl")
def test_the_figures_of_a_small_list(signer: Signer) -> None:
    figures: list[crl.Figure] = []
    with crl.bench_folder(signer) as bench:
        folder = bench.folder
        crl.build_figures(bench, Shape(2000), "2000", 1, figures)
        figures += crl.lookup_figures(bench, 2000)
    assert not folder.exists()
    assert {figure.unit for figure in figures} == {"s", "MB", "octets per entry", "µs", "ms"}
    assert all(figure.ours >= 0 for figure in figures)
    assert shutil.which("openssl")


def test_a_missed_aim_is_told() -> None:
    assert crl.Figure("a", "s", 2.0, "peer", 4.0, 0.5, 0.2).reached is False
    assert crl.Figure("a", "ms", 2.0, aim=5).reached is True
    assert crl.Figure("a", "ms", 2.0).reached is None


def test_the_day_becomes_a_table_and_a_picture() -> None:
    plan = Plan(checks=40_000, peak=5.0)
    times = Times(check=0.0004, lookup=3e-6, build=1.5, swap=0.005, commit=0.005)
    day = simulate(plan, times)
    text = table(plan, times, day)
    assert f"| {day.checks:,} |" in text
    assert ET.fromstring(picture(plan, day)).tag.endswith("svg")  # noqa: S314 - written a line above
