/* The part of compat.h that the emitter needs: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback for whatever reaches into CPython's internals. */
#ifndef CYPICKLE_COMPAT_EMIT_H
#define CYPICKLE_COMPAT_EMIT_H

/* ---- emitter: dumps under way on this thread ------------------------------------------------------- */

static CYP_THREAD_LOCAL int cyp_emissions;
/* How many there are, this one included; to be counted down at its end. */
static inline int *cyp_enter_emission(void)
{
    int *emissions = &cyp_emissions;
    ++*emissions;
    return emissions;
}

/* ---- emitter: where a class is found ------------------------------------------------------------------ */

/* Whether sys.modules may be gone: PyImport_GetModuleDict() would abort the process. */
static inline int cyp_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* dict[key] for a str, borrowed; NULL where there is none, or where looking might run user code. */
static inline PyObject *cyp_text_entry(PyObject *dict, PyObject *key)
{
#if defined(CYP_INLINE_VALUES)
    if (PyDict_CheckExact(dict) && ((PyDictObject *)dict)->ma_keys->dk_kind != DICT_KEYS_GENERAL)
        return PyDict_GetItemWithError(dict, key);  /* which has nothing to raise */
#endif
    (void)dict; (void)key;
    return NULL;
}
/* What the metaclass `type` says of a class, borrowed: its __qualname__, and its own attributes.  NULL for any other. */
static inline PyObject *cyp_class_qualname(PyTypeObject *tp)
{
    if (!PyType_HasFeature(tp, Py_TPFLAGS_HEAPTYPE) || !Py_IS_TYPE((PyObject *)tp, &PyType_Type)) return NULL;
    return ((PyHeapTypeObject *)tp)->ht_qualname;
}
static inline PyObject *cyp_class_entry(PyTypeObject *tp, PyObject *key) { return cyp_text_entry(tp->tp_dict, key); }

/* ---- emitter: references and numbers ------------------------------------------------------------ */

/* True when the only reference is the one we look through.  Free-threaded builds keep part of the count
   in thread-local form, so there nothing looks unique. */
static inline int cyp_is_unique(PyObject *o)
{
#ifdef Py_GIL_DISABLED
    (void)o;
    return 0;
#else
    return Py_REFCNT(o) == 1;
#endif
}

/* pycore_long.h, NON_SIZE_BITS, since 3.12: the sign and a flag are below the number of digits. */
#define CYP_LONG_SIZE_SHIFT 3

/* An exact int of one digit, which fits in 31 bits: its value.  0 for a longer one, or where nobody may tell. */
static inline int cyp_one_digit(PyObject *o, int *value)
{
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX >= 0x030C0000
    if (CYP_UNLIKELY(!PyUnstable_Long_IsCompact((PyLongObject *)o))) return 0;
    *value = (int)PyUnstable_Long_CompactValue((PyLongObject *)o);
    return 1;
#elif !defined(CYPICKLE_NO_INTERNALS)
    Py_ssize_t size = Py_SIZE(o);
    if (CYP_UNLIKELY(size < -1 || size > 1)) return 0;
    *value = (int)size * (int)((PyLongObject *)o)->ob_digit[0];
    return 1;
#else
    (void)o; (void)value;
    return 0;
#endif
}

/* Where the ints from 0 to 255 are, if there is one object for each, side by side; else no address is among them. */
#define CYP_BYTE_INT_SHIFT 5
typedef struct {
    size_t first;
    size_t nbytes;
} CypByteInts;
static CypByteInts cyp_byte_ints;
static inline int cyp_find_byte_ints(void)
{
    size_t first = 0;
    for (long i = 0; i < 256; i++) {
        PyObject *one = PyLong_FromLong(i);  /* kept for ever */
        PyObject *again = PyLong_FromLong(i);
        if (one == NULL || again == NULL) return -1;
        Py_DECREF(again);
        if (i == 0) first = (size_t)one;
        if (one != again || (size_t)one != first + ((size_t)i << CYP_BYTE_INT_SHIFT)) return 0;
    }
    cyp_byte_ints.first = first;
    cyp_byte_ints.nbytes = (size_t)256 << CYP_BYTE_INT_SHIFT;
    return 0;
}

/* Of BININT1, BININT2 and BININT the opcode, and how many bytes it takes with its argument: looked up, which is less
   than a shift by a variable. */
static inline unsigned char cyp_number_op(unsigned int size) { return (unsigned char)"KMJ"[size]; }
static inline unsigned int cyp_number_bytes(unsigned int size) { return (unsigned char)"\2\3\5"[size]; }

