/* The only file that knows CPython's versions and compilers' dialects.

   Everything here is `static inline`, named cyp_* or CYP_*, with a public-API fallback for whatever
   reaches into CPython's internals.  CYPICKLE_NO_INTERNALS selects the fallbacks everywhere. */
#ifndef CYPICKLE_COMPAT_H
#define CYPICKLE_COMPAT_H

#include <Python.h>
#include <datetime.h>
#include <structmember.h>
#include <stdint.h>
#include <string.h>

/* ---- compiler ---------------------------------------------------------------------------------- */

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  /* Cython names the type slots that it knows */
#define CYP_LIKELY(x) __builtin_expect(!!(x), 1)
#define CYP_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define CYP_LIKELY(x) (x)
#define CYP_UNLIKELY(x) (x)
#endif

/* ---- bytes: the pickle stream is little-endian, BINFLOAT is big-endian -------------------------- */

static inline void cyp_write_u16(unsigned char *p, uint32_t v) { p[0] = (unsigned char)v; p[1] = (unsigned char)(v >> 8); }
static inline void cyp_write_u32(unsigned char *p, uint32_t v)
{
#if PY_LITTLE_ENDIAN
    memcpy(p, &v, 4);
#else
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (8 * i));
#endif
}
static inline void cyp_write_u64(unsigned char *p, uint64_t v)
{
#if PY_LITTLE_ENDIAN
    memcpy(p, &v, 8);
#else
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
#endif
}
static inline uint32_t cyp_read_u16(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t cyp_read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t cyp_read_u64(const unsigned char *p)
{
    return (uint64_t)cyp_read_u32(p) | (uint64_t)cyp_read_u32(p + 4) << 32;
}
static inline void cyp_write_double_be(unsigned char *p, double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(u >> (56 - 8 * i));
}
static inline double cyp_read_double_be(const unsigned char *p)
{
    uint64_t u = 0;
    double d;
    for (int i = 0; i < 8; i++) u = u << 8 | p[i];
    memcpy(&d, &u, 8);
    return d;
}

/* ---- bytes objects hold unsigned bytes, to us ---------------------------------------------------- */

static inline unsigned char *cyp_bytes_data(PyObject *o) { return (unsigned char *)PyBytes_AS_STRING(o); }
static inline PyObject *cyp_bytes_new(const unsigned char *data, Py_ssize_t nbytes)
{
    return PyBytes_FromStringAndSize((const char *)data, nbytes);
}

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

/* The value of an exact int as 64 bits; *fits is 0 when it needs more. */
static inline int64_t cyp_int_as_i64(PyObject *o, int *fits)
{
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX >= 0x030C0000
    if (CYP_LIKELY(PyUnstable_Long_IsCompact((PyLongObject *)o))) {
        *fits = 1;
        return (int64_t)PyUnstable_Long_CompactValue((PyLongObject *)o);
    }
#elif !defined(CYPICKLE_NO_INTERNALS)
    Py_ssize_t size = Py_SIZE(o);
    if (CYP_LIKELY(size >= -1 && size <= 1)) {
        *fits = 1;
        return (int64_t)size * (int64_t)((PyLongObject *)o)->ob_digit[0];
    }
#endif
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    *fits = !overflow;
    return (int64_t)v;
}

/* Copies n bytes; may write, but never read, up to 16 bytes where n is smaller: dst has that room. */
static inline void cyp_copy_short(unsigned char *dst, const unsigned char *src, Py_ssize_t n)
{
    if (n >= 16) memcpy(dst, src, (size_t)n);
    else if (n >= 8) {
        uint64_t a, b;
        memcpy(&a, src, 8);
        memcpy(&b, src + n - 8, 8);
        memcpy(dst, &a, 8);
        memcpy(dst + n - 8, &b, 8);
    }
    else if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, src, 4);
        memcpy(&b, src + n - 4, 4);
        memcpy(dst, &a, 4);
        memcpy(dst + n - 4, &b, 4);
    }
    else if (n > 0) {
        dst[0] = src[0];
        dst[n >> 1] = src[n >> 1];
        dst[n - 1] = src[n - 1];
    }
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

