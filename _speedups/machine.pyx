"""The unpickling machine: bytes or a file to objects.

Data flow: `loads()` or `Machine.load()` -> `run()` in load/run.pxi -> the load_* families -> a value on the
stack.  run() never recurses, so depth costs memory and nothing else.
"""

cimport cython
from cpython.buffer cimport PyBUF_CONTIG_RO, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.object cimport PyObject, PyTypeObject, inquiry, traverseproc
from libc cimport errno
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport strtol
from libc.string cimport memchr, memcmp, memcpy, memset, strcmp, strlen
from _speedups.cpythonx cimport (
    CYP_LIKELY, CYP_UNLIKELY, CypOwner, CypValues, PY_SSIZE_T_MAX, PyBool_Type, PyByteArray_AS_STRING,
    PyByteArray_FromStringAndSize, PyByteArray_Resize, PyBytes_AS_STRING, PyBytes_DecodeEscape,
    PyBytes_FromStringAndSize, PyBytes_GET_SIZE, PyBytes_Type, PyCFunction_Type, PyComplex_FromDoubles, PyComplex_Type,
    PyDescr_TYPE, PyDict_Check, PyDict_CheckExact, PyDict_Copy, PyDict_GET_SIZE, PyDict_GetItemWithError, PyDict_New,
    PyDict_Next, PyDict_SetItem, PyDict_Size, PyDict_Type, PyDict_Update, PyErr_NoMemory, PyErr_Clear, PyEval_GetFrame,
    PyExc_OverflowError, PyFloat_AS_DOUBLE, PyFloat_FromDouble, PyFloat_Type, PyFrozenSet_New, PyFunction_Type,
    PyGC_Disable, PyGC_Enable, PyGetSetDescr_Type, PyImport_GetModuleDict, PyImport_Import, PyIter_Next,
    PyList_CheckExact, PyList_New, PyList_Type, PyLong_AsSsize_t, PyLong_FromLong, PyLong_FromString, PyLong_Type,
    PyMem_Calloc, PyMem_Realloc, PyMemoryView_FromObject, PyOS_InterruptOccurred, PyOS_string_to_double,
    PyObject_CallMethodOneArg, PyObject_CallObject, PyObject_GC_UnTrack, PyObject_GenericGetDict,
    PyObject_GenericSetAttr, PyObject_SetAttr, PyObject_SetItem, PyObject_Vectorcall, PyRange_Type, PySequence_Tuple,
    PySet_Add, PySet_Check, PySet_GET_SIZE, PySet_New, PySlice_New, PySlice_Type, PySys_Audit, PyTuple_Check,
    PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM, PyType_Check,
    PyType_IsSubtype, PyType_Type, PyUnicode_AsUTF8AndSize, PyUnicode_CheckExact, PyUnicode_DATA, PyUnicode_Decode,
    PyUnicode_DecodeASCII, PyUnicode_DecodeRawUnicodeEscape, PyUnicode_DecodeUTF8, PyUnicode_FromEncodedObject,
    PyUnicode_GET_LENGTH, PyUnicode_IS_COMPACT_ASCII, PyUnicode_InternInPlace, PyUnicode_Type, Py_DECREF,
    Py_EnterRecursiveCall, Py_False, Py_INCREF, Py_LeaveRecursiveCall, Py_None, Py_TYPE, Py_True, Py_XDECREF,
    Py_XINCREF, _PyBytes_Resize, cyp_are_lowest_terms, cyp_attrs_len, cyp_attrs_next, cyp_call_by_one, cyp_call_new,
    cyp_call_with_size, cyp_calls_plainly, cyp_collects_in_allocations, cyp_decimal_make, cyp_default_getattr,
    cyp_default_new, cyp_default_setattr, cyp_dict_add_steal, cyp_dict_fill, cyp_dict_get, cyp_dict_is_text,
    cyp_dict_like, cyp_dict_next, cyp_dict_next_kept, cyp_dict_place, cyp_dict_set_steal, cyp_disown, cyp_enter_loading,
    cyp_function_code, cyp_has_dict, cyp_has_new, cyp_has_setter, cyp_inline_values, cyp_instance_body,
    cyp_instance_new, cyp_int_from_le, cyp_int_new, cyp_is_ast, cyp_is_free_threaded, cyp_is_method, cyp_is_readonly,
    cyp_is_tuple_class, cyp_keep, cyp_knows_decimal, cyp_knows_range, cyp_list_take, cyp_makes_plainly, cyp_mix_bytes,
    cyp_module_dict, cyp_object_new, cyp_own, cyp_plain_dict, cyp_range_new, cyp_read_double_be, cyp_read_u16,
    cyp_read_u32, cyp_read_u64, cyp_restore_error, cyp_same_new, cyp_set_readonly, cyp_sets_by_class, cyp_slot_at,
    cyp_slot_offset, cyp_stack_is_low, cyp_stores_as_dict, cyp_str_new, cyp_take_error, cyp_temporal_new,
    cyp_temporal_which, cyp_timedelta_new, cyp_row_new, cyp_is_packed, cyp_items_copy, cyp_tuple_items, cyp_type_find,
    cyp_type_name, cyp_type_tag, cyp_type_tag_new, cyp_values_at, cyp_values_fill, cyp_values_put, cyp_values_size,
    cyp_values_slot_of, cyp_wants_tuple, raw_bytes, raw_float, raw_instance, raw_int, raw_int_from_le, raw_list,
    raw_list_of, raw_row, has_error, raw_str, raw_tuple, cyp_tuple_untrack,
)
from _speedups.inbuf cimport take_here
from _speedups.limits cimport BATCH_ITEMS, FIRST_PIECE, HIGHEST_PROTOCOL, MOST_NESTED, PREFETCH, READ_CHUNK
from _speedups.loading cimport (
    Closed, Loading, NAMES_LISTED, NAMES_MASK, OPCODE_BYTES, PATIENCE, READING, RUNNING, SHAPES,
    SHAPE_PAIRS, Shape, loading_free, loading_init,
)
from _speedups.opcodes cimport (
    OP_ADDITEMS, OP_APPEND, OP_APPENDS, OP_BINBYTES, OP_BINBYTES8, OP_BINFLOAT, OP_BINGET, OP_BININT,
    OP_BININT1, OP_BININT2, OP_BINPERSID, OP_BINPUT, OP_BINSTRING, OP_BINUNICODE, OP_BINUNICODE8,
    OP_BUILD, OP_BYTEARRAY8, OP_DICT, OP_DUP, OP_EMPTY_DICT, OP_EMPTY_LIST, OP_EMPTY_SET, OP_EMPTY_TUPLE,
    OP_EXT1, OP_EXT2, OP_EXT4, OP_FLOAT, OP_FRAME, OP_FROZENSET, OP_GET, OP_GLOBAL, OP_INST, OP_INT,
    OP_LIST, OP_LONG, OP_LONG1, OP_LONG4, OP_LONG_BINGET, OP_LONG_BINPUT, OP_MARK, OP_MEMOIZE,
    OP_NEWFALSE, OP_NEWOBJ, OP_NEWOBJ_EX, OP_NEWTRUE, OP_NEXT_BUFFER, OP_NONE, OP_OBJ, OP_PERSID, OP_POP,
    OP_POP_MARK, OP_PROTO, OP_PUT, OP_READONLY_BUFFER, OP_REDUCE, OP_SETITEM, OP_SETITEMS,
    OP_SHORT_BINBYTES, OP_SHORT_BINSTRING, OP_SHORT_BINUNICODE, OP_STACK_GLOBAL, OP_STOP, OP_STRING,
    OP_TUPLE, OP_TUPLE1, OP_TUPLE2, OP_TUPLE3, OP_UNICODE,
)
from _speedups.recall cimport (
    Memo, TAG_BITS, TAG_CLOSED, TAG_ITEMS, TAG_KEPT, TAG_MASK, TAG_OPEN, TAG_WRITTEN, TAG_WRITTEN_BYTES,
    memo_append, memo_drop, memo_free, memo_grow, memo_init, memo_is_free, memo_move, memo_place, memo_release,
    slot_owns, untagged,
)
from _speedups.stack cimport (
    KEYED, LISTED, Mark, NAMED, REAL, SLOTTED, Stack, UNMEMOISED, cut, drop_mark, enclosing_fence, height, marks_grow,
    push_mark, push_steal, stack_grow,
)

