"""CPython's C API as this project uses it: the only `extern` declarations.

Each line says the exception spec; the comment says what happens to references: new, borrowed, steals.
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

cdef extern from "compat.h":
    bint CYP_LIKELY(bint) noexcept
    void *cyp_apart(void *function) noexcept
    bint CYP_UNLIKELY(bint) noexcept

    void cyp_write_u16(unsigned char *, uint32_t) noexcept
    void cyp_write_u32(unsigned char *, uint32_t) noexcept
    void cyp_write_u64(unsigned char *, uint64_t) noexcept
    uint32_t cyp_read_u16(const unsigned char *) noexcept
    uint32_t cyp_read_u32(const unsigned char *) noexcept
    uint64_t cyp_read_u64(const unsigned char *) noexcept
    void cyp_write_double_be(unsigned char *, double) noexcept
    double cyp_read_double_be(const unsigned char *) noexcept

    bint cyp_stack_is_low() noexcept
    bint cyp_stack_gets_low() noexcept

    # threads; "kept" is new on free-threaded builds, elsewhere borrowed
    bint cyp_is_free_threaded() noexcept
    PyObject *cyp_list_kept(PyObject *, Py_ssize_t) noexcept  # kept, or NULL without exception
    bint cyp_dict_next_kept(PyObject *, Py_ssize_t *pos, PyObject **key, PyObject **value) noexcept  # kept
    void cyp_drop_kept(PyObject *) noexcept
    void cyp_keep(PyObject *) noexcept  # from now on the caller's, on all builds
    PyObject *cyp_dict_get(PyObject *, PyObject *key) except? NULL  # new
    ctypedef struct CypOwner:
        pass
    bint cyp_own(CypOwner *) noexcept
    void cyp_disown(CypOwner *) noexcept
    uint64_t cyp_count(uint64_t *) noexcept

    void cyp_clear(void *, size_t nbytes) noexcept
    void cyp_copy_exact(unsigned char *dst, const unsigned char *src, Py_ssize_t nbytes) noexcept

    # emitter
    unsigned char cyp_number_op(unsigned int size) noexcept
    unsigned int cyp_number_bytes(unsigned int size) noexcept
    int *cyp_enter_emission() noexcept
    int *cyp_enter_loading() noexcept
    ctypedef PyObject *(*CypOneArgument)(PyObject *) noexcept
    void cyp_call_by_one(object function, CypOneArgument) noexcept
    bint cyp_is_unique(PyObject *) noexcept
    PyObject *cyp_call_method(PyObject *, PyObject *) except NULL  # new
    enum: CYP_BYTE_INT_SHIFT
    ctypedef struct CypByteInts:
        size_t first
        size_t nbytes
    CypByteInts cyp_byte_ints
    int cyp_find_byte_ints() except -1
    bint cyp_one_digit(PyObject *, int *) noexcept
    int64_t cyp_int_as_i64(PyObject *, int *fits) noexcept
    unsigned int cyp_signed_bytes(int64_t) noexcept
    Py_ssize_t cyp_int_bytes(PyObject *, unsigned char *dst, Py_ssize_t room) noexcept
    bint cyp_keeps_pair(PyObject *iterator) noexcept
    ctypedef struct ArrayInterface "CypArrayInterface":
        int nd
        int itemsize
        int flags
        Py_ssize_t *shape
        void *data
    int C_CONTIGUOUS "CYP_C_CONTIGUOUS"
    int WRITEABLE "CYP_WRITEABLE"
    int cyp_knows_ordereddict(PyTypeObject *) noexcept  # -1 for want of memory
    int cyp_ordereddict_next(PyObject *, void **node, PyObject **key) noexcept  # borrowed
    void *cyp_ordereddict_node_at(PyObject *, Py_ssize_t) noexcept
    PyObject *cyp_ordereddict_key_at(PyObject *, Py_ssize_t) noexcept  # borrowed
    Py_ssize_t cyp_deque_items(PyObject *, PyObject **items, Py_ssize_t most) noexcept  # borrowed
    int cyp_unicode_ready(PyObject *) except -1
    bint cyp_unicode_is_ready(PyObject *) noexcept
    PyObject **cyp_list_items(PyObject *) noexcept
    const unsigned char *cyp_ascii_data(PyObject *) noexcept
    unsigned int cyp_type_tag(PyTypeObject *) noexcept
    void cyp_make_immutable(PyTypeObject *) noexcept
    bint cyp_named_newobj(PyObject *cls) noexcept
    bint cyp_plain_key(PyObject *) noexcept
    bint cyp_single_tail_batch() noexcept
    bint cyp_getattr_chain() noexcept
    bint cyp_has_set_next() noexcept
    Py_ssize_t cyp_set_next(PyObject *set, Py_ssize_t pos, PyObject **items, Py_ssize_t *positions,
                            Py_ssize_t most) noexcept  # borrowed
    Py_ssize_t cyp_attrs_len(PyObject *) noexcept
    bint cyp_collects_in_allocations() noexcept
    bint cyp_dict_is_text(PyObject *) noexcept
    bint cyp_keys_are_plain(PyObject *) noexcept
    bint cyp_shares_keys(PyObject *) noexcept
    PyObject *cyp_call_hook(PyObject *hook, PyObject *) except NULL  # new
    bint cyp_lacks_class(PyObject *, PyObject *cls) noexcept
    bint cyp_dict_next(PyObject *, Py_ssize_t *pos, PyObject **key, PyObject **value) noexcept  # borrowed
    ctypedef struct CypPairs:
        pass
    PyObject **cyp_named_pairs(PyObject *dict) noexcept
    void cyp_pairs_begin(CypPairs *, PyObject *dict) noexcept
    bint cyp_pairs_next(CypPairs *, PyObject **key, PyObject **value) noexcept  # borrowed
    Py_ssize_t cyp_pairs_pos(CypPairs *) noexcept
    bint cyp_attrs_next(PyObject *, Py_ssize_t *pos, PyObject **key, PyObject **value) noexcept  # borrowed
    PyObject *cyp_shared_name(PyTypeObject *, Py_ssize_t index, Py_ssize_t *count) noexcept  # borrowed
    bint cyp_is_finalizing() noexcept
    bint cyp_shares_names(PyTypeObject *, PyObject *dict) noexcept
    PyObject *cyp_instance_dict(PyObject *) noexcept  # borrowed
    bint cyp_dict_is_made_on_demand() noexcept
    Py_ssize_t cyp_slot_offset(PyTypeObject *, PyObject *descriptor, bint any_member) noexcept
    bint cyp_is_temporal_type(PyTypeObject *, int which) noexcept
    PyObject *cyp_temporal_tzinfo(PyObject *, int which) noexcept  # borrowed
    Py_ssize_t cyp_temporal_state(PyObject *, int which, unsigned char *state) noexcept
    int cyp_timedelta_field(PyObject *, int which) noexcept
    PyObject *cyp_take_error() noexcept  # new
    void cyp_restore_error(PyObject *) noexcept  # steals
    void cyp_set_no_memory() noexcept
    int cyp_default_protocol() noexcept
    bint cyp_captures_hooks() noexcept
    bint cyp_pure_error_notes() noexcept

cdef extern from "Python.h":
    PyTypeObject PyLong_Type, PyFloat_Type, PyUnicode_Type, PyBytes_Type, PyByteArray_Type, PyBool_Type
    PyTypeObject PyList_Type, PyTuple_Type, PyDict_Type, PySet_Type, PyFrozenSet_Type
    PyTypeObject PyType_Type, PyFunction_Type, PyPickleBuffer_Type
    PyObject *Py_None
    PyObject *Py_True
    PyObject *Py_False
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    void Py_INCREF(PyObject *) noexcept
    void Py_DECREF "cyp_decref"(PyObject *) noexcept
    void Py_XINCREF(PyObject *) noexcept
    void Py_XDECREF(PyObject *) noexcept
    bint PyGC_Disable() noexcept
    bint PyGC_Enable() noexcept
    void PyObject_GC_UnTrack(PyObject *) noexcept
    Py_ssize_t Py_REFCNT(PyObject *) noexcept
    Py_ssize_t Py_SIZE(PyObject *) noexcept
    bint PyOS_InterruptOccurred() noexcept  # in the main thread: SIGINT has come; it is taken, no code runs
    void PyErr_SetInterrupt() noexcept
    void *PyEval_GetFrame() noexcept  # borrowed, or NULL

    double PyFloat_AS_DOUBLE(PyObject *) noexcept
    double PyComplex_RealAsDouble(PyObject *) noexcept  # of an exact complex
    double PyComplex_ImagAsDouble(PyObject *) noexcept
    Py_ssize_t PyList_GET_SIZE(PyObject *) noexcept
    PyObject *PyList_GET_ITEM(PyObject *, Py_ssize_t) noexcept  # borrowed
    PyObject **PySequence_Fast_ITEMS(PyObject *) noexcept  # of a list or tuple, borrowed
    Py_ssize_t PyTuple_GET_SIZE(PyObject *) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t) noexcept  # borrowed
    PyObject *PyObject_Call(PyObject *, PyObject *args, PyObject *kwargs) except NULL  # new
    PyObject *PyTuple_GetSlice(PyObject *, Py_ssize_t, Py_ssize_t) except NULL  # new
    Py_ssize_t PyDict_Size(PyObject *) noexcept  # of an exact dict
    Py_ssize_t PyDict_GET_SIZE(PyObject *) noexcept
    bint PyDict_Next(PyObject *, Py_ssize_t *, PyObject **key, PyObject **value) noexcept  # borrowed
    PyObject *PyDict_GetItemWithError(PyObject *, PyObject *) except? NULL  # borrowed
    Py_ssize_t PySet_GET_SIZE(PyObject *) noexcept
    PyObject *PySequence_Tuple(PyObject *) except NULL  # new
    PyObject *PyIter_Next(PyObject *) except? NULL  # new
    bint PyIter_Check(PyObject *) noexcept
    bint PyCallable_Check(PyObject *) noexcept
    bint PyType_Check(PyObject *) noexcept
    bint PyTuple_Check(PyObject *) noexcept
    bint PyDict_Check(PyObject *) noexcept
    bint PyType_IsSubtype(PyTypeObject *, PyTypeObject *) noexcept

    bint PyUnicode_IS_COMPACT_ASCII(PyObject *) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *) noexcept
    int PyUnicode_KIND(PyObject *) noexcept
    int PyUnicode_Compare(PyObject *, PyObject *) noexcept
    void *PyUnicode_DATA(PyObject *) noexcept
    uint32_t PyUnicode_READ(int kind, void *data, Py_ssize_t index) noexcept
    unsigned char *PyBytes_AS_STRING "cyp_bytes_data"(PyObject *) noexcept
    Py_ssize_t PyBytes_GET_SIZE(PyObject *) noexcept
    PyObject *PyBytes_FromStringAndSize "cyp_bytes_new"(const unsigned char *, Py_ssize_t) except NULL  # new
    int _PyBytes_Resize(PyObject **, Py_ssize_t) except -1  # on failure releases and stores NULL

    const Py_buffer *PyPickleBuffer_GetBuffer(PyObject *) except NULL  # borrowed from it
    PyObject *PyObject_GenericGetDict(PyObject *, void *) except NULL  # new
    PyObject *PyImport_GetModule(PyObject *) except? NULL  # new
    PyObject *PyImport_GetModuleDict() noexcept  # borrowed
    PyObject *PyModule_GetDict(PyObject *) noexcept  # borrowed, of a module
    bint PyModule_CheckExact(PyObject *) noexcept
    PyObject *cyp_text_entry(PyObject *dict, PyObject *key) noexcept  # borrowed
    PyObject *cyp_class_qualname(PyTypeObject *) noexcept  # borrowed
    PyObject *cyp_class_entry(PyTypeObject *, PyObject *key) noexcept  # borrowed
    int Py_EnterRecursiveCall "cyp_enter_recursive_call"(const char *) except -1
    void Py_LeaveRecursiveCall() noexcept
    char *PyOS_double_to_string(double, char, int, int, int *) except NULL  # PyMem_Free
    int Py_DTSF_ADD_DOT_0
    Py_ssize_t PY_SSIZE_T_MAX
    void *PyMem_Malloc(size_t) noexcept
    void *PyMem_Calloc(size_t, size_t) noexcept
    void *PyMem_Realloc(void *, size_t) noexcept
    void PyMem_Free(void *) noexcept

# ==== machine ====

cdef extern from "compat.h":
    PyObject *cyp_call_with_size(object method, Py_ssize_t) except NULL  # new
    PyObject *cyp_str_new(const unsigned char *, Py_ssize_t nbytes) except NULL  # new
    uint64_t cyp_mix_bytes(const unsigned char *, Py_ssize_t nbytes) noexcept
    PyObject *cyp_int_from_le(const unsigned char *, Py_ssize_t nbytes) except NULL  # new
    int cyp_list_take(PyObject *list, PyObject **items, Py_ssize_t n) except -1  # steals on success only
    PyObject *cyp_dict_like(PyObject *shape, PyObject **items, Py_ssize_t n) noexcept  # new; steals unless NULL
    int cyp_dict_set_steal(PyObject *dict, PyObject *key, PyObject *value) except -1  # steals, on failure too
    Py_ssize_t cyp_dict_fill(PyObject *dict, PyObject **items, Py_ssize_t n, int *is_new) noexcept  # steals so many
    int cyp_dict_add_steal(PyObject *dict, PyObject *key, PyObject *value) except -1  # steals unless it is 1
    bint cyp_stores_as_dict(PyObject *) noexcept
    PyObject *cyp_type_find(PyTypeObject *, PyObject *name) noexcept  # borrowed, or NULL without exception
    unsigned int cyp_type_tag_new(PyTypeObject *) noexcept
    bint cyp_has_dict(PyTypeObject *) noexcept
    PyObject **cyp_dict_place(PyObject *) noexcept
    bint cyp_is_ast(PyTypeObject *) noexcept
    bint cyp_plain_dict(PyObject *descriptor, PyObject *of_class) noexcept
    bint cyp_has_setter(PyObject *descriptor) noexcept
    PyObject *cyp_object_new(PyTypeObject *, PyObject *no_args) except NULL  # new
    PyObject *cyp_instance_new(PyTypeObject *, Py_ssize_t body) except NULL  # new
    Py_ssize_t cyp_instance_body(PyTypeObject *) noexcept
    PyObject *cyp_int_new(long) except NULL  # new; of 32 bits
    bint cyp_default_new(PyTypeObject *) noexcept
    bint cyp_default_getattr(PyTypeObject *) noexcept
    bint cyp_default_setattr(PyTypeObject *) noexcept
    bint cyp_sets_by_class(PyTypeObject *, PyObject *of_class) noexcept
    PyObject **cyp_slot_at(PyObject *, Py_ssize_t offset) noexcept
    PyObject *cyp_function_code(PyObject *) noexcept  # borrowed
    PyObject *cyp_module_dict(PyObject *) noexcept  # borrowed
    bint cyp_same_new(PyTypeObject *, PyTypeObject *) noexcept
    bint cyp_has_new(PyTypeObject *) noexcept
    bint cyp_calls_plainly(PyTypeObject *) noexcept
    int cyp_knows_range() noexcept
    PyObject *cyp_range_new(PyObject **items, Py_ssize_t n) noexcept  # new
    int cyp_knows_decimal(PyTypeObject *) noexcept
    PyObject *cyp_decimal_make(PyTypeObject *, const unsigned char *, Py_ssize_t nbytes) noexcept  # new
    Py_ssize_t cyp_decimal_text(PyObject *, unsigned char *) noexcept  # writes 46 bytes at most
    bint cyp_are_lowest_terms(PyObject *, PyObject *) noexcept
    bint cyp_is_tuple_class(PyTypeObject *) noexcept
    PyObject *cyp_row_new(PyTypeObject *, PyObject **items, Py_ssize_t n, bint packed) except NULL  # new; steals
    bint cyp_is_packed(PyTypeObject *) noexcept
    PyObject **cyp_tuple_items(PyObject *) noexcept  # borrowed
    PyObject *cyp_items_copy(PyObject *) except NULL  # new
    int cyp_temporal_which(PyTypeObject *) noexcept
    PyObject *cyp_temporal_new(int which, const unsigned char *, Py_ssize_t nbytes, PyObject *tzinfo) noexcept  # new
    PyObject *cyp_timedelta_new(PyObject **items, Py_ssize_t n) noexcept  # new
    bint cyp_wants_tuple(PyObject *function) noexcept
    bint cyp_makes_plainly(PyTypeObject *, Py_ssize_t) noexcept
    bint cyp_is_method(PyObject *) noexcept
    PyObject *cyp_call_new(PyTypeObject *, PyObject *args, PyObject *kwargs) except NULL  # new
    const char *cyp_type_name(PyObject *) noexcept
    void cyp_set_readonly(PyObject *view) noexcept
    bint cyp_is_readonly(PyObject *view) noexcept
    ctypedef struct CypValues:
        pass
    CypValues *cyp_inline_values(PyObject *) noexcept
    Py_ssize_t cyp_values_size(CypValues *) noexcept
    int cyp_values_slot(CypValues *, Py_ssize_t pos) noexcept
    int cyp_values_slot_of(PyTypeObject *, PyObject *name) noexcept
    PyObject *cyp_values_at(CypValues *, int slot) noexcept  # borrowed, or NULL
    PyObject *cyp_values_put(CypValues *, int slot, PyObject *value) noexcept  # steals; returns the old one
    void cyp_values_fill(CypValues *, const int *slots, PyObject **pairs, Py_ssize_t n) noexcept

cdef extern from "Python.h":
    PyTypeObject PyGetSetDescr_Type, PyComplex_Type, PySlice_Type, PyRange_Type, PyCFunction_Type
    PyObject *PyComplex_FromDoubles(double, double) except NULL  # new
    PyObject *PySlice_New(PyObject *, PyObject *, PyObject *) except NULL  # new
    PyObject *PyObject_Vectorcall(PyObject *, PyObject **, size_t, PyObject *) except NULL  # new
    PyObject *PyLong_FromLong(long) except NULL  # new
    PyObject *raw_int "cyp_int_new"(long) noexcept  # new, or NULL with an exception; so the next
    PyObject *raw_float "PyFloat_FromDouble"(double) noexcept
    PyObject *raw_tuple "PyTuple_New"(Py_ssize_t) noexcept
    PyObject *raw_list "PyList_New"(Py_ssize_t) noexcept
    PyObject *raw_bytes "cyp_bytes_new"(const unsigned char *, Py_ssize_t) noexcept
    void PyErr_Clear() noexcept
    bint has_error "cyp_has_error"() noexcept
    PyObject *raw_instance "cyp_instance_new"(PyTypeObject *, Py_ssize_t body, PyObject *no_args) noexcept
    PyObject *raw_row "cyp_row_new"(PyTypeObject *, PyObject **items, Py_ssize_t n, bint packed) noexcept
    PyObject *raw_list_of "cyp_list_of"(PyObject **items, Py_ssize_t n) noexcept  # steals unless NULL
    PyObject *raw_str "cyp_str_new"(const unsigned char *, Py_ssize_t nbytes) noexcept
    void cyp_tuple_untrack(PyObject *, Py_ssize_t n) noexcept
    PyObject *raw_int_from_le "cyp_int_from_le"(const unsigned char *, Py_ssize_t nbytes) noexcept
    PyObject *PyLong_FromString(const char *, char **end, int base) except NULL  # new
    Py_ssize_t PyLong_AsSsize_t(PyObject *) except? -1
    PyObject *PyFloat_FromDouble(double) except NULL  # new
    double PyOS_string_to_double(const char *, char **end, PyObject *overflow) except? -1.0
    PyObject *PyExc_OverflowError
    PyObject *PyUnicode_Decode(const char *, Py_ssize_t, const char *encoding, const char *errors) except NULL  # new
    PyObject *PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *errors) except NULL  # new
    PyObject *PyUnicode_DecodeASCII(const char *, Py_ssize_t, const char *errors) except NULL  # new
    PyObject *PyUnicode_DecodeRawUnicodeEscape(const char *, Py_ssize_t, const char *errors) except NULL  # new
    PyObject *PyUnicode_FromEncodedObject(PyObject *, const char *encoding, const char *errors) except NULL  # new
    const char *PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *nbytes) except NULL  # borrowed from the str
    void PyUnicode_InternInPlace(PyObject **) noexcept
    bint PyUnicode_CheckExact(PyObject *) noexcept
    PyObject *PyBytes_DecodeEscape(const char *, Py_ssize_t, const char *, Py_ssize_t, const char *) except NULL  # new
    unsigned char *PyByteArray_AS_STRING "cyp_bytearray_data"(PyObject *) noexcept
    PyObject *PyByteArray_FromStringAndSize "cyp_bytearray_new"(const unsigned char *, Py_ssize_t) except NULL  # new
    int PyByteArray_Resize(PyObject *, Py_ssize_t) except -1
    PyObject *PyList_New(Py_ssize_t) except NULL  # new
    bint PyList_CheckExact(PyObject *) noexcept
    PyObject *PyTuple_New(Py_ssize_t) except NULL  # new
    bint PyTuple_CheckExact(PyObject *) noexcept
    void PyTuple_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept  # steals
    PyObject *PyDict_New() except NULL  # new
    PyObject *PyDict_Copy(PyObject *) except NULL  # new
    bint PyDict_CheckExact(PyObject *) noexcept
    int PyDict_Update(PyObject *, PyObject *) except -1
    int PyDict_SetItem(PyObject *, PyObject *, PyObject *) except -1
    PyObject *PySet_New(PyObject *) except NULL  # new
    PyObject *PyFrozenSet_New(PyObject *) except NULL  # new
    bint PySet_Check(PyObject *) noexcept
    int PySet_Add(PyObject *, PyObject *) except -1
    PyObject *PyMemoryView_FromObject(PyObject *) except NULL  # new
    PyObject *PyObject_CallObject(PyObject *, PyObject *args) except NULL  # new
    PyObject *PyObject_CallMethodOneArg(PyObject *, PyObject *name, PyObject *) except NULL  # new
    int PyObject_SetAttr(PyObject *, PyObject *, PyObject *) except -1
    int PyObject_GenericSetAttr(PyObject *, PyObject *, PyObject *) except -1
    int PyObject_SetItem(PyObject *, PyObject *, PyObject *) except -1
    PyObject *PyImport_Import(PyObject *) except NULL  # new
    int PySys_Audit(const char *event, const char *format, ...) except -1
    PyTypeObject *PyDescr_TYPE(PyObject *) noexcept  # borrowed
    PyObject *PyErr_NoMemory() except NULL
