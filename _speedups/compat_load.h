/* The part of compat.h that the machine needs: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback for whatever reaches into CPython's internals. */
#ifndef CYPICKLE_COMPAT_LOAD_H
#define CYPICKLE_COMPAT_LOAD_H

/* ---- machine: loads under way on this thread ------------------------------------------------------ */

static CYP_THREAD_LOCAL int cyp_loadings;
/* One more: where this thread counts them. */
static inline int *cyp_enter_loading(void)
{
    int *under_way = &cyp_loadings;
    cyp_ask_tracer();
#if defined(__GNUC__)
    __asm__("" : "+r"(under_way));  /* to find it takes a call, which compilers would make again */
#endif
    ++*under_way;
    return under_way;
}

/* A function of a module of ours, made by Cython: calls with one bytes object and nothing else go straight to by_one,
   which returns a new reference, and all others where they have gone so far. */
typedef PyObject *(*CypOneArgument)(PyObject *);
typedef PyObject *(*CypManyArguments)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
static CypOneArgument cyp_by_one;
static CypManyArguments cyp_by_many;
static PyObject *cyp_call_one_or_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (CYP_LIKELY(nargs == 1 && names == NULL && PyBytes_CheckExact(args[0]))) return cyp_by_one(args[0]);
    return cyp_by_many(self, args, nargs, names);
}
static inline void cyp_call_by_one(PyObject *function, CypOneArgument by_one)
{
    PyMethodDef *method = PyCFunction_CheckExact(function) ? ((PyCFunctionObject *)function)->m_ml : NULL;
    CypManyArguments quick = cyp_call_one_or_many;
    PyCFunction as_written;
    if (method == NULL || method->ml_flags != (METH_FASTCALL | METH_KEYWORDS)) return;
    memcpy(&as_written, &quick, sizeof(quick));
    if (method->ml_meth == as_written) return;
    cyp_by_one = by_one;
    memcpy(&cyp_by_many, &method->ml_meth, sizeof(cyp_by_many));
    method->ml_meth = as_written;
}

/* There is an exception. */
static inline int cyp_has_error(void) { return PyErr_Occurred() != NULL; }

/* ---- machine: files ------------------------------------------------------------------------------ */

/* method(n), new reference. */
static inline PyObject *cyp_call_with_size(PyObject *method, Py_ssize_t n)
{
    PyObject *size = PyLong_FromSsize_t(n), *result;
    if (size == NULL) return NULL;
    result = PyObject_CallOneArg(method, size);
    Py_DECREF(size);
    return result;
}

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
/* The code point at *p of UTF-8, and its end in *p; -1 for a surrogate and what no encoder writes. */
static inline int32_t cyp_next_point(const unsigned char **p, const unsigned char *end)
{
    const unsigned char *q = *p;
    uint32_t lead = *q++;
    if (lead >= 0x80) {
        int more = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
        if (more == 0 || end - q < more) return -1;
        lead &= 0x3F >> more;
        for (int i = 0; i < more; i++) {
            if ((*q & 0xC0) != 0x80) return -1;
            lead = lead << 6 | (*q++ & 0x3F);
        }
        if (more == 2 && (lead < 0x800 || (lead >= 0xD800 && lead < 0xE000))) return -1;
        if (more == 3 && (lead < 0x10000 || lead > 0x10FFFF)) return -1;
    }
    *p = q;
    return (int32_t)lead;
}
/* New str from UTF-8 that is not all ASCII. */
static PyObject *cyp_wide_str_new(const unsigned char *p, Py_ssize_t nbytes)
{
    const unsigned char *end = p + nbytes, *q = p;
    int32_t highest = 0;
    Py_ssize_t n = 0;
    for (; q < end; n++) {
        int32_t point = cyp_next_point(&q, end);
        if (point < 0) break;
        if (point > highest) highest = point;
    }
    if (q < end || n < 2) return PyUnicode_DecodeUTF8((const char *)p, nbytes, "surrogatepass");
    PyObject *s = PyUnicode_New(n, (Py_UCS4)highest);
    if (s == NULL) return NULL;
    void *data = PyUnicode_DATA(s);
    q = p;
    if (highest < 0x100) {
        for (Py_ssize_t i = 0; i < n; i++) ((Py_UCS1 *)data)[i] = (Py_UCS1)cyp_next_point(&q, end);
    }
    else if (highest < 0x10000) {
        for (Py_ssize_t i = 0; i < n; i++) ((Py_UCS2 *)data)[i] = (Py_UCS2)cyp_next_point(&q, end);
    }
    else {
        for (Py_ssize_t i = 0; i < n; i++) ((Py_UCS4 *)data)[i] = (Py_UCS4)cyp_next_point(&q, end);
    }
    return s;
}
/* New str from UTF-8 as pickle writes it.  Length 0 and 1 are left to the decoder, which has singletons.  Short ones
   are read once: two overlapping words are tested and then stored. */
