# Objects without parts: None, bool, int, float; and the leaf dispatcher that every object passes first.

cdef inline int save_leaf(Emission *e, PyObject *o, bint *uniq) except -1:
    """Write o if it is an atom, a str, a bytes object or in the memo.

    Returns WRITTEN or NOT_LEAF; for the latter *uniq tells whether o was met by its only reference.
    Every object passes here exactly once before open_level: this is its opcode boundary.
    """
    cdef PyTypeObject *t
    cdef Py_ssize_t index
    cdef int status
    if CYP_UNLIKELY(e.out.p > e.out.lim):
        status = boundary(e, o, uniq)
        if status != GO:
            return status
    t = Py_TYPE(o)
    if t == &PyUnicode_Type:
        uniq[0] = is_unique(e, o)
        if not uniq[0]:
            index = memo_get(e.memo, o)
            if index >= 0:
                put_get(e, index)
                return WRITTEN
        save_str(e, o)
        memoize(e, o, uniq[0])
        return WRITTEN
    if t == &PyLong_Type:
        save_int(e, o)
        return WRITTEN
    if t == &PyFloat_Type:
        e.out.p[0] = OP_BINFLOAT
        cyp_write_double_be(e.out.p + 1, PyFloat_AS_DOUBLE(o))
        e.out.p += 9
        return WRITTEN
    if o == Py_None:
        put_op(&e.out, OP_NONE)
        return WRITTEN
    if t == &PyBool_Type:
        put_op(&e.out, OP_NEWTRUE if o == Py_True else OP_NEWFALSE)
        return WRITTEN
    uniq[0] = is_unique(e, o)
    if not uniq[0]:
        index = memo_get(e.memo, o)
        if index >= 0:
            put_get(e, index)
            return WRITTEN
    if t == &PyBytes_Type:
        save_bytes(e, o)
        memoize(e, o, uniq[0])
        return WRITTEN
    return NOT_LEAF


cdef inline bint is_unique(Emission *e, PyObject *o) noexcept:
    """o cannot be met again unless user code runs.  Below an open shared tuple it can: the tuple is not in the memo yet."""
    return e.shared_open == 0 and cyp_is_unique(o)


cdef int save_leaf_odd(Emission *e, PyObject *o, bint *uniq) except -1:
    """The leaf dispatcher where persistent ids, old protocols or fast mode are in force.  Returns a Saved.

    A persistent id is left in e.pid for open_level.
    """
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Py_ssize_t index
    if e.odd & ODD_PERSISTENT:
        if e.skip_persistent:
            e.skip_persistent = False
        elif ask_persistent_id(e, o):
            return WRITTEN if e.pid == NULL else NOT_LEAF
    if not e.odd & ODD_PROTOCOL:
        return GO
    if o == Py_None:
        put_op(&e.out, OP_NONE)
        return WRITTEN
    if t == &PyBool_Type:
        save_bool_odd(e, o)
        return WRITTEN
    if t == &PyLong_Type:
        save_int(e, o)
        return WRITTEN
    if t == &PyFloat_Type:
        save_float_odd(e, o)
        return WRITTEN
    index = memo_get(e.memo, o)
    if index >= 0:
        put_get(e, index)
        return WRITTEN
    if t == &PyUnicode_Type:
        if e.bin:
            save_str(e, o)
        else:
            save_str_text(e, o)
        memoize(e, o, False)
        return WRITTEN
    if t == &PyBytes_Type and e.proto >= 3:
        save_bytes(e, o)
        memoize(e, o, False)
        return WRITTEN
    uniq[0] = False
    return NOT_LEAF


cdef int ask_persistent_id(Emission *e, PyObject *o) except -1:
    """1 if o goes by a persistent id: then it is written (text) or left in e.pid (binary).  Source: _pickle.c save_pers."""
    cdef object pid
    cdef bytes line
    before_user_code(e)
    pid = (<object>e.persistent_id)(<object>o)
    if pid is None:
        return 0
    if e.bin:
        e.pid = new_ref(<PyObject *>pid)
        return 1
    line = b"P%b\n" % _reduce.text_persistent_id(pid)
    ensure(&e.out)
    put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>line), len(line))
    return 1


