/* The part of compat.h that makes objects of the most frequent types: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback.  What CPython's own functions would find out anew for
   each object, the caller knows: the number of characters, that they are ASCII, what the instances of a class are. */
#ifndef CYPICKLE_COMPAT_MAKE_H
#define CYPICKLE_COMPAT_MAKE_H

#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
#define CYP_MAKES_OBJECTS 1
#if PY_VERSION_HEX >= 0x030C0000
#define CYP_DIGITS long_value.ob_digit
#else
#define CYP_DIGITS ob_digit
#endif

/* Since 3.13 a PyRefTracer may want to know of new objects.  Each load asks as it begins. */
static int cyp_traces_objects = 1;
static inline void cyp_ask_tracer(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    cyp_traces_objects = PyRefTracer_GetTracer(NULL) != NULL;
#else
    cyp_traces_objects = 0;
#endif
}
/* The first reference to new memory, for an object of a type that is written in C. */
static inline void cyp_init_object(PyObject *o, PyTypeObject *tp)
{
#if PY_VERSION_HEX >= 0x030D0000
    if (CYP_UNLIKELY(cyp_traces_objects)) {
        PyObject_Init(o, tp);
        return;
    }
#endif
#if PY_VERSION_HEX >= 0x030E0000
    o->ob_refcnt_full = 1;
#else
    o->ob_refcnt = 1;
#endif
    o->ob_type = tp;
}
#else
static inline void cyp_ask_tracer(void) { }
#endif

/* New ASCII str of nbytes > 1 bytes, still to be written at *data. */
static inline PyObject *cyp_ascii_new(Py_ssize_t nbytes, unsigned char **data)
{
#if defined(CYP_MAKES_OBJECTS)
    PyASCIIObject *s = (PyASCIIObject *)PyObject_Malloc(sizeof(PyASCIIObject) + (size_t)nbytes + 1);
    if (CYP_UNLIKELY(s == NULL)) return PyErr_NoMemory();
    cyp_init_object((PyObject *)s, &PyUnicode_Type);
    s->length = nbytes;
    s->hash = -1;
    memset(&s->state, 0, sizeof(s->state));
    s->state.kind = PyUnicode_1BYTE_KIND;
    s->state.compact = 1;
    s->state.ascii = 1;
#if PY_VERSION_HEX < 0x030C0000
    s->state.ready = 1;
    s->wstr = NULL;
#endif
    *data = (unsigned char *)(s + 1);
    (*data)[nbytes] = 0;
    return (PyObject *)s;
#else
    PyObject *s = PyUnicode_New(nbytes, 127);
    if (CYP_LIKELY(s != NULL)) *data = (unsigned char *)((PyASCIIObject *)s + 1);
    return s;
#endif
}

/* New int of 32 bits.  CPython has all small ones already. */
static inline PyObject *cyp_int_new(long v)
{
#if defined(CYP_MAKES_OBJECTS) && PyLong_SHIFT == 30
    unsigned long size = v < 0 ? 0UL - (unsigned long)v : (unsigned long)v;
    if (size > 1024) {
        PyLongObject *o = (PyLongObject *)PyObject_Malloc(offsetof(PyLongObject, CYP_DIGITS) + 2 * sizeof(digit));
        if (CYP_UNLIKELY(o == NULL)) return PyErr_NoMemory();
        int ndigits = 1 + (size >> PyLong_SHIFT != 0);
        cyp_init_object((PyObject *)o, &PyLong_Type);
#if PY_VERSION_HEX >= 0x030C0000
        o->long_value.lv_tag = (uintptr_t)ndigits << 3 | (v < 0 ? 2 : 0);
#else
        ((PyVarObject *)o)->ob_size = v < 0 ? -ndigits : ndigits;
#endif
        o->CYP_DIGITS[0] = (digit)(size & PyLong_MASK);
        o->CYP_DIGITS[1] = (digit)(size >> PyLong_SHIFT);
        return (PyObject *)o;
    }
#endif
    return PyLong_FromLong(v);
}

/* A few words, for which compilers would call memset. */
static inline void cyp_clear_few(PyObject **words, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        words[i] = NULL;
#if defined(__GNUC__)
        __asm__("" : : : "memory");
#endif
    }
}

/* ---- instances of classes in Python ---------------------------------------------------------------- */

static inline PyObject *cyp_object_new(PyTypeObject *tp, PyObject *no_args)
{
#if PY_VERSION_HEX >= 0x030D0000
    (void)no_args;
    return tp->tp_alloc(tp, 0);  /* what is left of object.__new__() where cyp_default_new() has looked */
#else
    return PyBaseObject_Type.tp_new(tp, no_args, NULL);
#endif
}