/* The version tag of a type: changes when the type or a base changes; 0 means: cache nothing. */
static inline unsigned int cyp_type_tag(PyTypeObject *tp)
{
#if defined(Py_GIL_DISABLED)
    (void)tp;
    return 0;
#else
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(tp, Py_TPFLAGS_VALID_VERSION_TAG)) return 0;
#endif
    return tp->tp_version_tag;
#endif
}

/* Whether a class is called __newobj__ or __newobj_ex__, which the reduce protocol tells by name. */
static inline int cyp_named_newobj(PyObject *cls)
{
    const char *name = ((PyTypeObject *)cls)->tp_name;
    const char *dot = strrchr(name, '.');
    return strncmp(dot ? dot + 1 : name, "__newobj", 8) == 0;
}

static inline int cyp_has_plain_getattr(PyTypeObject *tp) { return tp->tp_getattro == PyObject_GenericGetAttr; }

/* For a class that nobody has used yet. */
static inline void cyp_make_immutable(PyTypeObject *cls) { cls->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE; }

/* The collector runs inside allocations of tracked objects up to 3.11, between bytecodes from 3.12 on. */
static inline int cyp_gc_runs_in_alloc(void) { return PY_VERSION_HEX < 0x030C0000; }

/* _pickle.c since 3.15: a last batch of one item has no MARK, and no empty batch ends a full one. */
static inline int cyp_single_tail_batch(void) { return PY_VERSION_HEX >= 0x030F0000; }

/* Nested names below protocol 4: a chain of getattr since 3.13 (_pickle.c save_global), before that
   getattr(parent, name) with the parent saved as an object of its own. */
static inline int cyp_getattr_chain(void) { return PY_VERSION_HEX >= 0x030D0000; }

/* ---- emitter: the next entry of a set -------------------------------------------------------------
   Borrowed, as in PyDict_Next.  0 at the end, -1: not available, iterate over a copy. */
#if !defined(CYPICKLE_NO_INTERNALS) && !defined(Py_GIL_DISABLED)
#if PY_VERSION_HEX >= 0x030D0000
PyAPI_FUNC(int) _PySet_NextEntry(PyObject *set, Py_ssize_t *pos, PyObject **key, Py_hash_t *hash);
#endif
static inline int cyp_set_next(PyObject *set, Py_ssize_t *pos, PyObject **item)
{
    Py_hash_t hash;
    return _PySet_NextEntry(set, pos, item, &hash);
}
static inline int cyp_has_set_next(void) { return 1; }
#else
static inline int cyp_set_next(PyObject *set, Py_ssize_t *pos, PyObject **item)
{
    (void)set; (void)pos; (void)item;
    return 0;
}
static inline int cyp_has_set_next(void) { return 0; }
#endif

/* ---- emitter: instance attributes without a dictionary -------------------------------------------

   CPython keeps the attributes of an ordinary instance in an array beside it, under keys shared by the
   type, until somebody asks for __dict__.  Layout: one for 3.11 (Include/internal/pycore_dict.h), one for
   3.12, one since 3.13; unknown versions take the fallback, which says "there is a dictionary". */
