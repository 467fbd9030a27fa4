"""What ``explain`` makes of pasted texts: the right message first, and never an exception."""

import inspect
import runpy
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

import tfrepair
from tests.api.pasted_messages import PASTED
from tfrepair.api.explanation import closest_families, explain
from tfrepair.api.message_catalog import ABOUT, MESSAGES, TITLES, Family, Message
from tfrepair.cli.main import app

ROOT = Path(tfrepair.__file__).parents[1]
OPTIONS = {
    name: {option for parameter in command.params for option in parameter.opts}
    for name, command in typer.main.get_group(app).commands.items()
}
COMMANDS = OPTIONS.keys()
IDS = [f"{code}-{number}" for number, (code, _) in enumerate(PASTED)]


def first(text: str) -> str:
    found = explain(text)
    return found[0].message.code if found and found[0].is_exact else ""


def folded(text: str) -> str:
    """As a terminal of 37 columns folds it, in the middle of words."""
    return "\n".join(text[start : start + 37] for start in range(0, len(text), 37))


def quoted(text: str) -> str:
    return "\n".join(f"> > {line}" for line in text.replace(". ", ".\n").split("\n"))


def colored(text: str) -> str:
    return f"\x1b[31m{text[:9]}\x1b[0m\x1b[1;31m{text[9:]}\x1b[0m"


def in_a_traceback(text: str) -> str:
    lines = "".join(
        f'  File "/opt/venv/lib/python3.11/site-packages/keras/x{number}.py", line {number}, in f\n'
        f"    return load(model, number={number})\n"
        for number in range(40)
    )
    return f"Traceback (most recent call last):\n{lines}{text}\n"


def typographic(text: str) -> str:
    return text.replace("'", "\u2019").replace('"', "\u201d").replace("`", "")


MANGLINGS: tuple[Callable[[str], str], ...] = (
    folded, quoted, colored, in_a_traceback, typographic, str.upper, repr,
)  # fmt: skip


@pytest.mark.parametrize(("code", "text"), PASTED, ids=IDS)
def test_a_pasted_text_is_explained_by_its_message(code: str, text: str) -> None:
    assert first(text) == code


@pytest.mark.parametrize("mangled", MANGLINGS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(("code", "text"), PASTED, ids=IDS)
def test_mangled_text_is_explained_likewise(
    code: str, text: str, mangled: Callable[[str], str]
) -> None:
    assert first(mangled(text)) == code


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.code)
def test_every_form_of_a_message_stands_for_it(message: Message) -> None:
    for form in message.forms:
        text = (
            form.replace("<N>", "12").replace("<M>", "13").replace("<K>", "0")
            .replace("<other shape>", "(3, 5)").replace("<shape>", "(3, 4)")
            .replace("<slot>", "a/Adam").replace("<path>", "a/b").replace("<name>", "abc")
            .replace("<class>", "Abc").replace("...", "xyz")
        )  # fmt: skip
        assert first(text) == message.code, text


def test_every_message_is_pasted_at_least_once() -> None:
    assert {code for code, _ in PASTED} == {message.code for message in MESSAGES}
    assert len(MESSAGES) >= 45


@pytest.mark.parametrize(("code", "text"), PASTED, ids=IDS)
def test_no_two_messages_claim_a_text_with_equal_rank(code: str, text: str) -> None:
    ranks = [
        (found.message.priority, len(found.form))
        for found in explain(text)
        if found.is_exact
    ]  # fmt: skip
    assert ranks.count(ranks[0]) == 1, code


def test_codes_and_forms_are_unique() -> None:
    codes = [message.code for message in MESSAGES]
    forms = [form for message in MESSAGES for form in message.forms]
    assert len(set(codes)) == len(codes)
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.code)
def test_every_message_says_what_to_do_with_commands_that_exist(message: Message) -> None:
    assert message.commands or message.advice
    assert message.cause.endswith((".", ")"))
    assert message.loss.endswith(".")
    assert message.versions
    for command in message.commands:
        words = command.split()
        if words[0] != "tfrepair":
            continue
        assert words[1] in COMMANDS
        options = {option for option in words if option.startswith("-")}
        assert options <= OPTIONS.get(words[1], set())