/* How many bytes of an instance cyp_instance_new() has to clear; -1: the class makes its instances itself. */
static inline Py_ssize_t cyp_instance_body(PyTypeObject *tp)
{
#if defined(CYP_MAKES_OBJECTS)
    if (tp->tp_alloc != PyType_GenericAlloc || tp->tp_itemsize != 0 || !PyType_IS_GC(tp)
        || !PyType_HasFeature(tp, Py_TPFLAGS_HEAPTYPE))
        return -1;
#if PY_VERSION_HEX < 0x030C0000
    if (tp->tp_dictoffset != 0 && !PyType_HasFeature(tp, Py_TPFLAGS_MANAGED_DICT)) return -1;
#elif PY_VERSION_HEX < 0x030F0000
    /* 3.12 has a layout of its own, and not each release after it gives _PyObject_GC_New() room for the values. */
    if (PyType_HasFeature(tp, Py_TPFLAGS_MANAGED_DICT)) return -1;
#endif
    return tp->tp_basicsize - (Py_ssize_t)sizeof(PyObject);
#else
    (void)tp;
    return -1;
#endif
}
#if defined(CYP_MAKES_OBJECTS) && PY_VERSION_HEX < 0x030C0000
/* Room for the values of a new instance: Objects/dictobject.c, init_inline_values() of 3.11. */
static inline int cyp_give_values(PyObject *o, PyTypeObject *tp)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)tp)->ht_cached_keys;
    if (keys->dk_usable > 1) keys->dk_usable--;
    size_t size = (size_t)(keys->dk_usable + keys->dk_nentries);
    size_t prefix = (size + 2 + sizeof(PyObject *) - 1) & ~(sizeof(PyObject *) - 1);
    uint8_t *memory = (uint8_t *)PyMem_Malloc(prefix + size * sizeof(PyObject *));
    if (CYP_UNLIKELY(memory == NULL)) return -1;
    PyDictValues *values = (PyDictValues *)(memory + prefix);
    ((uint8_t *)values)[-1] = (uint8_t)prefix;
    ((uint8_t *)values)[-2] = 0;
    cyp_clear_few(values->values, (Py_ssize_t)size);
    ((PyDictValues **)o)[-4] = values;
    return 0;
}
#endif
/* cyp_object_new(), of which the body is known, or -1. */
static inline PyObject *cyp_instance_new(PyTypeObject *tp, Py_ssize_t body, PyObject *no_args)
{
#if defined(CYP_MAKES_OBJECTS)
    if (CYP_LIKELY(body >= 0)) {
        PyObject *o = _PyObject_GC_New(tp);
        if (CYP_UNLIKELY(o == NULL)) return NULL;
        cyp_clear_few((PyObject **)(o + 1), body / (Py_ssize_t)sizeof(PyObject *));
        PyObject_GC_Track(o);
#if PY_VERSION_HEX < 0x030C0000
        if (tp->tp_dictoffset != 0 && CYP_UNLIKELY(cyp_give_values(o, tp) < 0)) {
            Py_DECREF(o);
            return PyErr_NoMemory();
        }
#endif
        return o;
    }
#else
    (void)body;
#endif
    return cyp_object_new(tp, no_args);
}

/* ---- named tuples -------------------------------------------------------------------------------------- */

/* Whether instances of a class of tuples hold their items and nothing else. */
static inline int cyp_is_packed(PyTypeObject *tp)
{
#if defined(CYP_MAKES_OBJECTS)
    return tp->tp_basicsize == PyTuple_Type.tp_basicsize && tp->tp_itemsize == PyTuple_Type.tp_itemsize
        && tp->tp_dictoffset == 0 && tp->tp_weaklistoffset == 0 && tp->tp_alloc == PyType_GenericAlloc && PyType_IS_GC(tp);
#else
    (void)tp;
    return 0;
#endif
}
/* New tuple of a class made as tuple.__new__() makes it, with n items, whose references are taken on success only. */
static inline PyObject *cyp_row_new(PyTypeObject *tp, PyObject **items, Py_ssize_t n, int packed)
{
    PyTupleObject *made;
#if defined(CYP_MAKES_OBJECTS)
    if (CYP_LIKELY(packed)) made = (PyTupleObject *)_PyObject_GC_NewVar(tp, n);
    else
#endif
    made = (PyTupleObject *)tp->tp_alloc(tp, n);
    if (CYP_UNLIKELY(made == NULL)) return NULL;
    for (Py_ssize_t i = 0; i < n; i++) made->ob_item[i] = items[i];
#if PY_VERSION_HEX >= 0x030E0000
    made->ob_hash = -1;  /* nobody has asked; a cleared one would say that it is 0 */
#endif
    if (packed) PyObject_GC_Track(made);
    return (PyObject *)made;
}

/* ---- tuples ---------------------------------------------------------------------------------------------- */

/* What the collector would find out about a new tuple of n > 0 items: where it knows of none of them, it need not look
   at the tuple again. */
static inline void cyp_tuple_untrack(PyObject *tuple, Py_ssize_t n)
{
#ifndef Py_GIL_DISABLED
    PyObject **item = ((PyTupleObject *)tuple)->ob_item, **end = item + n;
    for (; item < end; item++) {
        if (PyType_IS_GC(Py_TYPE(*item)) && !(PyTuple_CheckExact(*item) && !PyObject_GC_IsTracked(*item))) return;
    }
    PyObject_GC_UnTrack(tuple);
#else
    (void)tuple; (void)n;
#endif
}

/* ---- lists ------------------------------------------------------------------------------------------- */

/* New list of n > 0 items, whose references are taken on success only. */
static inline PyObject *cyp_list_of(PyObject **items, Py_ssize_t n)
{
#if !defined(CYPICKLE_NO_INTERNALS)
    PyListObject *list = (PyListObject *)PyList_New(0);
    if (CYP_UNLIKELY(list == NULL)) return NULL;
    PyObject **room = (PyObject **)PyMem_Malloc((size_t)n * sizeof(PyObject *));
    if (CYP_UNLIKELY(room == NULL)) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    memcpy(room, items, (size_t)n * sizeof(PyObject *));
    list->ob_item = room;
    list->allocated = n;
    Py_SET_SIZE(list, n);
    return (PyObject *)list;
#else
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) PyList_SET_ITEM(list, i, items[i]);
    return list;
#endif
}

#endif
