# Lists and tuples on the C stack, and dicts by pairs.pxi, with the write position in a register, for as long as no user
# code runs.
#
# These functions take the place to write at and return the one behind what they have written.  NULL: e.out.p is that
# place, e.status tells whether it has failed, and if not then user code has run.  What is made of atoms and strs alone
# is just written; from the first part of another kind on, its container is held and counts as a level.

cdef inline unsigned char *put_plain(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """An atom or a str at p, which is not beyond e.out.lim; NULL, and nothing done, for any other or a difficult one."""
    return put_plain_str(e, p, o) if Py_TYPE(o) == &PyUnicode_Type else put_atom(p, o)


cdef inline unsigned char *put_plain_str(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_plain for a str."""
    cdef unsigned char *end = put_str(e, p, o)
    return end if end != NULL else put_other_str(e, p, o)


cdef unsigned char *put_other_str(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_str for one that is longer, or not ASCII, if it will surely end before the next boundary."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t ncodepoints = PyUnicode_GET_LENGTH(o), nbytes
    cdef bint ascii = PyUnicode_IS_COMPACT_ASCII(o), uniq = is_unique(e, o)
    cdef unsigned char *text = p + 2
    cdef size_t slot = 0
    if not ascii and not cyp_unicode_is_ready(o) or m.n == m.cap or ncodepoints >= FRAME_TARGET // 4:
        return NULL
    nbytes = ncodepoints if ascii else utf8_most(PyUnicode_KIND(o), ncodepoints)
    if nbytes > e.out.lim - p or not uniq and (memo_find(m, o, &slot) >= 0 or m.used >= m.room):
        return NULL
    if nbytes > 0xFF:
        text = p + 5
    if ascii:
        memcpy(text, PyUnicode_DATA(o), <size_t>nbytes)
    else:
        nbytes = utf8_encode(text, PyUnicode_KIND(o), PyUnicode_DATA(o), ncodepoints) - text
    if nbytes > 0xFF:
        p[0] = OP_BINUNICODE
        cyp_write_u32(p + 1, <uint32_t>nbytes)
    else:
        if text != p + 2:
            memmove(p + 2, text, <size_t>nbytes)
            text = p + 2
        p[0] = OP_SHORT_BINUNICODE
        p[1] = <unsigned char>nbytes
    if not uniq:
        memo_fill(m, slot, m.n)
    text[nbytes] = OP_MEMOIZE
    return written(e, o, text + nbytes + 1)


cdef inline Py_ssize_t utf8_most(int kind, Py_ssize_t ncodepoints) noexcept:
    """Bytes that utf8_encode will write at most."""
    return ncodepoints * (2 if kind == 1 else 3 if kind == 2 else 4)


cdef Py_ssize_t put_strs(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """Strs from items[i] on and before items[stop], up to one that put_plain declines or a boundary; where that is."""
    cdef unsigned char *p = e.out.p
    cdef unsigned char *lim = e.out.lim
    cdef unsigned char *end
    cdef Py_ssize_t known
    while i < stop and p <= lim and Py_TYPE(items[i]) == &PyUnicode_Type:
        known = e.memo.n
        end = put_plain_str(e, p, items[i])
        if CYP_UNLIKELY(end == NULL):
            break
        p = end
        i += 1
        if known == e.memo.n:
            # It has been met before, and so will be the next, if it is like that list.
            e.out.p = p
            i = put_gets(e, items, i, stop)
            p = e.out.p
    e.out.p = p
    return i


cdef inline unsigned char *put_run(Emission *e, unsigned char *p, PyObject **items, Py_ssize_t *done,
                                   Py_ssize_t stop, bint many) noexcept:
    """Atoms and strs from items[done[0]] on and before items[stop], up to the first of another kind or a boundary.

    many: there may be so many of them that runs of one kind are worth a loop of their own.
    """
    cdef unsigned char *lim = e.out.lim
    cdef unsigned char *end
    cdef PyTypeObject *t
    cdef Py_ssize_t i = done[0]
    while i < stop and p <= lim:
        t = Py_TYPE(items[i])
        end = put_plain(e, p, items[i])
        if end == NULL:
            break
        p = end
        i += 1
        if many and i < stop and Py_TYPE(items[i]) == t:
            e.out.p = p
            if t == &PyLong_Type:
                i = put_ints(e, items, i, stop)
            elif t == &PyFloat_Type:
                i = put_floats(e, items, i, stop)
            elif t == &PyUnicode_Type:
                i = put_strs(e, items, i, stop)
            p = e.out.p
    done[0] = i
    return p


cdef inline unsigned char *put_value(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """An object of any kind, and everything below it."""
    cdef unsigned char *end = NULL
    if p <= e.out.lim:
        end = put_plain(e, p, o)
    return end if end != NULL else put_part(e, p, o)


cdef unsigned char *put_part(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """What put_plain has declined, or not seen because a boundary comes first, and everything below it."""
    cdef Memo *m = e.memo
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Py_ssize_t index
    cdef size_t slot = 0
    cdef bint uniq = is_unique(e, o)
    if CYP_UNLIKELY(p > e.out.lim):
        return (<put_any>cyp_apart(<void *>put_other_part))(e, p, o)
    if not uniq:
        index = memo_find(m, o, &slot)
        if index >= m.n_alias:
            return put_get_at(p, index)
        if CYP_UNLIKELY(index >= 0 or m.used >= m.room):
            return (<put_any>cyp_apart(<void *>put_other_part))(e, p, o)
    if CYP_LIKELY(e.depth < e.recurse and m.n < m.cap):
        if t == &PyDict_Type:
            if PyDict_GET_SIZE(o) < BATCH_ITEMS:
                return nest_dict(e, p, o, uniq, slot)
        elif t == &PyList_Type:
            if PyList_GET_SIZE(o) < BATCH_ITEMS:
                return nest_list(e, p, o, uniq, slot)
        elif t == &PyTuple_Type:
            return nest_tuple(e, p, o, uniq)
    return (<put_any>cyp_apart(<void *>put_other_part))(e, p, o)


cdef unsigned char *put_other_part(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_part for what has other ways to be written, or meets a boundary, or is in an assigned memo."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Plan *plan = plans[plan_place(t)]
    cdef unsigned char *end
    cdef uint64_t epoch = e.epoch
    if plan != NULL and plan.type == t and plan.kind == PLAN_SYNTAX and plan.epoch == epoch and is_direct(e):
        end = put_node(e, p, o, is_unique(e, o), plan)
        if end != NULL or e.status != GO:
            return end
    if t == &PySet_Type and is_unique(e, o):
        end = put_small_set(e, p, o)
        if end != NULL:
            return end
    e.out.p = p
    e.status = (<part_status>save_part)(e, o)
    return e.out.p if e.status == 0 and e.epoch == epoch else NULL


cdef int save_plain(Emission *e, PyObject *o, bint uniq) except -1:
    """save_node for a list or dict of one batch, or a tuple."""
    cdef unsigned char *p
    cdef size_t slot = 0
    memo_make_room(e.memo, 1)
    if not uniq:
        memo_find(e.memo, o, &slot)
    if Py_TYPE(o) == &PyTuple_Type:
        p = nest_tuple(e, e.out.p, o, uniq)
    elif Py_TYPE(o) == &PyList_Type:
        p = nest_list(e, e.out.p, o, uniq, slot)
    else:
        p = nest_dict(e, e.out.p, o, uniq, slot)
    return ended(e, p)


cdef inline int ended(Emission *e, unsigned char *p) except -1:
    """The status of what has been written up to p."""
    if p == NULL:
        return e.status
    e.out.p = p
    return 0


cdef inline unsigned char *put_empty_at(Emission *e, unsigned char *p, PyObject *o, bint uniq, size_t slot,
                                        unsigned char op) noexcept:
    """The opcode of an empty container, for which the memo has room in this slot."""
    cdef Memo *m = e.memo
    if not uniq:
        memo_fill(m, slot, m.n)
    m.log[m.n] = o
    m.n += 1
    p[0] = op
    p[1] = OP_MEMOIZE
    return p + 2


cdef unsigned char *room_at(Emission *e, unsigned char *p) noexcept:
    """Where to go on once there is room again; NULL for want of memory."""
    e.out.p = p
    e.status = (<room_status>ensure)(&e.out)
    return e.out.p if e.status == 0 else NULL


ctypedef unsigned char *(*put_any)(Emission *, unsigned char *, PyObject *) noexcept
ctypedef int (*room_status)(OutBuf *) noexcept


cdef int go_on_plain(Emission *e, int kind, PyObject *o, bint uniq, Py_ssize_t n, Py_ssize_t done, Py_ssize_t pos,
                     PyObject *kept, uint64_t epoch) noexcept:
    """go_on from after so many items, with e.status.  kept: owned or NULL, the value whose key has been begun."""
    cdef Level lv
    level_init(e, &lv, kind, o, uniq)
    lv.n = n
    lv.i = done
    lv.pos = pos
    lv.single = kind == KIND_DICT and n == 1
    lv.stop = 1 if lv.single else BATCH_ITEMS
    lv.shared_open = kind == KIND_TUPLE
    lv.item = kept
    if kind == KIND_LIST:
        lv.step = STEP_ITEM if n > 1 else STEP_LAST
    elif kind == KIND_DICT:
        lv.step = STEP_ITEM if kept == NULL else STEP_VALUE
    return go_on(e, &lv, o, epoch, e.status)


# ---- list

cdef unsigned char *nest_list(Emission *e, unsigned char *p, PyObject *o, bint uniq, size_t slot) noexcept:
    """A list of one batch."""
    cdef Py_ssize_t n = PyList_GET_SIZE(o), done = 0
    p = put_empty_at(e, p, o, uniq, slot, OP_EMPTY_LIST)
    if n == 0:
        return p
    p[0] = OP_MARK
    p += n > 1
    if n >= MANY or n * NUMBER > e.out.lim - p:
        return nest_list_of_any(e, p, o, uniq, 0)
    p = put_numbers(p, cyp_list_items(o), &done, n)
    if done < n:
        return nest_list_of_any(e, p, o, uniq, done)
    p[0] = OP_APPENDS if n > 1 else OP_APPEND
    return p + 1


cdef unsigned char *nest_list_of_any(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t done) noexcept:
    """nest_list from an item on, which may have parts."""
    cdef Py_ssize_t n = PyList_GET_SIZE(o)
    p = put_run(e, p, cyp_list_items(o), &done, n, n >= MANY)
    if CYP_UNLIKELY(done < n or p > e.out.hard):
        return nest_list_from(e, p, o, uniq, done)
    p[0] = OP_APPENDS if n > 1 else OP_APPEND
    return p + 1


cdef unsigned char *nest_list_from(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t done) noexcept:
    """nest_list from an item on."""
    cdef Py_ssize_t n = PyList_GET_SIZE(o)
    cdef uint64_t epoch = e.epoch
    Py_INCREF(o)
    e.depth += 1
    p = put_items(e, p, o, &done, n)
    e.depth -= 1
    if p != NULL and CYP_UNLIKELY(p > e.out.hard):
        p = room_at(e, p)
    if CYP_UNLIKELY(p == NULL):
        e.status = go_on_plain(e, KIND_LIST, o, uniq, n, done, 0, NULL, epoch)
        return NULL
    p[0] = OP_APPENDS if n > 1 else OP_APPEND
    Py_DECREF(o)
    return p + 1


cdef unsigned char *put_items(Emission *e, unsigned char *p, PyObject *o, Py_ssize_t *done, Py_ssize_t stop) noexcept:
    """The items of a list from done[0] on and before `stop`, and everything below them.

    NULL: done[0] counts the one with which that has come up.
    """
    cdef PyObject **items = cyp_list_items(o)
    cdef uint64_t epoch = e.epoch
    cdef Py_ssize_t i = done[0]
    while i < stop:
        if is_container(items[i]):
            i += 1
            done[0] = i
            p = put_part(e, p, items[i - 1])
            if CYP_UNLIKELY(p == NULL):
                return NULL
            continue
        if i and not is_unique(e, items[i - 1]):
            e.out.p = p
            i = put_gets(e, items, i, stop)
            p = e.out.p
        p = put_run(e, p, items, &i, stop, stop - i >= MANY)
        done[0] = i
        if i == stop or is_container(items[i]):
            continue
        i += 1
        done[0] = i
        p = put_part(e, p, items[i - 1])
        if CYP_UNLIKELY(p == NULL):
            return NULL
        if i < stop and may_run(o, i):
            e.out.p = p
            e.status = (<run_status>save_run)(e, o, done, stop)
            if CYP_UNLIKELY(e.status < 0 or e.epoch != epoch):
                return NULL
            p = e.out.p
            i = done[0]
    done[0] = i
    return p


cdef inline bint is_container(PyObject *o) noexcept:
    cdef PyTypeObject *t = Py_TYPE(o)
    return t == &PyDict_Type or t == &PyList_Type or t == &PyTuple_Type or t == &PySet_Type


cdef int save_items(Emission *e, PyObject *o, Py_ssize_t *done, Py_ssize_t stop) except -1:
    """put_items for a level, which goes on by itself."""
    return ended(e, put_items(e, e.out.p, o, done, stop))


ctypedef int (*items_status)(Emission *, PyObject *, Py_ssize_t *, Py_ssize_t) noexcept


# ---- tuple

cdef unsigned char *nest_tuple(Emission *e, unsigned char *p, PyObject *o, bint uniq) noexcept:
    cdef Memo *m = e.memo
    cdef Py_ssize_t n = PyTuple_GET_SIZE(o), done = 0
    if n == 0:
        p[0] = OP_EMPTY_TUPLE
        return p + 1
    p[0] = OP_MARK
    p += n > 3
    if uniq or among_open(e, o) < 0:
        p = put_run(e, p, cyp_tuple_items(o), &done, n, False)
    if CYP_UNLIKELY(done < n or p > e.out.hard or m.n == m.cap or m.used >= m.room):
        return nest_tuple_from(e, p, o, uniq, done)
    p[0] = <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE
    return memoized_at(e, p + 1, o, uniq)


cdef inline unsigned char *memoized_at(Emission *e, unsigned char *p, PyObject *o, bint uniq) noexcept:
    """MEMOIZE for o, which is not in the memo; that has room."""
    cdef size_t slot = 0
    if not uniq:
        memo_find(e.memo, o, &slot)
        memo_fill(e.memo, slot, e.memo.n)
    p[0] = OP_MEMOIZE
    return written(e, o, p + 1)


cdef unsigned char *nest_tuple_from(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t done) noexcept:
    """nest_tuple from an item on: the first that may have parts, if any has."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t n = PyTuple_GET_SIZE(o)
    cdef uint64_t before = e.epoch, epoch
    e.out.p = p
    e.status = (<tuple_status>begin_tuple)(e, o, uniq)
    if CYP_UNLIKELY(e.status < 0):
        return NULL
    epoch = e.epoch
    Py_INCREF(o)
    e.depth += 1
    while True:
        p = put_run(e, p, cyp_tuple_items(o), &done, n, False)
        if done == n:
            break
        done += 1
        p = put_part(e, p, PyTuple_GET_ITEM(o, done - 1))
        if CYP_UNLIKELY(p == NULL):
            break
    e.depth -= 1
    if p != NULL and CYP_UNLIKELY(p > e.out.hard):
        p = room_at(e, p)
    if CYP_UNLIKELY(p == NULL or e.shared_open and memo_get(e.memo, o) >= 0):
        if p != NULL:
            e.out.p = p
            e.status = 0
        e.status = go_on_plain(e, KIND_TUPLE, o, uniq, n, done, 0, NULL, epoch)
    else:
        end_tuple(e)
        p[0] = <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE
        Py_DECREF(o)
        if CYP_LIKELY(m.n < m.cap and m.used < m.room and e.epoch == before):
            return memoized_at(e, p + 1, o, uniq)
        e.out.p = p + 1
        e.status = (<save_status>memoize)(e, o, uniq)
    return e.out.p if e.status == 0 and e.epoch == before else NULL


ctypedef int (*tuple_status)(Emission *, PyObject *, bint) noexcept