import builtins
import sys

cdef object UnpicklingError
try:
    from _pickle import UnpicklingError
except ImportError:
    from pickle import UnpicklingError

cdef object memo_hole = object()
cdef object module_type = type(sys)
cdef object spec_type = type(builtins.__spec__)
cdef object named_last = None  # see top_of()
cdef object top_of_last = None
cdef object name_of_spec = "__spec__"
cdef object name_of_import = "__import__"
cdef object ABSENT = object()  # a method that the file has not; None would be called, and fail
cdef tuple no_args = ()
cdef dict builtin_names = builtins.__dict__
cdef dict sys_modules = <dict>PyImport_GetModuleDict()
cdef object builtin_import = builtins.__import__
cdef str default_encoding = "ASCII"
cdef str default_errors = "strict"
cdef object unset = memo_hole       # no hook; see configure()
cdef object plain_unpickler = None  # the class whose hooks need not be looked up; see configure()


@cython.final
cdef class Habits:
    """What distinguishes the unpicklers of the supported CPythons; _classes.py finds out."""

    cdef bint frames             # no read may cross the end of a frame
    cdef bint appends_nothing    # APPENDS of no items still wants a list or append()
    cdef bint adds_nothing       # ADDITEMS of no items still wants a set or add()
    cdef bint signed_binstring   # BINSTRING's length is signed
    cdef bint counts_sparse      # MEMOIZE counts what PUT stored far beyond the other indices
    cdef bint old_getattr        # missing globals are reported in pickle's own words
    cdef bint persid_asks_first  # without persistent_load, persistent ids fail before they are read
    cdef object capture_hook     # how __init__() keeps a persistent_load, where it and not load() looks for it; or None
    cdef bint loose_bools        # INT takes any two characters for a boolean that make 0 or 1
    cdef int int_base            # of INT: 0 takes prefixes
    cdef int long_base           # of LONG
    cdef str local_verb
    cdef str no_persistent_load