/* cyp_int_as_i64() by the public API.  Apart, and with its result in registers: a caller that shows somebody a variable's
   address keeps it in memory, and guards its stack. */
typedef struct { int64_t value; int64_t fits; } CypWide;
static CYP_COLD CypWide cyp_wide_int(PyObject *o)
{
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    CypWide wide = {(int64_t)v, !overflow};
    return wide;
}

/* The value of an exact int as 64 bits; *fits is 0 when it needs more. */
static inline int64_t cyp_int_as_i64(PyObject *o, int *fits)
{
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX >= 0x030C0000
    const PyLongObject *self = (PyLongObject *)o;
    if (CYP_LIKELY(PyUnstable_Long_IsCompact(self))) {
        *fits = 1;
        return (int64_t)PyUnstable_Long_CompactValue(self);
    }
#if PyLong_SHIFT == 30
    if (self->long_value.lv_tag >> CYP_LONG_SIZE_SHIFT == 2) {
        int64_t magnitude = (int64_t)self->long_value.ob_digit[0] | (int64_t)self->long_value.ob_digit[1] << 30;
        *fits = 1;
        return self->long_value.lv_tag & 3 ? -magnitude : magnitude;
    }
#endif
#elif !defined(CYPICKLE_NO_INTERNALS)
    Py_ssize_t size = Py_SIZE(o);
    const digit *digits = ((PyLongObject *)o)->ob_digit;
    if (CYP_LIKELY(size >= -1 && size <= 1)) {
        *fits = 1;
        return (int64_t)size * (int64_t)digits[0];
    }
#if PyLong_SHIFT == 30
    if (size == 2 || size == -2) {
        int64_t magnitude = (int64_t)digits[0] | (int64_t)digits[1] << 30;
        *fits = 1;
        return size < 0 ? -magnitude : magnitude;
    }
#endif
#endif
    CypWide wide = cyp_wide_int(o);
    *fits = (int)wide.fits;
    return wide.value;
}

/* How many bytes the two's complement of a number needs, 1 to 8. */
static inline unsigned int cyp_signed_bytes(int64_t value)
{
    uint64_t magnitude = (uint64_t)(value < 0 ? ~value : value);
#if defined(__GNUC__) || defined(__clang__)
    return magnitude ? (unsigned int)(72 - __builtin_clzll(magnitude)) >> 3 : 1;
#else
    unsigned int nbytes = 1;
    while (magnitude >> (8 * nbytes - 1)) nbytes++;
    return nbytes;
#endif
}

/* The shortest two's complement of an exact int, little-endian, at dst; how many bytes, -1 where room is too small
   or the public API does not tell. */