cdef int save_bool_odd(Emission *e, PyObject *o) except -1:
    """Protocols 0 and 1 write I01 and I00, which readers older than bool take for ints."""
    if e.proto >= 2:
        put_op(&e.out, OP_NEWTRUE if o == Py_True else OP_NEWFALSE)
        return 0
    return put_raw(&e.out, b"I01\n" if o == Py_True else b"I00\n", 4)


cdef int save_float_odd(Emission *e, PyObject *o) except -1:
    cdef char *digits
    if e.bin:
        e.out.p[0] = OP_BINFLOAT
        cyp_write_double_be(e.out.p + 1, PyFloat_AS_DOUBLE(o))
        e.out.p += 9
        return 0
    digits = PyOS_double_to_string(PyFloat_AS_DOUBLE(o), c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    try:
        put_op(&e.out, OP_FLOAT)
        put_raw(&e.out, <unsigned char *>digits, <Py_ssize_t>strlen(digits))
        put_op(&e.out, c"\n")
    finally:
        PyMem_Free(digits)
    return 0


cdef inline int save_int(Emission *e, PyObject *o) except -1:
    """Source: _pickle.c save_long; BININT1, BININT2 and BININT by size."""
    cdef int fits = 0
    cdef int64_t value = cyp_int_as_i64(o, &fits)
    if CYP_UNLIKELY(not fits or value < -0x80000000 or value > 0x7FFFFFFF or not e.bin):
        return save_int_odd(e, o, value, fits)
    cyp_write_u32(e.out.p + 1, <uint32_t>value)
    if value & ~0xFF == 0:
        e.out.p[0] = OP_BININT1
        e.out.p += 2
    elif value & ~0xFFFF == 0:
        e.out.p[0] = OP_BININT2
        e.out.p += 3
    else:
        e.out.p[0] = OP_BININT
        e.out.p += 5
    return 0


cdef int save_int_odd(Emission *e, PyObject *o, int64_t value, bint fits) except -1:
    """ints beyond 32 bits, and all of protocol 0."""
    cdef int nbytes
    cdef bytes text
    if fits and not e.bin and -0x80000000 <= value <= 0x7FFFFFFF:
        return put_decimal(e, OP_INT, <Py_ssize_t>value)
    if e.proto < 2:
        text = b"L%bL\n" % repr(<object>o).encode("ascii")
        return put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>text), len(text))
    if not fits:
        return save_int_big(e, o)
    nbytes = 5
    while nbytes < 8 and (value >> (8 * nbytes - 1)) not in (0, -1):
        nbytes += 1
    ensure(&e.out)
    put_op_u8(&e.out, OP_LONG1, nbytes)
    cyp_write_u64(e.out.p, <uint64_t>value)
    e.out.p += nbytes
    return 0


cdef int save_int_big(Emission *e, PyObject *o) except -1:
    """ints beyond 64 bits: LONG1 or LONG4 with the shortest two's complement."""
    cdef object number = <object>o
    cdef object nbits, nbytes
    cdef bytes data
    before_user_code(e)  # the calls below make tracked objects
    # -2**(8n-1) is its own complement: one bit less than its magnitude says.
    nbits = (~number if number < 0 else number).bit_length() + 1
    nbytes = (nbits + 7) >> 3
    if nbytes > 0x7FFFFFFF:
        raise OverflowError("int too large to pickle")
    data = number.to_bytes(nbytes, "little", signed=True)
    ensure(&e.out)
    if nbytes < 256:
        put_op_u8(&e.out, OP_LONG1, nbytes)
    else:
        put_op_u32(&e.out, OP_LONG4, nbytes)
    return put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>data), len(data))