static inline PyObject *cyp_str_new(const unsigned char *p, Py_ssize_t nbytes)
{
    const uint64_t high = 0x8080808080808080ULL;
    unsigned char *data = NULL;
    PyObject *s;
    if (CYP_LIKELY(nbytes >= 8 && nbytes <= 16)) {
        uint64_t head, tail;
        memcpy(&head, p, 8);
        memcpy(&tail, p + nbytes - 8, 8);
        if (CYP_LIKELY(!((head | tail) & high))) {
            s = cyp_ascii_new(nbytes, &data);
            if (CYP_LIKELY(s != NULL)) {
                memcpy(data, &head, 8);
                memcpy(data + nbytes - 8, &tail, 8);
            }
            return s;
        }
    }
    else if (nbytes >= 4 && nbytes < 8) {
        uint32_t head, tail;
        memcpy(&head, p, 4);
        memcpy(&tail, p + nbytes - 4, 4);
        if (CYP_LIKELY(!((head | tail) & (uint32_t)high))) {
            s = cyp_ascii_new(nbytes, &data);
            if (CYP_LIKELY(s != NULL)) {
                memcpy(data, &head, 4);
                memcpy(data + nbytes - 4, &tail, 4);
            }
            return s;
        }
    }
    else if (nbytes > 1 && cyp_all_ascii(p, nbytes)) {
        s = cyp_ascii_new(nbytes, &data);
        if (CYP_LIKELY(s != NULL)) cyp_copy_exact(data, p, nbytes);
        return s;
    }
    return cyp_wide_str_new(p, nbytes);
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
#if !defined(CYPICKLE_NO_INTERNALS)
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
    if (n == 1) {
        if (PyList_Append(list, items[0]) < 0) return -1;
        Py_DECREF(items[0]);
        return 0;
    }
    PyObject *slice = PyTuple_New(n);  /* 3.13t: PyList_New(n) frees what is not its own where memory is short */
    if (slice == NULL) return -1;
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(slice, i, Py_NewRef(items[i]));
#if PY_VERSION_HEX >= 0x030D0000
    int status = PyList_Extend(list, slice);
#else
    Py_ssize_t size = PyList_GET_SIZE(list);
    int status = PyList_SetSlice(list, size, size, slice);
#endif
    Py_DECREF(slice);
    if (status == 0) {
        for (Py_ssize_t i = 0; i < n; i++) Py_DECREF(items[i]);
    }
    return status;
#endif
}
/* ---- machine: the collector ----------------------------------------------------------------------- */

/* Up to 3.11 making an object may run the collector, hence user code; since then it runs between bytecodes only. */
static inline int cyp_collects_in_allocations(void) { return PY_VERSION_HEX < 0x030C0000; }

/* ---- machine: range and Fraction ------------------------------------------------------------------ */

/* Whether two exact ints are a fraction in lowest terms with a positive denominator; 0 also for large ones. */
static inline int cyp_are_lowest_terms(PyObject *numerator, PyObject *denominator)
{
    int fits = 0;
    if (!PyLong_CheckExact(numerator) || !PyLong_CheckExact(denominator)) return 0;
    int64_t a = cyp_int_as_i64(numerator, &fits);
    if (!fits || a == INT64_MIN) return 0;
    int64_t b = cyp_int_as_i64(denominator, &fits);
    if (!fits || b <= 0) return 0;
    if (a < 0) a = -a;
    while (a != 0) {
        int64_t rest = b % a;
        b = a;
        a = rest;
    }
    return b == 1;
}

#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000
#define CYP_MAKES_RANGES 1
/* Objects/rangeobject.c, 3.2 to 3.15 */
typedef struct {
    PyObject_HEAD
    PyObject *start, *stop, *step, *length;
} CypRange;

