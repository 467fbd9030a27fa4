"""What people paste: for each text the code of the message that must come first."""

PASTED: tuple[tuple[str, str], ...] = (
    (
        "TFR-CKPT-BAD-MAGIC",
        (
            "tensorflow.python.framework.errors_impl.DataLossError: Unable to open table "
            "file /home/me/run 3/model.ckpt-1000.data-00000-of-00001: Data loss: not an "
            "sstable (bad magic number): perhaps your file is in a different file format "
            "and you need to use a different restore operator?"
        ),
    ),
    (
        "TFR-CKPT-BAD-MAGIC",
        "DataLossError (see above for traceback): not an sstable (bad magic number)",
    ),
    (
        "TFR-CKPT-TOO-SHORT",
        (
            "DataLossError: Unable to open table file ./ckpt/model.ckpt-17: Data loss: file "
            "is too short to be an sstable"
        ),
    ),
    (
        "TFR-CKPT-NO-FILES",
        (
            "NotFoundError: Unsuccessful TensorSliceReader constructor: Failed to find any "
            "matching files for /tmp/train/model.ckpt-4000\n\t [[node save/RestoreV2 "
            "(defined at a.py:3) ]]"
        ),
    ),
    ("TFR-CKPT-READ-LESS", "OutOfRangeError: Read less bytes than requested [Op:RestoreV2]"),
    (
        "TFR-CKPT-CHECKSUM",
        (
            "DataLossError: TensorBundle at /data/m/model.ckpt-9 shard 0 (13633 bytes): "
            "Checksum does not match: stored 3228573891 vs. calculated on the restored "
            "bytes 1187163532 [Op:RestoreV2]"
        ),
    ),
    (
        "TFR-CKPT-LENGTH-CHECKSUM",
        (
            "DataLossError: The length checksum does not match: expected 12 but got 99, at "
            "offset 8 [Op:RestoreV2]"
        ),
    ),
    (
        "TFR-CKPT-INDEX-CORRUPT",
        (
            "DATA_LOSS: Unable to read file (/x/y/ckpt-3.index). Perhaps the file is "
            "corrupt or was produced by a newer version of TensorFlow with format changes "
            "(block checksum mismatch)"
        ),
    ),
    (
        "TFR-CKPT-SHARD-MISSING",
        "NotFoundError: /mnt/m/model.ckpt-20.data-00001-of-00003; No such file or directory",
    ),
    (
        "TFR-CKPT-SNAPPY",
        (
            "DataLossError: Unable to open table file model.ckpt: Data loss: corrupted "
            "compressed block contents"
        ),
    ),
    (
        "TFR-CKPT-SLICES",
        (
            "InvalidArgumentError: Does not have sufficient slices for partitioned tensor "
            "linear/weights to restore in slice spec: 10 3 0,5:-"
        ),
    ),
    (
        "TFR-CKPT-DUPLICATE",
        (
            "InvalidArgumentError: Duplicate tensor keyed by embedding/table encountered, "
            "when merging prefix /tmp/m_temp/part-0"
        ),
    ),
    (
        "TFR-CKPT-PART-MISSING",
        (
            "NotFoundError: /gcs/job/model.ckpt-0_temp_1f3a/part-00000-of-00001.index; No "
            "such file or directory\n [[node save/MergeV2Checkpoints]]"
        ),
    ),
    ("TFR-CKPT-STATE-INVALID", "ValueError: Invalid checkpoint state loaded from logs/run1"),
    ("TFR-CKPT-LATEST-NONE", "ValueError: Can't load save_path when it is None."),
    ("TFR-CKPT-LATEST-NONE", "AttributeError: 'NoneType' object has no attribute 'endswith'"),
    ("TFR-CKPT-LATEST-NONE", "ValueError: The passed save_path is not a valid checkpoint: None"),
    (
        "TFR-CKPT-LATEST-NONE",
        "After I moved the folder, tf.train.latest_checkpoint returns None, help please",
    ),
    (
        "TFR-CKPT-NOT-VALID",
        "ValueError: The passed save_path is not a valid checkpoint: ./model/final.ckpt",
    ),
    (
        "TFR-CKPT-SLICE-READER",
        (
            "NotFoundError: Unsuccessful TensorSliceReader constructor: Failed to get "
            "matching files on s3://bucket/m"
        ),
    ),
    (
        "TFR-CKPT-ABORT",
        (
            "2024-02-03 10:11:12.1 F tensorflow/core/framework/tensor_shape.cc:187] Check "
            "failed: size >= 0 (-3 vs. 0)\nAborted (core dumped)"
        ),
    ),
    (
        "TFR-NAME-KEY",
        (
            "NotFoundError: Key conv1/weights not found in checkpoint\n\t [[node "
            "save/RestoreV2 = RestoreV2[dtypes=[DT_FLOAT]]]"
        ),
    ),
    ("TFR-NAME-GLOBAL-STEP", "NotFoundError: Key global_step not found in checkpoint"),
    (
        "TFR-NAME-AVERAGE",
        (
            "NotFoundError: "
            "Key InceptionV3/Logits/biases/ExponentialMovingAverage not found in checkpoint"
        ),
    ),
    (
        "TFR-NAME-TENSOR",
        'NotFoundError: Tensor name "layer1/W_1" not found in checkpoint files ./old/model.ckpt',
    ),
    (
        "TFR-NAME-ASSIGN-SHAPES",
        (
            "InvalidArgumentError: Assign requires shapes of both tensors to match. lhs "
            "shape= [21] rhs shape= [1001]\n\t [[Node: save/Assign_7]]"
        ),
    ),
    (
        "TFR-NAME-SLICE-SHAPE",
        (
            "ValueError: Shape of variable bert/embeddings:0 ((21128, 768)) doesn't match "
            "with shape of tensor bert/embeddings ([30522, 768]) from checkpoint reader."
        ),
    ),
    (
        "TFR-NAME-RESTORED-SHAPE",
        (
            "ValueError: Received incompatible tensor with shape (64, 10) when attempting "
            "to restore variable with shape (64, 12) and name dense/kernel:0."
        ),
    ),
    (
        "TFR-NAME-UNRESOLVED",
        (
            "WARNING:tensorflow:Value in checkpoint could not be found in the restored "
            "object: (root).optimizer._variables.3"
        ),
    ),
    (
        "TFR-NAME-UNRESOLVED",
        "AssertionError: Unresolved object in checkpoint (root).layer-1: attributes {}",
    ),
    (
        "TFR-NAME-NOTHING-MATCHED",
        (
            "AssertionError: Nothing except the root object matched a checkpointed value. "
            "Typically this means that the checkpoint does not match the Python program."
        ),
    ),
    (
        "TFR-NAME-UNINITIALIZED",
        "FailedPreconditionError: Attempting to use uninitialized value dense_2/kernel",
    ),
    (
        "TFR-NAME-DTYPE",
        (
            "InvalidArgumentError: tensor_name = encoder/w; expected dtype float does not "
            "equal original dtype bfloat16"
        ),
    ),
    (
        "TFR-NAME-NO-META",
        "OSError: File models/facenet/model-20170512.ckpt-250000.meta does not exist.",
    ),
    (
        "TFR-NAME-RESTORE-FAILED",
        (
            "NotFoundError: Restoring from checkpoint failed. This is most likely due to a "
            "Variable name or other graph key that is missing from the checkpoint."
        ),
    ),
    (
        "TFR-H5-TRUNCATED",
        (
            "OSError: Unable to open file (truncated file: eof = 482688, sblock->base_addr "
            "= 0, stored_eof = 804480)"
        ),
    ),
    (
        "TFR-H5-TRUNCATED",
        (
            "IOError: Unable to open file (Truncated file: eof = 96, sblock->base_addr = 0, "
            "stored_eoa = 2048)"
        ),
    ),
    ("TFR-H5-TRUNCATED", "OSError: Unable to open file (truncated file: eof = 5"),
    ("TFR-H5-SIGNATURE", "OSError: Unable to open file (file signature not found)"),
    (
        "TFR-H5-NO-FILE",
        (
            "FileNotFoundError: [Errno 2] Unable to open file (unable to open file: name = "
            "'weights/best.h5', errno = 2, error message = 'No such file or directory', "
            "flags = 0, o_flags = 0)"
        ),
    ),
    (
        "TFR-H5-LOCKED",
        (
            "BlockingIOError: [Errno 11] Unable to open file (unable to lock file, errno = "
            "11, error message = 'Resource temporarily unavailable')"
        ),
    ),
    (
        "TFR-H5-OPEN-FOR-WRITE",
        (
            "OSError: Unable to open file (file is already open for write (may use <h5clear "
            "file> to clear file consistency flags))"
        ),
    ),
    (
        "TFR-H5-OBJECT-HEADER",
        "OSError: Unable to synchronously open file (bad object header version number)",
    ),
    (
        "TFR-H5-NO-OBJECT",
        "KeyError: \"Unable to open object (object 'layer_names' doesn't exist)\"",
    ),
    (
        "TFR-H5-NO-ATTRIBUTE",
        "KeyError: \"Can't open attribute (can't locate attribute: 'layer_names')\"",
    ),
    (
        "TFR-H5-READ-DATA",
        (
            "OSError: Can't read data (file read failed: time = Mon, filename = 'a.h5', "
            "file descriptor = 3, errno = 0)"
        ),
    ),
    (
        "TFR-H5-DECODE",
        (
            "    model_config = json.loads(model_config.decode('utf-8'))\nAttributeError: "
            "'str' object has no attribute 'decode'"
        ),
    ),
    ("TFR-H5-OPEN", "OSError: Unable to synchronously open file (some reason never heard of)"),
    ("TFR-ZIP-NOT-ZIP", "zipfile.BadZipFile: File is not a zip file"),
    ("TFR-ZIP-CRC", "zipfile.BadZipFile: Bad CRC-32 for file 'model.weights.h5'"),
    (
        "TFR-ZIP-KERAS-MISSING",
        (
            "ValueError: File not found: filepath=/content/drive/m.keras. Please ensure the "
            "file is an accessible `.keras` zip file."
        ),
    ),
    ("TFR-ZIP-NO-MEMBER", "KeyError: \"There is no item named 'config.json' in the archive\""),
    (
        "TFR-CONFIG-KERAS3-FORMAT",
        (
            "ValueError: File format not supported: filepath=saved/model_1. Keras 3 only "
            "supports V3 `.keras` files and legacy H5 format files (`.h5` extension). Note "
            "that the legacy SavedModel format is not supported"
        ),
    ),
    (
        "TFR-CONFIG-BATCH-SHAPE",
        (
            "TypeError: Error when deserializing class 'InputLayer' using "
            "config={'batch_shape': [None, 4]}.\n\nException encountered: Unrecognized "
            "keyword arguments: ['batch_shape']"
        ),
    ),
    (
        "TFR-CONFIG-BATCH-SHAPE",
        (
            "ValueError: Unrecognized keyword arguments passed to InputLayer: "
            "{'batch_input_shape': [None, 28]}"
        ),
    ),
    (
        "TFR-CONFIG-GROUPS",
        "ValueError: Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}",
    ),
    (
        "TFR-CONFIG-KEYWORD",
        "ValueError: Unrecognized keyword arguments passed to LSTM: {'time_major': False}",
    ),
    ("TFR-CONFIG-KEYWORD", "TypeError: ('Keyword argument not understood:', 'ragged')"),
    (
        "TFR-CONFIG-SAVEABLE",
        (
            "ValueError: Could not deserialize 'keras.metrics.mse' because it is not a "
            "KerasSaveable subclass"
        ),
    ),
    (
        "TFR-CONFIG-SAVEABLE",
        "TypeError: Could not locate function 'mse'. Make sure custom classes are decorated with",
    ),
    (
        "TFR-CONFIG-LOCATE",
        (
            "TypeError: Could not locate class 'Attention2'. Make sure custom classes and "
            "functions are decorated with `@keras.saving.register_keras_serializable()`."
        ),
    ),
    (
        "TFR-CONFIG-UNKNOWN-LAYER",
        (
            "ValueError: Unknown layer: 'CapsuleLayer'. Please ensure you are using a "
            "`keras.utils.custom_object_scope` and that this object is included in the "
            "scope."
        ),
    ),
    ("TFR-CONFIG-UNKNOWN-LAYER", "ValueError: Unknown layer: relu6"),
    (
        "TFR-CONFIG-UNKNOWN-FUNCTION",
        (
            "ValueError: Unknown loss function: 'dice_loss'. Please ensure you are using a "
            "`keras.utils.custom_object_scope`"
        ),
    ),
    (
        "TFR-CONFIG-LAMBDA",
        (
            "ValueError: Requested the deserialization of a `Lambda` layer whose `function` "
            "is a Python lambda. This carries a potential risk"
        ),
    ),
    (
        "TFR-CONFIG-LAMBDA",
        (
            "ValueError: Requested the deserialization of a Lambda layer with a Python "
            "`lambda` inside it. This carries a potential risk"
        ),
    ),
    ("TFR-CONFIG-MARSHAL", "ValueError: bad marshal data (unknown type code)"),
    (
        "TFR-CONFIG-MODULE",
        (
            "TypeError: Could not deserialize class 'Functional' because its parent module "
            "keras.src.engine.functional cannot be imported. Full object config: {'module': "
            "'keras.src.engine.functional'}"
        ),
    ),
    (
        "TFR-CONFIG-FUNCTIONAL",
        "ValueError: Invalid Functional model configuration. Missing node: ('a', 0)",
    ),
    ("TFR-CONFIG-KERAS1", "TypeError: pop expected at most 1 argument, got 2"),
    (
        "TFR-WEIGHTS-LAYER-COUNT",
        (
            "ValueError: Layer count mismatch when loading weights from file. Model "
            "expected 29 layers, found 30 saved layers."
        ),
    ),
    (
        "TFR-WEIGHTS-LAYER-COUNT",
        (
            "ValueError: You are trying to load a weight file containing 13 layers into a "
            "model with 2 layers."
        ),
    ),
    (
        "TFR-WEIGHTS-COUNT",
        (
            "ValueError: Weight count mismatch for layer #0 (named conv2d in the current "
            "model, conv2d_4 in the save file). Layer expects 1 weight(s). Received 2 saved "
            "weight(s)"
        ),
    ),
    (
        "TFR-WEIGHTS-COUNT",
        (
            'ValueError: Layer #3 (named "bn" in the current model) was found to '
            "correspond to layer bn_7 in the save file. However the new layer bn expects 4 "
            "weights, but the saved weights have 2 elements."
        ),
    ),
    (
        "TFR-WEIGHTS-SHAPE",
        (
            "ValueError: Shape mismatch in layer #2 (named dense)for weight dense/kernel. "
            "Weight expects shape (64, 10). Received saved weight with shape (64, 12)"
        ),
    ),
    (
        "TFR-WEIGHTS-SHAPE",
        (
            'ValueError: Layer #389 (named "mrcnn_bbox_fc"), weight <tf.Variable '
            "'mrcnn_bbox_fc/kernel:0' shape=(1024, 8) dtype=float32_ref> has shape (1024, "
            "8), but the saved weight has shape (1024, 324)."
        ),
    ),
    (
        "TFR-WEIGHTS-AXES",
        (
            '  File "numpy/core/fromnumeric.py", line 51, in _wrapfunc\nValueError: axes '
            "don't match array"
        ),
    ),
    (
        "TFR-WEIGHTS-VARIABLES",
        (
            "ValueError: Layer 'dense_1' expected 2 variables, but received 0 variables "
            "during loading. Expected: ['kernel', 'bias']"
        ),
    ),
    (
        "TFR-WEIGHTS-OBJECTS",
        (
            "ValueError: A total of 6 objects could not be loaded. Example error message "
            "for object <Dense name=d>:\n\nsomething else"
        ),
    ),
    (
        "TFR-WEIGHTS-LIST-LENGTH",
        (
            'ValueError: You called `set_weights(weights)` on layer "model_3" with a '
            "weight list of length 500, but the layer was expecting 706 weights. Provided "
            "weights: [..."
        ),
    ),
    (
        "TFR-WEIGHTS-LIST-SHAPE",
        (
            "ValueError: Layer dense weight shape (3, 4) is not compatible with provided "
            "weight shape (4, 3)."
        ),
    ),
    ("TFR-WEIGHTS-INCOMPATIBLE", "ValueError: Shapes (None, 10) and (None, 2) are incompatible"),
    (
        "TFR-WEIGHTS-SUBCLASSED",
        (
            "ValueError: Unable to load weights saved in HDF5 format into a subclassed "
            "Model which has not created its variables yet. Call the Model first, then load "
            "the weights."
        ),
    ),
    (
        "TFR-OPT-SKIPPED",
        (
            "/x/saving_lib.py:713: UserWarning: Skipping variable loading for optimizer "
            "'adam', because it has 2 variables whereas the saved optimizer has 18 "
            "variables. "
        ),
    ),
    (
        "TFR-OPT-FRESH",
        (
            "WARNING:absl:Error in loading the saved optimizer state. As a result, your "
            "model is starting with a freshly initialized optimizer."
        ),
    ),
    ("TFR-OPT-SLOT-KEY", "NotFoundError: Key gen/conv1/w/Adam_1 not found in checkpoint"),
    ("TFR-OPT-SLOT-KEY", "NotFoundError: Key beta1_power_1 not found in checkpoint"),
    (
        "TFR-OPT-LEGACY",
        (
            "ValueError: You are trying to restore a checkpoint from a legacy Keras "
            "optimizer into a v2.11+ Optimizer, which can cause errors. Please update the "
            "optimizer"
        ),
    ),
    (
        "TFR-OPT-UNKNOWN-VARIABLE",
        (
            "ValueError: Unknown variable: <Variable path=dense/kernel, shape=(4, 3), "
            "dtype=float32>. This optimizer can only be called for the variables it was "
            "originally built with. When working"
        ),
    ),
    (
        "TFR-OPT-UNKNOWN-VARIABLE",
        (
            "KeyError: 'The optimizer cannot recognize variable dense/kernel:0. This "
            "usually means you are trying to call the optimizer to update different parts "
            "of the model separately.'"
        ),
    ),
    (
        "TFR-OPT-LIST-LENGTH",
        (
            "ValueError: You called `set_weights(weights)` on optimizer Adam with a  weight "
            "list of length 21, but the optimizer was expecting 0 weights."
        ),
    ),
    ("TFR-OPT-NO-GET-WEIGHTS", "AttributeError: 'Adam' object has no attribute 'get_weights'"),
    ("TFR-NPY-OBJECT", "ValueError: Object arrays cannot be loaded when allow_pickle=False"),
    (
        "TFR-NPY-PICKLED",
        "ValueError: Cannot load file containing pickled data when allow_pickle=False",
    ),
    (
        "TFR-NPY-INHOMOGENEOUS",
        (
            "ValueError: setting an array element with a sequence. The requested array has "
            "an inhomogeneous shape after 1 dimensions. The detected shape was (6,) + "
            "inhomogeneous part."
        ),
    ),
    (
        "TFR-NPY-BROADCAST",
        "ValueError: could not broadcast input array from shape (3,3,64) into shape (3,3)",
    ),
    (
        "TFR-NPY-SHORT",
        (
            "ValueError: Failed to read all data for array. Expected (1000, 100) = 100000 "
            "elements, could only read 49984 elements. (file seems not fully written?)"
        ),
    ),
    ("TFR-NPY-SHORT", "ValueError: mmap length is greater than file size"),
    ("TFR-NPY-PICKLE-CUT", "_pickle.UnpicklingError: pickle data was truncated"),
    ("TFR-NPY-EMPTY", "EOFError: No data left in file"),
    (
        "TFR-NPY-PYTHON2",
        (
            "UnicodeDecodeError: 'ascii' codec can't decode byte 0xbd in position 4: "
            "ordinal not in range(128)"
        ),
    ),
    ("TFR-NPY-LFS", "_pickle.UnpicklingError: invalid load key, 'v'."),
    ("TFR-NPY-LOAD-KEY", "_pickle.UnpicklingError: invalid load key, '\\x0a'."),
    ("TFR-NPY-NUMPY-CORE", "ModuleNotFoundError: No module named 'numpy._core'"),
    (
        "TFR-NPY-MAGIC",
        (
            "ValueError: "
            "the magic string is not correct; expected b'\\x93NUMPY', got b'PK\\x03\\x04ab'"
        ),
    ),
    ("TFR-NPY-RESHAPE", "ValueError: cannot reshape array of size 21954 into shape (512,512)"),
    (
        "TFR-NPY-CLASS",
        "AttributeError: Can't get attribute 'Net' on <module '__main__' from 'train.py'>",
    ),
    (
        "TFR-SM-NO-FILE",
        "OSError: SavedModel file does not exist at: export/1/{saved_model.pbtxt|saved_model.pb}",
    ),
    (
        "TFR-SM-UNINITIALIZED",
        (
            "FailedPreconditionError: Could not find variable dense/kernel. This could mean "
            "that the variable has been deleted. In TF1, it can also mean the variable is "
            "uninitialized."
        ),
    ),
    (
        "TFR-SM-UNINITIALIZED",
        (
            "FailedPreconditionError: Error while reading resource variable dense/kernel "
            "from Container: localhost. This could mean that the variable was uninitialized."
        ),
    ),
    (
        "TFR-SM-UNINITIALIZED",
        "Not found: Resource localhost/dense/kernel/N10tensorflow3VarE does not exist.",
    ),
    (
        "TFR-SM-OP-TYPE",
        (
            "NotFoundError: Op type not registered 'SentencepieceOp' in binary running on "
            "host1. Make sure the Op and Kernel are registered in the binary running in "
            "this process."
        ),
    ),
    (
        "TFR-SM-PYFUNC",
        (
            "InvalidArgumentError: "
            "ValueError: Could not find callback with key=pyfunc_23 in the registry."
        ),
    ),
    (
        "TFR-SM-CUSTOM-OBJECT",
        (
            'ValueError: Unable to restore custom object of class "DiceMetric" (type '
            "_tf_keras_metric). Please make sure that this class is included in the "
            "`custom_objects` arg when calling `load_model()`."
        ),
    ),
    (
        "TFR-SM-UNTRACKED",
        (
            "AssertionError: Tried to export a function which references an 'untracked' "
            "resource. TensorFlow objects (e.g. tf.Variable) captured by functions must be "
            "'tracked'"
        ),
    ),
    (
        "TFR-SM-TAGS",
        (
            "RuntimeError: MetaGraphDef associated with tags 'serve' could not be found in "
            "SavedModel, with available tags '[set()]'."
        ),
    ),
    ("TFR-SM-USER-OBJECT", "AttributeError: '_UserObject' object has no attribute 'predict'"),
    (
        "TFR-SM-FUNCTION",
        (
            "ValueError: Could not find matching concrete function to call loaded from the "
            "SavedModel. Got:\n  Positional arguments (3 total):"
        ),
    ),
    (
        "TFR-SM-NO-VARIABLES",
        "INFO:tensorflow:The specified SavedModel has no variables; no checkpoints were restored.",
    ),
    (
        "TFR-SAVE-NO-SPACE",
        (
            "ResourceExhaustedError: "
            "/scratch/run/model.ckpt-900.data-00000-of-00001.tempstate1234; No space left "
            "on device [Op:SaveV2]"
        ),
    ),
    (
        "TFR-SAVE-HEADER",
        "RuntimeError: Unable to create attribute (object header message is too large)",
    ),
    ("TFR-SAVE-NAME-EXISTS", "ValueError: Unable to create dataset (name already exists)"),
    (
        "TFR-SAVE-NOT-BUILT",
        (
            "UserWarning: You are saving a model that has not yet been built. It might not "
            "contain any weights yet. Consider building the model first"
        ),
    ),
    (
        "TFR-SAVE-SUBCLASSED",
        (
            "NotImplementedError: Saving the model to HDF5 format requires the model to be "
            "a Functional model or a Sequential model. It does not work for subclassed "
            "models"
        ),
    ),
    (
        "TFR-SAVE-LEGACY-H5",
        (
            "WARNING:absl:You are saving your model as an HDF5 file via `model.save()` or "
            "`keras.saving.save_model(model)`. This file format is considered legacy."
        ),
    ),
    (
        "TFR-SAVE-WEIGHTS-SUFFIX",
        "ValueError: The filename must end in `.weights.h5`. Received: filepath=ckpt/best",
    ),
    (
        "TFR-SAVE-SUFFIX",
        (
            "ValueError: Invalid filepath extension for saving. Please add either a "
            "`.keras` extension for the native Keras format (recommended) or a `.h5` "
            "extension."
        ),
    ),
    ("TFR-SAVE-NOT-TRACKED", "my custom layer: weights not saved after model.save"),
)
