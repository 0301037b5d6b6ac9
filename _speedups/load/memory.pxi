# The memo as the opcodes see it, and the state dictionaries that exist only when somebody asks for them.
#
# An instance's state is written as a dictionary that the stream memoises and then never names again.  So the fast
# path makes none: while its items are being loaded the memo slot is OPEN, and once they are stored in the instance
# it is CLOSED, which means "equal to the dictionary of this instance".  That stays true until user code runs, so
# settle() builds the real dictionaries before it does.


cdef int memo_put(Memo *memo, Py_ssize_t i, PyObject *o) except -1:
    """Store o, with a reference of its own, at any index >= 0.  What was there is released last."""
    cdef PyObject *old
    cdef object sparse = memo_hole  # what was stored at i before the array got that far
    if i >= memo.size:
        if i > 2 * memo.count:
            return memo_put_sparse(memo, i, o)
        memo_grow(memo, 2 * i)
    if memo.sparse != NULL:
        sparse = (<dict>memo.sparse).pop(i, memo_hole)
    old = memo.slots[i]
    if old == NULL and (sparse is memo_hole or not habits.counts_sparse):
        memo.count += 1
    Py_INCREF(o)
    memo.slots[i] = o
    memo_release(old)
    return 0


cdef int memo_put_sparse(Memo *memo, Py_ssize_t i, PyObject *o) except -1:
    """An index far beyond the others is kept in a dictionary: memory follows the objects, not the index."""
    if memo.sparse == NULL:
        memo.sparse = PyDict_New()
    sparse = <dict>memo.sparse
    if habits.counts_sparse and i not in sparse:
        memo.count += 1
    sparse[i] = <object>o
    return 0


cdef PyObject *memo_get_new(Loading *r, Py_ssize_t i) except NULL:
    """The object at index i, as a new reference; UnpicklingError where there is none."""
    cdef Memo *memo = r.memo
    cdef PyObject *found = NULL
    if 0 <= i < memo.size:
        found = memo.slots[i]
        if <size_t>found & TAG_MASK:
            found = make_state(r, i)
    if found == NULL and memo.sparse != NULL and i >= 0:
        value = (<dict>memo.sparse).get(i, memo_hole)
        if value is not memo_hole:
            found = <PyObject *>value
            if i < memo.size:
                memo.slots[i] = found
                Py_INCREF(found)
                del (<dict>memo.sparse)[i]
            Py_INCREF(found)
            return found
    if found == NULL:
        raise UnpicklingError(f"Memo value not found at index {i}")
    Py_INCREF(found)
    return found


cdef PyObject *make_state(Loading *r, Py_ssize_t i) except NULL:
    """Put a real dictionary where slot i is tagged; borrowed from the memo."""
    cdef size_t slot = <size_t>r.memo.slots[i]
    cdef PyObject *state
    if slot & TAG_MASK == TAG_OPEN:
        open_to_real(r, &r.stack.marks[slot >> 2])
        return r.memo.slots[i]
    state = copy_attributes(<PyObject *>(slot & ~<size_t>TAG_MASK))
    r.memo.slots[i] = state
    memo_release(<PyObject *>slot)
    return state


cdef int open_to_real(Loading *r, Mark *mark) except -1:
    """Give the instance below a mark the real, still empty, state dictionary that was left out."""
    cdef PyObject *state = PyDict_New()
    cdef Py_ssize_t i = mark.state
    r.stack.base[mark.height - 1] = state
    if i >= 0 and r.memo.slots[i] == open_tag(mark - r.stack.marks):
        Py_INCREF(state)
        r.memo.slots[i] = state
    mark.state = REAL
    return 0


cdef inline PyObject *open_tag(Py_ssize_t mark_index) noexcept:
    return <PyObject *>(<size_t>mark_index << 2 | TAG_OPEN)


cdef PyObject *copy_attributes(PyObject *instance) except NULL:
    """A new dictionary equal to the instance's, without making that one if there is none."""
    cdef PyObject *copy
    cdef PyObject *own
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t pos = 0
    if cyp_attrs_len(instance) < 0:
        own = PyObject_GenericGetDict(instance, NULL)
        try:
            return PyDict_Copy(own)
        finally:
            Py_DECREF(own)
    copy = PyDict_New()
    while cyp_attrs_next(instance, &pos, &key, &value):
        PyDict_SetItem(copy, key, value)
    return copy


cdef int note_closed(Loading *r, Py_ssize_t i) except -1:
    """Remember that slot i is to be settled."""
    cdef Py_ssize_t *grown
    if r.nclosed == r.closed_size:
        grown = <Py_ssize_t *>PyMem_Realloc(r.closed, (2 * r.closed_size + 64) * sizeof(Py_ssize_t))
        if grown == NULL:
            PyErr_NoMemory()
        r.closed = grown
        r.closed_size = 2 * r.closed_size + 64
    r.closed[r.nclosed] = i
    r.nclosed += 1
    return 0


cdef int settle_now(Loading *r) except -1:
    """Build the dictionary of every closed state, because instances may change from here on."""
    cdef Py_ssize_t i
    r.settled += 1
    while r.nclosed:
        r.nclosed -= 1
        i = r.closed[r.nclosed]
        if i < r.memo.size and <size_t>r.memo.slots[i] & TAG_MASK == TAG_CLOSED:
            make_state(r, i)
    return 0


cdef inline int settle(Loading *r) except -1:
    """Call this before anything that may run user code which can reach an instance."""
    if CYP_UNLIKELY(r.nclosed > 0):
        settle_now(r)
    return 0


cdef int expose_memo(Loading *r) except -1:
    """Make every slot real, because somebody wants to see or replace the memo while we run."""
    cdef Py_ssize_t i
    settle(r)
    for i in range(r.stack.nmarks):
        if r.stack.marks[i].state != REAL:
            open_to_real(r, &r.stack.marks[i])
    return 0


# ---- the memo as Python sees it ---------------------------------------------------------------------------------


cdef dict memo_to_dict(Memo *memo):
    """A copy; no slot may be tagged."""
    cdef Py_ssize_t i
    found = {}
    for i in range(memo.size):
        if memo.slots[i] != NULL:
            found[i] = <object>memo.slots[i]
    if memo.sparse != NULL:
        found.update(<dict>memo.sparse)
    return found


cdef int memo_fill(Memo *memo, dict source) except -1:
    """Store every item of a user's dictionary; the memo is half filled if that fails."""
    cdef Py_ssize_t i
    for key, value in source.items():
        if not isinstance(key, int):
            raise TypeError("memo key must be integers")
        i = PyLong_AsSsize_t(<PyObject *>key)
        if i < 0:
            raise ValueError("memo key must be positive integers.")
        memo_put(memo, i, <PyObject *>value)
    return 0


cdef void memo_move(Memo *target, Memo *source) noexcept:
    """Empty source into the empty target: the part inside the struct has to be copied."""
    target.size = source.size
    target.count = source.count
    target.sparse = source.sparse
    if source.slots == source.first:
        memcpy(target.first, source.first, sizeof(source.first))
        target.slots = target.first
    else:
        target.slots = source.slots
    memo_init(source)