class TestParts:
    def test_a_path_is_filled_into_the_command(self) -> None:
        found = explain(
            "NotFoundError: Unsuccessful TensorSliceReader constructor: Failed to find any "
            "matching files for /tmp/train/model.ckpt-4000"
        )[0]
        assert found.commands[0] == "tfrepair check /tmp/train/model.ckpt-4000"

    def test_a_path_elsewhere_in_the_text_is_found(self) -> None:
        found = explain(
            "model = np.load('weights/vgg16.npy')\n"
            "ValueError: Object arrays cannot be loaded when allow_pickle=False"
        )[0]
        assert found.commands[0] == "tfrepair inspect weights/vgg16.npy"

    @pytest.mark.parametrize(
        "text",
        [
            "Failed to find any matching files for {} [Op:RestoreV2]",
            "Failed to find any matching files for {}",
            "Failed to find any matching files for {}\n\t [[node save/RestoreV2]]",
            "Failed to find any matching files for {}\n\nDuring handling of it\n" + "x" * 200,
            "OSError: SavedModel file does not exist at: {}/{{saved_model.pbtxt|saved_model.pb}}",
            "Unable to open table file {}: Data loss: not an sstable (bad magic number): perhaps",
            "TensorBundle at {} shard 0 (13 bytes): Checksum does not match: stored 1 vs. 2",
            "np.load('{}.npy')\nEOFError: No data left in file",
            "SavedModel file does not exist at: {}",
        ],
    )
    @pytest.mark.parametrize(
        "path", ["/content/drive/My Drive/run 3/model.ckpt-12", "./a/model.ckpt-5", "C:/a/b c/m.h5"]
    )
    def test_a_path_may_have_spaces(self, text: str, path: str) -> None:
        found = explain(text.format(path))[0]
        assert found.parts["path"].removesuffix(".npy") == path
        assert any(path in command for command in found.commands) or not found.message.commands

    @pytest.mark.parametrize(
        "path",
        ["/content/My Dri\nve/run/model.ckpt", "/data/run/mod\nel.ckpt", "/data\n/run/m.ckpt"],
    )
    def test_a_folded_path_is_not_guessed(self, path: str) -> None:
        found = explain(f"Failed to find any matching files for {path}")[0]
        assert found.message.code == "TFR-CKPT-NO-FILES"
        assert "path" not in found.parts
        assert found.commands[0] == "tfrepair check PATH"

    def test_a_path_with_a_trap_is_quoted_for_the_shell(self) -> None:
        found = explain("SavedModel file does not exist at: $(reboot)")[0]
        assert "'" in found.commands[0] or "$(" not in found.commands[0]

    def test_without_a_path_the_command_has_a_place_for_one(self) -> None:
        assert explain("No such op: not an sstable (bad magic number)")[0].commands[0] == (
            "tfrepair check PATH"
        )

    def test_numbers_are_filled_into_the_advice(self) -> None:
        found = explain("truncated file: eof = 10, sblock->base_addr = 0, stored_eof = 804480")[0]
        assert any("truncate -s 804480 copy.h5" in sentence for sentence in found.advice)

    def test_names_and_shapes_are_told(self) -> None:
        found = explain(
            "Shape mismatch in layer #2 (named dense)for weight dense/kernel. Weight expects "
            "shape (64, 10). Received saved weight with shape (64, 12)"
        )[0]
        assert found.parts == {
            "K": "2", "name": "dense", "name 2": "dense/kernel", "shape": "(64, 10)",
            "other shape": "(64, 12)",
        }  # fmt: skip
        assert "layer #2 (named dense) for weight dense/kernel" in found.text

    def test_the_cause_behind_a_wrapper_is_told_instead_of_it(self) -> None:
        found = explain(
            "ValueError: A total of 6 objects could not be loaded. Example error message for "
            "object <Dense name=d, built=True>:\n\nLayer 'd' expected 2 variables, but received 0 "
            "variables during loading. Expected: ['kernel', 'bias']"
        )
        assert [one.message.code for one in found] == ["TFR-WEIGHTS-VARIABLES"]


