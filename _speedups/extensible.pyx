"""cypickle._extensible: ExtensiblePickler and ExtensibleUnpickler, compiled under the surface of the pure ones.

Both derive from the running version's own pure Python classes.  What a subclass leaves alone and is frequent runs
here; all else runs there, on the same memo, stack and framer.  So nothing of that version's behaviour is written
twice but the frequent parts.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_SIZE, PyList_GetSlice
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memchr

from _speedups.cpythonx cimport (
    PyByteArray_FromStringAndSize, PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE, PyFloat_AS_DOUBLE,
    PyGetSetDescr_Type, PyObject_GenericGetDict, PyUnicode_DATA, PyUnicode_DecodeRawUnicodeEscape,
    PyUnicode_DecodeUTF8, PyUnicode_GET_LENGTH, PyUnicode_IS_COMPACT_ASCII, Py_DECREF, Py_EnterRecursiveCall,
    Py_LeaveRecursiveCall, Py_TYPE, cyp_default_getattr, cyp_default_new, cyp_dict_is_text, cyp_int_as_i64,
    cyp_int_from_le, cyp_is_free_threaded, cyp_plain_dict, cyp_pure_error_notes, cyp_read_double_be, cyp_read_u16,
    cyp_read_u32, cyp_read_u64, cyp_signed_bytes, cyp_stack_gets_low, cyp_stack_is_low, cyp_type_find, cyp_type_tag,
    cyp_write_double_be, cyp_write_u64,
)
from _speedups.limits cimport BATCH_ITEMS, FRAME_HEADER, FRAME_MIN, FRAME_TARGET, MOST_LEVELS
from _speedups.memo cimport Memo, memo_enter, memo_free, memo_get, memo_init, memo_truncate
from _speedups.opcodes cimport (
    OP_ADDITEMS, OP_APPEND, OP_APPENDS, OP_BINBYTES, OP_BINBYTES8, OP_BINFLOAT, OP_BINGET, OP_BININT,
    OP_BININT1, OP_BININT2, OP_BINPERSID, OP_BINPUT, OP_BINUNICODE, OP_BINUNICODE8, OP_BUILD, OP_BYTEARRAY8,
    OP_DICT, OP_EMPTY_DICT, OP_EMPTY_LIST, OP_EMPTY_SET, OP_EMPTY_TUPLE, OP_FLOAT, OP_FROZENSET, OP_GET, OP_INT,
    OP_LIST, OP_LONG, OP_LONG1, OP_LONG_BINGET, OP_LONG_BINPUT, OP_MARK, OP_MEMOIZE, OP_NEWFALSE, OP_NEWOBJ,
    OP_NEWTRUE, OP_NONE, OP_POP, OP_POP_MARK, OP_PUT, OP_REDUCE, OP_SETITEM, OP_SETITEMS, OP_SHORT_BINBYTES,
    OP_SHORT_BINUNICODE, OP_STOP, OP_TUPLE, OP_TUPLE1, OP_TUPLE2, OP_TUPLE3, OP_UNICODE,
)
from _speedups.outbuf cimport (
    OutBuf, SLACK, close_frame, ensure, open_frame, out_free, out_init, out_take, put_op, put_op_u32, put_op_u8,
    put_raw, reserve,
)

import copyreg
import pickle
import struct
import sys
from io import BufferedReader, BytesIO, FileIO
from itertools import islice
from threading import get_ident

from cypickle import _nesting, _reduce

cdef object UNSET = object()
cdef object copyreg_newobj = copyreg.__newobj__
cdef object PurePickler = pickle._Pickler
cdef object PureFramer = pickle._Framer
cdef object PureUnpickler = pickle._Unpickler
cdef object PureUnframer = pickle._Unframer
cdef object Stop = pickle._Stop

include "extend/framer.pxi"
include "extend/memo.pxi"
include "extend/surface.pxi"
include "extend/routes.pxi"
include "extend/save.pxi"
include "extend/containers.pxi"
include "extend/pickler.pxi"
include "extend/loader.pxi"
include "extend/load.pxi"
include "extend/unpickler.pxi"