#if !defined(CYPICKLE_NO_INTERNALS) && !defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x03100000
#define CYP_INLINE_VALUES 1
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"  /* in CPython's own headers, as the next */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#define CYP_UNDEF_BUILD_CORE 1
#endif
#ifdef _PyGC_FINALIZED
#undef _PyGC_FINALIZED  /* 3.12: a macro outside, a function inside */
#endif
#include "internal/pycore_dict.h"
#if PY_VERSION_HEX >= 0x030D0000
#include "internal/pycore_object.h"
#endif
#ifdef CYP_UNDEF_BUILD_CORE
#undef Py_BUILD_CORE
#undef CYP_UNDEF_BUILD_CORE
#endif
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* The values of an instance that has no dictionary yet; NULL when it has one, or cannot do without. */
static inline PyDictValues *cyp_inline_values(PyObject *o)
{
    PyTypeObject *tp = Py_TYPE(o);
#if PY_VERSION_HEX >= 0x030D0000
    if (!(tp->tp_flags & Py_TPFLAGS_INLINE_VALUES) || _PyObject_GetManagedDict(o) != NULL) return NULL;
    PyDictValues *values = _PyObject_InlineValues(o);
    return values->valid ? values : NULL;
#else
    if (!(tp->tp_flags & Py_TPFLAGS_MANAGED_DICT)) return NULL;
#if PY_VERSION_HEX >= 0x030C0000
    char *values = ((char **)o)[-3];  /* odd: one below the values; even: the dictionary */
    return ((uintptr_t)values & 1) ? (PyDictValues *)(values + 1) : NULL;
#else
    return ((PyDictValues **)o)[-4];
#endif
#endif
}
static inline Py_ssize_t cyp_values_size(PyDictValues *values)
{
#if PY_VERSION_HEX >= 0x030D0000
    return values->size;
#else
    return ((uint8_t *)values)[-2];
#endif
}
/* The slot of the pos-th attribute in order of insertion. */
static inline int cyp_values_slot(PyDictValues *values, Py_ssize_t pos)
{
#if PY_VERSION_HEX >= 0x030D0000
    return ((uint8_t *)&values->values[values->capacity])[pos];
#else
    return ((uint8_t *)values)[-3 - pos];
#endif
}
static inline PyObject *cyp_managed_dict(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyObject *)_PyObject_GetManagedDict(o);
#else
    PyObject **dict = _PyObject_GetDictPtr(o);
    return dict ? *dict : NULL;
#endif
}
/* How many attributes an instance without a dictionary has; -1: it has, or must be given, a dictionary. */
static inline Py_ssize_t cyp_attrs_len(PyObject *o)
{
    PyDictValues *values = cyp_inline_values(o);
    return values ? cyp_values_size(values) : -1;
}
/* Like PyDict_Next over the attributes; goes on in the dictionary if one was made meanwhile. */
static inline int cyp_attrs_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    PyDictValues *values = cyp_inline_values(o);
    if (CYP_LIKELY(values != NULL)) {
        if (*pos >= cyp_values_size(values)) return 0;
        int slot = cyp_values_slot(values, (*pos)++);
        *key = DK_UNICODE_ENTRIES(((PyHeapTypeObject *)Py_TYPE(o))->ht_cached_keys)[slot].me_key;
        *value = values->values[slot];
        return 1;
    }
    PyObject *dict = cyp_managed_dict(o);
    return dict != NULL && PyDict_Next(dict, pos, key, value);
}
/* The names that instances of tp share; *count of them.  Names are only ever added. */
static inline PyObject *cyp_shared_name(PyTypeObject *tp, Py_ssize_t index, Py_ssize_t *count)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)tp)->ht_cached_keys;
    *count = keys->dk_nentries;
    return index < *count ? DK_UNICODE_ENTRIES(keys)[index].me_key : NULL;
}
#else
static inline Py_ssize_t cyp_attrs_len(PyObject *o) { (void)o; return -1; }
static inline int cyp_attrs_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    (void)o; (void)pos; (void)key; (void)value;
    return 0;
}
static inline PyObject *cyp_shared_name(PyTypeObject *tp, Py_ssize_t index, Py_ssize_t *count)
{
    (void)tp; (void)index;
    *count = 0;
    return NULL;
}
#endif

/* The dictionary of an instance, borrowed; NULL, without an exception, where it has none or an empty one that
   nobody made.  Call it where cyp_attrs_len() is -1. */
static inline PyObject *cyp_instance_dict(PyObject *o)
{
#ifdef CYPICKLE_NO_INTERNALS
    if (Py_TYPE(o)->tp_dictoffset == 0) return NULL;
    PyObject *dict = PyObject_GenericGetDict(o, NULL);
    Py_XDECREF(dict);  /* the instance holds it */
    return dict;
#else
    PyObject **dict = _PyObject_GetDictPtr(o);
    return dict ? *dict : NULL;
#endif
}
/* cyp_instance_dict may make one, which is a tracked object. */
static inline int cyp_dict_is_made_on_demand(void)
{
#if defined(CYPICKLE_NO_INTERNALS)
    return 1;
#else
    return 0;
#endif
}

