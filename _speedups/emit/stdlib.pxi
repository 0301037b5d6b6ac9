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
    cdef Py_ssize_t i, room, nbytes = 3 * HEAD
    for i in range(n):
        room = leaf_room(items[i])
        if room < 0:
            return False
        nbytes += room
    return has_room(e, nbytes, n) and nbytes <= e.out.lim - e.out.p


cdef inline bint has_room(Emission *e, Py_ssize_t nbytes, Py_ssize_t n) except -1:
    """Short cuts are in force; now there is room for nbytes, and in the memo for n parts and what they belong to."""
    cdef Memo *m = e.memo
    if e.odd or m.n_alias:
        return False
    reserve(&e.out, nbytes)
    if CYP_UNLIKELY(m.cap - m.n < n + 4 or m.used + <size_t>n + 4 > m.room):
        memo_make_room(m, n + 4)
    return True


cdef int take_back(Emission *e, Py_ssize_t nbytes, Py_ssize_t n) noexcept:
    """GO: the output ends after nbytes again, and the memo after n entries.

    No frame has been closed since, nor has the table of the memo grown, so what was entered last ends its run.
    """
    cdef Memo *m = e.memo
    cdef size_t slot
    e.out.p = e.out.buf + nbytes
    while m.n > n:
        m.n -= 1
        if m.log[m.n] == NULL:
            continue
        slot = memo_slot(m, m.log[m.n])
        while m.table[slot] and m.table[slot] != m.n + 1:
            slot = (slot + 1) & m.mask
        if m.table[slot]:
            m.table[slot] = 0
            m.used -= 1
    return GO


cdef inline bint is_frame_full(Emission *e, unsigned char *p) noexcept:
    return p - e.out.buf >= e.out.full


cdef unsigned char *pass_boundary(Emission *e, unsigned char *p, bint certain) except? NULL:
    """The boundary before a part that is to go to p, which is beyond lim.

    certain: nothing can be in the way of the parts that are left.  NULL where that matters, as the frame is full, and is
    not so, or where user code would run.
    """
    if is_frame_full(e, p) and (e.guard or not certain):
        return NULL
    e.out.p = p
    end_full_frame(e)
    ensure(&e.out)
    return e.out.p


cdef inline unsigned char *with_room(Emission *e, unsigned char *p) except? NULL:
    """p, or where it is once there is room for the opcodes that complete an object."""
    if CYP_UNLIKELY(p > e.out.hard):
        e.out.p = p
        ensure(&e.out)
        return e.out.p
    return p


cdef unsigned char *put_parts(Emission *e, unsigned char *p, PyObject **items, Py_ssize_t n) except? NULL:
    """Frequent leaves, for which the memo has room, and the boundaries before them; NULL: one is to be taken_back."""
    cdef Py_ssize_t i
    for i in range(n):
        if CYP_UNLIKELY(p > e.out.lim):
            p = pass_boundary(e, p, is_frame_full(e, p) and are_leaves(items + i, n - i))
            if p == NULL:
                return NULL
        p = put_leaf(e, p, items[i])
        if CYP_UNLIKELY(p == NULL):
            return NULL
    return with_room(e, p)


