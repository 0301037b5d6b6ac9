# cython: language_level=3, boundscheck=False, wraparound=False
"""The work that no pickler gets round, in C by CPython's public API: `build` makes objects, `write` visits them.

Both start from a template, which floors.py makes of a graph: plain data stand for themselves; `Ready` stands for an
object that is there already, as one in the memo is; the other classes hold the parts of what their names say.
"""

from cpython.datetime cimport (
    date, date_new, datetime, datetime_new, import_datetime, time, time_new, timedelta, timedelta_new,
)
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int32_t, int64_t, uintptr_t
from libc.string cimport memcpy

cdef extern from "Python.h":
    void Py_INCREF(PyObject *) noexcept
    void Py_DECREF(PyObject *) noexcept
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    double PyComplex_RealAsDouble(PyObject *) noexcept
    double PyComplex_ImagAsDouble(PyObject *) noexcept
    # New references; the setters of items steal, the others do not.
    PyObject *PyLong_FromLongLong(int64_t) except NULL
    PyObject *PyFloat_FromDouble(double) except NULL
    PyObject *PyComplex_FromDoubles(double, double) except NULL
    PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t) except NULL
    PyObject *PyByteArray_FromStringAndSize(const char *, Py_ssize_t) except NULL
    PyObject *PyNumber_Add(PyObject *, PyObject *) except NULL
    PyObject *PyUnicode_New(Py_ssize_t, Py_UCS4) except NULL
    PyObject *PyList_New(Py_ssize_t) except NULL
    PyObject *PyTuple_New(Py_ssize_t) except NULL
    PyObject *PyDict_Copy(PyObject *) except NULL
    PyObject *PySet_New(PyObject *) except NULL
    PyObject *PyFrozenSet_New(PyObject *) except NULL
    PyObject *PySlice_New(PyObject *, PyObject *, PyObject *) except NULL
    PyObject *PyType_GenericAlloc(PyTypeObject *, Py_ssize_t) except NULL
    PyObject *PyObject_GenericGetDict(PyObject *, void *) except NULL
    PyObject *PyObject_CallNoArgs(PyObject *) except NULL
    PyObject *PyObject_CallOneArg(PyObject *, PyObject *) except NULL
    void PyList_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept
    void PyTuple_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept
    int PySet_Add(PyObject *, PyObject *) except -1
    int PyDict_SetItem(PyObject *, PyObject *, PyObject *) except -1
    int PyODict_SetItem(PyObject *, PyObject *, PyObject *) except -1
    bint PyODict_Check(PyObject *) noexcept
    # Borrowed references.
    PyObject *PyList_GET_ITEM(PyObject *, Py_ssize_t) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t) noexcept
    Py_ssize_t PyList_GET_SIZE(PyObject *) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *) noexcept
    char *PyBytes_AS_STRING(object) noexcept
    Py_ssize_t PyBytes_GET_SIZE(object) noexcept
    Py_UCS4 PyUnicode_MAX_CHAR_VALUE(PyObject *) noexcept
    void *PyUnicode_DATA(PyObject *) noexcept
    int PyUnicode_KIND(PyObject *) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *) noexcept
    ctypedef struct PyMemberDef:
        Py_ssize_t offset
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member
    ctypedef struct PyListObject:
        PyObject **ob_item
    object new_bytes "PyBytes_FromStringAndSize" (const char *, Py_ssize_t)
    object new_row "PyList_New" (Py_ssize_t)

import_datetime()

cdef object ZERO = 0


cdef class Ready:
    """An object that exists: to build it is to take one more reference."""

    cdef readonly object held

    def __init__(self, held):
        self.held = held


