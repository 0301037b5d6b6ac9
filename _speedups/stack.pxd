"""The value stack and the mark stack of one load: C arrays, the first part inside the struct.

Values are owned.  A value slot directly below a mark may be empty (NULL): the state, a dictionary or a list, of an
instance that is being filled, which exists only when somebody asks for it; see `Mark`.  The fence, the height of
the topmost mark, keeps every opcode but those that pop the mark away from such a slot.
"""

from cpython.object cimport PyObject
from libc.string cimport memcpy
from _speedups.cpythonx cimport (
    CYP_UNLIKELY, Py_DECREF, Py_XDECREF, PyErr_NoMemory, PyMem_Free, PyMem_Malloc, PyMem_Realloc,
)

cdef enum:
    STACK_FIRST = 128   # value slots on the C stack
    STACK_SPARE = 4     # value slots that run() may use after one check
    MARKS_FIRST = 32    # marks on the C stack

cdef enum:           # Mark.kind: what is below the mark
    REAL = 0         # a value
    LISTED = 1       # a virtual list: the state of a slotted dataclass
    KEYED = 2        # a virtual dictionary, which is to be made of the items
    NAMED = 3        # a virtual dictionary, that of the instance below it
    SLOTTED = 4      # a virtual dictionary, which will be the second half of the state of an instance with slots

cdef enum:
    UNMEMOISED = -1  # Mark.state: no memo slot refers to it

cdef struct Mark:
    Py_ssize_t height  # number of values below the mark
    Py_ssize_t state   # UNMEMOISED, or the memo index of the virtual state
    int kind

cdef struct Stack:
    PyObject **base
    PyObject **top      # one past the topmost value
    PyObject **limit    # STACK_SPARE slots before the end
    Py_ssize_t fence    # height of the topmost mark, or 0
    Mark *marks
    Py_ssize_t nmarks
    Py_ssize_t marks_size
    PyObject *first_values[STACK_FIRST]
    Mark first_marks[MARKS_FIRST]


cdef inline void stack_init(Stack *s) noexcept:
    s.base = s.first_values
    s.top = s.base
    s.limit = s.base + (STACK_FIRST - STACK_SPARE)
    s.fence = 0
    s.marks = s.first_marks
    s.nmarks = 0
    s.marks[0].height = -1
    s.marks_size = MARKS_FIRST


cdef inline int stack_grow(Stack *s) except -1:
    """Double the value stack; MemoryError leaves it as it was."""
    cdef Py_ssize_t used = s.top - s.base
    cdef Py_ssize_t size = 2 * ((s.limit - s.base) + STACK_SPARE)
    cdef PyObject **grown
    if s.base == s.first_values:
        grown = <PyObject **>PyMem_Malloc(size * sizeof(PyObject *))
        if grown != NULL:
            memcpy(grown, s.base, used * sizeof(PyObject *))
    else:
        grown = <PyObject **>PyMem_Realloc(s.base, size * sizeof(PyObject *))
    if grown == NULL:
        PyErr_NoMemory()
    s.base = grown
    s.top = grown + used
    s.limit = grown + (size - STACK_SPARE)
    return 0


cdef inline int push_steal(Stack *s, PyObject *o) except -1:
    """Push and take the reference, on failure too."""
    if CYP_UNLIKELY(s.top >= s.limit):
        try:
            stack_grow(s)
        except MemoryError:
            Py_DECREF(o)
            raise
    s.top[0] = o
    s.top += 1
    return 0


cdef inline Py_ssize_t height(Stack *s) noexcept:
    return s.top - s.base


cdef inline void cut(Stack *s, Py_ssize_t to) noexcept:
    """Release the values from the top down to height `to`.  Finalizers run while the value is already off."""
    cdef PyObject *o
    while s.top - s.base > to:
        s.top -= 1
        o = s.top[0]
        Py_XDECREF(o)


cdef inline int marks_grow(Stack *s) except -1:
    cdef Mark *grown
    if s.marks == s.first_marks:
        grown = <Mark *>PyMem_Malloc(2 * s.marks_size * sizeof(Mark))
        if grown != NULL:
            memcpy(grown, s.marks, s.nmarks * sizeof(Mark))
    else:
        grown = <Mark *>PyMem_Realloc(s.marks, 2 * s.marks_size * sizeof(Mark))
    if grown == NULL:
        PyErr_NoMemory()
    s.marks = grown
    s.marks_size *= 2
    return 0


cdef inline int push_mark(Stack *s, int kind, Py_ssize_t state) except -1:
    """Mark the current height; `kind` and `state` as in Mark."""
    if CYP_UNLIKELY(s.nmarks == s.marks_size):
        marks_grow(s)
    s.fence = s.top - s.base
    s.marks[s.nmarks].height = s.fence
    s.marks[s.nmarks].state = state
    s.marks[s.nmarks].kind = kind
    s.nmarks += 1
    return 0


cdef inline Py_ssize_t enclosing_fence(Stack *s) noexcept:
    """What the fence will be without the topmost mark."""
    return s.marks[s.nmarks - 2].height if s.nmarks > 1 else 0


cdef inline void drop_mark(Stack *s) noexcept:
    """Forget the topmost mark, which must exist."""
    s.nmarks -= 1
    s.fence = s.marks[s.nmarks - 1].height if s.nmarks else 0


cdef inline void stack_free(Stack *s) noexcept:
    cut(s, 0)
    if s.base != s.first_values:
        PyMem_Free(s.base)
    if s.marks != s.first_marks:
        PyMem_Free(s.marks)