/* ---- emitter: slots and the types of datetime, by the public API ---------------------------------- */

/* Where an ordinary slot keeps its value, in bytes from the object; -1 for any other descriptor. */
static inline Py_ssize_t cyp_slot_offset(PyObject *descriptor)
{
    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) return -1;
    PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
    return member->type == T_OBJECT_EX && member->flags == 0 ? member->offset : -1;
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
static inline PyObject *cyp_temporal_tzinfo(PyObject *o)
{
    PyObject *tzinfo = NULL;
    if (PyDateTime_CheckExact(o)) tzinfo = PyDateTime_DATE_GET_TZINFO(o);
    else if (PyTime_CheckExact(o)) tzinfo = PyDateTime_TIME_GET_TZINFO(o);
    return tzinfo == Py_None ? NULL : tzinfo;
}
/* The state bytes that the reducer gives, protocol 4 or later; how many, 0 for timedelta. */
static inline Py_ssize_t cyp_temporal_state(PyObject *o, unsigned char *state)
{
    unsigned char *p = state;
    if (PyDate_Check(o)) {
        int year = PyDateTime_GET_YEAR(o);
        *p++ = (unsigned char)(year >> 8);
        *p++ = (unsigned char)year;
        *p++ = (unsigned char)PyDateTime_GET_MONTH(o);
        *p++ = (unsigned char)PyDateTime_GET_DAY(o);
        if (PyDateTime_CheckExact(o)) {
            int us = PyDateTime_DATE_GET_MICROSECOND(o);
            if (PyDateTime_DATE_GET_FOLD(o)) state[2] |= 0x80;
            *p++ = (unsigned char)PyDateTime_DATE_GET_HOUR(o);
            *p++ = (unsigned char)PyDateTime_DATE_GET_MINUTE(o);
            *p++ = (unsigned char)PyDateTime_DATE_GET_SECOND(o);
            *p++ = (unsigned char)(us >> 16);
            *p++ = (unsigned char)(us >> 8);
            *p++ = (unsigned char)us;
        }
    }
    else if (PyTime_CheckExact(o)) {
        int us = PyDateTime_TIME_GET_MICROSECOND(o);
        *p++ = (unsigned char)(PyDateTime_TIME_GET_HOUR(o) | (PyDateTime_TIME_GET_FOLD(o) ? 0x80 : 0));
        *p++ = (unsigned char)PyDateTime_TIME_GET_MINUTE(o);
        *p++ = (unsigned char)PyDateTime_TIME_GET_SECOND(o);
        *p++ = (unsigned char)(us >> 16);
        *p++ = (unsigned char)(us >> 8);
        *p++ = (unsigned char)us;
    }
    return p - state;
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

/* pickle.DEFAULT_PROTOCOL is 5 since 3.14; notes with the path are added to errors since 3.14. */
static inline int cyp_default_protocol(void) { return PY_VERSION_HEX >= 0x030E0000 ? 5 : 4; }
static inline int cyp_error_notes(void) { return PY_VERSION_HEX >= 0x030E0000; }
/* persistent_id is captured by Pickler.__init__ up to 3.12, looked up by each dump() since. */
static inline int cyp_captures_hooks(void) { return PY_VERSION_HEX < 0x030D0000; }

/* ---- running version ---------------------------------------------------------------------------- */

/* The interpreter that runs us, not the one that compiled us: patch releases differ in behaviour. */
static inline unsigned long cyp_running_version(void) { return Py_Version; }

/* ==== machine ======================================================================================
   What the unpickling half needs of CPython's internals; each with its public fallback. */

/* ---- machine: strings --------------------------------------------------------------------------- */

static inline int cyp_all_ascii(const unsigned char *p, Py_ssize_t n)
{
    uint64_t word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        if (word & 0x8080808080808080ULL) return 0;
    }
    for (; n > 0; p++, n--) {
        if (*p & 0x80) return 0;
    }
    return 1;
}
/* Copies exactly n bytes; the two overlapping words beat a call to memcpy for short strings. */
static inline void cyp_copy_exact(unsigned char *dst, const unsigned char *src, Py_ssize_t n)
{
    if (n > 32) memcpy(dst, src, (size_t)n);
    else if (n >= 16) {
        unsigned char head[16], tail[16];
        memcpy(head, src, 16);
        memcpy(tail, src + n - 16, 16);
        memcpy(dst, head, 16);
        memcpy(dst + n - 16, tail, 16);
    }
    else if (n >= 8) {
        uint64_t head, tail;
        memcpy(&head, src, 8);
        memcpy(&tail, src + n - 8, 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    }
    else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    }
    else if (n > 0) {
        dst[0] = src[0];
        dst[n >> 1] = src[n >> 1];
        dst[n - 1] = src[n - 1];
    }
}
/* New str from UTF-8 as pickle writes it.  Length 0 and 1 are left to the decoder, which has singletons. */
static inline PyObject *cyp_str_new(const unsigned char *p, Py_ssize_t nbytes)
{
    if (CYP_LIKELY(nbytes > 1 && cyp_all_ascii(p, nbytes))) {
        PyObject *s = PyUnicode_New(nbytes, 127);
        if (CYP_LIKELY(s != NULL)) cyp_copy_exact(PyUnicode_1BYTE_DATA(s), p, nbytes);
        return s;
    }
    return PyUnicode_DecodeUTF8((const char *)p, nbytes, "surrogatepass");
}
/* Spreads 1 to 32 bytes over 64 bits; only for a cache that compares afterwards. */
static inline uint64_t cyp_mix_bytes(const unsigned char *p, Py_ssize_t n)
{
    uint64_t head = 0, tail = 0, middle = 0;
    if (n >= 8) {
        memcpy(&head, p, 8);
        memcpy(&tail, p + n - 8, 8);
        if (n > 16) memcpy(&middle, p + 8, 8);
    }
    else if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, p, 4);
        memcpy(&b, p + n - 4, 4);
        head = (uint64_t)a << 32 | b;
    }
    else if (n > 0) head = (uint64_t)p[0] | (uint64_t)p[n >> 1] << 8 | (uint64_t)p[n - 1] << 16;
    head ^= tail * 0x9E3779B97F4A7C15ULL ^ middle * 0xC2B2AE3D27D4EB4FULL;
    return (head + (uint64_t)n) * 0x9E3779B97F4A7C15ULL;
}

