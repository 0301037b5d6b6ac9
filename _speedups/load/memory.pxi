# The memo as the opcodes see it, and the objects that exist only when somebody asks for them.
#
# An instance's state is written as a dictionary, or another container, that the stream memoises and then never names
# again.  So the fast path makes none: while its items are being loaded the memo slot is OPEN, and once they are stored
# in the instance it is CLOSED or KEPT, which means "equal to what this instance holds".  That stays true until user
# code runs, so settle() builds the real objects before it does.


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
            found = make_real(r, i)
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


cdef PyObject *make_real(Loading *r, Py_ssize_t i) except NULL:
    """Put a real object where slot i is tagged; borrowed from the memo."""
    cdef PyObject *slot = r.memo.slots[i]
    cdef size_t tag = <size_t>slot & TAG_MASK
    cdef PyObject *real
    if tag == TAG_OPEN:
        open_to_real(r, &r.stack.marks[<size_t>slot >> TAG_BITS])
        return r.memo.slots[i]
    if tag == TAG_KEPT:
        settle_now(r)
        if <size_t>r.memo.slots[i] & TAG_MASK:  # memory was short the last time
            PyErr_NoMemory()
        return r.memo.slots[i]
    if tag == TAG_ITEMS:
        real = cyp_items_copy(untagged(slot))
    elif tag == TAG_CLOSED:
        real = copy_attributes(untagged(slot))
    else:
        real = read_written(r, i)
    r.memo.slots[i] = real
    memo_release(slot)
    return real


cdef int open_to_real(Loading *r, Mark *mark) except -1:
    """Give the instance below a mark the real, still empty, state that was left out."""
    cdef PyObject *state = PyList_New(0) if mark.kind == LISTED else PyDict_New()
    cdef Py_ssize_t i = mark.state
    r.stack.base[mark.height - 1] = state
    if i >= 0 and r.memo.slots[i] == open_tag(mark - r.stack.marks):
        Py_INCREF(state)
        r.memo.slots[i] = state
    mark.kind = REAL
    return 0


cdef inline PyObject *open_tag(Py_ssize_t mark_index) noexcept:
    return <PyObject *>(<size_t>mark_index << TAG_BITS | TAG_OPEN)


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
    try:
        while cyp_attrs_next(instance, &pos, &key, &value):
            PyDict_SetItem(copy, key, value)
    except BaseException:
        Py_DECREF(copy)
        raise
    return copy


cdef inline int note_closed(Loading *r, Py_ssize_t i, Py_ssize_t whole, PyObject *names, size_t tag) except -1:
    """Remember what is to be settled; see Closed.  names: borrowed."""
    if CYP_UNLIKELY(r.nclosed == r.closed_size):
        closed_grow(r)
    r.closed[r.nclosed].i = i
    r.closed[r.nclosed].whole = whole
    r.closed[r.nclosed].names = <size_t>names | tag
    Py_XINCREF(names)
    r.nclosed += 1
    return 0


cdef int closed_grow(Loading *r) except -1:
    cdef bint inside = r.closed == r.first_closed
    cdef Closed *grown = <Closed *>PyMem_Realloc(NULL if inside else r.closed,
                                                 (2 * r.closed_size + 64) * sizeof(Closed))
    if grown == NULL:
        PyErr_NoMemory()
    if inside:
        memcpy(grown, r.closed, r.nclosed * sizeof(Closed))
    r.closed = grown
    r.closed_size = 2 * r.closed_size + 64
    return 0


cdef int settle_now(Loading *r) except -1:
    """Build every closed state, because instances may change from here on."""
    cdef Py_ssize_t i
    cdef size_t names
    r.settled += 1
    while r.nclosed:
        r.nclosed -= 1
        i = r.closed[r.nclosed].i
        names = r.closed[r.nclosed].names
        if names:
            settle_kept(r, i, r.closed[r.nclosed].whole, names & NAMES_LISTED,
                        steal(<PyObject *>(names & ~<size_t>NAMES_MASK)))
        elif slot_has(r, i, TAG_CLOSED):
            make_real(r, i)
    return 0


