# Where a load has failed, as notes on its error: found out when it has happened, from the data and the stack.
#
# An opcode that fails has left its operands on the stack, but for items that have gone into a list or a tuple, and the
# mark that it has popped just above the others.  _where.py words what is found here.


cdef inline Py_ssize_t stream_offset(Loading *r) noexcept:
    """Bytes between the start of the load and the next one to read."""
    return r.passed + (r.p - r.start)


ctypedef PyObject *(*run_status)(Loading *) noexcept


cdef int tell_where(Loading *r) except -1:
    """Add the notes to the error, which stays set.  Always -1."""
    cdef PyObject *error = cyp_take_error()
    resume_collector(r)
    try:
        add_notes(r, <object>error)
    except Exception:  # nothing to tell then: the error that there is matters more than its notes
        pass
    except BaseException as other:  # KeyboardInterrupt, say
        Py_DECREF(error)
        error = <PyObject *>other
        Py_INCREF(error)
    cyp_restore_error(error)
    return -1


cdef int add_notes(Loading *r, object error) except -1:
    cdef Stack *s = &r.stack
    cdef Mark *popped = &s.marks[s.nmarks]
    cdef const unsigned char *start = NULL
    cdef int op = r.op
    cdef Py_ssize_t at = r.at
    cdef Py_ssize_t i
    cdef bint whole = not isinstance(error, (UnpicklingError, EOFError))
    cdef bytes operand = b""
    if op == RUNNING:
        start = last_opcode(r)
        at = r.passed + (start - r.start)
        op = READING
        if start < r.stop:
            op = start[0]
    elif r.start != NULL and at >= r.passed and at < stream_offset(r):
        start = r.start + (at - r.passed)
    if start != NULL and op != READING:
        whole = start + 1 + operand_size(op, start + 1, r.stop) == r.p
        operand = start[1:min(r.p - start, MOST_SHOWN)]
    values = []
    for i in range(height(s)):
        values.append(<object>s.base[i] if s.base[i] != NULL else ABSENT)
    marks = [(s.marks[i].height, s.marks[i].kind) for i in range(s.nmarks)]
    from cypickle import _where

    _where.note(error, op, at, operand, values, marks,
                popped.height if s.nmarks < s.marks_size and popped.height >= s.fence else -1,
                r.p[:min(r.stop - r.p, MOST_SHOWN)] if whole and r.p != NULL else None, ABSENT)
    return 0


cdef enum:
    MOST_SHOWN = 65536  # bytes of the data that are looked at


cdef const unsigned char *last_opcode(Loading *r) noexcept:
    """The last opcode that begins before `p`."""
    cdef const unsigned char *start = r.base
    cdef const unsigned char *next_one
    cdef Py_ssize_t size
    while start < r.p:
        size = operand_size(start[0], start + 1, r.stop)
        next_one = start + 1 + min(size, r.stop - start)
        if next_one >= r.p:
            break
        start = next_one
    return start


cdef Py_ssize_t operand_size(unsigned char op, const unsigned char *p, const unsigned char *stop) noexcept:
    """Bytes of the operand at p; more than there are before `stop` where it is cut short.  Source: pickletools."""
    cdef Py_ssize_t left = stop - p
    cdef Py_ssize_t n
    cdef uint64_t claimed
    if op == OP_BININT1 or op == OP_BINGET or op == OP_BINPUT or op == OP_PROTO or op == OP_EXT1:
        return 1
    if op == OP_BININT2 or op == OP_EXT2:
        return 2
    if op == OP_BININT or op == OP_LONG_BINGET or op == OP_LONG_BINPUT or op == OP_EXT4:
        return 4
    if op == OP_BINFLOAT or op == OP_FRAME:
        return 8
    if op == OP_GLOBAL or op == OP_INST:
        n = line_size(p, left)
        return n + line_size(p + n, left - n) if n <= left else n
    if (op == OP_INT or op == OP_LONG or op == OP_FLOAT or op == OP_STRING or op == OP_UNICODE or op == OP_GET
            or op == OP_PUT or op == OP_PERSID):
        return line_size(p, left)
    if op == OP_SHORT_BINUNICODE or op == OP_SHORT_BINBYTES or op == OP_SHORT_BINSTRING or op == OP_LONG1:
        return 1 + p[0] if left > 0 else 1
    if op == OP_BINUNICODE or op == OP_BINBYTES or op == OP_BINSTRING or op == OP_LONG4:
        return 4 + <Py_ssize_t>cyp_read_u32(p) if left >= 4 else 4
    if op == OP_BINUNICODE8 or op == OP_BINBYTES8 or op == OP_BYTEARRAY8:
        claimed = cyp_read_u64(p) if left >= 8 else 0
        return 8 + <Py_ssize_t>claimed if claimed <= <uint64_t>left else left + 1
    return 0


cdef Py_ssize_t line_size(const unsigned char *p, Py_ssize_t left) noexcept:
    """Bytes of the line at p with its newline; left + 1 where that is missing."""
    cdef const unsigned char *newline = <const unsigned char *>memchr(p, 10, left) if left > 0 else NULL
    return newline + 1 - p if newline != NULL else left + 1


cdef int gather_arguments(Loading *r, Py_ssize_t n) noexcept:
    """A call of the n topmost values has failed: put them in a tuple, as REDUCE has them.  Always -1."""
    cdef PyObject *error = cyp_take_error()
    try:
        push_steal(&r.stack, pop_tuple(r, height(&r.stack) - n))
    except MemoryError:  # then the notes will name something else
        pass
    cyp_restore_error(error)
    return -1