/* New int from little-endian two's complement bytes. */
static inline PyObject *cyp_int_from_le(const unsigned char *p, Py_ssize_t nbytes)
{
    if (nbytes <= 8) {
        uint64_t v = 0;
        for (Py_ssize_t i = 0; i < nbytes; i++) v |= (uint64_t)p[i] << (8 * i);
        if (nbytes > 0 && nbytes < 8 && p[nbytes - 1] & 0x80) v |= ~(uint64_t)0 << (8 * nbytes);
        int64_t signed_v;
        memcpy(&signed_v, &v, 8);
        return PyLong_FromLongLong(signed_v);
    }
#if PY_VERSION_HEX >= 0x030D0000
    return PyLong_FromNativeBytes(p, (size_t)nbytes, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#elif !defined(CYPICKLE_NO_INTERNALS)
    return _PyLong_FromByteArray(p, (size_t)nbytes, 1, 1);
#else
    PyObject *method = PyObject_GetAttrString((PyObject *)&PyLong_Type, "from_bytes");
    PyObject *args = Py_BuildValue("(y#s)", (const char *)p, nbytes, "little");
    PyObject *kwargs = Py_BuildValue("{sO}", "signed", Py_True);
    PyObject *v = method && args && kwargs ? PyObject_Call(method, args, kwargs) : NULL;
    Py_XDECREF(method);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return v;
#endif
}

/* pickle's bytes are unsigned; CPython's API says char */
static inline unsigned char *cyp_bytearray_data(PyObject *o) { return (unsigned char *)PyByteArray_AS_STRING(o); }
static inline PyObject *cyp_bytearray_new(const unsigned char *p, Py_ssize_t n)
{
    return PyByteArray_FromStringAndSize((const char *)p, n);
}

/* ---- machine: containers ------------------------------------------------------------------------ */

/* Appends n items to an exact list.  Their references are taken on success only. */
static inline int cyp_list_take(PyObject *list, PyObject **items, Py_ssize_t n)
{
#if !defined(CYPICKLE_NO_INTERNALS) && !defined(Py_GIL_DISABLED)
    PyListObject *self = (PyListObject *)list;
    Py_ssize_t size = Py_SIZE(self);
    if (n > self->allocated - size) {
        /* a first batch fits exactly; a list that keeps growing grows by an eighth, as list_resize() does */
        size_t want = (size_t)size + (size_t)n;
        if (size) want += (want >> 3) + 6;
        if (want > PY_SSIZE_T_MAX / sizeof(PyObject *)) {
            PyErr_NoMemory();
            return -1;
        }
        PyObject **grown = (PyObject **)PyMem_Realloc(self->ob_item, want * sizeof(PyObject *));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->ob_item = grown;
        self->allocated = (Py_ssize_t)want;
    }
    if (n) memcpy(self->ob_item + size, items, (size_t)n * sizeof(PyObject *));
    Py_SET_SIZE(self, size + n);
    return 0;
#else
    PyObject *slice = PyList_New(n);
    if (slice == NULL) return -1;
    for (Py_ssize_t i = 0; i < n; i++) PyList_SET_ITEM(slice, i, Py_NewRef(items[i]));
    Py_ssize_t size = PyList_GET_SIZE(list);
    int status = PyList_SetSlice(list, size, size, slice);
    Py_DECREF(slice);
    if (status == 0) {
        for (Py_ssize_t i = 0; i < n; i++) Py_DECREF(items[i]);
    }
    return status;
#endif
}
/* dict[key] = value for an exact dict, taking both references, on failure too. */
static inline int cyp_dict_set_steal(PyObject *dict, PyObject *key, PyObject *value)
{
#if defined(CYP_INLINE_VALUES) && PY_VERSION_HEX >= 0x030D0000
    return _PyDict_SetItem_Take2((PyDictObject *)dict, key, value);
#else
    int status = PyDict_SetItem(dict, key, value);
    Py_DECREF(key);
    Py_DECREF(value);
    return status;
#endif
}

/* ---- machine: types and instances --------------------------------------------------------------- */

/* What the class says about a name, borrowed, or NULL without an exception. */
static inline PyObject *cyp_type_find(PyTypeObject *tp, PyObject *name)
{
#if !defined(CYPICKLE_NO_INTERNALS) && !defined(Py_GIL_DISABLED)
    return _PyType_Lookup(tp, name);
#else
    PyObject *mro = tp->tp_mro, *found = NULL;
    for (Py_ssize_t i = 0; mro != NULL && found == NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
#if PY_VERSION_HEX >= 0x030C0000
        PyObject *dict = PyType_GetDict(base);
#else
        PyObject *dict = Py_XNewRef(base->tp_dict);
#endif
        found = dict ? PyDict_GetItemWithError(dict, name) : NULL;
        Py_XDECREF(dict);
        PyErr_Clear();
    }
    return found;
#endif
}
/* Like cyp_type_tag(), but asks for a tag where the type has none yet. */
static inline unsigned int cyp_type_tag_new(PyTypeObject *tp)
{
#if !defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030C0000
    PyUnstable_Type_AssignVersionTag(tp);
#elif !defined(Py_GIL_DISABLED)
    PyObject *name = PyUnicode_FromString("__dict__");
    if (name != NULL) {
        _PyType_Lookup(tp, name);  /* up to 3.11 a lookup is what assigns the tag */
        Py_DECREF(name);
    }
    PyErr_Clear();
#endif
    return cyp_type_tag(tp);
}
static inline int cyp_has_dict(PyTypeObject *tp)
{
#if PY_VERSION_HEX >= 0x030B0000
    return tp->tp_dictoffset != 0 || PyType_HasFeature(tp, Py_TPFLAGS_MANAGED_DICT);
#else
    return tp->tp_dictoffset != 0;
#endif
}
/* Whether a __dict__ descriptor is the generic one, or the one that `class C: pass` gets. */
static inline int cyp_plain_dict(PyObject *descriptor, PyObject *of_class)
{
    getter get = ((PyGetSetDescrObject *)descriptor)->d_getset->get;
    return get == PyObject_GenericGetDict || get == ((PyGetSetDescrObject *)of_class)->d_getset->get;
}
static inline int cyp_has_setter(PyObject *descriptor) { return Py_TYPE(descriptor)->tp_descr_set != NULL; }
static inline PyObject *cyp_object_new(PyTypeObject *tp, PyObject *no_args)
{
    return PyBaseObject_Type.tp_new(tp, no_args, NULL);
}
static inline int cyp_default_new(PyTypeObject *tp)
{
    return tp->tp_new == PyBaseObject_Type.tp_new && !PyType_HasFeature(tp, Py_TPFLAGS_IS_ABSTRACT);
}
static inline int cyp_default_getattr(PyTypeObject *tp) { return tp->tp_getattro == PyObject_GenericGetAttr; }
static inline int cyp_default_setattr(PyTypeObject *tp) { return tp->tp_setattro == PyObject_GenericSetAttr; }
static inline int cyp_is_immutable(PyTypeObject *tp) { return PyType_HasFeature(tp, Py_TPFLAGS_IMMUTABLETYPE); }
/* A function or the like: found on the class, called with the instance. */
static inline int cyp_is_method(PyObject *o) { return PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_METHOD_DESCRIPTOR); }
static inline int cyp_has_new(PyTypeObject *tp) { return tp->tp_new != NULL; }
static inline PyObject *cyp_call_new(PyTypeObject *tp, PyObject *args, PyObject *kwargs)
{
    return tp->tp_new(tp, args, kwargs);
}
static inline const char *cyp_type_name(PyObject *o) { return Py_TYPE(o)->tp_name; }
static inline void cyp_set_readonly(PyObject *view) { PyMemoryView_GET_BUFFER(view)->readonly = 1; }
static inline int cyp_is_readonly(PyObject *view) { return PyMemoryView_GET_BUFFER(view)->readonly; }

