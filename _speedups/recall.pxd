"""The memo of the unpickling half: an array, with a dictionary for indices that would make it too large.

A slot is NULL, an owned object, or tagged in its three low bits (objects are aligned to at least 8 bytes):

- OPEN: the state of an instance whose items are still being loaded.  The rest of the word is the index of its
  mark; nothing is owned.
- CLOSED: the state dictionary of an instance that has been built from it.  The rest is the instance, owned,
  whose own dictionary equals the state until user code runs.
- KEPT: the state, or a part of it, of an instance with slots.  The rest is the instance, owned, whose slots hold
  the values until user code runs; `Loading.closed` has the names.
- ITEMS: the arguments of a named tuple.  The rest is that tuple, owned, which has the same items for ever.
- WRITTEN: a tuple of plain values that were the arguments of a call.  The rest is where they begin in the data;
  nothing is owned.
- WRITTEN_BYTES: the same for a bytes object.

Each is replaced by a real object before anybody can see it: see load/memory.pxi.

Which indices go to the array decides what MEMOIZE, which counts them, means: so the limits are those of
_pickle.c (_Unpickler_MemoPut in 3.14, gh-115952).
"""

from cpython.object cimport PyObject
from libc.string cimport memcpy, memset
from _speedups.cpythonx cimport (
    CYP_LIKELY, Py_DECREF, Py_INCREF, PyErr_NoMemory, PyMem_Free, PyMem_Malloc, PyMem_Realloc, cyp_clear,
)

cdef enum:
    MEMO_FIRST = 32  # slots inside the struct; _pickle.c _Unpickler_New
    TAG_MASK = 7
    TAG_BITS = 3
    TAG_OPEN = 1           # up to WRITTEN_BYTES: nothing is owned
    TAG_WRITTEN = 2
    TAG_WRITTEN_BYTES = 3
    TAG_CLOSED = 4
    TAG_KEPT = 5
    TAG_ITEMS = 6

cdef struct Memo:
    PyObject **slots
    Py_ssize_t size      # slots allocated
    Py_ssize_t count     # objects memoised: the index that MEMOIZE uses
    PyObject *sparse     # exact dict {index: object}, owned, or NULL
    PyObject *first[MEMO_FIRST]


cdef inline void memo_init(Memo *memo) noexcept:
    memo.slots = memo.first
    memo.size = MEMO_FIRST
    memo.count = 0
    memo.sparse = NULL
    cyp_clear(memo.first, sizeof(memo.first))


cdef inline int memo_grow(Memo *memo, Py_ssize_t size) except -1:
    """Make room for `size` slots, more than there are; MemoryError leaves the memo as it was."""
    cdef PyObject **grown
    if <size_t>size > <size_t>(-1) // 16:
        PyErr_NoMemory()
    if memo.slots == memo.first:
        grown = <PyObject **>PyMem_Malloc(size * sizeof(PyObject *))
        if grown != NULL:
            memcpy(grown, memo.slots, memo.size * sizeof(PyObject *))
    else:
        grown = <PyObject **>PyMem_Realloc(memo.slots, size * sizeof(PyObject *))
    if grown == NULL:
        PyErr_NoMemory()
    memset(grown + memo.size, 0, (size - memo.size) * sizeof(PyObject *))
    memo.slots = grown
    memo.size = size
    return 0


cdef inline bint memo_is_free(Memo *memo, Py_ssize_t i) noexcept:
    """Slot i exists and nothing has been stored under that index."""
    return i < memo.size and memo.slots[i] == NULL and memo.sparse == NULL


cdef inline bint memo_append(Memo *memo, PyObject *o) noexcept:
    """MEMOIZE, when the next slot is free; False leaves everything to memo_put()."""
    cdef Py_ssize_t i = memo.count
    if CYP_LIKELY(memo_is_free(memo, i)):
        Py_INCREF(o)
        memo.slots[i] = o
        memo.count = i + 1
        return True
    return False


cdef inline bint memo_place(Memo *memo, Py_ssize_t i, PyObject *o) noexcept:
    """PUT, when slot i exists and is free; False leaves everything to memo_put()."""
    if CYP_LIKELY(memo_is_free(memo, i)):
        Py_INCREF(o)
        memo.slots[i] = o
        memo.count += 1
        return True
    return False


cdef inline PyObject *untagged(PyObject *slot) noexcept:
    return <PyObject *>(<size_t>slot & ~<size_t>TAG_MASK)


cdef inline bint slot_owns(PyObject *slot) noexcept:
    """A slot in use holds an object, tagged or not."""
    cdef size_t tag = <size_t>slot & TAG_MASK
    return tag == 0 or tag >= TAG_CLOSED


cdef inline void memo_release(PyObject *slot) noexcept:
    """Give up what a slot held, once it is out of the memo."""
    if slot != NULL and slot_owns(slot):
        Py_DECREF(untagged(slot))


cdef inline void memo_drop(Memo *memo) noexcept:
    """Release what a memo holds that nobody can look into, and that is not used again."""
    cdef Py_ssize_t used = memo.count if memo.sparse == NULL else memo.size  # slots, or more
    cdef PyObject **slot = memo.slots
    cdef PyObject **end = slot + memo.size
    cdef PyObject *o
    while used and slot < end:
        o = slot[0]
        slot += 1
        if o == NULL:
            continue
        used -= 1
        if CYP_LIKELY(not <size_t>o & TAG_MASK):
            Py_DECREF(o)
        elif slot_owns(o):
            Py_DECREF(untagged(o))
    if memo.slots != memo.first:
        PyMem_Free(memo.slots)
    if memo.sparse != NULL:
        Py_DECREF(memo.sparse)


cdef inline void memo_move(Memo *target, Memo *source) noexcept:
    """Empty source into target, which holds nothing: the part inside the struct has to be copied."""
    target.size = source.size
    target.count = source.count
    target.sparse = source.sparse
    if source.slots == source.first:
        memcpy(target.first, source.first, sizeof(source.first))
        target.slots = target.first
    else:
        target.slots = source.slots
    memo_init(source)


cdef inline void memo_free(Memo *memo) noexcept:
    """Empty the memo.  It is valid and empty before the first finalizer runs."""
    cdef Memo dropped
    memo_move(&dropped, memo)
    memo_drop(&dropped)
