"""cypickle._emitter: from objects to opcodes.  dumps(), and Emitter, which Pickler is made of.

An object passes save_leaf, which writes it if it has no parts, and otherwise save_node, which opens a Level for it
and walks its parts.  Decisions are asked of the Python wrappers: _reduce (types, reduce values, how deep is too
deep), _refusals (error texts) and _classes (hooks).
"""

cimport cython
from cpython.buffer cimport PyBUF_FULL_RO, PyBUF_SIMPLE, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer
from cpython.long cimport PyLong_AsLong
from cpython.object cimport PyObject, PyTypeObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memmove, memset, strlen

from _speedups.cpythonx cimport (
    ArrayInterface, CYP_BYTE_INT_SHIFT, CYP_LIKELY, CYP_UNLIKELY, C_CONTIGUOUS, CypOwner, CypPairs, CypValues,
    PyBool_Type, PyByteArray_Type, PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE, PyBytes_Type,
    PyCallable_Check, PyComplex_ImagAsDouble, PyComplex_RealAsDouble, PyDict_GET_SIZE, PyDict_GetItemWithError,
    PyDict_Next, PyDict_Type, PyErr_SetInterrupt, PyEval_GetFrame, PyFloat_AS_DOUBLE, PyFloat_Type, PyFrozenSet_Type,
    PyFunction_Type, PyImport_GetModule, PyImport_GetModuleDict, PyIter_Check, PyIter_Next, PyList_GET_ITEM,
    PyList_GET_SIZE, PyList_Type, PyLong_AsSsize_t, PyLong_Type, PyMem_Calloc, PyMem_Free, PyMem_Realloc,
    PyModule_CheckExact, PyModule_GetDict, PyOS_InterruptOccurred, PyOS_double_to_string, PyObject_Call,
    PyObject_GenericGetDict, PyPickleBuffer_GetBuffer, PyPickleBuffer_Type, PySequence_Fast_ITEMS, PySequence_Tuple,
    PySet_GET_SIZE, PySet_Type, PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_GetSlice, PyTuple_Type,
    PyType_IsSubtype, PyType_Type, PyUnicode_Compare, PyUnicode_DATA, PyUnicode_GET_LENGTH,
    PyUnicode_IS_COMPACT_ASCII, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Type, Py_DECREF, Py_DTSF_ADD_DOT_0,
    Py_EnterRecursiveCall, Py_INCREF, Py_LeaveRecursiveCall, Py_None, Py_REFCNT, Py_SIZE, Py_TYPE, Py_True,
    Py_XDECREF, WRITEABLE, cyp_apart, cyp_ascii_data, cyp_attrs_len, cyp_attrs_next, cyp_byte_ints, cyp_call_hook,
    cyp_call_method, cyp_captures_hooks, cyp_class_entry, cyp_class_qualname, cyp_clear, cyp_copy_exact, cyp_count,
    cyp_decimal_text, cyp_default_getattr, cyp_default_protocol, cyp_deque_items, cyp_dict_get,
    cyp_dict_is_made_on_demand, cyp_dict_next, cyp_dict_next_kept, cyp_disown, cyp_drop_kept, cyp_enter_emission,
    cyp_find_byte_ints, cyp_getattr_chain, cyp_has_set_next, cyp_inline_values, cyp_instance_dict, cyp_int_as_i64,
    cyp_int_bytes, cyp_is_finalizing, cyp_is_free_threaded, cyp_is_temporal_type, cyp_is_unique, cyp_keep,
    cyp_keeps_pair, cyp_keys_are_plain, cyp_knows_decimal, cyp_knows_ordereddict, cyp_lacks_class, cyp_list_items,
    cyp_list_kept, cyp_make_immutable, cyp_named_newobj, cyp_named_pairs, cyp_number_bytes, cyp_number_op,
    cyp_one_digit, cyp_ordereddict_key_at, cyp_ordereddict_next, cyp_ordereddict_node_at, cyp_own, cyp_pairs_begin,
    cyp_pairs_next, cyp_pairs_pos, cyp_plain_key, cyp_read_u64, cyp_restore_error, cyp_set_next, cyp_set_no_memory,
    cyp_shared_name, cyp_shares_keys, cyp_shares_names, cyp_signed_bytes, cyp_single_tail_batch, cyp_slot_offset,
    cyp_stack_is_low, cyp_take_error, cyp_temporal_state, cyp_temporal_tzinfo, cyp_text_entry, cyp_timedelta_field,
    cyp_tuple_items, cyp_type_find, cyp_type_tag, cyp_unicode_is_ready, cyp_unicode_ready, cyp_values_at,
    cyp_values_size, cyp_values_slot, cyp_write_double_be, cyp_write_u16, cyp_write_u32, cyp_write_u64,
)
from _speedups.emission cimport (
    Emission, GO, KEY_POSITIONS, KIND_CHAIN, KIND_DICT, KIND_FIELDS, KIND_FROZENSET, KIND_GLOBAL, KIND_INSTANCE,
    KIND_LIST, KIND_NAMEDTUPLE, KIND_PERSISTENT, KIND_REDUCE, KIND_SET, KIND_SET_COPY, KIND_SLOTS,
    KIND_TEMPORAL, KIND_TUPLE, Level, NESTED_LEVELS, NOT_LEAF, ODD_FAST, ODD_GENERAL, ODD_LATE, ODD_PERSISTENT,
    ODD_PROTOCOL, OPEN_TUPLES, PLAN_ARRAY, PLAN_ATTRIBUTES, PLAN_COMPLEX, PLAN_COUNTER, PLAN_DATE,
    PLAN_DATETIME, PLAN_DEFAULTDICT, PLAN_DEQUE, PLAN_FIELDS, PLAN_GETSTATE, PLAN_MEMBERS, PLAN_NAMEDTUPLE,
    PLAN_NAMES, PLAN_NONE, PLAN_ORDEREDDICT, PLAN_PARTS, PLAN_REDUCE, PLAN_SCALAR, PLAN_SLOTS, PLAN_SYNTAX,
    PLAN_TEXT, PLAN_TIME, PLAN_TIMEDELTA, PLAN_UUID, Plan, RECURSE_LEVELS, WRITTEN,
)
from _speedups.limits cimport (
    BATCH_ITEMS, FAST_NESTING, FRAME_HEADER, FRAME_TARGET, HIGHEST_PROTOCOL, MOST_NESTED, SHORT_TEXT,
)
from _speedups.memo cimport (
    Memo, memo_add, memo_enter, memo_fill, memo_find, memo_free, memo_get, memo_init, memo_insert, memo_log,
    memo_make_room, memo_reserve, memo_secure, memo_slot, memo_slot_by, memo_spread, memo_truncate, memo_wire_index,
)
from _speedups.opcodes cimport (
    OP_ADDITEMS, OP_APPEND, OP_APPENDS, OP_BINBYTES, OP_BINBYTES8, OP_BINFLOAT, OP_BINGET, OP_BININT,
    OP_BININT1, OP_BININT2, OP_BINPERSID, OP_BINPUT, OP_BINUNICODE, OP_BINUNICODE8, OP_BUILD, OP_BYTEARRAY8,
    OP_DICT, OP_EMPTY_DICT, OP_EMPTY_LIST, OP_EMPTY_SET, OP_EMPTY_TUPLE, OP_EXT1, OP_EXT2, OP_EXT4,
    OP_FLOAT, OP_FROZENSET, OP_GET, OP_INT, OP_LIST, OP_LONG1, OP_LONG4, OP_LONG_BINGET, OP_LONG_BINPUT,
    OP_MARK, OP_MEMOIZE, OP_NEWFALSE, OP_NEWOBJ, OP_NEWOBJ_EX, OP_NEWTRUE, OP_NEXT_BUFFER, OP_NONE, OP_POP,
    OP_POP_MARK, OP_PROTO, OP_PUT, OP_READONLY_BUFFER, OP_REDUCE, OP_SETITEM, OP_SETITEMS,
    OP_SHORT_BINBYTES, OP_SHORT_BINUNICODE, OP_STACK_GLOBAL, OP_STOP, OP_TUPLE, OP_TUPLE1, OP_TUPLE2,
    OP_TUPLE3, OP_UNICODE,
)
from _speedups.outbuf cimport (
    OutBuf, SLACK, close_frame, ensure, open_frame, out_free, out_init, out_take, put_op, put_op_u32, put_op_u8, put_raw,
    reserve, set_lim,
)

