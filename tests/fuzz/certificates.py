"""Coverage-guided fuzzing of certificates, CRLs and OCSP answers with atheris; run by `scripts/fuzz certificates`.

The same exercise as tests/properties/test_hostile_certificates.py, for as long as one likes.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["honnin.pki"]):
    from tests.properties.test_hostile_certificates import SAMPLES, exercise


def main() -> None:
    """Fuzz from the samples; arguments go to libFuzzer."""
    corpus = Path(__file__).parent / ".corpus" / "certificates"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, sample in enumerate(SAMPLES):
        (corpus / f"sample-{index}").write_bytes(sample[:-1] + bytes((sample[-1] ^ 1,)))  # read whole, believed by none
    atheris.Setup([*sys.argv, str(corpus)], lambda octets: exercise(octets) if octets not in SAMPLES else None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