/* Whether a range looks as we think; -1: there was no memory to find out. */
static inline int cyp_knows_range(void)
{
    static int known = -1;
    if (known < 0) {
        PyObject *probe = PyObject_CallFunction((PyObject *)&PyRange_Type, "iii", 1000, 9001, 4);
        if (probe == NULL) {
            PyErr_Clear();
            return -1;
        }
        known = 0;
        if (PyRange_Type.tp_basicsize == sizeof(CypRange) && !PyType_IS_GC(&PyRange_Type)) {
            CypRange *range = (CypRange *)probe;
            known = PyLong_AsLong(range->start) == 1000 && PyLong_AsLong(range->stop) == 9001
                && PyLong_AsLong(range->step) == 4 && PyLong_AsLong(range->length) == 2001;
        }
        Py_DECREF(probe);
        PyErr_Clear();
    }
    return known;
}
/* range(start, stop, step) of ints that need no more than 62 bits; NULL without an exception otherwise. */
static inline PyObject *cyp_range_new(PyObject **items, Py_ssize_t n)
{
    int64_t fields[3];
    if (n != 3 || !cyp_three_ints(items, fields)) return NULL;
    if (fields[2] == 0) return NULL;
    int64_t span = fields[2] > 0 ? fields[1] - fields[0] : fields[0] - fields[1];
    int64_t step = fields[2] > 0 ? fields[2] : -fields[2];
    int64_t count = span <= 0 ? 0 : (span - 1) / step + 1;
    PyObject *length = count <= INT32_MAX ? cyp_int_new((long)count) : PyLong_FromLongLong(count);
    CypRange *range = NULL;
#if defined(CYP_MAKES_OBJECTS)
    if (length != NULL) range = (CypRange *)PyObject_Malloc(sizeof(CypRange));
    if (range != NULL) cyp_init_object((PyObject *)range, &PyRange_Type);
#else
    if (length != NULL) range = PyObject_New(CypRange, &PyRange_Type);
#endif
    if (range == NULL) {
        Py_XDECREF(length);
        PyErr_Clear();
        return NULL;
    }
    range->start = Py_NewRef(items[0]);
    range->stop = Py_NewRef(items[1]);
    range->step = Py_NewRef(items[2]);
    range->length = length;
    return (PyObject *)range;
}
#else
static inline int cyp_knows_range(void) { return 0; }
static inline PyObject *cyp_range_new(PyObject **items, Py_ssize_t n) { (void)items; (void)n; return NULL; }
#endif

/* Whether o is of a subclass of dict for which obj[key] = value is what it is for dict. */
static inline int cyp_stores_as_dict(PyObject *o)
{
    return PyDict_Check(o) && Py_TYPE(o)->tp_as_mapping->mp_ass_subscript == PyDict_Type.tp_as_mapping->mp_ass_subscript;
}

/* ---- machine: types and instances --------------------------------------------------------------- */