cdef inline bint slot_has(Loading *r, Py_ssize_t i, size_t tag) noexcept:
    return 0 <= i < r.memo.size and <size_t>r.memo.slots[i] & TAG_MASK == tag


cdef int settle_kept(Loading *r, Py_ssize_t i, Py_ssize_t whole, bint listed, object names) except -1:
    """Build the state that was stored in slots, and the pair around it."""
    cdef bint alone = slot_has(r, i, TAG_KEPT)
    cdef bint paired = slot_has(r, whole, TAG_KEPT)
    if not alone and not paired:
        return 0
    state = kept_values(untagged(r.memo.slots[i if alone else whole]), names, listed)
    pair = (None, state) if paired else None
    if alone:
        replace_slot(r, i, <PyObject *>state)
    if paired:
        replace_slot(r, whole, <PyObject *>pair)
    return 0


cdef object kept_values(PyObject *instance, object names, bint as_list):
    """The state as the stream had it: a list of values, or a dictionary."""
    cdef PyObject *value
    cdef Py_ssize_t offset
    listed = []
    named = {}
    for name in <tuple>names:
        offset = slot_of_class(Py_TYPE(instance), name)
        value = NULL if offset < 0 else cyp_slot_at(instance, offset)[0]
        if value == NULL:
            continue
        if as_list:
            listed.append(<object>value)
        else:
            named[name] = <object>value
    return listed if as_list else named


cdef inline void replace_slot(Loading *r, Py_ssize_t i, PyObject *real) noexcept:
    """Put a real object, with a reference of its own, in the place of what stood for it."""
    cdef PyObject *old = r.memo.slots[i]
    Py_INCREF(real)
    r.memo.slots[i] = real
    memo_release(old)


cdef inline int settle(Loading *r) except -1:
    """Call this before anything that may run user code."""
    r.user_code += 1
    if CYP_UNLIKELY(r.nclosed > 0):
        settle_now(r)
    resume_collector(r)
    return 0


cdef inline void release(Loading *r, PyObject *o) noexcept:
    """Drop what may be the last reference to an object with a finalizer; everything is settled."""
    Py_DECREF(o)
    pause_collector(r)


# ---- the collector, where making an object may run it -----------------------------------------------------------
#
# It rests while opcodes are at work, which would not expect user code in the middle, and is as the caller had it
# whenever user code runs: settle() sees to that.


cdef inline void pause_collector(Loading *r) noexcept:
    if cyp_collects_in_allocations() and not r.paused:
        r.collects = PyGC_Disable()
        r.paused = True


cdef inline void resume_collector(Loading *r) noexcept:
    if cyp_collects_in_allocations() and r.paused:
        r.paused = False
        if r.collects:
            PyGC_Enable()


# ---- Ctrl-C -----------------------------------------------------------------------------------------------------


cdef inline int lose_patience(Loading *r, Py_ssize_t opcodes) except -1:
    """So many opcodes come, and nothing else may look for an interrupt in them."""
    if CYP_UNLIKELY(opcodes >= r.patience):
        r.patience = PATIENCE
        return look_for_interrupt(r)
    r.patience -= <int>opcodes
    return 0


cdef int look_for_interrupt(Loading *r) except -1:
    """At an opcode that has not begun, or where it may run user code: answer SIGINT."""
    if CYP_UNLIKELY(has_interrupt()):
        if handler_only_raises():
            raise KeyboardInterrupt
        settle(r)
        handle_interrupt()
        pause_collector(r)
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
    if cyp_is_free_threaded():
        source = source.copy()  # which no other thread changes
    for key, value in source.items():
        if not isinstance(key, int):
            raise TypeError("memo key must be integers")
        i = PyLong_AsSsize_t(<PyObject *>key)
        if i < 0:
            raise ValueError("memo key must be positive integers.")
        memo_put(memo, i, <PyObject *>value)
    return 0
