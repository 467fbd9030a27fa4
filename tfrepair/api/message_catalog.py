"""The messages that people paste, with cause, loss and remedy; data only.

TensorFlow, Keras, h5py, NumPy, zipfile and pickle print them; what is said about damage was
measured on files that the real libraries wrote. :mod:`tfrepair.api.explanation` searches this
table, and ``scripts/write_message_pages.py`` turns it into ``docs/messages``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Family(StrEnum):
    """Messages with the same kind of cause; the value names the page in ``docs/messages``."""

    CHECKPOINT_FILES = "checkpoint-files"
    CHECKPOINT_NAMES = "checkpoint-names"
    H5_FILES = "h5-files"
    ARCHIVES = "archives"
    KERAS_CONFIGS = "keras-configs"
    KERAS_WEIGHTS = "keras-weights"
    OPTIMIZER_STATE = "optimizer-state"
    NUMPY_AND_PICKLES = "numpy-and-pickles"
    SAVED_MODEL = "saved-model"
    SAVING = "saving"

    @property
    def page(self) -> str:
        """Page of the family, relative to the checkout."""
        return f"docs/messages/{self.value}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message and what to do about it.

    Attributes
    ----------
    code
        Stable identifier such as ``"TFR-CKPT-BAD-MAGIC"``.
    family
        See :class:`Family`.
    forms
        The message as it is printed, other wordings after it; ``<path>``, ``<name>``, ``<class>``,
        ``<slot>``, ``<N>``, ``<M>``, ``<K>``, ``<shape>``, ``<other shape>`` and ``...`` stand for
        what varies.
    cause
        Why it is printed.
    loss
        What is lost, and what can be saved.
    commands
        Commands to run now; places as in ``forms`` are filled from the text.
    advice
        What to do besides, or instead where tfrepair does not help yet.
    versions
        Where the message is seen.
    priority
        Positive for a special case of another message, negative for one that wraps the real cause.
    """

    code: str
    family: Family
    forms: tuple[str, ...]
    cause: str
    loss: str
    commands: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    versions: str
    priority: int = 0

    @property
    def page(self) -> str:
        """Place in the documentation, relative to the checkout."""
        return f"{self.family.page}#{self.code.lower()}"


TITLES: Mapping[Family, str] = MappingProxyType(
    {
        Family.CHECKPOINT_FILES: "Checkpoint files that do not open",
        Family.CHECKPOINT_NAMES: "Checkpoints whose names or shapes do not fit the model",
        Family.H5_FILES: "H5 files that do not open",
        Family.ARCHIVES: "Zip archives: .keras and .npz",
        Family.KERAS_CONFIGS: "Keras models that cannot be rebuilt from their configuration",
        Family.KERAS_WEIGHTS: "Keras weights that do not fit the model",
        Family.OPTIMIZER_STATE: "Optimizer state that is not restored",
        Family.NUMPY_AND_PICKLES: "NumPy arrays and pickles",
        Family.SAVED_MODEL: "SavedModels that do not load",
        Family.SAVING: "Saving that fails or leaves something out",
    }
)

ABOUT: Mapping[Family, str] = MappingProxyType(
    {
        Family.CHECKPOINT_FILES: (
            "A checkpoint is an index (names, shapes, places, checksums) and one or more data "
            "files; its *prefix*, the common start of these names, is what TensorFlow wants "
            "to be given. TensorFlow restores all or nothing: one damaged tensor stops the "
            "whole restore. Most of a damaged checkpoint is usually whole, and every tensor "
            "has its own checksum."
        ),
        Family.CHECKPOINT_NAMES: (
            "Here the file is fine, and the graph that loads it has other variables than the "
            "graph that saved it: renamed scopes, another optimizer, another version. Nothing "
            "is lost; the names need a map."
        ),
        Family.H5_FILES: (
            "HDF5 as Keras writes it has no checksums, and its table of contents is spread "
            "over the file. A cut file usually still holds the weights, because they stand "
            "before the optimizer's state; a file whose writer was killed holds them without "
            "any table of contents. tfrepair reads files whose table of contents is whole; "
            "what is said here about others can be done by hand."
        ),
        Family.ARCHIVES: (
            "`.keras` and `.npz` files are zip archives. The list of members stands at the "
            "very end, so a file that is cut anywhere has lost it, although most members are "
            "whole. Members are stored uncompressed by Keras and by `np.savez`, each with a "
            "CRC-32."
        ),
        Family.KERAS_CONFIGS: (
            "A full Keras file holds a configuration beside the weights, and the "
            "configuration is what ages: classes move, arguments get new names. The weights "
            "are nearly always fine. The safest bridge between versions is to rebuild the "
            "architecture in code and to take only the weights. Never switch the safe mode "
            "off for a file that you did not write."
        ),
        Family.KERAS_WEIGHTS: (
            "The file opens, and its lists do not fit the model's. Beware of what makes such "
            "a message go away without solving it: `by_name=True, skip_mismatch=True` may "
            "load nothing at all, or the wrong half, and prints no error. A load that failed "
            "may have replaced some weights already: build the model anew before the next "
            "attempt."
        ),
        Family.OPTIMIZER_STATE: (
            "The weights are there, and what the optimizer had gathered (moments, step "
            "counter, learning rate) is not. Training goes on, but the first steps are too "
            "large: the loss jumps. Keras matches this state by position and does not compare "
            "classes, so state of another optimizer can be taken without a word."
        ),
        Family.NUMPY_AND_PICKLES: (
            "`np.save(path, model.get_weights())` writes a pickle inside a `.npy` file, which "
            "NumPy refuses to load unless it is told to trust it. tfrepair reads such files "
            "with an allow-list: nothing that a pickle names is run."
        ),
        Family.SAVED_MODEL: (
            "A SavedModel is `saved_model.pb` (the graph) and `variables/` (an ordinary "
            "checkpoint). If the graph does not load, the values can still be read from "
            "`variables/`."
        ),
        Family.SAVING: (
            "The moment to lose least is now: do not restart the process, free space or "
            "change the path, and save again. Weights can always be written with "
            "`np.savez(path, **{v.path: v.numpy() for v in model.weights})`."
        ),
    }
)

_CHECK = "tfrepair check <path>"
_INSPECT = "tfrepair inspect <path>"
_CONVERT_CHECKPOINT = "tfrepair ckpt-to-savedmodel --arch model.py <path> OUT/"
_CONVERT_ARRAYS = "tfrepair npy-to-savedmodel --arch model.py <path> OUT/"
_PLAN = "tfrepair plan <path> --arch model.py -o plan.toml"
_USE_PLAN = "tfrepair convert <path> OUT/ --plan plan.toml"
_CHECKPOINT = (_CHECK, _CONVERT_CHECKPOINT)
_ARRAYS = (_INSPECT, _CONVERT_ARRAYS)
_READ_H5 = (
    "tfrepair reads H5 and `.keras` files by itself, with the names and the optimizer's state in "
    "them, and builds nothing from their configuration: `tfrepair h5-to-savedmodel --arch "
    "model.py FILE OUT/`."
)
_NO_SALVAGE = (
    "tfrepair reads H5 and `.keras` files whose table of contents is whole, and what is whole in "
    "them. Not yet: putting files together that were cut, or whose writer was killed."
)
_BY_HAND = (
    "By hand: rebuild the architecture in code, call load_weights on it in an environment "
    "with the version that wrote the file, write `np.savez(path, **{v.name: v.numpy() for v "
    "in model.weights})`, and give that file to `tfrepair npy-to-savedmodel`."
)
_PADDED = (
    "By hand, on a copy: pad the copy with zeros to the announced size (`truncate -s <M> "
    "copy.h5`), open it with h5py and read the datasets one by one, each in a try block; in "
    "55 cuts that were tried, none read this way had a wrong value. An all-zero dataset may "
    "be padding."
)
_TF_ALL = "TensorFlow 1 and 2"
_KERAS_3 = "Keras 3"