import builtins
import copyreg
import sys
from _operator import itemgetter

from _pickle import Pickler as StdlibPickler
from _pickle import PicklingError

from cypickle import _reduce

cyp_find_byte_ints()

cdef object UNSET = object()
globals()["UNSET"] = UNSET
cdef object ModuleType = type(sys)
cdef object MethodType = type(copyreg.__newobj__.__get__(0))
cdef object GetSetDescriptorType = type(vars(type)["__dict__"])
cdef object StdlibMember = type(StdlibPickler.dispatch_table)
cdef object builtin_getattr = builtins.getattr
cdef dict copyreg_table = copyreg.dispatch_table
cdef object copyreg_newobj = copyreg.__newobj__
cdef object copyreg_complex = copyreg.pickle_complex
cdef object extension_registry = copyreg._extension_registry
cdef dict singleton_types = {type(None): (None,), type(...): (...,), type(NotImplemented): (NotImplemented,)}

include "interrupts.pxi"
include "emit/output.pxi"
include "emit/text.pxi"
include "emit/numbers.pxi"
include "emit/atoms.pxi"
include "emit/plans.pxi"
include "emit/quick.pxi"
include "emit/containers.pxi"
include "emit/natives.pxi"
include "emit/stdlib.pxi"
include "emit/arrays.pxi"
include "emit/reduced.pxi"
include "emit/objects.pxi"
include "emit/globals.pxi"
include "emit/levels.pxi"
include "emit/alike.pxi"
include "emit/nested.pxi"
include "emit/plain.pxi"
include "emit/pairs.pxi"
include "emit/nodes.pxi"
include "emit/api.pxi"
include "emit/hooks.pxi"
include "emit/pickler.pxi"
