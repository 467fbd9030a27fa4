import collections
import io
import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks import hostile
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.tensor import Limits
from tfrepair.wire.pickle_prefix import Unpickled
from tfrepair.wire.safe_pickle import load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def load(data: bytes, **limits: int) -> Unpickled:
    return load_pickle(io.BytesIO(data), where="w.pkl", end=len(data), limits=Limits(**limits))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0),
        np.arange(3, dtype=">i2"),
        np.array(2.5),
        np.zeros((0, 4), "f2"),
        np.array([True, False]),
        np.arange(3).astype(ml_dtypes.bfloat16),
        np.arange(3).astype(ml_dtypes.float8_e4m3fn),
        np.array([1 + 2j]),
        np.array(["text", "x"]),
        np.array([b"bytes"]),
        np.float32(0.5),
        np.bool_(True),
        np.int64(-3),
        np.array([None, "a", 3], dtype=object),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_numpy_round_trip(array: Any, protocol: int) -> None:
    found = load(pickle.dumps(array, protocol))
    assert type(found.value) is type(array)
    assert found.value.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert found.value.shape == array.shape
    assert np.array_equal(found.value, array)


CONTAINERS = {
    "nested": {"a": [1, (2.5, None)], b"k": {"x": True}, 3: "three", ("t", 1): b"bytes"},
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "default": collections.defaultdict(list, {"a": [1]}),
    "sets": [{1, 2}, frozenset({"a"}), set(), frozenset()],
    "bytes": [b"", bytearray(b"ab"), bytearray(), b"\xff\x00"],
    "numbers": [0, -1, 1 << 62, 1 << 200, 0.1, 1e300, 1j],
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind: str, protocol: int) -> None:
    found = load(pickle.dumps(CONTAINERS[kind], protocol))
    assert found.value == CONTAINERS[kind]
    assert not found.has_byte_strings


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_values_round_trip(value: Any, protocol: int) -> None:
    assert load(pickle.dumps(value, protocol)).value == value


@given(data=st.binary(max_size=200))
def test_random_bytes_raise_source_errors_only(data: bytes) -> None:
    try:
        load(data)
    except SourceError:
        return


def test_shared_arrays_are_shared() -> None:
    array = np.zeros(3)
    first, second = load(pickle.dumps([array, array])).value
    assert first is second


def test_python_2_strings_are_bytes() -> None:
    data = b"(dp0\nS'gr\\xc3\\xb6\\xdfe'\np1\nI1\ns."
    found = load(data + b"rest")
    assert found.value == {b"gr\xc3\xb6\xdfe": 1}
    assert found.has_byte_strings
    assert (found.protocol, found.end) == (0, len(data))


def test_python_2_ordered_dict_comes_as_pairs() -> None:
    found = load(b"ccollections\nOrderedDict\n((l(U\x01bI1\nla(U\x01aI2\nlatR.")
    assert list(found.value.items()) == [(b"b", 1), (b"a", 2)]


def test_truncation_tells_place_and_numbers() -> None:
    data = pickle.dumps([np.arange(10.0), np.arange(100.0)], 2)
    with pytest.raises(Truncated) as caught:
        load(data[:-500])
    assert "expected" in caught.value.message
    assert "found" in caught.value.message
    assert "1 arrays before it are whole" in caught.value.message


@pytest.mark.parametrize(
    ("shape", "data", "message"),
    [
        (b"(I3\nt", b"1234", "takes 12 bytes, found 4"),
        (b"(I1\nt", b"12345", "takes 4 bytes, found 5"),
        (b"I1\n", b"1234", "no tuple"),
    ],
)
def test_sizes_must_agree(shape: bytes, data: bytes, message: str) -> None:
    with pytest.raises(Corrupt, match=message):
        load(hostile.array(shape, hostile.binbytes(data)))


def test_limits_on_arrays_and_containers() -> None:
    data = pickle.dumps([np.zeros(1) for _ in range(11)], 2)
    assert len(load(data, max_tensors=11).value) == 11
    with pytest.raises(OverLimit, match="more than 10 arrays"):
        load(data, max_tensors=10)
    with pytest.raises(OverLimit, match="more than 320 containers"):
        load(pickle.dumps([[] for _ in range(400)], 2), max_tensors=10)


@pytest.mark.parametrize(
    "value",
    [np.zeros(2, [("a", "f4")]), {frozenset({1}): 2}, {1 << 70: 1}, {tuple(range(20)): 1}],
    ids=["structured", "frozenset-key", "huge-key", "long-key"],
)
def test_unsupported(value: object) -> None:
    with pytest.raises(Unsupported) as caught:
        load(pickle.dumps(value, 2))
    assert caught.value.remedy