static inline Py_ssize_t cyp_int_bytes(PyObject *o, unsigned char *dst, Py_ssize_t room)
{
#if PY_VERSION_HEX >= 0x030D0000
    Py_ssize_t n = PyLong_AsNativeBytes(o, dst, room, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
    if (n < 0) PyErr_Clear();
    if (n < 0 || n > room) return -1;
    n = room;
#elif !defined(CYPICKLE_NO_INTERNALS)
    Py_ssize_t n = room;
    if (_PyLong_NumBits(o) >= 8 * (size_t)room) return -1;  /* without making an exception */
    if (_PyLong_AsByteArray((PyLongObject *)o, dst, (size_t)room, 1, 1) < 0) {
        PyErr_Clear();
        return -1;
    }
#else
    Py_ssize_t n = 0;
    (void)o; (void)dst; (void)room;
    return -1;
#endif
    while (n > 1 && dst[n - 1] == (dst[n - 2] & 0x80 ? 0xFF : 0)) n--;
    return n;
}

/* An OrderedDict: its keys are in a list of nodes.  Source: Objects/odictobject.c, the same from 3.5 to 3.15. */
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000
typedef struct CypNode {
    PyObject *key;
    Py_hash_t hash;
    struct CypNode *next, *prev;
} CypNode;
typedef struct {
    PyDictObject dict;
    CypNode *first, *last;
    CypNode **fast_nodes;
    Py_ssize_t fast_nodes_size;
    void *resize_sentinel;
    size_t state;
    PyObject *attributes, *weakrefs;
} CypOrderedDict;
static PyTypeObject *cyp_ordereddict_type;

/* The key, borrowed, of the node after *node of an exact OrderedDict, at first NULL; 0 after the last. */
static inline int cyp_ordereddict_next(PyObject *o, void **node, PyObject **key)
{
    CypNode *next = *node == NULL ? ((CypOrderedDict *)o)->first : ((CypNode *)*node)->next;
    if (next == NULL) return 0;
    *node = next;
    *key = next->key;
    return 1;
}
/* The node that belongs to the entry of the dict below with this index: the one that iterating looks for.  NULL: none, or
   it would be looked for otherwise first. */
static inline void *cyp_ordereddict_node_at(PyObject *o, Py_ssize_t i)
{
    CypOrderedDict *od = (CypOrderedDict *)o;
    return od->resize_sentinel == od->dict.ma_keys && i < od->fast_nodes_size ? od->fast_nodes[i] : NULL;
}
/* Its key, borrowed, or NULL. */
static inline PyObject *cyp_ordereddict_key_at(PyObject *o, Py_ssize_t i)
{
    CypNode *node = cyp_ordereddict_node_at(o, i);
    return node == NULL ? NULL : node->key;
}
/* Whether tp is that OrderedDict and keeps its keys like this: one is made and looked at.  -1 for want of memory. */
static inline int cyp_knows_ordereddict(PyTypeObject *tp)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    static const int order[] = {2, 0, 3};
    PyObject *keys[4] = {NULL}, *key, *moved = NULL;
    void *node = NULL;
    int ok = tp == cyp_ordereddict_type;
    if (ok || tp != &PyODict_Type || tp->tp_basicsize != sizeof(CypOrderedDict)) return ok;
    PyObject *o = PyODict_New();
    ok = o != NULL;
    for (int i = 0; ok && i < 4; i++) {
        keys[i] = PyUnicode_FromString(names[i]);
        ok = keys[i] != NULL && PyODict_SetItem(o, keys[i], Py_None) == 0;
        if (ok && i == 2) ok = (moved = PyObject_CallMethod(o, "move_to_end", "O", keys[0])) != NULL;
    }
    ok = ok && PyODict_DelItem(o, keys[1]) == 0;
    if (ok) {
        for (int i = 0; ok && i < 3; i++) ok = cyp_ordereddict_next(o, &node, &key) && key == keys[order[i]];
        ok = ok && !cyp_ordereddict_next(o, &node, &key);
        for (int i = 0; ok && i < 4; i++) ok = cyp_ordereddict_key_at(o, i) == (i == 1 ? NULL : keys[i]);
        if (ok) cyp_ordereddict_type = tp;
    }
    else {
        PyErr_Clear();
        ok = -1;
    }
    for (int i = 0; i < 4; i++) Py_XDECREF(keys[i]);
    Py_XDECREF(moved);
    Py_XDECREF(o);
    return ok;
}
#else
static inline int cyp_knows_ordereddict(PyTypeObject *tp) { (void)tp; return 0; }
static inline int cyp_ordereddict_next(PyObject *o, void **node, PyObject **key)
{
    (void)o; (void)node; (void)key;
    return 0;
}
static inline void *cyp_ordereddict_node_at(PyObject *o, Py_ssize_t i) { (void)o; (void)i; return NULL; }
static inline PyObject *cyp_ordereddict_key_at(PyObject *o, Py_ssize_t i) { (void)o; (void)i; return NULL; }
#endif

/* The items of an exact deque without a maximum, borrowed; how many, -1 for more than `most` or where there is one. */
static inline Py_ssize_t cyp_deque_items(PyObject *o, PyObject **items, Py_ssize_t most)
{
    static PyObject *name;
    if (name == NULL) name = PyUnicode_InternFromString("maxlen");
    Py_ssize_t n = PySequence_Size(o);
    PyObject *maximum = name != NULL && n >= 0 && n <= most ? PyObject_GetAttr(o, name) : NULL;
    Py_XDECREF(maximum);
    if (maximum != Py_None) n = -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        items[i] = PySequence_GetItem(o, i);
        if (items[i] == NULL) n = -1;
        else Py_DECREF(items[i]);  /* the deque has it */
    }
    PyErr_Clear();
    return n;
}

static inline int cyp_unicode_ready(PyObject *o)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyUnicode_READY(o);
#else
    (void)o;
    return 0;
#endif
}

/* The items of an exact list, without asking whether it is one. */
static inline PyObject **cyp_list_items(PyObject *o) { return ((PyListObject *)o)->ob_item; }

/* The text of a str that is compact and ASCII, which PyUnicode_DATA would look at again. */
static inline const unsigned char *cyp_ascii_data(PyObject *o) { return (unsigned char *)((PyASCIIObject *)o + 1); }

/* Nothing has to be done, which may fail, before the text can be looked at. */
static inline int cyp_unicode_is_ready(PyObject *o)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyUnicode_IS_READY(o);
#else
    (void)o;
    return 1;
#endif
}

