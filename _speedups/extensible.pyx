"""cypickle._extensible: ExtensiblePickler and ExtensibleUnpickler, compiled under the surface of pickle._Pickler.

Both derive from the running version's own pure Python classes.  What a subclass leaves alone and is frequent runs
here; all else runs there, on the same memo, stack and framer.  So nothing of that version's behaviour is written
twice but the frequent parts.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_SIZE, PyList_GetSlice
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int64_t, uint32_t, uint64_t

from _speedups.cpythonx cimport (
    PyBytes_AS_STRING, PyBytes_GET_SIZE, PyFloat_AS_DOUBLE, PyObject_GenericGetDict, PyUnicode_DATA,
    PyUnicode_GET_LENGTH, PyUnicode_IS_COMPACT_ASCII, Py_DECREF, Py_EnterRecursiveCall, Py_LeaveRecursiveCall,
    cyp_default_getattr, cyp_pure_error_notes, cyp_int_as_i64, cyp_signed_bytes, cyp_stack_gets_low, cyp_stack_is_low, cyp_type_tag, cyp_write_double_be,
    cyp_write_u64,
)
from _speedups.limits cimport BATCH_ITEMS, FRAME_HEADER, FRAME_MIN, FRAME_TARGET, MOST_LEVELS
from _speedups.memo cimport Memo, memo_add, memo_free, memo_get, memo_init, memo_truncate
from _speedups.opcodes cimport (
    OP_ADDITEMS, OP_APPEND, OP_APPENDS, OP_BINBYTES, OP_BINFLOAT, OP_BINGET, OP_BININT, OP_BININT1,
    OP_BININT2, OP_BINPUT, OP_BINUNICODE, OP_BUILD, OP_EMPTY_DICT, OP_EMPTY_LIST, OP_EMPTY_SET,
    OP_EMPTY_TUPLE, OP_FROZENSET, OP_LONG1, OP_LONG_BINGET, OP_LONG_BINPUT, OP_MARK, OP_MEMOIZE,
    OP_NEWFALSE, OP_NEWOBJ, OP_NEWTRUE, OP_NONE, OP_POP, OP_POP_MARK, OP_REDUCE, OP_SETITEM, OP_SETITEMS,
    OP_SHORT_BINBYTES, OP_SHORT_BINUNICODE, OP_TUPLE, OP_TUPLE1,
)
from _speedups.outbuf cimport (
    OutBuf, SLACK, close_frame, ensure, open_frame, out_free, out_init, out_take, put_op, put_op_u32, put_op_u8,
    put_raw, reserve,
)

import copyreg
import pickle
from io import BytesIO
from itertools import islice

from cypickle import _nesting, _reduce

cdef object UNSET = object()
cdef object copyreg_newobj = copyreg.__newobj__
cdef object PurePickler = pickle._Pickler
cdef object PureFramer = pickle._Framer

include "extend/framer.pxi"
include "extend/memo.pxi"
include "extend/surface.pxi"
include "extend/save.pxi"
include "extend/containers.pxi"
include "extend/pickler.pxi"