MESSAGES: tuple[Message, ...] = (
    # --- checkpoint files ---
    Message(
        code="TFR-CKPT-BAD-MAGIC",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "not an sstable (bad magic number)",
            (
                "perhaps your file is in a different file format and you need to use a "
                "different restore operator?"
            ),
        ),
        cause=(
            "The bytes at the end of the file are not those of a checkpoint index. Most often "
            "the name of a member (`.data-00000-of-00001`, `.meta`) was given instead of the "
            "prefix; else the index was cut, or it is not a checkpoint at all (a git-lfs "
            "pointer, a web page, an H5 file)."
        ),
        loss=(
            "Nothing, if only the name was wrong. Of an index that was cut in half, about "
            "half of the entries can still be read; the data file is not touched by that."
        ),
        commands=_CHECKPOINT,
        advice=(
            "tfrepair takes the prefix, any member or the directory.",
            "In TensorFlow, give the prefix: everything before `.index`.",
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-TOO-SHORT",
        family=Family.CHECKPOINT_FILES,
        forms=("file is too short to be an sstable",),
        cause=(
            "The index has less than 48 bytes, usually none: the machine lost power, or the "
            "process was killed, while the save was being finished."
        ),
        loss="Names and places of the tensors in this save; the numbers are in the data file.",
        commands=(_CHECK,),
        advice=(
            "Look for the save before it; `tfrepair check` also takes the run's directory.",
            "Not yet: rebuilding a lost index from the data file.",
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-NO-FILES",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "Failed to find any matching files for <path>",
            "Failed to find any matching files for",
        ),
        cause=(
            "There is no `<prefix>.index`: the path is wrong or relative to another "
            "directory, the run was moved and the `checkpoint` file still names the old "
            "place, or the index was lost."
        ),
        loss=(
            "Nothing, if the files are elsewhere. Without an index, the numbers remain in the "
            "data file, without names."
        ),
        commands=_CHECKPOINT,
        advice=(
            (
                "Give the directory that holds the files: tfrepair does not depend on the "
                "`checkpoint` file and says what it found."
            ),
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-READ-LESS",
        family=Family.CHECKPOINT_FILES,
        forms=("Read less bytes than requested",),
        cause=(
            "The data file is shorter than its index says: the disk was full, or a copy or "
            "download stopped."
        ),
        loss=(
            "The tensors behind the cut. All before it are whole: at 90 % of the file 66 of "
            "75, at 50 % 38 of 75 in one measured checkpoint."
        ),
        commands=(_CHECK, _CONVERT_CHECKPOINT + " --allow-missing"),
        advice=("`--allow-missing` leaves what is lost at its initial value, and lists it.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-CHECKSUM",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "Checksum does not match: stored <N> vs. calculated on the restored bytes <M>",
            "Checksum does not match: stored",
        ),
        cause=(
            "The bytes of a tensor are not those that were saved: a flipped bit, a block of "
            "zeros, or an index and a data file of two different saves."
        ),
        loss=(
            "Only the tensors that fail; TensorFlow restores none. A single flipped bit can "
            "be located and corrected from the checksum."
        ),
        commands=_CHECKPOINT,
        advice=(
            (
                "If nearly every tensor fails, look for the index of the same save: the files "
                "were mixed."
            ),
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-LENGTH-CHECKSUM",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "The length checksum does not match: expected <N>",
            "The length checksum does not match",
        ),
        cause=(
            "The lengths in front of a string tensor are damaged; often the end of the data "
            "file is all zeros, and the object graph stood there."
        ),
        loss=(
            "This string tensor. If it is the object graph, TensorFlow restores nothing; the "
            "numbers are in the other tensors."
        ),
        commands=_CHECKPOINT,
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-INDEX-CORRUPT",
        family=Family.CHECKPOINT_FILES,
        forms=(
            (
                "Unable to read file (<path>). Perhaps the file is corrupt or was produced by "
                "a newer version of TensorFlow with format changes"
            ),
            "Perhaps the file is corrupt or was produced by a newer version of TensorFlow",
        ),
        cause=(
            "A block of the index (or of a file of the old format) fails its checksum. It is "
            "hardly ever a newer version."
        ),
        loss=(
            "With one flipped bit nothing: it can be corrected. With three, about 25 of 30 "
            "entries could be proven by the data's own checksums."
        ),
        commands=_CHECKPOINT,
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-SHARD-MISSING",
        family=Family.CHECKPOINT_FILES,
        forms=(".data-<N>-of-<M>; No such file or directory",),
        cause=(
            "One of several data files is not there: not copied, still on another worker, or "
            "renamed."
        ),
        loss="What stood in that file; the other files are whole.",
        commands=(_CHECK, _CONVERT_CHECKPOINT + " --allow-missing"),
        advice=("Look for the file on the machine that wrote it before converting without it.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-SNAPPY",
        family=Family.CHECKPOINT_FILES,
        forms=("corrupted compressed block contents",),
        cause=(
            "A block is compressed with Snappy, and either this build of TensorFlow has no "
            "Snappy, or the block is damaged."
        ),
        loss="Nothing in the first case.",
        commands=_CHECKPOINT,
        advice=("tfrepair reads Snappy blocks by itself.",),
        versions="TensorFlow 1 and 2, mostly files of the Saver's old format",
    ),
    Message(
        code="TFR-CKPT-SLICES",
        family=Family.CHECKPOINT_FILES,
        forms=("Does not have sufficient slices for partitioned tensor <name>",),
        cause=(
            "A variable was saved in parts, and some parts are missing from the file or are "
            "asked for with other borders."
        ),
        loss="At most the missing parts.",
        commands=_CHECKPOINT,
        versions="TensorFlow 1",
    ),
    Message(
        code="TFR-CKPT-DUPLICATE",
        family=Family.CHECKPOINT_FILES,
        forms=("Duplicate tensor keyed by <name>",),
        cause=(
            "Two workers wrote the same variable, and merging their parts into one checkpoint "
            "stopped there."
        ),
        loss="Nothing: the parts lie in a `_temp` directory beside the prefix. Do not delete it.",
        commands=(_CHECK,),
        advice=(
            "`check` on the run's directory says what each part holds.",
            "A part is a checkpoint by itself: give its `.index` file to `tfrepair inspect`.",
            "Not yet: joining the parts of several workers.",
        ),
        versions="TensorFlow 2 with sharded saving",
    ),
    Message(
        code="TFR-CKPT-PART-MISSING",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "part-<N>-of-<M>.index; No such file or directory",
            "_temp/part-<N>-of-<M>",
            "MergeV2Checkpoints",
        ),
        cause=(
            "A save writes its parts to a temporary directory and merges them; the parts of "
            "one worker are not visible to the one that merges, or a killed save left them "
            "there."
        ),
        loss="Nothing that a part holds: every part has its own index.",
        commands=(_CHECK,),
        advice=(
            "Keep the temporary directories of all workers, and run `check` on each.",
            "A part is a checkpoint by itself: give its `.index` file to `tfrepair inspect`.",
            "Not yet: joining the parts of several workers.",
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-STATE-INVALID",
        family=Family.CHECKPOINT_FILES,
        forms=("Invalid checkpoint state loaded from <path>",),
        cause="The small text file `checkpoint`, which names the newest save, is empty or damaged.",
        loss="Nothing but that name.",
        commands=_CHECKPOINT,
        advice=("Give the directory: the saves in it are found without the `checkpoint` file.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-LATEST-NONE",
        family=Family.CHECKPOINT_FILES,
        forms=(
            "Can't load save_path when it is None",
            "The passed save_path is not a valid checkpoint: None",
            "latest_checkpoint returned None",
            "latest_checkpoint returns None",
            "latest_checkpoint is None",
            "'NoneType' object has no attribute 'endswith'",
        ),
        cause=(
            "`tf.train.latest_checkpoint` found nothing and returned None, without saying "
            "why: the file `checkpoint` is missing, renamed, or names an absolute path of "
            "another machine. Since Keras 3, ModelCheckpoint writes `.weights.h5` files, for "
            "which it never finds anything."
        ),
        loss="Nothing.",
        commands=_CHECKPOINT,
        advice=("Give the directory or the prefix itself.",),
        versions=_TF_ALL,
        priority=1,
    ),
    Message(
        code="TFR-CKPT-NOT-VALID",
        family=Family.CHECKPOINT_FILES,
        forms=("The passed save_path is not a valid checkpoint: <path>",),
        cause="There is no index under this prefix.",
        loss="Nothing, if the files are elsewhere.",
        commands=_CHECKPOINT,
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-CKPT-SLICE-READER",
        family=Family.CHECKPOINT_FILES,
        forms=("Unsuccessful TensorSliceReader constructor",),
        cause="The checkpoint could not be opened; the reason stands behind it.",
        loss="It depends on the reason.",
        commands=(_CHECK,),
        versions=_TF_ALL,
        priority=-1,
    ),
    Message(
        code="TFR-CKPT-ABORT",
        family=Family.CHECKPOINT_FILES,
        forms=("tensor_shape.cc:<N>] Check failed",),
        cause=(
            "An entry of the index announces a negative or an overflowing size; TensorFlow "
            "ends the whole process (exit code 134)."
        ),
        loss="That entry; the others can be read.",
        commands=_CHECKPOINT,
        versions=_TF_ALL,
    ),
    # --- checkpoint names ---
    Message(
        code="TFR-NAME-KEY",
        family=Family.CHECKPOINT_NAMES,
        forms=("Key <name> not found in checkpoint",),
        cause=(
            "The graph has a variable that was not saved under this name: a scope was "
            "renamed, a layer was added, or the checkpoint is an object-based one of "
            "TensorFlow 2."
        ),
        loss="Nothing: the values are in the file under other names.",
        commands=(_INSPECT, _PLAN, _USE_PLAN),
        advice=("`inspect` lists the names; in plan.toml each variable gets its line.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-NAME-GLOBAL-STEP",
        family=Family.CHECKPOINT_NAMES,
        forms=("Key global_step not found in checkpoint",),
        cause="The checkpoint was saved without a step counter, and this graph has one.",
        loss="At most the number of steps; it is often part of the file's name.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        advice=("In TensorFlow: restore with `Saver(var_list=...)` without the counter.",),
        versions="TensorFlow 1",
        priority=1,
    ),
    Message(
        code="TFR-NAME-AVERAGE",
        family=Family.CHECKPOINT_NAMES,
        forms=("Key <name>/ExponentialMovingAverage not found in checkpoint",),
        cause=(
            "The graph restores moving averages in place of the weights, and the checkpoint "
            "was saved without averages."
        ),
        loss="The averages, if none were ever kept; the weights themselves are there.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        versions="TensorFlow 1",
        priority=1,
    ),
    Message(
        code="TFR-NAME-TENSOR",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            "Tensor name '<name>' not found in checkpoint files <path>",
            "Tensor name '<name>' not found in checkpoint",
        ),
        cause="The same as *Key not found*, from a checkpoint of the Saver's old format.",
        loss="Nothing: the values are in the file under other names.",
        commands=(_INSPECT, _PLAN, _USE_PLAN),
        versions="TensorFlow 1",
    ),
    Message(
        code="TFR-NAME-ASSIGN-SHAPES",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            (
                "Assign requires shapes of both tensors to match. lhs shape= <shape> rhs "
                "shape= <other shape>"
            ),
            "Assign requires shapes of both tensors to match",
        ),
        cause=(
            "The names agree and the shapes do not: the graph (left) was built with other "
            "sizes than the saved one (right) - number of classes, vocabulary, hidden units."
        ),
        loss="Nothing: set the sizes as they were, or leave this variable out.",
        commands=(_INSPECT, _PLAN, _CONVERT_CHECKPOINT + " --allow-missing"),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-NAME-SLICE-SHAPE",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            (
                "Shape of variable <name> (<shape>) doesn't match with shape of tensor <name> "
                "(<other shape>) from checkpoint reader"
            ),
            "doesn't match with shape of tensor",
        ),
        cause="`init_from_checkpoint` found the name with another shape.",
        loss="Nothing.",
        commands=(_INSPECT, _PLAN),
        versions="TensorFlow 1, Estimators, BERT scripts",
    ),
    Message(
        code="TFR-NAME-RESTORED-SHAPE",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            (
                "Received incompatible tensor with shape <shape> when attempting to restore "
                "variable with shape <other shape> and name <name>"
            ),
            "Received incompatible tensor with shape",
        ),
        cause=(
            "An object-based checkpoint leads to this variable, which was built with other sizes."
        ),
        loss="Nothing.",
        commands=(_INSPECT, _PLAN),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-NAME-UNRESOLVED",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            "Value in checkpoint could not be found in the restored object: <name>",
            "Unresolved object in checkpoint",
            (
                "Detecting that an object or model or tf.train.Checkpoint is being deleted "
                "with unrestored values"
            ),
        ),
        cause=(
            "The checkpoint holds values for which the object that was restored has no place: "
            "often the optimizer, or layers in a plain list."
        ),
        loss="Nothing in the file; the values named were not loaded.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        advice=("Call `.assert_existing_objects_matched()` on the result of every restore.",),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-NAME-NOTHING-MATCHED",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            "Nothing except the root object matched a checkpointed value",
            "not bound to checkpointed values, likely due to changes in the Python program",
        ),
        cause=(
            "The object that restores has other attributes than the one that saved: "
            "`Checkpoint(model=...)` against `Checkpoint(net=...)`, or a model saved by "
            "itself."
        ),
        loss="Nothing.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-NAME-UNINITIALIZED",
        family=Family.CHECKPOINT_NAMES,
        forms=("Attempting to use uninitialized value <name>",),
        cause=(
            "The session runs a variable that was neither initialized nor restored: the "
            "Saver's list did not have it, or the initializer ran on another graph."
        ),
        loss="Nothing.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        versions="TensorFlow 1",
    ),
    Message(
        code="TFR-NAME-DTYPE",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            "tensor_name = <name>; expected dtype <class> does not equal original dtype <class>",
            "does not equal original dtype",
        ),
        cause="The saved tensor has another type than the variable, e.g. bfloat16 and float.",
        loss="Nothing.",
        commands=(_INSPECT, _PLAN),
        advice=("A cast in the plan says so in the report.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-NAME-NO-META",
        family=Family.CHECKPOINT_NAMES,
        forms=("File <path>.meta does not exist", "File does not exist. Received: <path>"),
        cause="`import_meta_graph` wants the graph, and only the values were kept.",
        loss="The graph. The values are whole: write the architecture as model.py.",
        commands=_CHECKPOINT,
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-NAME-RESTORE-FAILED",
        family=Family.CHECKPOINT_NAMES,
        forms=(
            "Restoring from checkpoint failed. This is most likely due to",
            "Please ensure that you have not altered the graph expected based on the checkpoint",
        ),
        cause="The Saver puts this in front of the real reason, which follows it.",
        loss="It depends on the reason; the file itself was opened.",
        commands=(_INSPECT, _PLAN),
        versions="TensorFlow 1.9 and later",
        priority=-1,
    ),
    # --- H5 files ---
    Message(
        code="TFR-H5-TRUNCATED",
        family=Family.H5_FILES,
        forms=(
            (
                "Unable to open file (truncated file: eof = <N>, sblock->base_addr = <K>, "
                "stored_eof = <M>)"
            ),
            (
                "Unable to synchronously open file (truncated file: eof = <N>, "
                "sblock->base_addr = <K>, stored_eof = <M>)"
            ),
            "truncated file: eof = <N>, sblock->base_addr = <K>, stored_eoa = <M>",
            "truncated file: eof = <N>, sblock->base_addr = <K>, stored_eof = <M>",
            "truncated file: eof = <N>",
            "truncated file: eof",
        ),
        cause=(
            "The file ends before the size that it announces (`eof` and `stored_eof`, in "
            "bytes): a download or copy stopped, the disk was full, or a part of a split file "
            "is missing. With an `eof` of 96 or a `stored_eof` of 2048 the writer was killed."
        ),
        loss=(
            "What stood behind the cut. Weights stand before the optimizer's state: at 50 % "
            "of a file with Adam, usually all weights are there, and a fifth of the slots."
        ),
        advice=(
            "Download it again if you can: delete the cut file first, Keras keeps it in its cache.",
            _NO_SALVAGE,
            _PADDED,
        ),
        versions="every h5py; `stored_eoa` before HDF5 1.10, `synchronously` with HDF5 1.14",
    ),
    Message(
        code="TFR-H5-SIGNATURE",
        family=Family.H5_FILES,
        forms=(
            "Unable to open file (file signature not found)",
            "Unable to synchronously open file (file signature not found)",
            "file signature not found",
        ),
        cause=(
            "The file does not start as HDF5 does: it is empty, a git-lfs pointer, a web "
            "page, a zip archive (`.keras`) or a checkpoint under the wrong name."
        ),
        loss="Look at the first bytes: `head -c 200 FILE | xxd`.",
        advice=(
            (
                "`PK` at the start: rename it to `.keras`. `version https://git-lfs`: run "
                "`git lfs pull`. `<html`: download the raw file."
            ),
            "Zero bytes: nothing is in it; look for an earlier save.",
        ),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-NO-FILE",
        family=Family.H5_FILES,
        forms=(
            (
                "unable to open file: name = '<path>', errno = <N>, error message = 'No such "
                "file or directory'"
            ),
            "unable to open file: name = '<path>', errno = 2",
        ),
        cause="There is no file of this name, seen from the directory in which the program runs.",
        loss="Nothing.",
        advice=(
            "Give the absolute path. A name without `.h5` may be that of a checkpoint: see `ls`.",
        ),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-LOCKED",
        family=Family.H5_FILES,
        forms=("unable to lock file, errno = <N>", "unable to lock file"),
        cause="Another process has the file open, or the file system knows no locks (NFS, Lustre).",
        loss="Nothing.",
        advice=(
            (
                "End the other process, or set the environment variable "
                "HDF5_USE_FILE_LOCKING=FALSE for reading."
            ),
        ),
        versions="HDF5 1.10 and later",
    ),
    Message(
        code="TFR-H5-OPEN-FOR-WRITE",
        family=Family.H5_FILES,
        forms=(
            (
                "file is already open for write (may use <h5clear file> to clear file "
                "consistency flags)"
            ),
            "file is already open for write",
            "file is already open for read-only",
            "unable to truncate a file which is already open",
        ),
        cause="The file is marked as being written: a writer is still at work, or was killed.",
        loss="What had not been flushed.",
        advice=(
            "If no process has it open, clear the mark on a copy: `h5clear -s copy.h5`.",
            _NO_SALVAGE,
        ),
        versions="HDF5 1.10 and later, files written with libver='latest'",
    ),
    Message(
        code="TFR-H5-OBJECT-HEADER",
        family=Family.H5_FILES,
        forms=("bad object header version number", "bad object header"),
        cause=(
            "The writer was killed: HDF5 writes its table of contents last, and where it "
            "belongs there is nothing yet."
        ),
        loss=(
            "All names and places. The numbers are there up to the moment of the kill: 24, "
            "50, 76 and 96 % of the bytes in files killed at 26, 51, 77 and 96 %."
        ),
        advice=(
            "Keep the file. " + _NO_SALVAGE,
            (
                "By hand: save an untrained model of the same architecture with the same "
                "versions. Its datasets lie at the same offsets (h5py: "
                "`dataset.id.get_offset()`), and the numbers can be cut out of the damaged "
                "file there. An all-zero tensor is unknown, not recovered."
            ),
            "Beside a killed `.keras` save, a file `tmp...` may hold the weights.",
        ),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-NO-OBJECT",
        family=Family.H5_FILES,
        forms=(
            "Unable to open object (object '<name>' doesn't exist)",
            "Unable to synchronously open object (object '<name>' doesn't exist)",
            "object '<name>' doesn't exist",
        ),
        cause=(
            "The file is whole HDF5 and has another layout than the loader expects: weights "
            "of the old layout under the new name `.weights.h5` or the other way round, or a "
            "save that stopped."
        ),
        loss="Usually nothing.",
        advice=(
            (
                "List what is there: `h5ls -r FILE`. `layer_names` is the layout of Keras 2, "
                "`vars` groups are the layout of Keras 3: rename the file to `.h5` or to "
                "`.weights.h5` accordingly."
            ),
            _NO_SALVAGE,
        ),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-NO-ATTRIBUTE",
        family=Family.H5_FILES,
        forms=(
            "Can't open attribute (can't locate attribute: '<name>')",
            "Unable to synchronously open attribute (can't locate attribute: '<name>')",
            "can't locate attribute: '<name>'",
        ),
        cause=(
            "The loader looks for `layer_names` or `keras_version` and the file has neither: "
            "it was written by other code than Keras, or holds the layout of Keras 3."
        ),
        loss="Nothing.",
        advice=("List what is there: `h5ls -rv FILE`.", _NO_SALVAGE),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-READ-DATA",
        family=Family.H5_FILES,
        forms=(
            "Can't read data (...)",
            "Can't synchronously read data (...)",
        ),
        cause="One dataset lies behind the end of the file, or its compressed chunk is damaged.",
        loss="This dataset. Read the others one by one.",
        advice=(
            "By hand: copy with h5py what can be read, each dataset in a try block.",
            _NO_SALVAGE,
        ),
        versions="every h5py",
    ),
    Message(
        code="TFR-H5-DECODE",
        family=Family.H5_FILES,
        forms=("'str' object has no attribute 'decode'",),
        cause="Keras before 2.5 expects bytes, and h5py 3 gives text.",
        loss="Nothing.",
        advice=("In the old environment: `pip install 'h5py<3'`, then load again.", _NO_SALVAGE),
        versions="Keras before 2.5 with h5py 3",
    ),
    Message(
        code="TFR-H5-OPEN",
        family=Family.H5_FILES,
        forms=("Unable to synchronously open file", "Unable to open file ("),
        cause="h5py could not open the file; the reason stands in the parentheses behind it.",
        loss="It depends on the reason.",
        advice=(_NO_SALVAGE,),
        versions="every h5py; `synchronously` with HDF5 1.14",
        priority=-1,
    ),
    # --- archives ---
    Message(
        code="TFR-ZIP-NOT-ZIP",
        family=Family.ARCHIVES,
        forms=("File is not a zip file",),
        cause=(
            "The end of the archive is missing (a cut or killed save), or it never was one: "
            "an H5 file named `.keras`, as TensorFlow 2.12 wrote them, or a `.npy` file named "
            "`.npz`."
        ),
        loss=(
            "Of a cut archive, the last members. Of a `.npz` cut at 90 %, 20 of 24 arrays are "
            "whole. A cut `.keras` still holds `config.json`, the architecture, at its start."
        ),
        commands=(_INSPECT,),
        advice=(
            "`.npz`: tfrepair says what it finds in the archive.",
            (
                "`.keras`: not yet. `unzip -l` or 7-Zip list what can be got out; an H5 file "
                "under this name starts with the bytes `\\x89HDF`: rename it to `.h5`."
            ),
        ),
        versions="every Python",
    ),
    Message(
        code="TFR-ZIP-CRC",
        family=Family.ARCHIVES,
        forms=("Bad CRC-32 for file '<name>'",),
        cause="The bytes of this member are not those that were stored.",
        loss=(
            "At worst this member. A single wrong bit in `model.weights.h5` is one wrong "
            "number, or nothing at all: HDF5 does not notice it."
        ),
        commands=(_INSPECT,),
        advice=(
            "`.npz`: tfrepair reads the other members.",
            (
                "`.keras`: not yet. By hand: `unzip -p FILE model.weights.h5 > "
                "copy.weights.h5` writes the member in spite of the error; look for NaN and "
                "huge values before you use it."
            ),
        ),
        versions="every Python",
    ),
    Message(
        code="TFR-ZIP-KERAS-MISSING",
        family=Family.ARCHIVES,
        forms=(
            (
                "File not found: filepath=<path>. Please ensure the file is an accessible "
                "`.keras` zip file"
            ),
            "Please ensure the file is an accessible `.keras` zip file",
        ),
        cause=(
            "The file is not there - or it is, and is not a whole zip archive: Keras says the "
            "same for a file that was cut, and for the H5 files that TensorFlow 2.12 named "
            "`.keras`."
        ),
        loss="Look at the size first. Cut at 50 %, about half of the tensors are whole.",
        advice=(
            (
                "`head -c 4 FILE | xxd`: `PK` is a zip archive, `\\x89HDF` is an H5 file "
                "(rename it to `.h5`)."
            ),
            _NO_SALVAGE,
        ),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-ZIP-NO-MEMBER",
        family=Family.ARCHIVES,
        forms=(
            "There is no item named '<name>' in the archive",
            "<name> is not a file in the archive",
        ),
        cause=(
            "The archive is whole and was written by something else: a `.npz` with other "
            "array names, or a zip file that is no `.keras`."
        ),
        loss="Nothing.",
        commands=(_INSPECT,),
        versions="every Python",
    ),
    # --- Keras configurations ---
    Message(
        code="TFR-CONFIG-KERAS3-FORMAT",
        family=Family.KERAS_CONFIGS,
        forms=(
            "File format not supported: filepath=<path>. Keras 3 only supports V3 `.keras` files",
            "Keras 3 only supports V3 `.keras` files",
            "File format not supported: filepath=<path>",
        ),
        cause="Keras 3 loads neither SavedModel directories nor TensorFlow checkpoints any more.",
        loss="Nothing.",
        commands=(_CONVERT_CHECKPOINT,),
        advice=(
            (
                "A checkpoint: the command above. A SavedModel: give its "
                "`variables/variables` as the checkpoint, and the architecture in model.py."
            ),
            "To keep using the old code: `pip install tf_keras`, and TF_USE_LEGACY_KERAS=1.",
        ),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-CONFIG-BATCH-SHAPE",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Unrecognized keyword arguments: ['batch_shape']",
            "Unrecognized keyword arguments: ['batch_shape'",
            "Unrecognized keyword arguments: ['batch_input_shape'",
            "Unrecognized keyword arguments passed to ... 'batch_shape'",
            "Unrecognized keyword arguments passed to ... 'batch_input_shape'",
        ),
        cause=(
            "The file was written by Keras 3 and is loaded by Keras 2 (`batch_shape`), or the "
            "other way round (`batch_input_shape`)."
        ),
        loss="Nothing: only the configuration is not understood.",
        advice=(
            "Load it with the Keras that wrote it; `keras_version` in the file says which.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="Keras 2 with files of Keras 3, and the reverse",
        priority=1,
    ),
    Message(
        code="TFR-CONFIG-GROUPS",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}",
            "Unrecognized keyword arguments passed to DepthwiseConv2D",
        ),
        cause="Keras 2 stored `groups: 1` for this layer, and Keras 3 does not take the argument.",
        loss="Nothing: the argument has no meaning here.",
        advice=(
            (
                "By hand: load with `custom_objects={'DepthwiseConv2D': ...}`, a subclass "
                "whose __init__ drops `groups`."
            ),
            _READ_H5,
            _BY_HAND,
        ),
        versions=_KERAS_3,
        priority=1,
    ),
    Message(
        code="TFR-CONFIG-KEYWORD",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Unrecognized keyword arguments passed to <class>:",
            "Unrecognized keyword arguments:",
            "Keyword argument not understood:",
            "got an unexpected keyword argument 'name'",
        ),
        cause="The configuration has an argument that this version of the layer does not know.",
        loss="Nothing: only the configuration is not understood.",
        advice=(
            "Load it with the Keras that wrote it; `keras_version` in the file says which.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="every Keras",
    ),
    Message(
        code="TFR-CONFIG-SAVEABLE",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Could not deserialize 'keras.metrics.mse' because it is not a KerasSaveable subclass",
            "Could not deserialize '<name>' because it is not a KerasSaveable subclass",
            "because it is not a KerasSaveable subclass",
            "Could not locate function 'mse'",
            "Could not locate function 'mae'",
        ),
        cause=(
            "The compile configuration names a loss or metric by a short name, such as mse, "
            "that Keras 3 does not find again. It happens to its own `.h5` files too."
        ),
        loss="Nothing: neither layers nor weights are concerned.",
        advice=(
            (
                "By hand: `load_model(path, compile=False)`, then compile anew. The "
                "optimizer's state in the file is not loaded that way."
            ),
            _READ_H5,
        ),
        versions=_KERAS_3,
        priority=1,
    ),
    Message(
        code="TFR-CONFIG-LOCATE",
        family=Family.KERAS_CONFIGS,
        forms=(
            (
                "Could not locate class '<class>'. Make sure custom classes and functions are "
                "decorated"
            ),
            (
                "Could not locate function '<name>'. Make sure custom classes and functions "
                "are decorated"
            ),
            "Could not locate class '<class>'",
            "Could not locate function '<name>'",
        ),
        cause=(
            "The configuration names a class or function of yours that has not been imported "
            "or registered in this process."
        ),
        loss="Nothing in the file; the code of this class is not in it.",
        advice=(
            "Import the module that defines it, or give `custom_objects={'NAME': Class}`.",
            "If the code is lost, the layer must be written anew: its weights are in the file.",
            _READ_H5,
        ),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-CONFIG-UNKNOWN-LAYER",
        family=Family.KERAS_CONFIGS,
        forms=(
            (
                "Unknown layer: '<class>'. Please ensure you are using a "
                "`keras.utils.custom_object_scope`"
            ),
            "Unknown layer: '<class>'. Please ensure",
            "Unknown layer: <class>",
        ),
        cause=(
            "The configuration names a layer class that this Keras does not have: one of "
            "yours, one of another package, or one that was removed (CuDNNLSTM, for example)."
        ),
        loss="Nothing in the file; the code of a class is not in it.",
        advice=(
            "Give `custom_objects={'NAME': Class}`, or import the package that brings it.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="every Keras",
    ),
    Message(
        code="TFR-CONFIG-UNKNOWN-FUNCTION",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Unknown loss function: '<name>'",
            "Unknown metric function: '<name>'",
            "Unknown activation function: '<name>'",
            "Unknown optimizer: '<name>'",
        ),
        cause="The configuration names a function or optimizer that this Keras does not have.",
        loss="Nothing.",
        advice=(
            "A loss, metric or optimizer: `load_model(path, compile=False)`, then compile anew.",
            "An activation: give `custom_objects={'NAME': function}`.",
            _READ_H5,
        ),
        versions="every Keras",
    ),
    Message(
        code="TFR-CONFIG-LAMBDA",
        family=Family.KERAS_CONFIGS,
        forms=(
            "Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda",
            "Requested the deserialization of a Lambda layer with a Python `lambda` inside it",
            "Requested the deserialization of a Python lambda",
            "Requested the deserialization of a Lambda layer",
        ),
        cause=(
            "A Lambda layer is stored as Python bytecode; to load it is to run code out of "
            "the file. Keras refuses, and it is right."
        ),
        loss="Nothing but the lambda's source, which is not in the file.",
        advice=(
            (
                "Rebuild the architecture in code, with the lambda written out, and load only "
                "the weights: a Lambda layer has none."
            ),
            (
                "`safe_mode=False` runs whatever the file holds: only for files that you "
                "wrote yourself."
            ),
            _READ_H5,
        ),
        versions="Keras 2.13 and later",
    ),
    Message(
        code="TFR-CONFIG-MARSHAL",
        family=Family.KERAS_CONFIGS,
        forms=("bad marshal data (unknown type code)", "bad marshal data"),
        cause="A Lambda layer's bytecode belongs to another version of Python than yours.",
        loss="Nothing but the lambda's source.",
        advice=(
            (
                "Rebuild the architecture in code, with the lambda written out, and load only "
                "the weights."
            ),
            "Or load it with the Python version that saved it, if you trust the file.",
            _READ_H5,
        ),
        versions="Keras 2, files with Lambda layers",
    ),
    Message(
        code="TFR-CONFIG-MODULE",
        family=Family.KERAS_CONFIGS,
        forms=(
            (
                "Could not deserialize class '<class>' because its parent module <name> "
                "cannot be imported"
            ),
            "because its parent module <name> cannot be imported",
        ),
        cause=(
            "The configuration names a module of another Keras, e.g. "
            "`keras.src.engine.functional` in files of TensorFlow 2.13."
        ),
        loss="Nothing.",
        advice=("Load it with tf_keras, or with the version that wrote it.", _READ_H5, _BY_HAND),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-CONFIG-FUNCTIONAL",
        family=Family.KERAS_CONFIGS,
        forms=("Invalid Functional model configuration",),
        cause="Keras 3 does not understand how Keras 2 wrote the connections of a nested model.",
        loss="Nothing: the weights load into a model that is rebuilt in code.",
        advice=("Load it with tf_keras, or rebuild the architecture.", _READ_H5, _BY_HAND),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-CONFIG-KERAS1",
        family=Family.KERAS_CONFIGS,
        forms=("pop expected at most 1 argument, got 2",),
        cause="A file of Keras 1, whose configuration is a list, is loaded by Keras 3.",
        loss="Nothing. Beware of kernels written on Theano: they need to be flipped.",
        advice=("Rebuild the architecture in code and load only the weights.", _READ_H5),
        versions=_KERAS_3,
    ),
    # --- Keras weights ---
    Message(
        code="TFR-WEIGHTS-LAYER-COUNT",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "Layer count mismatch when loading weights from file. Model expected <N> "
                "layers, found <M> saved layers"
            ),
            "Layer count mismatch when loading weights from file",
            (
                "You are trying to load a weight file containing <M> layers into a model with "
                "<N> layers"
            ),
            "You are trying to load a weight file containing",
        ),
        cause=(
            "The model has another number of layers with weights than the file: layers were "
            "added or removed, a base model without its top, a nested model against a flat "
            "one. Zero saved layers: the file has the layout of Keras 3 (name it "
            "`.weights.h5`) or of Keras 0.x."
        ),
        loss="Nothing in the file.",
        advice=(
            "Compare `h5ls FILE` with the layers of the model that have weights.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="every Keras",
    ),
    Message(
        code="TFR-WEIGHTS-COUNT",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "Weight count mismatch for layer #<K> (named <name> in the current model, "
                "<name> in the save file). Layer expects <N> weight(s). Received <M> saved "
                "weight(s)"
            ),
            "Weight count mismatch for layer #<K>",
            "Weight count mismatch for top-level weights",
            (
                "was found to correspond to layer <name> in the save file. However the new "
                "layer <name> expects <N> weights, but the saved weights have <M> elements"
            ),
        ),
        cause=(
            "A layer has another number of arrays than in the file: a bias that is new or "
            "gone, `scale` or `center` of a normalization, an LSTM of Keras 1 (12 arrays for "
            "3)."
        ),
        loss="Nothing in the file; layers before this one have been replaced already.",
        advice=("Build the model anew before the next attempt.", _READ_H5, _BY_HAND),
        versions="every Keras",
    ),
    Message(
        code="TFR-WEIGHTS-SHAPE",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "Shape mismatch in layer #<K> (named <name>) for weight <name>. Weight "
                "expects shape <shape>. Received saved weight with shape <other shape>"
            ),
            "Shape mismatch in layer #<K>",
            "Shape mismatch in model for top-level weight",
            (
                "Layer #<K> (named '<name>'), weight ... has shape <shape>, but the saved "
                "weight has shape <other shape>"
            ),
        ),
        cause=(
            "A weight has another shape than in the file: other sizes, another number of "
            "classes, another layout (Theano, channels first, CuDNN, Keras 1), or layers in "
            "another order."
        ),
        loss="Nothing in the file; layers before this one have been replaced already.",
        advice=(
            "Same numbers in another order are a layout; other numbers are another architecture.",
            "Build the model anew before the next attempt.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="every Keras",
    ),
    Message(
        code="TFR-WEIGHTS-AXES",
        family=Family.KERAS_WEIGHTS,
        forms=("axes don't match array",),
        cause=(
            "Old Keras transposes a kernel from another layout, and what it holds is no "
            "kernel of four axes: the lists of layers are shifted against each other, mostly "
            "with nested models."
        ),
        loss="Nothing in the file.",
        advice=(
            "It is the order, not the array: compare the names in `h5ls -r FILE` with the layers.",
            (
                "Set `trainable` of every layer as it was when the file was saved: it changes "
                "the order."
            ),
            _READ_H5,
        ),
        versions="Keras 2, tf.keras",
    ),
    Message(
        code="TFR-WEIGHTS-VARIABLES",
        family=Family.KERAS_WEIGHTS,
        forms=(
            "Layer '<name>' expected <N> variables, but received <M> variables during loading",
            "variables, but received <M> variables during loading",
        ),
        cause=(
            "In the file there is nothing, or something else, under this layer's path. "
            "Received 0: the file has the layout of Keras 2 under the name `.weights.h5`, or "
            "was written by TensorFlow 2.12 or 2.13, which counted layers differently; else "
            "the layer was not built."
        ),
        loss="Nothing in the file.",
        advice=(
            "Call the model once on data before loading.",
            "A file of Keras 2: rename it to `.h5`. Of 2.12 or 2.13: load it with that version.",
            _READ_H5,
            _BY_HAND,
        ),
        versions="Keras 2.12 and later, Keras 3",
    ),
    Message(
        code="TFR-WEIGHTS-OBJECTS",
        family=Family.KERAS_WEIGHTS,
        forms=("A total of <N> objects could not be loaded",),
        cause="Keras counts the layers that failed, and shows the reason of the first one.",
        loss="Nothing in the file; the other layers have been replaced already.",
        advice=("Build the model anew before the next attempt.", _READ_H5),
        versions=_KERAS_3,
        priority=-1,
    ),
    Message(
        code="TFR-WEIGHTS-LIST-LENGTH",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "You called `set_weights(weights)` on layer '<name>' with a weight list of "
                "length <N>, but the layer was expecting <M> weights"
            ),
            "with a weight list of length <N>, but the layer was expecting <M> weights",
        ),
        cause=(
            "The list has another length than the model's own: it belongs to another "
            "architecture, or one of the two does not count non-trainable weights or nested "
            "layers."
        ),
        loss="Nothing.",
        commands=(_INSPECT, _PLAN),
        advice=("The plan names the first position at which each possible order breaks.",),
        versions="every Keras",
    ),
    Message(
        code="TFR-WEIGHTS-LIST-SHAPE",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "Layer <name> weight shape <shape> is not compatible with provided weight "
                "shape <other shape>"
            ),
            "is not compatible with provided weight shape",
        ),
        cause=(
            "The list has the right length and another order: Keras has changed the order of "
            "get_weights several times, and frozen layers change it too."
        ),
        loss="Nothing.",
        commands=(_PLAN, _CONVERT_ARRAYS),
        advice=("See docs/order-conventions.md: tfrepair tries every known order.",),
        versions="every Keras",
    ),
    Message(
        code="TFR-WEIGHTS-INCOMPATIBLE",
        family=Family.KERAS_WEIGHTS,
        forms=(
            "Shapes <shape> and <other shape> are incompatible",
            (
                "The shape of the target variable and the shape of the target value in "
                "`variable.assign(value)` must match"
            ),
        ),
        cause=(
            "A value is assigned to a variable of another shape (or, in training, labels do "
            "not have the shape of the outputs: then no file is concerned)."
        ),
        loss="Nothing.",
        commands=(_INSPECT, _PLAN),
        versions="TensorFlow 2 and Keras",
    ),
    Message(
        code="TFR-WEIGHTS-SUBCLASSED",
        family=Family.KERAS_WEIGHTS,
        forms=(
            (
                "Unable to load weights saved in HDF5 format into a subclassed Model which "
                "has not created its variables yet"
            ),
            "You are loading weights into a model that has not yet been built",
        ),
        cause="A subclassed model has no variables before its first call.",
        loss="Nothing.",
        advice=("Call the model once on an example batch, then load the weights again.",),
        versions="tf.keras, Keras 3",
    ),
    # --- optimizer state ---
    Message(
        code="TFR-OPT-SKIPPED",
        family=Family.OPTIMIZER_STATE,
        forms=(
            (
                "Skipping variable loading for optimizer '<name>', because it has <N> "
                "variables whereas the saved optimizer has <M> variables"
            ),
            "Skipping variable loading for optimizer",
        ),
        cause=(
            "The optimizer has another number of variables than the saved one: it is not "
            "built yet (0 or 2 variables), is of another class, has a learning-rate schedule, "
            "or the file was saved after an `.h5` save, which strips the optimizer from the "
            "configuration."
        ),
        loss="The whole state is skipped, and training starts cold. The file still holds it.",
        advice=(
            (
                "By hand: compile with the same optimizer, call "
                "`model.optimizer.build(model.trainable_variables)`, then load_weights again; "
                "compare the number of variables."
            ),
            _READ_H5,
        ),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-OPT-FRESH",
        family=Family.OPTIMIZER_STATE,
        forms=(
            (
                "Error in loading the saved optimizer state. As a result, your model is "
                "starting with a freshly initialized optimizer"
            ),
            "Error in loading the saved optimizer state",
            "starting with a freshly initialized optimizer",
        ),
        cause=(
            "The saved list does not fit the optimizer that was built. Keras 3 does not "
            "restore the slots of any full `.h5` file, not even of its own."
        ),
        loss=(
            "Step counter and learning rate may be restored, moments are not. The file holds "
            "them, under `optimizer_weights`."
        ),
        advice=(
            "By hand: files of Keras 2 restore exactly in tf_keras, with TF_USE_LEGACY_KERAS=1.",
            _READ_H5,
        ),
        versions="Keras 2.4 and later, Keras 3",
    ),
    Message(
        code="TFR-OPT-SLOT-KEY",
        family=Family.OPTIMIZER_STATE,
        forms=(
            "Key beta1_power not found in checkpoint",
            "Key <name>/Adam_1 not found in checkpoint",
            "Key <slot> not found in checkpoint",
        ),
        cause=(
            "The graph's optimizer has slots (Adam, Momentum, beta powers, ...) that were not "
            "saved: the optimizer was changed, a second one was added, or only weights were "
            "saved."
        ),
        loss="The state of this optimizer at most; every weight is in the file.",
        commands=(_INSPECT, _CONVERT_CHECKPOINT),
        advice=(
            (
                "In TensorFlow: restore with `Saver(tf.trainable_variables())`, then "
                "initialize the rest."
            ),
        ),
        versions="TensorFlow 1",
        priority=1,
    ),
    Message(
        code="TFR-OPT-LEGACY",
        family=Family.OPTIMIZER_STATE,
        forms=(
            (
                "You are trying to restore a checkpoint from a legacy Keras optimizer into a "
                "v2.11+ Optimizer"
            ),
            "from a legacy Keras optimizer into a v2.11+",
        ),
        cause=(
            "The optimizers of TensorFlow 2.11 keep their state under other names than those "
            "before."
        ),
        loss="Nothing in the file: the same numbers are there under other names.",
        commands=(_INSPECT,),
        advice=(
            "By hand: restore with tf.keras.optimizers.legacy (TensorFlow 2.11 to 2.15, tf_keras).",
        ),
        versions="TensorFlow 2.11 to 2.15",
    ),
    Message(
        code="TFR-OPT-UNKNOWN-VARIABLE",
        family=Family.OPTIMIZER_STATE,
        forms=(
            (
                "Unknown variable: ... This optimizer can only be called for the variables it "
                "was originally built with"
            ),
            "This optimizer can only be called for the variables it was originally built with",
            "The optimizer cannot recognize variable <name>",
        ),
        cause=(
            "The optimizer was built for other variables than it now trains. After load_model "
            "of an `.h5` file in Keras 3 it was built for none."
        ),
        loss="The slots were not restored.",
        advice=(
            (
                "By hand: compile with a new optimizer to train on, at the price of a cold "
                "start; or load an `.h5` file of Keras 2 with tf_keras, which restores it "
                "exactly."
            ),
            _READ_H5,
        ),
        versions="TensorFlow 2.11 and later, Keras 3",
    ),
    Message(
        code="TFR-OPT-LIST-LENGTH",
        family=Family.OPTIMIZER_STATE,
        forms=(
            (
                "You called `set_weights(weights)` on optimizer <name> with a weight list of "
                "length <N>"
            ),
            "You called `set_weights(weights)` on optimizer",
        ),
        cause=(
            "The list of the optimizer's arrays was set before the optimizer had its slots, "
            "or belongs to another optimizer."
        ),
        loss="Nothing: the list is whole.",
        commands=(_INSPECT,),
        advice=(
            (
                "By hand: let the optimizer build its slots first (one step on zero "
                "gradients), then set_weights."
            ),
        ),
        versions="TensorFlow 2 up to 2.10, tf_keras legacy optimizers",
    ),
    Message(
        code="TFR-OPT-NO-GET-WEIGHTS",
        family=Family.OPTIMIZER_STATE,
        forms=("'<class>' object has no attribute 'get_weights'",),
        cause="Optimizers of TensorFlow 2.11 and later, and of Keras 3, do not give their arrays.",
        loss="Nothing.",
        advice=(
            "By hand: use `optimizer.variables`, in the same order for saving and for loading.",
        ),
        versions="TensorFlow 2.11 and later, Keras 3",
    ),
    # --- NumPy and pickles ---
    Message(
        code="TFR-NPY-OBJECT",
        family=Family.NUMPY_AND_PICKLES,
        forms=("Object arrays cannot be loaded when allow_pickle=False",),
        cause=(
            "The file is a list or dict of arrays, stored as a pickle; since 1.16.3 NumPy "
            "does not load one unless told to."
        ),
        loss="Nothing.",
        commands=_ARRAYS,
        advice=("`allow_pickle=True` runs what the file names: only for files that you trust.",),
        versions="NumPy 1.16.3 and later",
    ),
    Message(
        code="TFR-NPY-PICKLED",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            "Cannot load file containing pickled data when allow_pickle=False",
            "This file contains pickled (object) data",
        ),
        cause=(
            "The file is no `.npy` file, so NumPy supposes a pickle: it may be one, or a "
            "git-lfs pointer, a web page, text, or a damaged file."
        ),
        loss="Nothing, if it is a pickle.",
        commands=_ARRAYS,
        advice=("tfrepair decides by the content and says what it is.",),
        versions="NumPy 1.16.3 and later",
    ),
    Message(
        code="TFR-NPY-INHOMOGENEOUS",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            (
                "setting an array element with a sequence. The requested array has an "
                "inhomogeneous shape after <N> dimensions"
            ),
            "The requested array has an inhomogeneous shape",
            "setting an array element with a sequence",
        ),
        cause=(
            "np.save got a list of arrays of different shapes, and since 1.24 NumPy makes no "
            "object array of them."
        ),
        loss=(
            "Beware: np.save had opened the file already, so a good file of that name now has "
            "0 bytes. The arrays are still in memory."
        ),
        advice=(
            (
                "Save again, with names: `np.savez(path, **{v.path: v.numpy() for v in "
                "model.weights})`."
            ),
            "Do not end the process before that.",
        ),
        versions="NumPy 1.24 and later",
    ),
    Message(
        code="TFR-NPY-BROADCAST",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            "could not broadcast input array from shape <shape> into shape <other shape>",
            "could not broadcast input array from shape",
        ),
        cause=(
            "`np.array(list, dtype=object)` takes arrays whose first sizes agree apart, and fails."
        ),
        loss="Nothing: the arrays are in memory. A file that was being written is empty.",
        advice=(
            (
                "Make the array first: `a = np.empty(len(w), dtype=object)`, then `a[i] = "
                "w[i]` in a loop; or use np.savez, which needs no such array."
            ),
        ),
        versions="every NumPy",
    ),
    Message(
        code="TFR-NPY-SHORT",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            (
                "Failed to read all data for array. Expected <shape> = <N> elements, could "
                "only read <M> elements"
            ),
            "elements, could only read <M> elements",
            "mmap length is greater than file size",
        ),
        cause="The file ends before the array does: a save, copy or download stopped.",
        loss="The last elements; those before the cut are whole.",
        commands=(_INSPECT,),
        advice=("`inspect` says how much of the array is there.",),
        versions="every NumPy",
    ),
    Message(
        code="TFR-NPY-PICKLE-CUT",
        family=Family.NUMPY_AND_PICKLES,
        forms=("pickle data was truncated", "unexpected end of data, ... pickle"),
        cause="A pickle, or a `.npy` file with a list in it, ends too early.",
        loss=(
            "The last arrays; those before the cut can be read one by one, in order: 14 of 16 "
            "at 95 % of one file, 6 at half of it."
        ),
        commands=(_INSPECT,),
        advice=("What is whole comes first, so the layers at the end of the list are missing.",),
        versions="every Python 3",
    ),
    Message(
        code="TFR-NPY-EMPTY",
        family=Family.NUMPY_AND_PICKLES,
        forms=("No data left in file", "Ran out of input"),
        cause=(
            "The file has no bytes. Often np.save failed on a list of arrays (NumPy 1.24 and "
            "later) after it had emptied the file."
        ),
        loss="Everything in this file.",
        advice=(
            "Look for another copy: backups, the run's other saves, the object store's versions.",
            "Next time: np.savez, to a new name.",
        ),
        versions="every NumPy and Python 3",
    ),
    Message(
        code="TFR-NPY-PYTHON2",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            "'ascii' codec can't decode byte ... in position <N>: ordinal not in range(<M>)",
            "'ascii' codec can't decode byte",
        ),
        cause="The pickle was written by Python 2, whose strings are bytes.",
        loss="Nothing.",
        commands=_ARRAYS,
        advice=("With NumPy alone: `np.load(path, allow_pickle=True, encoding='latin1')`.",),
        versions="Python 3 with files of Python 2",
    ),
    Message(
        code="TFR-NPY-LFS",
        family=Family.NUMPY_AND_PICKLES,
        forms=("invalid load key, 'v'", "version https://git-lfs.github.com/spec/v1"),
        cause=(
            "The file starts with *version https://git-lfs...*: it is a pointer of some 130 "
            "bytes, and the weights were never downloaded."
        ),
        loss="Nothing: fetch the real file.",
        commands=("git lfs install && git lfs pull",),
        advice=("Without git: download the raw file from the project's web page.",),
        versions="every Python 3",
        priority=1,
    ),
    Message(
        code="TFR-NPY-LOAD-KEY",
        family=Family.NUMPY_AND_PICKLES,
        forms=("invalid load key, '...'", "invalid load key,"),
        cause=(
            "The file is no pickle. The character tells: `<` is a web page, `H` or `\\x89` an "
            "H5 file, `P` a zip archive (`.npz`, `.keras`), `\\x93` a `.npy` file."
        ),
        loss="Nothing, if it is only the name that is wrong.",
        commands=(_INSPECT,),
        versions="every Python 3",
    ),
    Message(
        code="TFR-NPY-NUMPY-CORE",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            "No module named 'numpy._core'",
            "No module named 'numpy.core.multiarray'",
        ),
        cause=(
            "The pickle was written by NumPy 2, which keeps its classes in `numpy._core`, and "
            "is read by NumPy 1 (or the reverse)."
        ),
        loss="Nothing.",
        commands=_ARRAYS,
        versions="NumPy 1 with files of NumPy 2",
    ),
    Message(
        code="TFR-NPY-MAGIC",
        family=Family.NUMPY_AND_PICKLES,
        forms=(
            "the magic string is not correct; expected b'\\x93NUMPY', got",
            "magic string is not correct",
        ),
        cause="A member or a file that should be an array does not start as one.",
        loss="Nothing, if it is only the name that is wrong.",
        commands=(_INSPECT,),
        versions="every NumPy",
    ),
    Message(
        code="TFR-NPY-RESHAPE",
        family=Family.NUMPY_AND_PICKLES,
        forms=("cannot reshape array of size <N> into shape <shape>",),
        cause=(
            "Old NumPy says so when a file holds fewer numbers than its header announces; "
            "else code of yours reshapes an array of another size."
        ),
        loss="The last elements, if it is the file.",
        commands=(_INSPECT,),
        versions="every NumPy",
    ),
    Message(
        code="TFR-NPY-CLASS",
        family=Family.NUMPY_AND_PICKLES,
        forms=("Can't get attribute '<class>' on <module ", "Can't get attribute '<class>' on"),
        cause="The pickle holds an object of a class of yours, and only names the class.",
        loss="Nothing in the file.",
        commands=(_INSPECT,),
        advice=(
            (
                "tfrepair reads arrays, lists and dicts out of pickles and refuses other "
                "classes by name."
            ),
            "By hand: load it where the class can be imported, and save its arrays with np.savez.",
        ),
        versions="every Python 3",
    ),
    # --- SavedModel ---
    Message(
        code="TFR-SM-NO-FILE",
        family=Family.SAVED_MODEL,
        forms=(
            "SavedModel file does not exist at: <path>/{saved_model.pbtxt|saved_model.pb}",
            "SavedModel file does not exist at: <path>",
            "SavedModel file does not exist at",
        ),
        cause=(
            "There is no `saved_model.pb` in this directory: it is one level too high or too "
            "low, the save was interrupted, or the path is that of a checkpoint or an `.h5` "
            "file."
        ),
        loss="If only `variables/` is there, the graph. The values are whole.",
        commands=("tfrepair ckpt-to-savedmodel --arch model.py <path>/variables/variables OUT/",),
        advice=(
            "Look for the directory that holds `saved_model.pb`: `find . -name 'saved_model.pb*'`.",
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-SM-UNINITIALIZED",
        family=Family.SAVED_MODEL,
        forms=(
            "Could not find variable <name>. This could mean that the variable has been deleted",
            "Error while reading resource variable <name> from Container",
            "Resource <name> does not exist",
            "Could not find variable <name>.",
        ),
        cause=(
            "The graph reads a variable that nothing has filled. With a SavedModel written by "
            "`tf.saved_model.save` from a Keras 3 model, a TensorFlow 1 session and "
            "saved_model_cli always end here; else the session that loaded the model is not "
            "the one that runs it."
        ),
        loss="Nothing: the values are in `variables/`.",
        commands=("tfrepair ckpt-to-savedmodel --arch model.py <path>/variables/variables OUT/",),
        advice=(
            "With TensorFlow 2: `tf.saved_model.load(DIR).signatures['serving_default']`.",
            "In TensorFlow 1 code: load and run in the same session and the same graph.",
        ),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-SM-OP-TYPE",
        family=Family.SAVED_MODEL,
        forms=(
            "Op type not registered '<name>' in binary running on",
            "Op type not registered '<name>'",
        ),
        cause=(
            "The graph has an operation that this TensorFlow does not bring: one of a package "
            "that is not imported (tensorflow_text, tensorflow_addons, ...), a custom "
            "library, or a newer version."
        ),
        loss="Nothing: the values are in `variables/`.",
        commands=("tfrepair inspect <path>/variables/variables",),
        advice=("Import the package that registers the operation before loading.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-SM-PYFUNC",
        family=Family.SAVED_MODEL,
        forms=(
            "Could not find callback with key=pyfunc_<N>",
            "callback pyfunc_<N> is not found",
            "Could not find callback with key=",
        ),
        cause=(
            "The graph calls Python code (`tf.py_function`, `tf.numpy_function`), of which "
            "only a number was saved."
        ),
        loss="The Python function. The values are whole.",
        commands=("tfrepair ckpt-to-savedmodel --arch model.py <path>/variables/variables OUT/",),
        advice=("Write the step with TensorFlow operations, or do it before the model.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-SM-CUSTOM-OBJECT",
        family=Family.SAVED_MODEL,
        forms=(
            "Unable to restore custom object of class '<class>'",
            "Unable to restore custom object of type <class>",
        ),
        cause="Keras 2 rebuilds the classes of a SavedModel, and one is not registered.",
        loss="Nothing.",
        commands=("tfrepair ckpt-to-savedmodel --arch model.py <path>/variables/variables OUT/",),
        advice=(
            "Give custom_objects, or `load_model(path, compile=False)` if it is a loss or metric.",
            "`tf.saved_model.load` needs no classes.",
        ),
        versions="tf.keras, tf_keras",
    ),
    Message(
        code="TFR-SM-UNTRACKED",
        family=Family.SAVED_MODEL,
        forms=(
            "Tried to export a function which references an 'untracked' resource",
            "Found an untracked dependency",
        ),
        cause=(
            "A function uses a variable or table that no attribute of the saved object leads "
            "to: it stands in a plain Python object, a nested list, a global or a Lambda "
            "layer."
        ),
        loss=(
            "Nothing was written. Other ways of saving would have left this variable out in "
            "silence."
        ),
        commands=("tfrepair convert WEIGHTS OUT/ --arch model.py",),
        advice=(
            "Assign it to an attribute of the layer: `self.w = self.add_weight(...)`.",
            "tfrepair.convert on a live model names such variables and saves them.",
        ),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-SM-TAGS",
        family=Family.SAVED_MODEL,
        forms=(
            "MetaGraphDef associated with tags ... could not be found in SavedModel",
            "MetaGraphDef associated with tags",
        ),
        cause="The SavedModel was written with other tags than it is loaded with.",
        loss="Nothing.",
        advice=("`saved_model_cli show --dir DIR` lists the tags; give them to the loader.",),
        versions=_TF_ALL,
    ),
    Message(
        code="TFR-SM-USER-OBJECT",
        family=Family.SAVED_MODEL,
        forms=("'_UserObject' object has no attribute '<name>'",),
        cause=(
            "`tf.saved_model.load` gives the graph and its functions, not the Keras model "
            "with `predict`, `fit` or `summary`."
        ),
        loss="Nothing.",
        commands=("tfrepair ckpt-to-savedmodel --arch model.py <path>/variables/variables OUT/",),
        advice=("Call a signature: `loaded.signatures['serving_default'](...)`.",),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-SM-FUNCTION",
        family=Family.SAVED_MODEL,
        forms=("Could not find matching concrete function to call loaded from the SavedModel",),
        cause="The function was saved for other shapes, types or arguments than it is called with.",
        loss="Nothing.",
        advice=(
            (
                "Compare with `saved_model_cli show --dir DIR --all`; mind dtype, batch size, "
                "`training=`."
            ),
        ),
        versions="TensorFlow 2",
    ),
    Message(
        code="TFR-SM-NO-VARIABLES",
        family=Family.SAVED_MODEL,
        forms=("The specified SavedModel has no variables; no checkpoints were restored",),
        cause=(
            "There is no `variables/` directory. For a frozen graph that is right; else the "
            "directory was not copied."
        ),
        loss="All values, if they were not frozen into the graph.",
        advice=("Look for `variables/` where the model was saved; copy the whole directory.",),
        versions=_TF_ALL,
    ),
    # --- saving ---
    Message(
        code="TFR-SAVE-NO-SPACE",
        family=Family.SAVING,
        forms=("No space left on device", "Disk quota exceeded"),
        cause="The disk, or your quota of it, is full; the file that was being written is cut.",
        loss=(
            "The save at work. An H5 file that was overwritten in place is lost with it; "
            "checkpoints are written beside the old ones, which are whole."
        ),
        commands=(_CHECK,),
        advice=(
            "Keep the process alive, free space, save again under a new name.",
            "Leftovers to delete afterwards: `*.tempstate*`, `*_temp_*`, `tmp*`.",
        ),
        versions="every version",
    ),
    Message(
        code="TFR-SAVE-HEADER",
        family=Family.SAVING,
        forms=("object header message is too large",),
        cause=(
            "Keras before 2.1.5 puts all layer names into one attribute, and HDF5 limits it "
            "to 64 kB."
        ),
        loss=(
            "The file that was being written: it has no list of its layers. The model is in memory."
        ),
        advice=(
            "Save with np.savez, or with shorter layer names, or with a later Keras.",
            _NO_SALVAGE,
        ),
        versions="Keras before 2.1.5",
    ),
    Message(
        code="TFR-SAVE-NAME-EXISTS",
        family=Family.SAVING,
        forms=(
            "Unable to create dataset (name already exists)",
            "Unable to synchronously create dataset (name already exists)",
            "name already exists",
        ),
        cause=(
            "Two weights have the same name, and the H5 save stopped at the second (nested "
            "models, attention and Adagrad in Keras 3.0 to 3.6; Adafactor in every one)."
        ),
        loss=(
            "A well-formed H5 file that is incomplete: 3 of 20 weights in one measured case. "
            "The model is in memory."
        ),
        advice=(
            "Save as `.keras` or with np.savez; do not trust the `.h5` file.",
            "For a file that is all you have: " + _NO_SALVAGE,
        ),
        versions="Keras 3.0 to 3.6, Keras 2 with equal layer names",
    ),
    Message(
        code="TFR-SAVE-NOT-BUILT",
        family=Family.SAVING,
        forms=(
            (
                "You are saving a model that has not yet been built. It might not contain any "
                "weights yet"
            ),
            "You are saving a model that has not yet been built",
        ),
        cause="The model was never called, so it has no weights.",
        loss="There is nothing in the file.",
        advice=("Call the model on an example batch, then save again.",),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-SAVE-SUBCLASSED",
        family=Family.SAVING,
        forms=(
            (
                "Saving the model to HDF5 format requires the model to be a Functional model "
                "or a Sequential model"
            ),
            "Saving the model to HDF5 format requires the model to be",
        ),
        cause="A subclassed model has no configuration that an H5 file could hold.",
        loss="Nothing: nothing was written.",
        advice=("Save the weights (`save_weights`), and keep the code: tfrepair needs both.",),
        versions="tf.keras, tf_keras",
    ),
    Message(
        code="TFR-SAVE-LEGACY-H5",
        family=Family.SAVING,
        forms=("You are saving your model as an HDF5 file via",),
        cause=(
            "A warning only: the file is written. Beware of a side effect in Keras 3.0 to "
            "3.15: this save strips the optimizer from every later `.keras` save of the same "
            "model."
        ),
        loss="The optimizer's class in later `.keras` files, which then load with RMSprop.",
        advice=("Save as `.keras` first, or compile again after an `.h5` save.",),
        versions="Keras 2.12 and later, Keras 3",
    ),
    Message(
        code="TFR-SAVE-WEIGHTS-SUFFIX",
        family=Family.SAVING,
        forms=(
            "The filename must end in `.weights.h5`. Received: filepath=<path>",
            "The filename must end in `.weights.h5`",
        ),
        cause="Keras 3 takes the format from the suffix, and writes no TensorFlow checkpoints.",
        loss="Nothing: nothing was written.",
        advice=(
            (
                "Give a name that ends in `.weights.h5`. For a checkpoint: "
                "`tf.train.Checkpoint(model=model).save(PREFIX)`."
            ),
        ),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-SAVE-SUFFIX",
        family=Family.SAVING,
        forms=("Invalid filepath extension for saving",),
        cause="Keras 3 takes the format from the suffix, and writes a SavedModel only by export().",
        loss="Nothing: nothing was written.",
        advice=("Give a name that ends in `.keras`. model.export(DIR) leaves the optimizer out.",),
        versions=_KERAS_3,
    ),
    Message(
        code="TFR-SAVE-NOT-TRACKED",
        family=Family.SAVING,
        forms=(
            "weights not saved",
            "weights are not saved",
            "weights not being saved",
            "variables not saved",
            "variables are not tracked",
        ),
        cause=(
            "Keras 3 does not list a `tf.Variable` that is an attribute of a layer, nor what "
            "stands in plain objects, globals and Lambda layers; so no H5 or `.keras` file "
            "and no get_weights has it. A TensorFlow checkpoint may."
        ),
        loss="What was never written. In the process that trained it, it is still there.",
        commands=(_INSPECT,),
        advice=(
            (
                "tfrepair.convert on the live model names such variables in its report, and "
                "saves them."
            ),
            "In the layer: `self.add_weight(...)` in place of `tf.Variable(...)`.",
        ),
        versions=_KERAS_3,
    ),
)
