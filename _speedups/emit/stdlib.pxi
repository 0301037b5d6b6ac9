# Types of the standard library whose reduce value is known without asking for it, in so far as its parts are
# frequent leaves.  Everything in here is all or nothing: DONE, or GO and nothing is written.

cdef enum:
    GATHERED = 64  # parts of an object that are looked at together; one that has more is asked


cdef inline Py_ssize_t leaf_room(PyObject *o) noexcept:
    """Bytes that put_leaf needs at most for o; -1 where it might decline."""
    cdef PyTypeObject *t
    cdef int fits = 0
    if o == NULL:
        return -1
    t = Py_TYPE(o)
    if t == &PyUnicode_Type:
        if PyUnicode_IS_COMPACT_ASCII(o) and PyUnicode_GET_LENGTH(o) <= SHORT_TEXT:
            return PyUnicode_GET_LENGTH(o) + 5
    elif t == &PyLong_Type:
        cyp_int_as_i64(o, &fits)
        if fits:
            return 10
    elif t == &PyFloat_Type or o == Py_None or t == &PyBool_Type:
        return 9
    return -1


cdef inline bint fits_all(Emission *e, PyObject **items, Py_ssize_t n) except -1:
    """put_leaf will write all items, and no boundary has work to do before the object that they belong to is complete."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t i, room, nbytes = 3 * HEAD
    if e.odd or m.n_alias:
        return False
    for i in range(n):
        room = leaf_room(items[i])
        if room < 0:
            return False
        nbytes += room
    if nbytes > e.out.lim - e.out.p:
        return False
    if CYP_UNLIKELY(m.cap - m.n < n + 4 or (m.used + n + 4) * 2 >= m.mask):
        memo_make_room(m, n + 4)
    return True


cdef inline unsigned char *put_all(Emission *e, unsigned char *p, PyObject **items, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        p = put_leaf(e, p, items[i])
    return p


cdef inline unsigned char *put_op_at(unsigned char *p, unsigned char op) noexcept:
    p[0] = op
    return p + 1


cdef inline unsigned char *put_fresh(Emission *e, unsigned char *p) noexcept:
    """MEMOIZE for what only the reducer would have seen."""
    e.memo.log[e.memo.n] = NULL
    e.memo.n += 1
    return put_op_at(p, OP_MEMOIZE)


cdef inline int put_call(Emission *e, unsigned char *p, PyObject *o, bint uniq) noexcept:
    """REDUCE and MEMOIZE."""
    p = put_op_at(p, OP_REDUCE)
    put_memo(e, o, uniq)
    e.out.p = put_op_at(p, OP_MEMOIZE)
    return DONE


cdef inline int quick_stdlib(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An object of one of these types, by the plan's kind."""
    if plan.kind == PLAN_MEMBERS or plan.kind == PLAN_PARTS:
        return quick_call(e, o, uniq, plan)
    if plan.kind == PLAN_COMPLEX:
        return quick_complex(e, o, uniq, plan)
    if plan.kind == PLAN_UUID:
        return quick_uuid(e, o, uniq, plan)
    if plan.kind == PLAN_DEFAULTDICT or plan.kind == PLAN_COUNTER:
        return quick_dict_subclass(e, o, uniq, plan)
    if plan.kind == PLAN_DEQUE:
        return quick_deque(e, o, uniq, plan)
    if plan.kind == PLAN_TEXT:
        return quick_text(e, o, uniq, plan)
    return quick_ordereddict(e, o, uniq, plan)