cdef class Instance:
    """An instance of a Python class.

    Args:
        cls: Its class. Instances are allocated by `PyType_GenericAlloc`, which is what `object.__new__` does.
        names: Its attributes.
        values: Their templates. A tuple's subclass takes them as its items. Slots are filled. A class whose
            instances own a real dictionary (syntax trees) gets it filled. Otherwise the values are made and
            kept in one list: how they get into an instance is CPython's own affair, and costs some more.
        items: Whether the values are a tuple's.
    """

    cdef readonly object cls
    cdef readonly tuple names, values
    cdef readonly bint items, dictionary
    cdef Py_ssize_t *offsets

    def __init__(self, cls, names, values, *, items=False):
        self.cls = cls
        self.names = names
        self.values = values
        self.items = items
        self.dictionary = (<PyTypeObject *>cls).tp_dictoffset > 0
        slots = [getattr(cls, name, None) for name in names]
        if not items and slots and all(type(slot).__name__ == "member_descriptor" for slot in slots):
            self.offsets = <Py_ssize_t *>PyMem_Malloc(len(slots) * sizeof(Py_ssize_t))
            if self.offsets == NULL:
                raise MemoryError
            for n, slot in enumerate(slots):
                self.offsets[n] = (<PyMemberDescrObject *>slot).d_member.offset

    def __dealloc__(self):
        PyMem_Free(self.offsets)


cdef class Members:
    """A set, frozenset or deque of the templates in `values`."""

    cdef readonly object cls
    cdef readonly tuple values

    def __init__(self, cls, values):
        self.cls = cls
        self.values = values


cdef class Copied:
    """A dictionary.

    Args:
        original: Is copied, with its own keys and values, which takes no hashing.
        parts: The templates of its keys and values in turn. They are made and kept as those of an `Instance`.
    """

    cdef readonly dict original
    cdef readonly tuple parts

    def __init__(self, original, parts):
        self.original = original
        self.parts = parts


cdef class Pairs:
    """A dictionary of a subclass: what `make()` returns; then its keys and values are set, the `parts` in turn."""

    cdef readonly object make
    cdef readonly tuple parts

    def __init__(self, make, parts):
        self.make = make
        self.parts = parts


# ---- building ------------------------------------------------------------------------------------------------------

cdef enum Kind:
    READY, INT, LONG, FLOAT, ASCII, WIDE, BYTES, BYTEARRAY, LIST, INTS, FLOATS, TUPLE, DICT, SET, FROZENSET, CALLED
    PAIRS, ITEMS, SLOTS, STATE, ALONE, COMPLEX, SLICE, DATETIME, DATE, TIME, TIMEDELTA

ctypedef union Datum:
    int64_t number
    double real
    const char *data
    PyObject *held  # borrowed: the plan's template owns it

ctypedef struct Step:
    int32_t kind
    int32_t size
    Datum datum

ctypedef struct Work:
    Step *at
    PyObject **kept


