import gc
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.wire.damage import cut_everywhere, flipped
from tests.wire.goldens import CASES, CHECKPOINTS, GOLDEN, case_id, expected, is_as_expected
from tfrepair.core.digest import array_digest
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated
from tfrepair.core.tensor import Health, Limits, Purpose, Tensor, TensorStore
from tfrepair.readers.registry import open_source
from tfrepair.wire.bit_repair import with_bit_flipped
from tfrepair.wire.bundle_writer import Item, write_data, write_index

KERAS = CHECKPOINTS / "tf2_21" / "keras3_checkpoint"
DATA = ".data-00000-of-00001"


def copy_of(prefix: Path, folder: Path) -> Path:
    """Copy one save, without what lies beside it."""
    for path in prefix.parent.glob(f"{prefix.name}.*"):
        if ".index" in path.name or ".data" in path.name:
            shutil.copy(path, folder / path.name)
    return folder / prefix.name


@pytest.fixture
def save(tmp_path: Path) -> Path:
    return copy_of(KERAS, tmp_path)


def data_of(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + DATA)


def index_of(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + ".index")


def digests(store: TensorStore) -> dict[str, str]:
    return {tensor.name: array_digest(tensor.fetch()) for tensor in store}


def healths(store: TensorStore) -> dict[str, Health]:
    return {tensor.name: tensor.checked().health for tensor in store}


def case_prefix(case: Path) -> Path:
    is_saver = case.with_suffix(".v2.index").exists()
    return case.with_suffix(".v2") if is_saver else case.with_suffix("")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_every_value_is_what_tensorflow_holds(case: Path) -> None:
    store = open_source(case_prefix(case))
    want = expected(case)
    assert store.format == "tensor_bundle"
    assert {tensor.origin.key for tensor in store} == set(want)
    for tensor in store:
        array = tensor.fetch()
        assert is_as_expected(array, want[tensor.origin.key]), tensor.name
        assert (array.shape, array.dtype) == (tensor.shape, numpy_dtype(tensor.dtype))
        assert tensor.dtype in ("string", "variant") or array.nbytes == tensor.nbytes
    assert set(healths(store).values()) == {Health.VERIFIED}
    assert not store.findings


def test_names_and_slots_of_keras_3() -> None:
    store = open_source(KERAS)
    weights = {tensor.name for tensor in store if tensor.may_be_weight}
    assert weights == {
        "sequential/emb/embeddings", "sequential/hidden/kernel", "sequential/hidden/bias",
        "sequential/bn/gamma", "sequential/bn/beta", "sequential/bn/moving_mean",
        "sequential/bn/moving_variance", "sequential/out/kernel", "sequential/out/bias",
    }  # fmt: skip
    slot = store["adam/sequential_hidden_kernel_momentum"]
    assert (slot.purpose, slot.slot, slot.slot_of) == (
        Purpose.SLOT,
        "momentum",
        "sequential/hidden/kernel",
    )


def test_opening_reads_no_data(save: Path) -> None:
    data_of(save).write_bytes(bytes(data_of(save).stat().st_size))
    store = open_source(save)
    assert {tensor.health for tensor in store} == {Health.UNVERIFIED}
    assert "object-graph-damaged" in {finding.code for finding in store.findings}


def members(prefix: Path) -> list[Path]:
    return [prefix, data_of(prefix), index_of(prefix), prefix.parent]


@pytest.mark.parametrize("member", range(4), ids=["prefix", "data", "index", "folder"])
def test_any_member_opens_the_save(save: Path, member: int) -> None:
    assert digests(open_source(members(save)[member])) == digests(open_source(KERAS))


@pytest.mark.parametrize("path", ["module", "module/saved_model.pb", "module/variables"])
def test_a_saved_model_opens(path: str) -> None:
    store = open_source(GOLDEN / "saved_model" / path)
    assert "dense/kernel" in store
    assert store["save_counter"].purpose is Purpose.COUNTER


def test_every_flipped_bit_of_the_data_is_corrected(save: Path) -> None:
    whole, sound = data_of(save).read_bytes(), digests(open_source(save))
    chooser = random.Random(1)  # noqa: S311
    for _ in range(100):
        bit = chooser.randrange(8 * len(whole))
        data_of(save).write_bytes(with_bit_flipped(whole, bit))
        store = open_source(save)
        assert digests(store) == sound
        (mended,) = (t for t in map(Tensor.checked, store) if t.health is Health.CORRECTED)
        assert f"bit {bit % 8} of byte {bit // 8} " in mended.health_note