/* What the class says about a name, borrowed, or NULL without an exception. */
static inline PyObject *cyp_type_find(PyTypeObject *tp, PyObject *name)
{
#if !defined(CYPICKLE_NO_INTERNALS)
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
/* Where an instance of a class from C keeps its dictionary, if the class says so; *place may be NULL: none yet. */
static inline PyObject **cyp_dict_place(PyObject *o)
{
#ifdef Py_GIL_DISABLED
    (void)o;
    return NULL;
#else
    PyTypeObject *tp = Py_TYPE(o);
    if (PyType_HasFeature(tp, Py_TPFLAGS_MANAGED_DICT) || tp->tp_dictoffset <= 0) return NULL;
    return (PyObject **)((char *)o + tp->tp_dictoffset);
#endif
}
/* Whether tp is a class of syntax tree nodes that is made as ast.AST is. */
static inline int cyp_is_ast(PyTypeObject *tp)
{
    PyTypeObject *base = tp;
    while (base->tp_base != NULL && base->tp_base != &PyBaseObject_Type) base = base->tp_base;
    return strcmp(base->tp_name, "ast.AST") == 0 && base->tp_dictoffset > 0 && Py_TYPE(base) == &PyType_Type
        && !PyType_HasFeature(base, Py_TPFLAGS_MANAGED_DICT) && tp->tp_init == base->tp_init
        && tp->tp_new == base->tp_new && Py_TYPE(tp) == &PyType_Type;
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
static inline int cyp_default_new(PyTypeObject *tp)
{
    return tp->tp_new == PyBaseObject_Type.tp_new && !PyType_HasFeature(tp, Py_TPFLAGS_IS_ABSTRACT);
}
static inline int cyp_default_getattr(PyTypeObject *tp) { return tp->tp_getattro == PyObject_GenericGetAttr; }
static inline int cyp_default_setattr(PyTypeObject *tp) { return tp->tp_setattro == PyObject_GenericSetAttr; }
/* Whether object.__setattr__() is allowed on instances: no base is written in C and has attributes of its own kind.
   of_class: a class with a __setattr__() in Python. */
static inline int cyp_sets_by_class(PyTypeObject *tp, PyObject *of_class)
{
    setattrofunc by_class = ((PyTypeObject *)of_class)->tp_setattro;
    for (; tp != NULL && tp != &PyBaseObject_Type; tp = tp->tp_base) {
        if (tp->tp_setattro != PyObject_GenericSetAttr && tp->tp_setattro != by_class) return 0;
    }
    return tp != NULL;
}
/* Where an instance keeps the value of an ordinary slot. */
static inline PyObject **cyp_slot_at(PyObject *o, Py_ssize_t offset) { return (PyObject **)((char *)o + offset); }
static inline PyObject *cyp_function_code(PyObject *function) { return PyFunction_GET_CODE(function); }
/* Whether calling the class is __new__() and __init__() and no more. */
static inline int cyp_calls_plainly(PyTypeObject *tp) { return Py_TYPE(tp)->tp_call == PyType_Type.tp_call; }
/* Whether tp is a class in Python, made by `type` itself, whose instances are made by tuple.__new__() unless a class in
   Python says something else. */
static inline int cyp_is_tuple_class(PyTypeObject *tp)
{
    PyTypeObject *base = tp;
    if (!PyType_HasFeature(tp, Py_TPFLAGS_TUPLE_SUBCLASS) || Py_TYPE(tp) != &PyType_Type || tp->tp_alloc != PyType_GenericAlloc)
        return 0;
    while (base != NULL && base->tp_new == tp->tp_new) base = base->tp_base;
    return base == &PyTuple_Type;
}
static inline PyObject **cyp_tuple_items(PyObject *tuple) { return ((PyTupleObject *)tuple)->ob_item; }
/* The items of a tuple, perhaps of a subclass, as an exact tuple; or the arguments of a slice or of a range that
   cyp_range_new() has made. */
static inline PyObject *cyp_items_copy(PyObject *tuple)
{
    if (PySlice_Check(tuple)) {
        PySliceObject *slice = (PySliceObject *)tuple;
        return PyTuple_Pack(3, slice->start, slice->stop, slice->step);
    }
#if defined(CYP_MAKES_RANGES)
    if (Py_TYPE(tuple) == &PyRange_Type) {
        CypRange *range = (CypRange *)tuple;
        return PyTuple_Pack(3, range->start, range->stop, range->step);
    }
#endif
    Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    PyObject *copy = PyTuple_New(n);
    for (Py_ssize_t i = 0; copy != NULL && i < n; i++) PyTuple_SET_ITEM(copy, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
    return copy;
}
/* Whether calling this type with n plain values runs C code only.  With two, str and its like ask a codec. */
static inline int cyp_makes_plainly(PyTypeObject *tp, Py_ssize_t n)
{
    if (tp == &PyUnicode_Type || tp == &PyBytes_Type || tp == &PyByteArray_Type) return n <= 1;
    return tp == &PyLong_Type || tp == &PyFloat_Type || tp == &PyComplex_Type || tp == &PyRange_Type ||
           tp == &PySlice_Type ||
           (PyType_HasFeature(tp, Py_TPFLAGS_IMMUTABLETYPE) && strcmp(tp->tp_name, "decimal.Decimal") == 0);
}
/* A function written in C that is called with its arguments in a tuple. */
static inline int cyp_wants_tuple(PyObject *function)
{
    return PyCFunction_CheckExact(function) && (PyCFunction_GET_FLAGS(function) & METH_VARARGS) != 0;
}
/* A function or the like: found on the class, called with the instance. */
static inline int cyp_is_method(PyObject *o) { return PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_METHOD_DESCRIPTOR); }
static inline PyObject *cyp_module_dict(PyObject *module) { return PyModule_GetDict(module); }
static inline int cyp_same_new(PyTypeObject *tp, PyTypeObject *other) { return tp->tp_new == other->tp_new; }
static inline int cyp_has_new(PyTypeObject *tp) { return tp->tp_new != NULL; }
static inline PyObject *cyp_call_new(PyTypeObject *tp, PyObject *args, PyObject *kwargs)
{
    return tp->tp_new(tp, args, kwargs);
}
static inline const char *cyp_type_name(PyObject *o) { return Py_TYPE(o)->tp_name; }
static inline void cyp_set_readonly(PyObject *view) { PyMemoryView_GET_BUFFER(view)->readonly = 1; }
static inline int cyp_is_readonly(PyObject *view) { return PyMemoryView_GET_BUFFER(view)->readonly; }

#endif