#ifdef CYP_INLINE_VALUES
typedef PyDictValues CypValues;
/* The values of an instance without a dictionary, or NULL. */
static inline CypValues *cyp_fresh_values(PyObject *o) { return cyp_inline_values(o); }
static inline int cyp_values_empty(CypValues *values) { return cyp_values_size(values) == 0; }
/* The slot of an interned name among the names that instances of tp share, or -1.  A slot stays valid: names
   are only added, and a type never has room for fewer than it has names. */
static inline int cyp_values_slot_of(PyTypeObject *tp, PyObject *name)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)tp)->ht_cached_keys;
    if (keys == NULL || keys->dk_kind == DICT_KEYS_GENERAL) return -1;
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        if (DK_UNICODE_ENTRIES(keys)[i].me_key == name) return (int)i;
    }
    return -1;
}
/* Takes the reference to value; returns what was there before, NULL as a rule. */
static inline PyObject *cyp_values_put(CypValues *values, int slot, PyObject *value)
{
    PyObject *old = values->values[slot];
    values->values[slot] = value;
    if (CYP_LIKELY(old == NULL)) _PyDictValues_AddToInsertionOrder(values, slot);
    return old;
}
#else
typedef struct { int unused; } CypValues;
static inline CypValues *cyp_fresh_values(PyObject *o) { (void)o; return NULL; }
static inline int cyp_values_empty(CypValues *values) { (void)values; return 0; }
static inline int cyp_values_slot_of(PyTypeObject *tp, PyObject *name) { (void)tp; (void)name; return -1; }
static inline PyObject *cyp_values_put(CypValues *values, int slot, PyObject *value)
{
    (void)values; (void)slot;
    return value;
}
#endif

#endif