cdef bint are_leaves(PyObject **items, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        if leaf_room(items[i]) < 0:
            return False
    return True


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
    if plan.kind == PLAN_ORDEREDDICT:
        return quick_ordereddict(e, o, uniq, plan)
    return quick_array(e, o, uniq, plan) if plan.kind == PLAN_ARRAY else quick_scalar(e, o, uniq, plan)


cdef int quick_call(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """The class called with members of the object, or with the items of a list that is one."""
    cdef PyObject *members[GATHERED]
    cdef PyObject **items = members
    cdef PyObject *parts
    cdef unsigned char *p
    cdef Py_ssize_t i, start, first, n = PyTuple_GET_SIZE(plan.slots)
    if plan.kind == PLAN_PARTS:
        parts = slot_at(o, plan, 0)
        if parts == NULL or Py_TYPE(parts) != &PyList_Type:
            return GO
        n = PyList_GET_SIZE(parts)
        items = PySequence_Fast_ITEMS(parts)
    else:
        for i in range(n):
            members[i] = slot_at(o, plan, i)
    if n > GATHERED or not has_room(e, 3 * HEAD, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    if n == 0:
        return put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    start = e.out.p - e.out.buf
    first = e.memo.n
    p = put_parts(e, put_op_at(p, OP_MARK) if n > 3 else p, items, n)
    if p == NULL:
        return take_back(e, start, first)
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

cdef unsigned char *put_dict_items(Emission *e, unsigned char *p, PyObject *o) except? NULL:
    """put_parts for the items of a dict, fewer than a batch, with the opcodes that they are set by."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t n = PyDict_GET_SIZE(o), pos = 0
    if n > 1:
        p = put_op_at(p, OP_MARK)
    while cyp_dict_next(o, &pos, &key, &value):
        p = put_pair(e, p, o, key, value, 1)
        if p == NULL:
            return NULL
    return end_items(e, p, n)


cdef inline unsigned char *put_pair(Emission *e, unsigned char *p, PyObject *o, PyObject *key, PyObject *value,
                                    Py_ssize_t refs) except? NULL:
    """put_parts for one item of the dict o.

    refs: how many references to the key o has itself: 2 for an OrderedDict, 0 for one whose order the dict below has not.
    """
    if CYP_UNLIKELY(p > e.out.lim):
        p = pass_boundary(e, p, is_frame_full(e, p) and has_leaves(o, refs != 1))
        if p == NULL:
            return NULL
    if Py_TYPE(key) == &PyUnicode_Type:
        p = put_known_str(e, p, key, e.shared_open == 0 and Py_REFCNT(key) == refs)
    else:
        p = put_leaf(e, p, key)
    if CYP_LIKELY(p != NULL):
        if CYP_UNLIKELY(p > e.out.lim):
            p = pass_boundary(e, p, is_frame_full(e, p) and has_leaves(o, refs != 1))
            if p == NULL:
                return NULL
        p = put_leaf(e, p, value)
    return p


cdef inline unsigned char *end_items(Emission *e, unsigned char *p, Py_ssize_t n) except? NULL:
    p = with_room(e, p)
    return put_op_at(p, OP_SETITEMS if n > 1 else OP_SETITEM) if n else p


cdef bint has_leaves(PyObject *o, bint ordered) noexcept:
    """All keys and values of a dict are frequent leaves.  ordered: an OrderedDict, which agrees with the dict below."""
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject *known
    cdef void *node = NULL
    cdef Py_ssize_t n = PyDict_GET_SIZE(o), pos = 0
    while cyp_dict_next(o, &pos, &key, &value):
        if leaf_room(key) < 0 or leaf_room(value) < 0:
            return False
        if ordered and cyp_ordereddict_key_at(o, pos - 1) != key:
            return False
    while ordered and cyp_ordereddict_next(o, &node, &known):
        n -= 1
    return not ordered or n == 0


cdef int quick_dict_subclass(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """defaultdict: called with the factory, then the items.  Counter: called with a dict of the items."""
    cdef PyObject *factory = NULL
    cdef unsigned char *p
    cdef Py_ssize_t index = 0
    cdef Py_ssize_t n = PyDict_GET_SIZE(o)
    cdef Py_ssize_t start, first = e.memo.n
    if n >= BATCH_ITEMS or not has_room(e, 3 * HEAD, 2 * n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    start = e.out.p - e.out.buf
    if plan.kind == PLAN_DEFAULTDICT:
        factory = slot_at(o, plan, 0)
        if factory == NULL or factory == Py_None:
            p = put_op_at(p, OP_EMPTY_TUPLE)
        else:
            index = memo_get(e.memo, factory)
            if index < 0:
                return GO
            p = put_fresh(e, put_op_at(put_get_at(p, index), OP_TUPLE1))
        put_call(e, p, o, uniq)
        p = put_dict_items(e, e.out.p, o)
        if p == NULL:
            return take_back(e, start, first)
        e.out.p = p
        return DONE
    p = put_dict_items(e, put_fresh(e, put_op_at(p, OP_EMPTY_DICT)), o)
    if p == NULL:
        return take_back(e, start, first)
    return put_call(e, put_fresh(e, put_op_at(p, OP_TUPLE1)), o, uniq)


cdef int quick_deque(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """A deque without a maximum: called with nothing, then the items."""
    cdef PyObject *items[GATHERED]
    cdef unsigned char *p
    cdef Py_ssize_t n = cyp_deque_items(o, items, GATHERED)
    cdef Py_ssize_t start, first = e.memo.n
    if n < 0 or not has_room(e, 3 * HEAD, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    start = e.out.p - e.out.buf
    put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    if n == 0:
        return DONE
    p = put_parts(e, put_op_at(e.out.p, OP_MARK) if n > 1 else e.out.p, items, n)
    if p == NULL:
        return take_back(e, start, first)
    e.out.p = put_op_at(p, OP_APPENDS if n > 1 else OP_APPEND)
    return DONE


cdef int quick_ordereddict(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An OrderedDict without attributes: called with nothing, then the items in their order."""
    cdef unsigned char *p
    cdef Py_ssize_t n = PyDict_GET_SIZE(o)
    cdef Py_ssize_t start, first = e.memo.n
    if cyp_knows_ordereddict(plan.type) <= 0:
        return iterate_ordereddict(e, o, plan)
    if n >= BATCH_ITEMS or attributes_of(o) is not None:
        return GO
    if not has_room(e, 3 * HEAD, 2 * n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    start = e.out.p - e.out.buf
    put_call(e, put_op_at(p, OP_EMPTY_TUPLE), o, uniq)
    p = put_ordered_items(e, e.out.p, o)
    if p == NULL:
        return take_back(e, start, first)
    e.out.p = p
    return DONE


cdef unsigned char *put_ordered_items(Emission *e, unsigned char *p, PyObject *o) except? NULL:
    """put_dict_items for an OrderedDict: mostly the dict below has the order of the nodes, and the very same keys."""
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject *found
    cdef void *node = NULL
    cdef bint same = True
    cdef Py_ssize_t n = PyDict_GET_SIZE(o), done = 0, pos = 0
    if n > 1:
        p = put_op_at(p, OP_MARK)
    while cyp_ordereddict_next(o, &node, &key):
        if CYP_UNLIKELY(not (same and cyp_dict_next(o, &pos, &found, &value) and found == key
                             and cyp_ordereddict_node_at(o, pos - 1) == node)):
            if same and not has_leaves(o, True):
                return NULL  # iterating would fail, or comparing might run user code
            same = False
            value = PyDict_GetItemWithError(o, key)
            if value == NULL:
                return NULL
        p = put_pair(e, p, o, key, value, 2 if same else 0)
        if p == NULL:
            return NULL
        done += 1
    return end_items(e, p, n) if done == n else NULL


cdef int iterate_ordereddict(Emission *e, PyObject *o, Plan *plan) except -1:
    """The same where only iterating tells the order."""
    cdef PyObject *items[GATHERED]
    cdef unsigned char *p
    cdef Py_ssize_t i, n
    if 2 * PyDict_GET_SIZE(o) > GATHERED:
        return GO
    n = iterate_keys(e, o, items)
    if n != 2 * PyDict_GET_SIZE(o) or not still_planned(e, plan, o, PLAN_ORDEREDDICT):
        return GO
    for i in range(0, n, 2):
        items[i + 1] = PyDict_GetItemWithError(o, items[i])
    if not fits_all(e, items, n) or (p := put_class(e, o, plan)) == NULL:
        return GO
    e.out.p = put_op_at(put_op_at(p, OP_EMPTY_TUPLE), OP_REDUCE)
    e.odd |= ODD_LATE
    memoize(e, o, False)
    if n > 2:
        put_op(&e.out, OP_MARK)
    put_leaves(e, items, 0, n)
    if n:
        put_op(&e.out, OP_SETITEMS if n > 2 else OP_SETITEM)
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
