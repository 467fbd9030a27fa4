"""Serves one signature through TensorFlow's C interface, with no TensorFlow for Python at all.

``c_api.py LIBRARY SAVED_MODEL INPUT_OP OUTPUT_OP[:INDEX] X.npy Y.npy``, float32 in and out.
"""

import ctypes
import sys

import numpy as np

FLOAT = 1


class Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


def main(library: str, model: str, inlet: str, outlet: str, given: str, served: str) -> None:
    c = ctypes.CDLL(library)
    for name in (
        "TF_NewStatus", "TF_NewGraph", "TF_NewSessionOptions", "TF_LoadSessionFromSavedModel",
        "TF_GraphOperationByName", "TF_AllocateTensor", "TF_TensorData", "TF_Message",
    ):  # fmt: skip
        getattr(c, name).restype = ctypes.c_void_p
    c.TF_Message.restype = ctypes.c_char_p
    c.TF_Dim.restype = ctypes.c_int64
    pointer = ctypes.c_void_p
    status, graph = pointer(c.TF_NewStatus()), pointer(c.TF_NewGraph())

    def require_ok() -> None:
        if c.TF_GetCode(status):
            sys.exit(c.TF_Message(status).decode())

    tags = (ctypes.c_char_p * 1)(b"serve")
    session = pointer(
        c.TF_LoadSessionFromSavedModel(
            pointer(c.TF_NewSessionOptions()), None, model.encode(), tags, 1, graph, None, status
        )
    )
    require_ok()
    x = np.ascontiguousarray(np.load(given), np.float32)
    dims = (ctypes.c_int64 * x.ndim)(*x.shape)
    tensor = pointer(c.TF_AllocateTensor(FLOAT, dims, x.ndim, ctypes.c_size_t(x.nbytes)))
    ctypes.memmove(c.TF_TensorData(tensor), x.ctypes.data, x.nbytes)
    operation, _, index = outlet.partition(":")
    inputs = Output(c.TF_GraphOperationByName(graph, inlet.encode()), 0)
    outputs = Output(c.TF_GraphOperationByName(graph, operation.encode()), int(index or 0))
    result = (pointer * 1)()
    c.TF_SessionRun(
        session, None, ctypes.byref(inputs), ctypes.byref(tensor), 1,
        ctypes.byref(outputs), result, 1, None, 0, None, status,
    )  # fmt: skip
    require_ok()
    shape = [c.TF_Dim(pointer(result[0]), axis) for axis in range(c.TF_NumDims(pointer(result[0])))]
    y = np.zeros(shape, np.float32)
    ctypes.memmove(y.ctypes.data, c.TF_TensorData(pointer(result[0])), y.nbytes)
    np.save(served, y)


if __name__ == "__main__":
    main(*sys.argv[1:])
