# Objects without parts: None, bool; and the leaf dispatcher that every object passes first.

cdef inline unsigned char *put_leaf(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """Write one of the frequent leaves at p, in so far as nothing can fail and p is not beyond e.out.lim.

    They are small ints, floats, None, bools, short ASCII text, small containers of atoms that are met by their only
    reference, and whatever is in the memo already.
    Returns the end of what was written, NULL where save_leaf_any is to decide.  e.odd is 0; e.out.p is not used.
    """
    cdef Memo *m = e.memo
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Py_ssize_t index
    cdef unsigned char *end = put_atom(p, o)
    if end != NULL:
        return end
    if t == &PyUnicode_Type:
        return put_str(e, p, o)
    if is_unique(e, o):
        return put_small(e, p, o)
    index = memo_get(m, o)
    return put_get_at(p, index) if index >= m.n_alias else NULL


cdef inline unsigned char *put_atom(unsigned char *p, PyObject *o) noexcept:
    """An int, a float, None or a bool in at most ATOM bytes at p; NULL for anything else."""
    cdef PyTypeObject *t = Py_TYPE(o)
    if t == &PyLong_Type:
        return put_int(p, o)
    if t == &PyFloat_Type:
        p[0] = OP_BINFLOAT
        cyp_write_double_be(p + 1, PyFloat_AS_DOUBLE(o))
        return p + FLOAT
    if (o == Py_None) + (t == &PyBool_Type):  # which of them, no branch foresees
        p[0] = <unsigned char>(OP_NEWFALSE - (o == Py_True) - (OP_NEWFALSE - OP_NONE) * (o == Py_None))
        return p + 1
    return NULL


cdef inline unsigned char *put_str(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_leaf for a str."""
    return put_known_str(e, p, o, is_unique(e, o))


cdef inline unsigned char *put_known_str(Emission *e, unsigned char *p, PyObject *o, bint uniq) noexcept:
    """put_str where it is known whether the str can be met again."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t index
    cdef size_t slot = 0
    if not uniq:
        index = memo_find(m, o, &slot)
        if index >= m.n_alias:
            return put_get_at(p, index)
        if CYP_UNLIKELY(index >= 0 or m.used >= m.room):
            return NULL
    return put_new_str(m, p, o, uniq, slot)


cdef inline unsigned char *put_new_str(Memo *m, unsigned char *p, PyObject *o, bint uniq, size_t slot) noexcept:
    """put_str for one that is not in the memo yet; that has room for it in this slot, if it may be met again."""
    cdef Py_ssize_t nbytes = PyUnicode_GET_LENGTH(o)
    if CYP_UNLIKELY(not PyUnicode_IS_COMPACT_ASCII(o) or m.n == m.cap or nbytes > SHORT_TEXT):
        return NULL
    if not uniq:
        memo_fill(m, slot, m.n)
    m.log[m.n] = o
    m.n += 1
    p[0] = OP_SHORT_BINUNICODE
    p[1] = <unsigned char>nbytes
    cyp_copy_exact(p + 2, cyp_ascii_data(o), nbytes)
    p += 2 + nbytes
    p[0] = OP_MEMOIZE
    return p + 1


cdef inline unsigned char *put_get_at(unsigned char *p, Py_ssize_t index) noexcept:
    """BINGET or LONG_BINGET at p, chosen without a branch."""
    cdef bint is_long = index > 0xFF
    p[0] = OP_LONG_BINGET if is_long else OP_BINGET
    cyp_write_u32(p + 1, <uint32_t>index)
    return p + (5 if is_long else 2)


cdef Py_ssize_t put_gets(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """put_leaves for a run of objects that are in the memo by its table, like members of an enumeration.

    items[i - 1] has just been met, by a reference that is not its only one.  Where items[i] is of another type, or of one
    that is mostly met once, nothing is looked up.
    """
    cdef PyTypeObject *t = Py_TYPE(items[i - 1])
    if i == stop or Py_TYPE(items[i]) != t or e.odd or e.memo.n_alias or is_atom(items[i]):
        return i
    if t == &PyDict_Type or t == &PyTuple_Type or t == &PyList_Type:
        return i
    return put_short_gets(e, items, i, stop) if e.memo.n <= 0x100 else put_any_gets(e, items, i, stop)


cdef inline Py_ssize_t put_short_gets(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """put_gets where all indices go with BINGET: nothing but the look-up itself is left in the loop."""
    cdef Memo *m = e.memo
    cdef PyObject **log = m.log  # these in registers: what p points to might be anything, for all the compiler knows
    cdef uint32_t *table = m.table
    cdef int shift = m.shift
    cdef unsigned char *p = e.out.p
    cdef PyObject **item = items + i
    cdef PyObject **end = item
    cdef uint32_t entry
    if p <= e.out.lim:
        end += min(stop - i, ((e.out.lim - p) >> 1) + 1)
    while item < end:
        entry = table[memo_slot_by(item[0], shift)]
        if CYP_UNLIKELY(entry == 0 or log[entry - 1] != item[0]):
            entry = <uint32_t>(memo_get_again(m, item[0]) + 1)
            if entry == 0:
                break
        cyp_write_u16(p, OP_BINGET | (entry - 1) << 8)
        p += 2
        item += 1
    e.out.p = p
    return item - items


cdef inline Py_ssize_t put_any_gets(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    cdef Memo *m = e.memo
    cdef PyObject **log = m.log
    cdef uint32_t *table = m.table
    cdef int shift = m.shift
    cdef unsigned char *p = e.out.p
    cdef unsigned char *lim = e.out.lim
    cdef uint32_t entry
    while i < stop and p <= lim:
        entry = table[memo_slot_by(items[i], shift)]
        if CYP_UNLIKELY(entry == 0 or log[entry - 1] != items[i]):
            entry = <uint32_t>(memo_get_again(m, items[i]) + 1)
            if entry == 0:
                break
        p = put_get_at(p, entry - 1)
        i += 1
    e.out.p = p
    return i


cdef Py_ssize_t memo_get_again(Memo *m, PyObject *o) noexcept:
    """memo_get, out of the way of loops that have taken the first look."""
    return memo_get(m, o)


cdef inline Py_ssize_t put_leaves(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """A run of frequent leaves, from items[i] on and before items[stop].

    Returns where it ended: at the first of another kind, or where a boundary has work to do.
    """
    return i if e.odd or e.out.p > e.out.lim else put_leaves_at_once(e, items, i, stop)


cdef Py_ssize_t put_leaves_at_once(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """put_leaves with the write position in a register."""
    cdef unsigned char *p = e.out.p
    cdef unsigned char *lim = e.out.lim
    cdef unsigned char *end
    while i < stop and p <= lim:
        end = put_leaf(e, p, items[i])
        if end == NULL:
            break
        p = end
        i += 1
    e.out.p = p
    return i


cdef inline int save_leaf(Emission *e, PyObject *o, bint *uniq) except -1:
    """Write o if it is an atom, a str, a bytes object or in the memo.

    Returns WRITTEN or NOT_LEAF; for the latter *uniq tells whether o was met by its only reference.
    Every object passes here exactly once before open_level: this is its opcode boundary.
    """
    cdef unsigned char *end
    if CYP_LIKELY(e.out.p <= e.out.lim and e.odd == 0):
        end = put_leaf(e, e.out.p, o)
        if end != NULL:
            e.out.p = end
            return WRITTEN
    return save_leaf_any(e, o, uniq)


cdef int save_leaf_any(Emission *e, PyObject *o, bint *uniq) except -1:
    """save_leaf for what put_leaf leaves over."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef unsigned char *end
    cdef Py_ssize_t index
    cdef int status
    if CYP_UNLIKELY(e.out.p > e.out.lim):
        if is_asked_only(e):
            if ask_persistent_id(e, o):
                return WRITTEN if e.pid == NULL else NOT_LEAF
            end = put_str(e, e.out.p, o) if t == &PyUnicode_Type else put_atom(e.out.p, o)
            if CYP_LIKELY(end != NULL):
                e.out.p = end
                return WRITTEN
        else:
            status = boundary(e, o, uniq)
            if status != GO:
                return status
    if t == &PyLong_Type:
        save_int(e, o)
        return WRITTEN
    if t == &PyFloat_Type:
        save_float(e, o)
        return WRITTEN
    if o == Py_None:
        put_op(&e.out, OP_NONE)
        return WRITTEN
    if t == &PyBool_Type:
        save_bool(e, o)
        return WRITTEN
    uniq[0] = is_unique(e, o)
    if not uniq[0]:
        index = memo_get(e.memo, o)
        if index >= 0:
            put_get(e, index)
            return WRITTEN
    if t == &PyUnicode_Type:
        save_str(e, o)
        memoize(e, o, uniq[0])
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
        save_bool(e, o)
        return WRITTEN
    if t == &PyLong_Type:
        save_int(e, o)
        return WRITTEN
    if t == &PyFloat_Type:
        save_float(e, o)
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


cdef inline bint is_asked_only(Emission *e) noexcept:
    """boundary() has nothing to do but to ask persistent_id."""
    return (e.odd == ODD_PERSISTENT and not e.skip_persistent and e.out.p <= e.out.hard
            and e.out.p - e.out.buf < e.out.full)


cdef inline int ask_persistent_id(Emission *e, PyObject *o) except -1:
    """1 if o goes by a persistent id: then it is written (text) or left in e.pid (binary).  Source: _pickle.c save_pers.

    o stays alive until the next call, whatever that does to its container.
    """
    cdef PyObject *held = e.held
    cdef PyObject *pid
    Py_INCREF(o)
    if CYP_UNLIKELY(e.moved):
        e.moved = False
    before_user_code(e)
    e.held = o
    Py_XDECREF(held)
    pid = cyp_call_hook(e.persistent_id, o)
    if CYP_LIKELY(pid == Py_None):
        Py_DECREF(pid)
        return 0
    return go_by_id(e, own(pid))


cdef int go_by_id(Emission *e, object pid) except -1:
    cdef bytes line
    if e.bin:
        e.pid = new_ref(<PyObject *>pid)
        return 1
    line = b"P%b\n" % _reduce.text_persistent_id(pid)
    ensure(&e.out)
    put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>line), len(line))
    return 1


cdef int save_bool(Emission *e, PyObject *o) except -1:
    """Protocols 0 and 1 write I01 and I00, which readers older than bool take for ints."""
    if e.proto >= 2:
        put_op(&e.out, OP_NEWTRUE if o == Py_True else OP_NEWFALSE)
        return 0
    return put_raw(&e.out, b"I01\n" if o == Py_True else b"I00\n", 4)


cdef int save_float(Emission *e, PyObject *o) except -1:
    """BINFLOAT; FLOAT with the shortest digits in protocol 0."""
    cdef char *digits
    if e.bin:
        e.out.p[0] = OP_BINFLOAT
        cyp_write_double_be(e.out.p + 1, PyFloat_AS_DOUBLE(o))
        e.out.p += FLOAT
        return 0
    digits = PyOS_double_to_string(PyFloat_AS_DOUBLE(o), c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    try:
        put_op(&e.out, OP_FLOAT)
        put_raw(&e.out, <unsigned char *>digits, <Py_ssize_t>strlen(digits))
        put_op(&e.out, c"\n")
    finally:
        PyMem_Free(digits)
    return 0


cdef int save_int(Emission *e, PyObject *o) except -1:
    """Source: _pickle.c save_long."""
    cdef int fits = 0
    cdef int64_t value = cyp_int_as_i64(o, &fits)
    cdef unsigned char *end
    cdef bytes text
    if not e.bin and fits and -0x80000000 <= value <= 0x7FFFFFFF:
        return put_decimal(e, OP_INT, <Py_ssize_t>value)
    if e.proto < 2 and not (e.bin and fits and -0x80000000 <= value <= 0x7FFFFFFF):
        text = b"L%bL\n" % repr(<object>o).encode("ascii")
        return put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>text), len(text))
    ensure(&e.out)
    end = put_int(e.out.p, o)
    if end == NULL:
        return save_int_big(e, o)
    e.out.p = end
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