cdef Habits habits = Habits.__new__(Habits)
habits.int_base = habits.long_base = 10
habits.local_verb = "get"
habits.no_persistent_load = ("A load persistent id instruction was encountered, "
                             "but no persistent_load function was specified.")


@cython.binding(False)
def configure(unpickler, /, **found):
    """Set the class that runs with no hooks of its own, and the habits of the running version."""
    global plain_unpickler, unset
    plain_unpickler = unpickler
    unset = found["unset"]
    habits.frames = found["frames"]
    habits.appends_nothing = found["appends_nothing"]
    habits.adds_nothing = found["adds_nothing"]
    habits.signed_binstring = found["signed_binstring"]
    habits.counts_sparse = found["counts_sparse"]
    habits.old_getattr = found["old_getattr"]
    habits.persid_asks_first = found["persid_asks_first"]
    habits.capture_hook = found["capture_hook"]
    habits.loose_bools = found["loose_bools"]
    habits.int_base = found["int_base"]
    habits.long_base = found["long_base"]
    habits.local_verb = found["local_verb"]
    habits.no_persistent_load = found["no_persistent_load"]


@cython.final
@cython.internal
cdef class Window:
    """Memory of another object, lent to a file's readinto(); counts the views that are alive."""

    cdef object owner
    cdef unsigned char *memory
    cdef Py_ssize_t nbytes
    cdef Py_ssize_t exports

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if self.memory == NULL:
            raise BufferError("the memory lent to readinto() has been taken back")
        PyBuffer_FillInfo(buffer, self, self.memory, self.nbytes, 0, flags)
        self.exports += 1

    def __releasebuffer__(self, Py_buffer *buffer):
        self.exports -= 1