/* Whether o is a class that hashes and compares as classes do: by address. */
static inline int cyp_plain_key(PyObject *o)
{
    PyTypeObject *meta = Py_TYPE(o);
    return meta == &PyType_Type || (PyType_Check(o) && meta->tp_hash == PyType_Type.tp_hash
                                    && meta->tp_richcompare == PyType_Type.tp_richcompare);
}

/* Whether an iterator of (key, value) keeps the pair that it gives, to use it again: nobody else has it then. */
static inline int cyp_keeps_pair(PyObject *iterator)
{
    return Py_IS_TYPE(iterator, &PyDictIterItem_Type) || Py_IS_TYPE(iterator, &PyODictIter_Type);
}

/* What numpy's arrays give as __array_struct__, in a capsule; it leaves nothing behind, which a buffer does.
   Source: numpy's documentation of the array interface. */
typedef struct {
    int two, nd;
    char typekind;
    int itemsize, flags;
    Py_intptr_t *shape, *strides;
    void *data;
    PyObject *descr;
} CypArrayInterface;
enum { CYP_C_CONTIGUOUS = 0x1, CYP_WRITEABLE = 0x400 };

/* o.name(), new reference, for an object whose own attributes do not matter and whose type looks them up as usual. */
static inline PyObject *cyp_call_method(PyObject *o, PyObject *name)
{
#if !defined(CYPICKLE_NO_INTERNALS) && !defined(Py_GIL_DISABLED)
    PyObject *function = _PyType_Lookup(Py_TYPE(o), name);
    if (function != NULL && PyFunction_Check(function)) {
        PyObject *result;
        Py_INCREF(function);
        result = PyObject_Vectorcall(function, &o, 1, NULL);
        Py_DECREF(function);
        return result;
    }
#endif
    return PyObject_VectorcallMethod(name, &o, 1, NULL);
}

/* hook(o), new reference.  The function of a bound method is called without asking the method. */
static inline PyObject *cyp_call_hook(PyObject *hook, PyObject *o)
{
    if (CYP_LIKELY(PyMethod_Check(hook))) {
        PyObject *args[2] = {PyMethod_GET_SELF(hook), o};
        return PyObject_Vectorcall(PyMethod_GET_FUNCTION(hook), args, 2, NULL);
    }
    return PyObject_CallOneArg(hook, o);
}

/* Whether a class is called __newobj__ or __newobj_ex__, which the reduce protocol tells by name. */
static inline int cyp_named_newobj(PyObject *cls)
{
    const char *name = ((PyTypeObject *)cls)->tp_name, *dot;
    if (PyType_HasFeature((PyTypeObject *)cls, Py_TPFLAGS_HEAPTYPE)) {
        PyObject *own = ((PyHeapTypeObject *)cls)->ht_name;
        if (PyUnicode_IS_COMPACT_ASCII(own) && ((const char *)PyUnicode_DATA(own))[0] != '_') return 0;
    }
    dot = strrchr(name, '.');
    return strncmp(dot ? dot + 1 : name, "__newobj", 8) == 0;
}

/* For a class that nobody has used yet. */
static inline void cyp_make_immutable(PyTypeObject *cls) { cls->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE; }

/* _pickle.c since 3.15: a last batch of one item has no MARK, and no empty batch ends a full one. */
static inline int cyp_single_tail_batch(void) { return PY_VERSION_HEX >= 0x030F0000; }

/* Nested names below protocol 4: a chain of getattr since 3.13 (_pickle.c save_global), before that
   getattr(parent, name) with the parent saved as an object of its own. */
static inline int cyp_getattr_chain(void) { return PY_VERSION_HEX >= 0x030D0000; }

/* ---- emitter: the next elements of a set ----------------------------------------------------------

   Borrowed, up to `most` of them from position pos on; positions[i] is where to go on after the i-th.  The table
   is full of holes, so they are skipped without a branch. */
#if !defined(CYPICKLE_NO_INTERNALS)
static inline Py_ssize_t cyp_set_next(PyObject *set, Py_ssize_t pos, PyObject **items, Py_ssize_t *positions,
                                      Py_ssize_t most)
{
    const setentry *table = ((PySetObject *)set)->table;
    Py_ssize_t end = ((PySetObject *)set)->mask + 1, n = 0;
    for (; pos < end && n < most; pos++) {
        items[n] = table[pos].key;
        positions[n] = pos + 1;
        n += (table[pos].key != NULL) & (table[pos].hash != -1);  /* -1: a removed element, setobject.c */
    }
    return n;
}
static inline int cyp_has_set_next(void) { return 1; }
#else
static inline Py_ssize_t cyp_set_next(PyObject *set, Py_ssize_t pos, PyObject **items, Py_ssize_t *positions,
                                      Py_ssize_t most)
{
    (void)set; (void)pos; (void)items; (void)positions; (void)most;
    return 0;
}
static inline int cyp_has_set_next(void) { return 0; }
#endif

