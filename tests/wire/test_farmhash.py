from pathlib import Path

import pytest

from tfrepair.wire.farmhash import fingerprint64
from tfrepair.wire.protobuf import parse

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 11160318154034397263),
        (b"a", 12917804110809363939),
        (b"abcd", 1897425971756105985),
        (b"abcdefgh", 18368443631171807497),
        (bytes(range(20)), 10220892904819695849),
        (bytes(range(50)), 12334112670463347188),
        (bytes(range(65)), 14313328211205373374),
        (bytes(range(256)), 5291657088564336415),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else "",
)
def test_fingerprints_as_tensorflow_computes_them(data: bytes, expected: int) -> None:
    assert fingerprint64(data) == expected
    assert fingerprint64(memoryview(data)) == expected


@pytest.mark.parametrize("name", ["module", "other"])
def test_the_fingerprint_of_a_real_export(name: str) -> None:
    stored = parse((GOLDEN / name / "fingerprint.pb").read_bytes(), "fingerprint")
    index = (GOLDEN / name / "variables" / "variables.index").read_bytes()
    assert stored.uint(5) == fingerprint64(index)