cdef class Machine:
    """Machine(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())
--

What an Unpickler keeps from one load() to the next.  Unpickler adds its hooks and says what the arguments are."""

    cdef object read
    cdef object readinto
    cdef object readline
    cdef object peek
    cdef object buffers
    cdef object encoding
    cdef object errors
    cdef object persistent       # as captured or assigned, or unset
    cdef object persistent_now   # what this load() calls
    cdef bint persistent_bound   # call it with self: no cycle is made for a method of ours
    cdef bint ready
    cdef bint running
    cdef bint fix_imports
    cdef bint has_view
    cdef int proto
    cdef Py_buffer view          # the last data from the file, if has_view
    cdef bytes data              # what owns them, if it is exact bytes: then the view has only buf and len
    cdef Py_ssize_t pos          # bytes of it that are used up
    cdef Py_ssize_t prefetched   # bytes of it that the file is past
    cdef CypOwner owner          # the thread that uses it
    cdef Memo slots

    cdef inline int take(self) except -1:
        """It is this thread's until give(); so is everything below."""
        if not cyp_own(&self.owner):
            raise RuntimeError("Unpickler object is already used")
        return 0

    cdef inline int give(self) except -1:
        cyp_disown(&self.owner)
        return 0

    cdef inline int begin(self) except -1:
        """take() for what cannot be done while a load is under way."""
        self.take()
        if self.running:
            self.give()
            raise RuntimeError("Unpickler object is already used")
        self.running = True
        return 0

    cdef inline int end(self) except -1:
        self.running = False
        return self.give()

    def __cinit__(self):
        memo_init(&self.slots)
        self.persistent = self.persistent_now = unset

    def __init__(self, file, *, fix_imports=True, encoding="ASCII", errors="strict", buffers=()):
        self.begin()
        try:
            machine_open(self, file, fix_imports, encoding, errors, buffers, "Unpickler")
        finally:
            self.end()
        if habits.capture_hook is not None and type(self) is not plain_unpickler:
            habits.capture_hook(self, "persistent_load", Machine._set_hook)

    def __dealloc__(self):
        self.release_view()
        memo_free(&self.slots)

    cdef inline void release_view(self) noexcept:
        if self.has_view:
            self.has_view = False
            self.pos = self.prefetched = 0
            if self.data is not None:
                self.data = None
            else:
                PyBuffer_Release(&self.view)

    @cython.binding(False)
    def _set_hook(self, hook, bint bound):
        """Set or, with UNSET, remove persistent_load; bound: it is a function to be called with self."""
        self.take()
        try:
            self.persistent = hook
            self.persistent_bound = bound
        finally:
            self.give()

    @cython.binding(False)
    def _get_hook(self):
        cdef object hook
        cdef bint bound
        self.take()
        hook = self.persistent
        bound = self.persistent_bound
        self.give()
        return hook.__get__(self, type(self)) if bound else hook

    def load(self, /):
        """Load a pickle.

        Read a pickled object representation from the open file object given in the constructor, and return
        the reconstituted object hierarchy specified therein.
        """
        return machine_load(self, False)

    def find_class(self, module_name, global_name, /):
        """Return an object from a specified module.

        If necessary, the module will be imported. Subclasses may override this method (e.g. to restrict
        unpickling of arbitrary classes and functions).

        This method is called whenever a class or a function object is needed. Both arguments passed are str
        objects.
        """
        return find_global(self.proto, self.fix_imports, module_name, global_name)

    @property
    def memo(self):
        """The memo, as an object that can be copied, cleared and assigned to another Unpickler's memo."""
        return UnpicklerMemoProxy(self)

    @memo.setter
    def memo(self, value):
        cdef Memo filled
        cdef Memo dropped
        cdef dict source
        if isinstance(value, UnpicklerMemoProxy):
            source = (<UnpicklerMemoProxy>value).machine.memo_items()
        elif isinstance(value, dict):
            source = <dict>value
        else:
            raise TypeError("'memo' attribute must be an UnpicklerMemoProxy object or dict, "
                            f"not {type(value).__name__:.200}")
        self.take()
        memo_init(&filled)
        memo_init(&dropped)
        try:
            memo_fill(&filled, source)
            memo_move(&dropped, &self.slots)
            memo_move(&self.slots, &filled)
        finally:
            self.give()
            memo_drop(&filled)
            memo_drop(&dropped)  # finalizers find the new memo in its place

    @memo.deleter
    def memo(self):
        raise TypeError("attribute deletion is not supported")

    cdef dict memo_items(self):
        self.take()
        try:
            return memo_to_dict(&self.slots)
        finally:
            self.give()