cdef class Plan:
    """A template laid out as an array of steps, in the order of building: nothing is left to look up or to parse."""

    cdef Step *steps
    cdef Py_ssize_t length, room
    cdef readonly Py_ssize_t lacking
    cdef list alive

    def __init__(self, template):
        self.alive = []
        self.lay(template)

    def __dealloc__(self):
        PyMem_Free(self.steps)

    cdef Step *step(self, Kind kind, object held, Py_ssize_t size) except NULL:
        cdef Step *grown
        if self.length == self.room:
            grown = <Step *>PyMem_Malloc((2 * self.room + 64) * sizeof(Step))
            if grown == NULL:
                raise MemoryError
            if self.length:
                memcpy(grown, self.steps, self.length * sizeof(Step))
            PyMem_Free(self.steps)
            self.steps, self.room = grown, 2 * self.room + 64
        self.alive.append(held)
        cdef Step *new = &self.steps[self.length]
        self.length += 1
        new.kind = kind
        new.size = size
        new.datum.held = <PyObject *>held
        return new

    cdef int lay_all(self, Kind kind, object held, parts) except -1:
        self.step(kind, held, len(parts))
        for part in parts:
            self.lay(part)
        return 0

    cdef int lay(self, t) except -1:
        kind = type(t)
        if kind is Ready:
            self.step(READY, (<Ready>t).held, 0)
        elif t is None or kind is bool:
            self.step(READY, t, 0)
        elif kind is int:
            self.lay_int(t)
        elif kind is float:
            self.step(FLOAT, t, 0).datum.real = t
        elif kind is str:
            self.lay_text(t)
        elif kind is bytes:
            self.step(BYTES, t, len(t)).datum.data = PyBytes_AS_STRING(t)
        elif kind is bytearray:
            copy = bytes(t)
            self.step(BYTEARRAY, copy, len(t)).datum.data = PyBytes_AS_STRING(copy)
        elif kind is list and t and all(type(item) is int and abs(item) < 1 << 62 for item in t):
            self.lay_all(INTS, t, t)
        elif kind is list and t and all(type(item) is float for item in t):
            self.lay_all(FLOATS, t, t)
        elif kind is list or kind is tuple:
            self.lay_all(LIST if kind is list else TUPLE, t, t)
        elif kind is Copied:
            parts = [part for part in ((<Copied>t).parts) if type(part) is not Ready]
            self.lacking += len(parts)
            self.lay_all(DICT, (<Copied>t).original, parts)
        elif kind is Instance:
            self.lay_instance(t)
        elif kind is Members:
            cls = (<Members>t).cls
            how = SET if cls is set else FROZENSET if cls is frozenset else CALLED
            self.lay_all(how, cls, (<Members>t).values)
        elif kind is Pairs:
            self.lay_all(PAIRS, (<Pairs>t).make, (<Pairs>t).parts)
        elif kind is slice:
            self.lay_all(SLICE, t, (t.start, t.stop, t.step))
        else:
            kinds = {complex: COMPLEX, datetime: DATETIME, date: DATE, time: TIME, timedelta: TIMEDELTA}
            if kind not in kinds:
                raise TypeError(f"no floor for {kind.__name__}")
            self.step(kinds[kind], t, 0)
        return 0

    cdef int lay_int(self, t) except -1:
        if abs(t) < 1 << 62:
            self.step(INT, t, 0).datum.number = t
        else:
            self.step(LONG, t, 0)
        return 0

    cdef int lay_text(self, t) except -1:
        if len(t) < 2:
            self.step(READY, t, 0)  # CPython keeps these
        elif t.isascii():
            copy = t.encode()
            self.step(ASCII, copy, len(t)).datum.data = PyBytes_AS_STRING(copy)
        else:
            self.step(WIDE, t, len(t))
        return 0

    cdef int lay_instance(self, Instance t) except -1:
        if t.items:
            self.lay_all(ITEMS, t.cls, t.values)
        else:
            self.lacking += 0 if t.offsets != NULL or t.dictionary else len(t.values)
            self.lay_all(SLOTS if t.offsets != NULL else STATE if t.dictionary else ALONE, t, t.values)
        return 0


def build(Plan plan):
    """Return the graph of a plan, every object of it new.

    Where an allocation fails, what is half built is left behind: a benchmark ends there.

    Returns:
        The graph, or a tuple of the graph and a list of the values that it lacks: see `Instance` and `Copied`.
    """
    cdef Work w
    kept = new_row(plan.lacking)
    w.at = plan.steps
    w.kept = (<PyListObject *>kept).ob_item
    cdef PyObject *made = one(&w)
    graph = <object>made
    Py_DECREF(made)
    return (graph, kept) if plan.lacking else graph