class TestNearMisses:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("not an sstble (bad magc umber)", "TFR-CKPT-BAD-MAGIC"),
            ("Layer cont mismatch when loadng weghts from", "TFR-WEIGHTS-LAYER-COUNT"),
            ("objects arrays can not be loaded, allow_pickle=False", "TFR-NPY-OBJECT"),
            ("Unable to restore custom obj", "TFR-SM-CUSTOM-OBJECT"),
        ],
    )
    def test_a_misspelled_message_is_offered_as_such(self, text: str, code: str) -> None:
        found = explain(text)
        assert found
        assert found[0].message.code == code
        assert not found[0].is_exact
        assert 82 <= found[0].likeness <= 100

    @pytest.mark.parametrize("text", ["", "-", "it does not work", "SyntaxError: invalid syntax"])
    def test_anything_else_is_not_explained(self, text: str) -> None:
        assert explain(text) == ()
        assert len(closest_families(text)) == 3

    def test_the_closest_family_comes_first(self) -> None:
        assert closest_families("my checkpoint key was not found")[0] is Family.CHECKPOINT_NAMES


class TestArbitraryText:
    @settings(max_examples=300, deadline=None)
    @given(st.text(max_size=400))
    def test_nothing_is_raised(self, text: str) -> None:
        explain(text)
        closest_families(text)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.sampled_from([text for _, text in PASTED]), max_size=5), st.randoms())
    def test_messages_in_one_another_do_not_confuse(self, texts: list[str], random: object) -> None:
        del random
        found = explain(" ".join(texts))
        assert bool(found) == bool(texts)

    @pytest.mark.parametrize(
        "text",
        [
            "a" * 10_000,
            "Key " * 2_500,
            "Key x" * 2_000,
            "'" * 10_000,
            "((((" * 2_500,
            "\x1b[" * 5_000,
            "> " * 5_000,
            "Shapes (" * 1_250,
            "Unrecognized keyword arguments passed to " * 240,
            "Unknown variable: This optimizer can only be called for " * 180,
            "MetaGraphDef associated with tags could not be found in " * 180,
            " ".join(text for _, text in PASTED)[:10_000],
            "".join(chr(33 + number * 7919 % 90) for number in range(10_000)),
        ],
        ids=lambda text: text[:12],
    )
    def test_ten_kilobytes_take_no_time(self, text: str) -> None:
        explain(text)
        best = min(timed(lambda: explain(text)) for _ in range(3))
        assert best < 0.5, "it takes a tenth; an expression that backtracks takes minutes"


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


class TestPages:
    def test_the_pages_are_those_of_the_catalog(self) -> None:
        pages = runpy.run_path(str(ROOT / "scripts" / "write_message_pages.py"))["pages"]()
        assert {str(path) for path in pages} == {
            str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "messages").glob("*.md")
        }
        for place, text in pages.items():
            written = (ROOT / place).read_text(encoding="utf-8")
            assert written == text, f"{place}: run scripts/write_message_pages.py"

    @pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.code)
    def test_every_page_has_its_anchor(self, message: Message) -> None:
        path, _, anchor = message.page.partition("#")
        assert f'<a id="{anchor}"></a>' in (ROOT / path).read_text(encoding="utf-8")

    def test_every_heading_is_a_message(self) -> None:
        known = {message.forms[0] for message in MESSAGES}
        for family in Family:
            lines = (ROOT / family.page).read_text(encoding="utf-8").splitlines()
            headings = {line[3:].strip("` ") for line in lines if line.startswith("## ")}
            assert headings <= {form.strip("` ") for form in known}
            assert headings

    def test_every_family_has_a_page_a_title_and_messages(self) -> None:
        assert set(TITLES) == set(ABOUT) == set(Family)
        assert {message.family for message in MESSAGES} == set(Family)


def test_nothing_is_read_or_started() -> None:
    source = inspect.getsource(inspect.getmodule(explain) or tfrepair)
    assert "open(" not in source
    assert "subprocess" not in source