@cython.final
cdef class UnpicklerMemoProxy:
    """An Unpickler's memo, seen from Python."""

    cdef Machine machine

    __hash__ = None

    def __cinit__(self, Machine machine not None):
        self.machine = machine

    def clear(self, /):
        """Remove all items from memo."""
        self.machine.take()
        try:
            memo_free(&self.machine.slots)
        finally:
            self.machine.give()

    def copy(self, /):
        """Copy the memo to a new object."""
        return self.machine.memo_items()

    def __reduce__(self, /):
        """Implement pickling support."""
        return dict, (self.machine.memo_items(),)


include "interrupts.pxi"
include "load/source.pxi"
include "load/memory.pxi"
include "load/values.pxi"
include "load/scalars.pxi"
include "load/containers.pxi"
include "load/globals.pxi"
include "load/natives.pxi"
include "load/plans.pxi"
include "load/states.pxi"
include "load/plain.pxi"
include "load/alike.pxi"
include "load/rows.pxi"
include "load/calls.pxi"
include "load/objects.pxi"
include "load/where.pxi"
include "load/run.pxi"
include "load/entry.pxi"


# ---- options ----------------------------------------------------------------------------------------------------


cdef const char *text_option(str function, str name, object value) except NULL:
    """An encoding or error handler as a C string that lives as long as value does."""
    cdef const char *text
    cdef Py_ssize_t nbytes
    if not isinstance(value, str):
        found = "None" if value is None else type(value).__name__
        raise TypeError(f"{function}() argument '{name}' must be str, not {found:.50}")
    text = PyUnicode_AsUTF8AndSize(<PyObject *>value, &nbytes)
    if <Py_ssize_t>strlen(text) != nbytes:
        raise ValueError("embedded null character")
    return text


cdef int set_options(Loading *r, str function, object fix_imports, object encoding, object errors) except -1:
    r.fix_imports = fix_imports is True or bool(fix_imports)
    if encoding is default_encoding and errors is default_errors:
        r.encoding = "ASCII"
        r.errors = "strict"
        return 0
    r.encoding = text_option(function, "encoding", encoding)
    r.errors = text_option(function, "errors", errors)
    r.keep_bytes = strcmp(r.encoding, b"bytes") == 0
    return 0


cdef object buffer_iterator(object buffers):
    """None where no out-of-band buffers were given: `()` is the default, and not a choice."""
    if buffers is None or buffers is no_args:
        return None
    return iter(buffers)


# ---- entry points -----------------------------------------------------------------------------------------------


# Neither of the two binds as a method where a class has it as an attribute, like those of _pickle.

@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def loads(data, /, *, fix_imports=True, encoding="ASCII", errors="strict", buffers=()):
    """Read and return an object from the given pickle data.

    The protocol version of the pickle is detected automatically, so no protocol argument is needed. Bytes past
    the pickled object's representation are ignored.

    Args:
        data: Any contiguous bytes-like object.
        fix_imports: Map the names of Python 2 in pickles of protocol 2 and below to those of Python 3.
        encoding: How to decode the 8-bit strings of Python 2; "bytes" leaves them as bytes.
        errors: The error handler for that.
        buffers: An iterable of the buffers that were pickled out-of-band.

    Returns:
        The reconstituted object.

    Raises:
        UnpicklingError: The data are malformed.
        EOFError: The data end too early.
        Exception: Whatever the classes and functions named by the data raise.
    """
    cdef Loading r
    cdef Memo memo
    cdef Py_buffer view
    cdef object source = constant_bytes(data) if cyp_is_free_threaded() else data
    cdef bint borrowed = type(source) is bytes
    iterator = None
    if not borrowed:
        PyObject_GetBuffer(source, &view, PyBUF_CONTIG_RO)
    memo_init(&memo)
    loading_init(&r, &memo)
    try:
        set_options(&r, "loads", fix_imports, encoding, errors)
        iterator = buffer_iterator(buffers)
        if iterator is not None:
            r.buffers = <PyObject *>iterator
        if borrowed:
            r.start = PyBytes_AS_STRING(<PyObject *>source)
            r.end = r.start + PyBytes_GET_SIZE(<PyObject *>source)
        else:
            r.start = <const unsigned char *>view.buf
            r.end = r.start + view.len
        r.p = r.start
        r.stop = r.end
        r.lasting = borrowed
        r.passing = True
        return run_nested(&r)
    finally:
        loading_free(&r)
        memo_drop(&memo)
        if not borrowed:
            PyBuffer_Release(&view)