def test_every_flipped_bit_of_the_index_is_corrected_or_harmless(save: Path) -> None:
    whole, sound = index_of(save).read_bytes(), digests(open_source(save))
    chooser = random.Random(2)  # noqa: S311
    for _ in range(100):
        index_of(save).write_bytes(with_bit_flipped(whole, chooser.randrange(8 * len(whole))))
        assert digests(open_source(save)) == sound


def test_two_flipped_bits_in_one_tensor_are_corrupt(save: Path) -> None:
    tensor = open_source(save)["sequential/hidden/kernel"]
    assert tensor.origin.offset is not None
    data = bytearray(data_of(save).read_bytes())
    data[tensor.origin.offset] ^= 3
    data_of(save).write_bytes(bytes(data))
    store = open_source(save)
    bad = [name for name, health in healths(store).items() if health is not Health.VERIFIED]
    assert bad == ["sequential/hidden/kernel"]
    with pytest.raises(Corrupt, match="checksum"):
        store[bad[0]].fetch()


def test_data_that_is_cut_off(save: Path) -> None:
    sound = open_source(save)
    kernel = sound["sequential/emb/embeddings"]
    assert kernel.origin.offset is not None
    end = kernel.origin.offset + 2 * 4 * 4 + 3
    data_of(save).write_bytes(data_of(save).read_bytes()[:end])
    store = open_source(save)
    # The object graph lies behind the cut, so that tensors are listed by their keys.
    found = {tensor.origin.key: tensor.checked() for tensor in store}
    cut = found[kernel.origin.key]
    assert cut.health is Health.TRUNCATED
    assert "2 of 5 rows" in cut.health_note
    with pytest.raises(Truncated):
        cut.fetch()
    whole = [tensor for tensor in found.values() if tensor.health is Health.VERIFIED]
    assert len(whole) == sum(
        (t.origin.offset or 0) + t.nbytes <= end for t in sound if t.dtype != "string"
    )
    assert {f.code for f in store.findings} >= {"data-truncated", "object-graph-damaged"}


def test_a_missing_shard_hides_only_its_own_tensors(tmp_path: Path) -> None:
    prefix = copy_of(CHECKPOINTS / "tf1_15" / "sharded.v2", tmp_path)
    (tmp_path / "sharded.v2.data-00000-of-00002").unlink()
    store = open_source(prefix)
    assert healths(store) == {
        "second/bias": Health.MISSING,
        "first/kernel": Health.VERIFIED,
        "first/emb": Health.VERIFIED,
    }
    (finding,) = store.findings
    assert "1 of 3 tensors" in finding.message


def test_a_lost_footer_costs_nothing(save: Path) -> None:
    sound = digests(open_source(save))
    data = index_of(save).read_bytes()
    index_of(save).write_bytes(data[:-48])
    store = open_source(save)
    assert digests(store) == sound
    assert [finding.code for finding in store.findings] == ["index-damaged"]


