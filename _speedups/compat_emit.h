/* The part of compat.h that the emitter needs: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback for whatever reaches into CPython's internals. */
#ifndef CYPICKLE_COMPAT_EMIT_H
#define CYPICKLE_COMPAT_EMIT_H

/* ---- emitter: dumps under way on this thread ------------------------------------------------------- */

#if defined(_MSC_VER)
#define CYP_THREAD_LOCAL __declspec(thread)
#elif defined(__GNUC__) || defined(__clang__)
#define CYP_THREAD_LOCAL __thread
#else
#define CYP_THREAD_LOCAL _Thread_local
#endif
static CYP_THREAD_LOCAL int cyp_emissions;
/* How many there were before. */
static inline int cyp_enter_emission(void) { return cyp_emissions++; }
static inline void cyp_leave_emission(void) { cyp_emissions--; }

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

/* Whether a class is called __newobj__ or __newobj_ex__, which the reduce protocol tells by name. */
static inline int cyp_named_newobj(PyObject *cls)
{
    const char *name = ((PyTypeObject *)cls)->tp_name;
    const char *dot = strrchr(name, '.');
    return strncmp(dot ? dot + 1 : name, "__newobj", 8) == 0;
}

/* For a class that nobody has used yet. */
static inline void cyp_make_immutable(PyTypeObject *cls) { cls->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE; }

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

#endif