cyp_call_by_one(loads, load_bytes)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def load(file, *, fix_imports=True, encoding="ASCII", errors="strict", buffers=()):
    """Read and return an object from the pickle data stored in a file.

    This is equivalent to ``Unpickler(file).load()``, but may be more efficient. The file is left just behind the
    pickle, so that several can be read one after the other.

    Args:
        file: Has read(n) and readline(), and perhaps readinto(buffer) and peek(n), which are used if it has them.
        fix_imports: As for loads(), like the other arguments.

    Returns:
        The reconstituted object.
    """
    machine = <Machine>Machine.__new__(Machine)
    machine_open(machine, file, fix_imports, encoding, errors, buffers, "load")
    return machine_load(machine, True)


cdef int machine_open(Machine m, object file, object fix_imports, object encoding, object errors,
                      object buffers, str function) except -1:
    """Forget everything, then take over a file and options; on failure the machine is not ready."""
    cdef Loading scratch
    if m.ready:
        m.ready = False
        m.release_view()
        memo_free(&m.slots)
    m.peek = getattr(file, "peek", ABSENT)
    m.readinto = getattr(file, "readinto", ABSENT)
    m.read = getattr(file, "read", ABSENT)
    m.readline = getattr(file, "readline", ABSENT)
    if m.readline is ABSENT or m.read is ABSENT:
        raise TypeError("file must have 'read' and 'readline' attributes")
    loading_init(&scratch, NULL)
    set_options(&scratch, function, fix_imports, encoding, errors)
    m.encoding = encoding
    m.errors = errors
    m.fix_imports = scratch.fix_imports
    m.buffers = buffer_iterator(buffers)
    m.proto = 0
    m.ready = True
    return 0


cdef object machine_load(Machine m, bint once):
    """load() of an Unpickler, or of the machine that the function load() makes for this `once`.

    An Unpickler's memo outlives the load, and may be looked at meanwhile: no state dictionary may be left out, and no
    slot is ever tagged.
    """
    cdef Loading r
    cdef Memo passing
    if not m.ready:
        raise UnpicklingError(f"Unpickler.__init__() was not called by {type(m).__name__}.__init__()")
    m.begin()
    memo_init(&passing)
    loading_init(&r, &passing if once else &m.slots)
    r.passing = once
    if not once:
        r.settled = MAX_SETTLED + 1
    try:
        set_options(&r, "Unpickler", m.fix_imports, m.encoding, m.errors)
        m.proto = 0
        r.host = <PyObject *>m
        if m.buffers is not None:
            r.buffers = <PyObject *>m.buffers
        if m.has_view:
            r.start = <const unsigned char *>m.view.buf
            r.p = r.start + m.pos
            r.end = r.stop = r.start + m.view.len
            r.prefetched = m.prefetched
            r.passed = -m.pos
        choose_hook(m)
        return run_nested(&r)
    finally:
        memo_drop(&passing)
        m.pos = r.p - r.start
        m.prefetched = r.prefetched
        m.persistent_now = unset
        loading_free(&r)
        m.end()


cdef int choose_hook(Machine m) except -1:
    """Find the persistent_load that this load() will call."""
    m.persistent_now = m.persistent
    if habits.capture_hook is None and type(m) is not plain_unpickler and type(m) is not Machine:
        m.persistent_now = m.persistent_load
        m.persistent_bound = False
    return 0


include "load/collector.pxi"
