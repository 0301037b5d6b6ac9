# The way out: opcode boundaries, frames, the file, the memo's opcodes.

cdef inline int before_user_code(Emission *e) except -1:
    """Call before anything that can run Python code: the memo owns what it names, caches of this dump expire."""
    if e.memo.secured < e.memo.n:
        memo_secure(e.memo)
    e.epoch = e.epoch + 1 if cyp_is_free_threaded() else next_epoch()  # threads would wait for one another's
    return 0


cdef int flush(Emission *e) except -1:
    """Hand what is written to the file; no frame is open."""
    cdef object data = own(out_take(&e.out))
    before_user_code(e)
    e.moved = True
    (<object>e.write)(data)
    return 0


cdef int hold(Emission *e, PyObject *o) except -1:
    """Keep the object at hand alive across code that may take it out of its container; until the next call."""
    Py_INCREF(o)
    if CYP_UNLIKELY(e.moved):
        e.moved = False
        before_user_code(e)
    release(e, &e.held)
    e.held = o
    return 0


cdef int boundary(Emission *e, PyObject *o, bint *uniq) except -1:
    """Opcode boundary before o: close a full frame, make room, ask what the hot path does not know.

    Returns a Saved.  Source: _pickle.c _Pickler_OpcodeBoundary.
    """
    if e.guard:
        hold(e, o)
    end_full_frame(e)
    ensure(&e.out)
    if e.odd:
        return save_leaf_odd(e, o, uniq)
    return GO


cdef int end_full_frame(Emission *e) except -1:
    """Close the frame if it is full, pass it to the file, and open the next one; protocols without frames go on."""
    if e.out.p - e.out.buf >= e.out.full:
        if e.out.frame >= 0:
            close_frame(&e.out)
            if e.write != NULL:
                flush(e)
                # The next frame needs about as much again.
                reserve(&e.out, FRAME_TARGET + 2 * SLACK)
            open_frame(&e.out)
        else:
            e.out.full = e.out.p - e.out.buf + FRAME_TARGET
        note_interrupt(e)
    return 0


cdef int note_interrupt(Emission *e) except -1:
    """Look for SIGINT.  What is in flight here does not expect user code: its handler runs at the next point that does.

    Such points are between the batches of a list, dict, set or reduce value, the items of a tuple or frozenset, and
    before an object is opened: there policy is asked, as if nesting were too deep.  The new epoch makes what is on
    the C stack go on by levels.

    Raises:
        KeyboardInterrupt: the handler is Python's.
    """
    if CYP_LIKELY(not has_interrupt()):
        return 0
    if handler_only_raises():
        # Making the exception may run the collector, hence user code.
        if e.write == NULL:
            e.memo.n = e.memo.secured  # nobody will ask it again: securing millions takes longer than anyone waits
        else:
            before_user_code(e)
        raise KeyboardInterrupt
    if not e.interrupted:
        e.interrupted = True
        e.usual_recurse = e.recurse
        e.recurse = e.max_depth = 0
        e.epoch = next_epoch()
    return 0


cdef int answer_interrupt(Emission *e) except -1:
    """Let the handler of SIGINT run.  It may change anything, also what is being written."""
    e.interrupted = False
    e.recurse = e.usual_recurse
    e.max_depth = RECURSE_LEVELS
    before_user_code(e)
    e.moved = True
    handle_interrupt()
    return 0


cdef inline int at_boundary(Emission *e) except -1:
    """The boundary that the general emitter would pass for an object whose opcodes a plan writes."""
    if CYP_UNLIKELY(e.out.p > e.out.lim):
        end_full_frame(e)
        ensure(&e.out)
    return 0


cdef int put_large(Emission *e, const unsigned char *header, Py_ssize_t nheader,
                   const unsigned char *data, Py_ssize_t nbytes, PyObject *o, bint as_is) except -1:
    """Write a payload of at least FRAME_TARGET bytes outside of any frame, and straight to the file if there is one.

    o: the object at hand, borrowed.  as_is: it is what write() gets; else a copy of data is.
    Source: _pickle.c _Pickler_write_bytes.
    """
    cdef object written
    close_frame(&e.out)
    put_raw(&e.out, header, nheader)
    if e.write == NULL:
        put_raw(&e.out, data, nbytes)
    else:
        hold(e, o)
        if as_is:
            written = <object>o
        flush(e)
        if not as_is:
            written = own(PyBytes_FromStringAndSize(data, nbytes))
        (<object>e.write)(written)
        e.odd |= ODD_LATE
    if e.proto >= 4:
        open_frame(&e.out)
    note_interrupt(e)
    return 0