def test_an_index_cut_in_half_keeps_what_the_data_proves(save: Path) -> None:
    sound = digests(open_source(save))
    data = index_of(save).read_bytes()
    index_of(save).write_bytes(data[: len(data) // 2])
    store = open_source(save)
    assert 5 < len(store) < len(sound)
    assert set(healths(store).values()) == {Health.VERIFIED}


def test_three_flipped_bits_in_the_index_keep_what_the_data_proves(save: Path) -> None:
    sound = set(digests(open_source(save)).values())
    kept = 0
    for bad in flipped(index_of(save).read_bytes()[:-48], 40, seed=3, bits=3):
        index_of(save).write_bytes(bad)
        try:
            found = digests(open_source(save))
        except SourceError:
            continue
        assert set(found.values()) <= sound
        kept += len(found)
    assert kept > 40 * len(sound) // 3


def test_index_and_data_of_different_saves_are_not_corrected(save: Path) -> None:
    data = np.frombuffer(data_of(save).read_bytes(), np.uint8)
    data_of(save).write_bytes(with_bit_flipped((data ^ 0x11).tobytes(), 5))
    states = healths(open_source(save))
    assert Health.CORRECTED not in states.values()
    assert set(states.values()) <= {Health.CORRUPT, Health.VERIFIED}


@pytest.mark.parametrize("which", [index_of, data_of], ids=["index", "data"])
def test_damage_gives_source_errors_only(save: Path, which: Callable[[Path], Path]) -> None:
    path = which(save)
    data = path.read_bytes()
    for bad in (*cut_everywhere(data, most=60), *flipped(data, 60), *flipped(data, 60, bits=6)):
        path.write_bytes(bad)
        try:
            store = open_source(save)
        except SourceError as error:
            if str(save.parent) not in error.message:
                pytest.fail(f"the message does not name the file: {error.message}")
            continue
        for tensor in store:
            tensor.checked()
            try:
                tensor.fetch()
            except SourceError:
                continue


def test_limits_hold(save: Path) -> None:
    with pytest.raises(OverLimit, match="26 entries, limit 5"):
        open_source(save, limits=Limits(max_tensors=5))


def test_an_index_that_is_gone_says_what_to_look_for(save: Path) -> None:
    index_of(save).unlink()
    with pytest.raises(SourceError, match="without it nothing says") as caught:
        open_source(save)
    assert "tempstate" in caught.value.remedy


def test_no_descriptor_is_left_open(save: Path) -> None:
    store = open_source(save)
    digests(store)
    del store
    gc.collect()
    opened = [entry.resolve() for entry in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.parent == save.parent]


def test_input_stays_as_it_is(save: Path) -> None:
    files = [index_of(save), data_of(save)]
    for file in files:
        file.chmod(0o400)
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    healths(open_source(save))
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before


def test_strings_and_variants_have_their_names() -> None:
    found: dict[str, set[str]] = {}
    for index in sorted(CHECKPOINTS.glob("*/*.index")):
        for tensor in open_source(index):
            found.setdefault(tensor.dtype, set()).add(tensor.purpose.value)
    assert found["string"] == found["variant"] == {"bookkeeping"}
    assert "object" not in found


def test_a_flipped_bit_of_a_variant_or_of_many_lengths_is_corrected(tmp_path: Path) -> None:
    texts = np.array([b"x" * (n % 200) for n in range(300)], object)
    variants = np.array([b"a" * 500, b"", b"state" * 80], object)
    items = [Item(name="a", dtype=7, array=texts), Item(name="b", dtype=21, array=variants)]
    with data_of(tmp_path / "model").open("wb") as file:
        entries = write_data(items, file.write)
    with index_of(tmp_path / "model").open("wb") as file:
        write_index(entries, file.write)
    whole = data_of(tmp_path / "model").read_bytes()
    border = entries[b"b"].offset
    chooser = random.Random(3)  # noqa: S311

    bits = [8 * 5 + 1, 8 * 250 + 3, 8 * (border + 1), 8 * (len(whole) - 2)]
    bits += [chooser.randrange(8 * (border + 10), 8 * (border + 500)) for _ in range(10)]
    for bit in bits:
        data_of(tmp_path / "model").write_bytes(with_bit_flipped(whole, bit))
        store = open_source(tmp_path / "model")
        assert list(store["a"].fetch()) == list(texts), bit
        assert list(store["b"].fetch()) == list(variants), bit
        healths = {tensor.checked().health for tensor in store}
        assert healths == {Health.VERIFIED, Health.CORRECTED}, bit


@pytest.mark.parametrize(("size", "rows"), [(562, 4), (544, 3), (513, 1), (496, 0)])
def test_leading_rows_of_a_partitioned_variable(tmp_path: Path, size: int, rows: int) -> None:
    """Its slices lie at 464 (rows 5 and 6), 496 (0 to 2) and 544 (3 and 4)."""
    prefix = copy_of(CHECKPOINTS / "tf1_4" / "training.v2", tmp_path)
    whole = open_source(prefix)["net/emb"].fetch()
    with data_of(prefix).open("r+b") as file:
        file.truncate(size)
    tensor = open_source(prefix)["net/emb"].checked()
    assert (tensor.health, tensor.leading is None) == (Health.TRUNCATED, False)
    assert tensor.leading is not None
    if rows:
        np.testing.assert_array_equal(tensor.leading(), whole[:rows])
    else:
        with pytest.raises(Truncated, match="first row"):
            tensor.leading()
