# Stack helpers that know the fence, and the opcodes that only move values and marks.


cdef int underflow(Loading *r) except -1:
    raise UnpicklingError("unexpected MARK found" if r.stack.nmarks else "unpickling stack underflow")


cdef inline int push_shared(Loading *r, PyObject *o) except -1:
    """Push a borrowed object with a reference of its own."""
    Py_INCREF(o)
    return push_steal(&r.stack, o)


cdef inline PyObject *top_borrowed(Loading *r) except NULL:
    """The topmost value above the fence."""
    if CYP_UNLIKELY(height(&r.stack) <= r.stack.fence):
        underflow(r)
    return (r.stack.top - 1)[0]


cdef inline PyObject *pop_new(Loading *r) except NULL:
    """Take the topmost value above the fence off the stack, with its reference."""
    if CYP_UNLIKELY(height(&r.stack) <= r.stack.fence):
        underflow(r)
    r.stack.top -= 1
    return r.stack.top[0]


cdef PyObject **operands(Loading *r, Py_ssize_t n) except NULL:
    """The n topmost values above the fence, lowest first.  The stack keeps them until the opcode has succeeded."""
    if height(&r.stack) < r.stack.fence + n:
        underflow(r)
    return r.stack.top - n


cdef int replace_top(Loading *r, Py_ssize_t n, object made) except -1:
    """Take the n topmost values off the stack, and push what has been made of them."""
    cut(&r.stack, height(&r.stack) - n)
    return push_shared(r, <PyObject *>made)


cdef Py_ssize_t pop_mark(Loading *r) except -1:
    """Remove the topmost mark; the height it was set at.  A virtual dictionary below it becomes real."""
    cdef Mark *mark
    if r.stack.nmarks == 0:
        raise UnpicklingError("could not find MARK")
    mark = &r.stack.marks[r.stack.nmarks - 1]
    if mark.kind != REAL:
        open_to_real(r, mark)
    drop_mark(&r.stack)
    return mark.height


cdef PyObject *pop_tuple(Loading *r, Py_ssize_t start) except NULL:
    """A new tuple of the values from height `start` on, which leave the stack."""
    cdef Py_ssize_t n = height(&r.stack) - start
    cdef Py_ssize_t i
    cdef PyObject *made
    if start < r.stack.fence:
        underflow(r)
    made = PyTuple_New(n)
    for i in range(n):
        PyTuple_SET_ITEM(made, i, r.stack.base[start + i])
    r.stack.top -= n
    return made


cdef PyObject *pop_list(Loading *r, Py_ssize_t start) except NULL:
    """The same as a list."""
    cdef Py_ssize_t n = height(&r.stack) - start
    cdef PyObject *made = PyList_New(0)
    try:
        cyp_list_take(made, r.stack.base + start, n)
    except MemoryError:
        Py_DECREF(made)
        raise
    r.stack.top -= n
    return made


cdef int load_pop(Loading *r) except -1:
    """POP: the topmost value, or the mark if that is what is on top."""
    if r.stack.nmarks and r.stack.fence == height(&r.stack):
        pop_mark(r)
        return 0
    settle(r)
    Py_DECREF(pop_new(r))
    return 0


cdef int load_pop_mark(Loading *r) except -1:
    """POP_MARK: everything above the topmost mark, and the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    settle(r)
    cut(&r.stack, start)
    return 0


cdef Py_ssize_t text_index(Loading *r) except? -1:
    """The decimal argument of GET and PUT."""
    cdef char *line
    cdef PyObject *number
    if take_line(r, &line) < 2:
        truncated()
    number = PyLong_FromString(line, NULL, 10)
    try:
        return PyLong_AsSsize_t(number)
    finally:
        Py_DECREF(number)


cdef int load_put(Loading *r) except -1:
    """PUT.  Too few bytes come before an empty stack, which comes before a bad number."""
    cdef char *line
    cdef PyObject *number
    cdef Py_ssize_t i
    if take_line(r, &line) < 2:
        truncated()
    top_borrowed(r)
    number = PyLong_FromString(line, NULL, 10)
    try:
        i = PyLong_AsSsize_t(number)
    finally:
        Py_DECREF(number)
    if i < 0:
        raise ValueError("negative PUT argument")
    return store_top(r, i)


cdef int store_top(Loading *r, Py_ssize_t i) except -1:
    """Memoise the topmost value at index i.  Replacing a value may run a finalizer."""
    cdef PyObject *o = top_borrowed(r)
    if r.memo.slots[i] != NULL if i < r.memo.size else r.memo.sparse != NULL:
        settle(r)
        if r.lasting:
            make_all_real(r)
    return memo_put(r.memo, i, o)


cdef bint load_move(Loading *r, unsigned char op) except -1:
    """Execute one of these opcodes, if it is one."""
    cdef const unsigned char *p
    if op == OP_MARK: push_mark(&r.stack, REAL, UNMEMOISED)
    elif op == OP_POP: load_pop(r)
    elif op == OP_POP_MARK: load_pop_mark(r)
    elif op == OP_DUP: push_shared(r, top_borrowed(r))
    elif op == OP_BINGET: push_steal(&r.stack, memo_get_new(r, take(r, 1)[0]))
    elif op == OP_LONG_BINGET: push_steal(&r.stack, memo_get_new(r, cyp_read_u32(take(r, 4))))
    elif op == OP_GET: push_steal(&r.stack, memo_get_new(r, text_index(r)))
    elif op == OP_BINPUT: store_top(r, take(r, 1)[0])
    elif op == OP_LONG_BINPUT: store_top(r, cyp_read_u32(take(r, 4)))
    elif op == OP_PUT: load_put(r)
    elif op == OP_MEMOIZE: store_top(r, r.memo.count)
    elif op == OP_PROTO: load_proto(r)
    elif op == OP_FRAME: load_frame(r)
    else: return False
    return True


cdef int load_proto(Loading *r) except -1:
    cdef unsigned char proto = take(r, 1)[0]
    if proto > HIGHEST_PROTOCOL:
        raise ValueError(f"unsupported pickle protocol: {proto}")
    r.proto = proto
    if r.host != NULL:
        (<Machine>r.host).proto = proto
    return 0


cdef int load_frame(Loading *r) except -1:
    """FRAME: its bytes must be there; with `habits.frames` no read may cross its end."""
    cdef uint64_t size = cyp_read_u64(take(r, 8))
    if r.framed:
        if r.p < r.end:
            raise UnpicklingError("beginning of a new frame before end of current frame")
        leave_frame(r, False)
    if size > <uint64_t>PY_SSIZE_T_MAX:
        raise OverflowError(f"FRAME length exceeds system's maximum of {PY_SSIZE_T_MAX} bytes")
    take(r, <Py_ssize_t>size)
    r.p -= size
    if habits.frames:
        r.framed = True
        r.end = r.p + size
    return 0