cdef int put_payload(Emission *e, int op8, int op32, int op64, const unsigned char *data, Py_ssize_t nbytes,
                     PyObject *o, bint as_is) except -1:
    """Opcode, length and payload; the opcode by the length's size, 0 where there is none of that size.

    nbytes: any; the caller has checked that an opcode fits.  o, as_is: as for put_large.
    """
    cdef unsigned char header[9]
    cdef Py_ssize_t nheader
    if op8 and nbytes <= 0xFF:
        header[0] = <unsigned char>op8
        header[1] = <unsigned char>nbytes
        nheader = 2
    elif op32 and <unsigned long long>nbytes <= 0xFFFFFFFF:
        header[0] = <unsigned char>op32
        cyp_write_u32(header + 1, <unsigned int>nbytes)
        nheader = 5
    else:
        header[0] = <unsigned char>op64
        cyp_write_u64(header + 1, <unsigned long long>nbytes)
        nheader = 9
    if nbytes >= FRAME_TARGET:
        return put_large(e, header, nheader, data, nbytes, o, as_is)
    put_raw(&e.out, header, nheader)
    return put_raw(&e.out, data, nbytes)


cdef object refusals():
    """_refusals, which the first error imports."""
    from cypickle import _refusals
    return _refusals


cdef int refuse(Emission *e, object error, str message) except -1:
    """Raise an error of this class.  Making it may run the collector, hence user code."""
    before_user_code(e)
    raise error(message)


cdef inline int put_get(Emission *e, Py_ssize_t index) except -1:
    """Fetch the object with this memo index.  Source: _pickle.c memo_get."""
    if CYP_UNLIKELY(not e.bin):
        return put_decimal(e, OP_GET, memo_wire_index(e.memo, index))
    index = memo_wire_index(e.memo, index)
    if CYP_UNLIKELY(index >> 32 != 0):
        refuse(e, PicklingError, "memo id too large for LONG_BINGET")
    if index < 256:
        put_op_u8(&e.out, OP_BINGET, <unsigned int>index)
    else:
        put_op_u32(&e.out, OP_LONG_BINGET, <unsigned int>index)
    return 0


cdef int put_decimal(Emission *e, unsigned char op, Py_ssize_t value) except -1:
    """A text opcode with a number.  Made by hand: CPython's conversion may run signal handlers and the collector."""
    cdef unsigned char digits[24]
    cdef Py_ssize_t at = 24
    cdef size_t rest = <size_t>value if value >= 0 else 0 - <size_t>value
    at -= 1
    digits[at] = c"\n"
    while rest or at == 23:
        at -= 1
        digits[at] = <unsigned char>(c"0" + rest % 10)
        rest //= 10
    if value < 0:
        at -= 1
        digits[at] = c"-"
    ensure(&e.out)
    put_op(&e.out, op)
    return put_raw(&e.out, digits + at, 24 - at)


cdef inline int memoize(Emission *e, PyObject *o, bint uniq) except -1:
    """Give o its memo index; the room of a boundary is left.  Source: _pickle.c memo_put."""
    cdef Memo *m = e.memo
    if CYP_LIKELY(uniq and e.odd == 0 and m.n < m.cap):
        m.log[m.n] = o
        m.n += 1
        put_op(&e.out, OP_MEMOIZE)
        return 0
    return memoize_any(e, o, uniq)


cdef int memoize_any(Emission *e, PyObject *o, bint uniq) except -1:
    """memoize for what is rarer."""
    if CYP_UNLIKELY(e.odd):
        return memoize_odd(e, o)
    if uniq:
        memo_log(e.memo, o)
    else:
        memo_add(e.memo, o)
    put_op(&e.out, OP_MEMOIZE)
    return 0


cdef inline int memoize_late(Emission *e, Level *lv) except -1:
    """memoize for an object whose parts came first."""
    if CYP_UNLIKELY(e.epoch != lv.epoch):
        e.odd |= ODD_LATE
    return memoize(e, lv.obj, still_unique(e, lv))


cdef int memoize_odd(Emission *e, PyObject *o) except -1:
    """memoize where the protocol is an old one, the mode is fast, or user code has run.

    In the last case the object may have been moved meanwhile, and be met again by an only reference: the memo takes
    one of its own, and nothing looks unique any more.
    """
    cdef Py_ssize_t index = e.memo.n
    cdef bint late = (e.odd & ODD_LATE) != 0
    e.odd &= ~ODD_LATE
    if e.odd & ODD_FAST:
        return 0
    memo_add(e.memo, o)
    if late:
        memo_secure(e.memo)
    ensure(&e.out)
    if e.proto >= 4:
        put_op(&e.out, OP_MEMOIZE)
    elif not e.bin:
        return put_decimal(e, OP_PUT, index)
    elif index < 256:
        put_op_u8(&e.out, OP_BINPUT, <unsigned int>index)
    else:
        put_op_u32(&e.out, OP_LONG_BINPUT, <unsigned int>index)
    return 0