cdef PyObject *one(Work *w) except NULL:
    """Build the object of the next step."""
    cdef Step *step = w.at
    w.at += 1
    cdef int32_t kind = step.kind
    if kind == READY:
        Py_INCREF(step.datum.held)
        return step.datum.held
    elif kind == INT:
        return PyLong_FromLongLong(step.datum.number)
    elif kind == FLOAT:
        return PyFloat_FromDouble(step.datum.real)
    elif kind == ASCII:
        return ascii_text(step)
    elif kind == LIST or kind == INTS or kind == FLOATS:
        return new_list(step, w)
    elif kind == TUPLE:
        return new_items(PyTuple_New(step.size), step, w)
    elif kind == DICT:
        return new_dict(step, w)
    elif kind == SLOTS or kind == STATE or kind == ALONE:
        return new_instance(step, w)
    elif kind == ITEMS:
        return new_items(PyType_GenericAlloc(<PyTypeObject *>step.datum.held, step.size), step, w)
    elif kind == SET or kind == FROZENSET:
        return new_set(step, w)
    elif kind == PAIRS:
        return new_pairs(step, w)
    elif kind == BYTES:
        return PyBytes_FromStringAndSize(step.datum.data, step.size)
    elif kind == BYTEARRAY:
        return PyByteArray_FromStringAndSize(step.datum.data, step.size)
    elif kind == WIDE:
        return wide_text(step.datum.held)
    elif kind == LONG:
        return PyNumber_Add(step.datum.held, <PyObject *>ZERO)
    elif kind == CALLED or kind == SLICE:
        return new_called(step, w)
    return new_value(kind, step.datum.held)


cdef inline PyObject *ascii_text(Step *step) except NULL:
    cdef PyObject *made = PyUnicode_New(step.size, 127)
    memcpy(PyUnicode_DATA(made), step.datum.data, step.size)
    return made


cdef PyObject *wide_text(PyObject *t) except NULL:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(t)
    cdef PyObject *made = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(t))
    memcpy(PyUnicode_DATA(made), PyUnicode_DATA(t), length * PyUnicode_KIND(t))
    return made


cdef PyObject *new_list(Step *step, Work *w) except NULL:
    """A list; those of only ints or only floats are filled by a loop of their own."""
    cdef Py_ssize_t n, size = step.size
    cdef PyObject *made = PyList_New(size)
    if step.kind == LIST:
        for n in range(size):
            PyList_SET_ITEM(made, n, one(w))
        return made
    w.at += size
    if step.kind == INTS:
        for n in range(size):
            PyList_SET_ITEM(made, n, PyLong_FromLongLong(step[n + 1].datum.number))
    else:
        for n in range(size):
            PyList_SET_ITEM(made, n, PyFloat_FromDouble(step[n + 1].datum.real))
    return made


cdef PyObject *new_items(PyObject *made, Step *step, Work *w) except NULL:
    cdef Py_ssize_t n
    for n in range(step.size):
        PyTuple_SET_ITEM(made, n, one(w))
    return made


cdef PyObject *new_dict(Step *step, Work *w) except NULL:
    cdef Py_ssize_t n
    cdef PyObject *made = PyDict_Copy(step.datum.held)
    for n in range(step.size):
        w.kept[0] = one(w)
        w.kept += 1
    return made