/* ---- emitter: slots and the types of datetime, by the public API ---------------------------------- */

/* Where an ordinary slot, or a member of a type in C, keeps its object, in bytes from the one that it belongs to; -1
   for any other descriptor, and for one that is not of tp. */
static inline Py_ssize_t cyp_slot_offset(PyTypeObject *tp, PyObject *descriptor, int any_member)
{
    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type) || !PyType_IsSubtype(tp, PyDescr_TYPE(descriptor))) return -1;
    PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
    if (any_member && member->type == T_OBJECT && (member->flags & ~READONLY) == 0) return member->offset;
    return member->type == T_OBJECT_EX && (member->flags & (any_member ? ~READONLY : ~0)) == 0 ? member->offset : -1;
}
/* Whether tp is the type of _datetime: 0 date, 1 datetime, 2 time, 3 timedelta. */
static inline int cyp_is_temporal_type(PyTypeObject *tp, int which)
{
    if (PyDateTimeAPI == NULL) {
        PyDateTime_IMPORT;
        if (PyDateTimeAPI == NULL) {
            PyErr_Clear();
            return 0;
        }
    }
    switch (which) {
    case 0: return tp == PyDateTimeAPI->DateType;
    case 1: return tp == PyDateTimeAPI->DateTimeType;
    case 2: return tp == PyDateTimeAPI->TimeType;
    default: return tp == PyDateTimeAPI->DeltaType;
    }
}
/* The tzinfo, borrowed, or NULL for None and where the type has none. */
static inline PyObject *cyp_temporal_tzinfo(PyObject *o, int which)
{
    PyObject *tzinfo = Py_None;
    if (which == 1) tzinfo = PyDateTime_DATE_GET_TZINFO(o);
    else if (which == 2) tzinfo = PyDateTime_TIME_GET_TZINFO(o);
    return tzinfo == Py_None ? NULL : tzinfo;
}
/* The state bytes that the reducer gives, protocol 4 or later; how many, 0 for timedelta. */
static inline Py_ssize_t cyp_temporal_state(PyObject *o, int which, unsigned char *state)
{
    if (which == 1) {
        memcpy(state, ((PyDateTime_DateTime *)o)->data, _PyDateTime_DATETIME_DATASIZE);
        if (PyDateTime_DATE_GET_FOLD(o)) state[2] |= 0x80;
        return _PyDateTime_DATETIME_DATASIZE;
    }
    if (which == 0) {
        memcpy(state, ((PyDateTime_Date *)o)->data, _PyDateTime_DATE_DATASIZE);
        return _PyDateTime_DATE_DATASIZE;
    }
    if (which == 2) {
        memcpy(state, ((PyDateTime_Time *)o)->data, _PyDateTime_TIME_DATASIZE);
        if (PyDateTime_TIME_GET_FOLD(o)) state[0] |= 0x80;
        return _PyDateTime_TIME_DATASIZE;
    }
    return 0;
}
/* days, seconds, microseconds */
static inline int cyp_timedelta_field(PyObject *o, int which)
{
    return which == 0 ? PyDateTime_DELTA_GET_DAYS(o)
         : which == 1 ? PyDateTime_DELTA_GET_SECONDS(o)
                      : PyDateTime_DELTA_GET_MICROSECONDS(o);
}

/* ---- emitter: the error indicator as one object -------------------------------------------------- */

static inline PyObject *cyp_take_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}
/* Steals. */
static inline void cyp_restore_error(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyObject *type = (PyObject *)Py_TYPE(error);
    Py_INCREF(type);
    PyErr_Restore(type, error, PyException_GetTraceback(error));
#endif
}
static inline void cyp_set_no_memory(void) { PyErr_NoMemory(); }

/* pickle.DEFAULT_PROTOCOL is 5 since 3.14. */
static inline int cyp_default_protocol(void) { return PY_VERSION_HEX >= 0x030E0000 ? 5 : 4; }
/* pickle._Pickler adds notes to errors, and tells its batch methods the container, since 3.14. */
static inline int cyp_pure_error_notes(void) { return PY_VERSION_HEX >= 0x030E0000; }
/* persistent_id is captured by Pickler.__init__ up to 3.12, looked up by each dump() since. */
static inline int cyp_captures_hooks(void) { return PY_VERSION_HEX < 0x030D0000; }

#endif