cdef int quick_call(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """The class called with members of the object, or with the items of a list that is one."""
    cdef PyObject *members[GATHERED]
    cdef PyObject **items = members
    cdef PyObject *parts
    cdef unsigned char *p
    cdef Py_ssize_t i, n = PyTuple_GET_SIZE(plan.slots)
    if plan.kind == PLAN_PARTS:
        parts = slot_at(o, plan, 0)
        if parts == NULL or Py_TYPE(parts) != &PyList_Type:
            return GO
        n = PyList_GET_SIZE(parts)
        items = PySequence_Fast_ITEMS(parts)
    else:
        for i in range(n):
            members[i] = slot_at(o, plan, i)
    if n > GATHERED or not fits_all(e, items, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    if n == 0:
        return put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    if n > 3:
        p = put_op_at(p, OP_MARK)
    p = put_all(e, p, items, n)
    p = put_op_at(p, <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE)
    return put_call(e, put_fresh(e, p), o, uniq)


cdef int quick_complex(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """complex(real, imag).  Source: copyreg.pickle_complex."""
    cdef unsigned char *p
    if not fits_all(e, NULL, 0) or (p := put_class(e, o, plan)) == NULL:
        return GO
    p[0] = OP_BINFLOAT
    cyp_write_double_be(p + 1, PyComplex_RealAsDouble(o))
    p[9] = OP_BINFLOAT
    cyp_write_double_be(p + 10, PyComplex_ImagAsDouble(o))
    p[18] = OP_TUPLE2
    return put_call(e, put_fresh(e, p + 19), o, uniq)


cdef int quick_uuid(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """A UUID whose is_safe is unknown: NEWOBJ and the state {'int': ...}.  Source: uuid.UUID.__getstate__."""
    cdef PyObject *name = PyTuple_GET_ITEM(plan.slots, 0)
    cdef PyObject *value = slot_at(o, plan, 0)
    cdef unsigned char *p
    cdef unsigned char *end
    cdef Py_ssize_t nbytes, index
    if slot_at(o, plan, 1) != plan.constant or value == NULL or Py_TYPE(value) != &PyLong_Type:
        return GO
    if not fits_all(e, NULL, 0) or (p := put_class(e, o, plan)) == NULL:
        return GO
    index = memo_get(e.memo, name)
    if index < 0:
        return GO
    end = put_get_at(p + 5, index)
    nbytes = cyp_int_bytes(value, end + 2, 18)
    if nbytes < 9:
        return GO
    put_memo(e, o, uniq)
    p[0] = OP_EMPTY_TUPLE
    p[1] = OP_NEWOBJ
    p[2] = OP_MEMOIZE
    p[3] = OP_EMPTY_DICT
    put_fresh(e, p + 4)
    end[0] = OP_LONG1
    end[1] = <unsigned char>nbytes
    end += 2 + nbytes
    end[0] = OP_SETITEM
    end[1] = OP_BUILD
    e.out.p = end + 2
    return DONE


cdef int quick_text(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """The class called with str(o).  Source: _decimal.c dec_reduce."""
    cdef unsigned char *p
    cdef Py_ssize_t nbytes
    if not fits_all(e, NULL, 0) or (p := put_class(e, o, plan)) == NULL:
        return GO
    nbytes = cyp_decimal_text(o, p + 2)
    if nbytes == 0:
        return quick_str(e, o, plan)
    return put_call(e, put_text_argument(e, p, nbytes), o, uniq)


cdef int quick_str(Emission *e, PyObject *o, Plan *plan) except -1:
    """The same where the object has to be asked."""
    cdef object held = <object>o
    cdef object text
    cdef unsigned char *p
    before_user_code(e)  # the collector may run
    text = str(held)
    if not still_planned(e, plan, o, PLAN_TEXT):
        return GO
    if leaf_room(<PyObject *>text) < 0 or not fits_all(e, NULL, 0) or (p := put_class(e, o, plan)) == NULL:
        return GO
    cyp_copy_exact(p + 2, <const unsigned char *>PyUnicode_DATA(<PyObject *>text), len(<str>text))
    e.out.p = put_op_at(put_text_argument(e, p, len(<str>text)), OP_REDUCE)
    e.odd |= ODD_LATE
    memoize(e, o, False)
    return DONE


cdef inline unsigned char *put_text_argument(Emission *e, unsigned char *p, Py_ssize_t nbytes) noexcept:
    """A tuple of a str that nobody else has, whose ASCII bytes are at p + 2 already, SHORT_TEXT at most."""
    p[0] = OP_SHORT_BINUNICODE
    p[1] = <unsigned char>nbytes
    return put_fresh(e, put_op_at(put_fresh(e, p + 2 + nbytes), OP_TUPLE1))


# ---- OrderedDict, defaultdict, Counter, deque

cdef inline unsigned char *put_items(Emission *e, unsigned char *p, PyObject **items, Py_ssize_t n, unsigned char single,
                                     unsigned char batch) noexcept:
    """Items of a container, n of them with the opcode that takes them: `single` for one item or pair."""
    cdef Py_ssize_t one = 1 if batch == OP_APPENDS else 2
    if n == 0:
        return p
    if n == one:
        return put_op_at(put_all(e, p, items, n), single)
    return put_op_at(put_all(e, put_op_at(p, OP_MARK), items, n), batch)


cdef inline Py_ssize_t gather_dict(PyObject *o, PyObject **items) noexcept:
    """The keys and values by turns, borrowed; how many pointers, -1 for too many."""
    cdef Py_ssize_t n = 0, pos = 0
    if 2 * PyDict_GET_SIZE(o) > GATHERED:
        return -1
    while n < GATHERED and cyp_dict_next(o, &pos, &items[n], &items[n + 1]):
        n += 2
    return n


cdef int quick_dict_subclass(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """defaultdict: called with the factory, then the items.  Counter: called with a dict of the items."""
    cdef PyObject *items[GATHERED]
    cdef PyObject *factory = NULL
    cdef unsigned char *p
    cdef Py_ssize_t index = 0
    cdef Py_ssize_t n = gather_dict(o, items)
    if n < 0 or not fits_all(e, items, n):
        return GO
    if plan.kind == PLAN_DEFAULTDICT:
        factory = slot_at(o, plan, 0)
        if factory != NULL and factory != Py_None:
            index = memo_get(e.memo, factory)
            if index < 0:
                return GO
        else:
            factory = NULL
    p = put_class(e, o, plan)
    if p == NULL:
        return GO
    if plan.kind == PLAN_DEFAULTDICT:
        if factory == NULL:
            p = put_op_at(p, OP_EMPTY_TUPLE)
        else:
            p = put_fresh(e, put_op_at(put_get_at(p, index), OP_TUPLE1))
        put_call(e, p, o, uniq)
        e.out.p = put_items(e, e.out.p, items, n, OP_SETITEM, OP_SETITEMS)
        return DONE
    p = put_fresh(e, put_op_at(p, OP_EMPTY_DICT))
    p = put_items(e, p, items, n, OP_SETITEM, OP_SETITEMS)
    return put_call(e, put_fresh(e, put_op_at(p, OP_TUPLE1)), o, uniq)


cdef int quick_deque(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """A deque without a maximum: called with nothing, then the items."""
    cdef PyObject *items[GATHERED]
    cdef unsigned char *p
    cdef Py_ssize_t n = cyp_deque_items(o, items, GATHERED)
    if n < 0 or not fits_all(e, items, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    e.out.p = put_items(e, e.out.p, items, n, OP_APPEND, OP_APPENDS)
    return DONE


cdef int quick_ordereddict(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An OrderedDict without attributes: called with nothing, then the items in their order."""
    cdef PyObject *items[GATHERED]
    cdef unsigned char *p
    cdef bint known = cyp_knows_ordereddict(plan.type) > 0
    cdef Py_ssize_t i, n
    if 2 * PyDict_GET_SIZE(o) > GATHERED:
        return GO
    if known:
        if attributes_of(o) is not None:
            return GO
        n = 2 * cyp_ordereddict_keys(o, items, GATHERED // 2)
    else:
        n = iterate_keys(e, o, items)
    if n != 2 * PyDict_GET_SIZE(o) or not known and not still_planned(e, plan, o, PLAN_ORDEREDDICT):
        return GO
    for i in range(0, n, 2):
        if leaf_room(items[i]) < 0:
            return GO  # comparing might run user code
    for i in range(0, n, 2):
        items[i + 1] = PyDict_GetItemWithError(o, items[i])
    if not fits_all(e, items, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    if known:
        put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    else:
        e.out.p = put_op_at(put_op_at(p, OP_EMPTY_TUPLE), OP_REDUCE)
        e.odd |= ODD_LATE
        memoize(e, o, False)
    e.out.p = put_items(e, e.out.p, items, n, OP_SETITEM, OP_SETITEMS)
    return DONE


cdef Py_ssize_t iterate_keys(Emission *e, PyObject *o, PyObject **items) except -2:
    """The keys, borrowed, where only iterating tells their order: to every other place of `items`.  -1: not to be had."""
    cdef object held = <object>o
    cdef Py_ssize_t n = 0
    before_user_code(e)  # the collector may run
    if attributes_of(o) is not None:
        return -1
    for key in held:
        if n == GATHERED or leaf_room(<PyObject *>key) < 0:
            return -1
        items[n] = <PyObject *>key
        n += 2
    return n