cdef PyObject *new_pairs(Step *step, Work *w) except NULL:
    cdef Py_ssize_t n
    cdef PyObject *key
    cdef PyObject *item
    cdef PyObject *made = PyObject_CallNoArgs(step.datum.held)
    cdef bint ordered = PyODict_Check(made)
    for n in range(step.size // 2):
        key = one(w)
        item = one(w)
        if ordered:
            PyODict_SetItem(made, key, item)
        else:
            PyDict_SetItem(made, key, item)
        Py_DECREF(key)
        Py_DECREF(item)
    return made


cdef PyObject *new_set(Step *step, Work *w) except NULL:
    cdef Py_ssize_t n
    cdef PyObject *item
    cdef PyObject *made = PySet_New(NULL) if step.kind == SET else PyFrozenSet_New(NULL)
    for n in range(step.size):
        item = one(w)
        PySet_Add(made, item)
        Py_DECREF(item)
    return made


cdef PyObject *new_called(Step *step, Work *w) except NULL:
    """A slice of three parts, or what the class returns for a tuple of the parts."""
    cdef PyObject *made
    cdef PyObject *parts = new_items(PyTuple_New(step.size), step, w)
    if step.kind == SLICE:
        made = PySlice_New(PyTuple_GET_ITEM(parts, 0), PyTuple_GET_ITEM(parts, 1), PyTuple_GET_ITEM(parts, 2))
    else:
        made = PyObject_CallOneArg(step.datum.held, parts)
    Py_DECREF(parts)
    return made


cdef PyObject *new_instance(Step *step, Work *w) except NULL:
    cdef Instance t = <Instance>step.datum.held
    cdef Py_ssize_t n
    cdef PyObject *item
    cdef PyObject *state
    cdef PyObject *made = PyType_GenericAlloc(<PyTypeObject *>t.cls, 0)
    if step.kind == SLOTS:
        for n in range(step.size):
            (<PyObject **>(<char *>made + t.offsets[n]))[0] = one(w)
    elif step.kind == STATE:
        state = PyObject_GenericGetDict(made, NULL)
        for n in range(step.size):
            item = one(w)
            PyDict_SetItem(state, PyTuple_GET_ITEM(<PyObject *>t.names, n), item)
            Py_DECREF(item)
        Py_DECREF(state)
    else:
        for n in range(step.size):
            w.kept[0] = one(w)
            w.kept += 1
    return made


cdef PyObject *new_value(int32_t kind, PyObject *held) except NULL:
    """The standard library's values that the C API makes from C numbers."""
    if kind == COMPLEX:
        return PyComplex_FromDoubles(PyComplex_RealAsDouble(held), PyComplex_ImagAsDouble(held))
    made = temporal(kind, <object>held)
    Py_INCREF(<PyObject *>made)
    return <PyObject *>made


cdef object temporal(int32_t kind, object t):
    if kind == DATETIME:
        return datetime_new(
            (<datetime>t).year, (<datetime>t).month, (<datetime>t).day, (<datetime>t).hour,
            (<datetime>t).minute, (<datetime>t).second, (<datetime>t).microsecond, (<datetime>t).tzinfo,
        )
    if kind == DATE:
        return date_new((<date>t).year, (<date>t).month, (<date>t).day)
    if kind == TIME:
        return time_new(
            (<time>t).hour, (<time>t).minute, (<time>t).second, (<time>t).microsecond, (<time>t).tzinfo
        )
    return timedelta_new((<timedelta>t).day, (<timedelta>t).second, (<timedelta>t).microsecond)


# ---- writing -------------------------------------------------------------------------------------------------------


def write(template, bytes data):
    """Visit every object of a template once, then return a copy of `data`, which the pickler has to write.

    To visit is to read an object's type, and to go through the items of a container. Nothing is looked up in a
    memo, no value is converted, and the bytes are written at once.
    """
    if seen(<PyObject *>template) == 0:
        raise ValueError("nothing was visited")
    return new_bytes(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef inline uintptr_t seen(PyObject *t) noexcept:
    """Visit an object; return a number that depends on its type, so that no compiler leaves the visit out."""
    cdef PyTypeObject *kind = Py_TYPE(t)
    if kind == <PyTypeObject *>str or kind == <PyTypeObject *>int or kind == <PyTypeObject *>float:
        return <uintptr_t>kind
    return visit(t, kind)


cdef uintptr_t visit(PyObject *t, PyTypeObject *kind) noexcept:
    cdef uintptr_t types = <uintptr_t>kind
    cdef Py_ssize_t n
    if kind == <PyTypeObject *>list:
        for n in range(PyList_GET_SIZE(t)):
            types += seen(PyList_GET_ITEM(t, n))
    elif kind == <PyTypeObject *>tuple:
        for n in range(PyTuple_GET_SIZE(t)):
            types += seen(PyTuple_GET_ITEM(t, n))
    elif kind == <PyTypeObject *>Copied:
        types += seen(<PyObject *>(<Copied>t).parts)
    elif kind == <PyTypeObject *>Instance:
        types += seen(<PyObject *>(<Instance>t).values)
    elif kind == <PyTypeObject *>Members:
        types += seen(<PyObject *>(<Members>t).values)
    elif kind == <PyTypeObject *>Pairs:
        types += seen(<PyObject *>(<Pairs>t).parts)
    return types | 1
