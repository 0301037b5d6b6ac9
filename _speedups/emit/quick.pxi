# Objects written without a level, as far as their parts are frequent leaves: nothing in here can fail or run Python.
#
# Each quick_* function is given an object that its walker would begin.  It writes what it can and returns DONE,
# or GO where it has written nothing, or NEXT: then the level goes on where it had to stop.

cdef enum:
    HEAD = 16  # bytes that the opcodes before the first part take at most
    ATOM = 10  # bytes of an atom at most: LONG1 with eight


cdef unsigned char *put_small(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_leaf for what was met by its only reference: a list, tuple or set of a few atoms, or an empty dict.

    NULL, and nothing done, where it has other parts, or where a boundary may come before its last.
    """
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Py_ssize_t n
    if t == &PyList_Type:
        n = PyList_GET_SIZE(o)
        return put_small_list(e, p, o, n) if n == 0 or may_be_atoms(PySequence_Fast_ITEMS(o), n) else NULL
    if t == &PyTuple_Type:
        n = PyTuple_GET_SIZE(o)
        return put_small_tuple(e, p, o, n) if n and may_be_atoms(PySequence_Fast_ITEMS(o), n) else NULL
    if t == &PySet_Type:
        return put_small_set(e, p, o)
    if t != &PyDict_Type or PyDict_GET_SIZE(o):
        return NULL
    if not is_small(e, p, 0):
        return NULL
    p[0] = OP_EMPTY_DICT
    p[1] = OP_MEMOIZE
    return written(e, o, p + 2)


cdef inline bint is_atom(PyObject *o) noexcept:
    """put_atom will probably write it."""
    cdef PyTypeObject *t = Py_TYPE(o)
    return t == &PyLong_Type or t == &PyFloat_Type or o == Py_None or t == &PyBool_Type


cdef inline bint may_be_atoms(PyObject **items, Py_ssize_t n) noexcept:
    """There are atoms where we look."""
    return is_atom(items[0]) and is_atom(items[n - 1]) and is_atom(items[n >> 1])


cdef inline bint is_small(Emission *e, unsigned char *p, Py_ssize_t n) noexcept:
    """No boundary, of frames, of batches or of nesting, can come within n atoms, and the memo has room for one more."""
    return (n * ATOM + HEAD <= e.out.lim - p and n < BATCH_ITEMS and e.depth < e.recurse
            and e.memo.n < e.memo.cap)


cdef inline unsigned char *written(Emission *e, PyObject *o, unsigned char *end) noexcept:
    """o has the next memo index, as the opcodes before `end` say."""
    e.memo.log[e.memo.n] = o
    e.memo.n += 1
    return end


cdef inline unsigned char *put_small_list(Emission *e, unsigned char *p, PyObject *o, Py_ssize_t n) noexcept:
    if not is_small(e, p, n):
        return NULL
    p[0] = OP_EMPTY_LIST
    p[1] = OP_MEMOIZE
    if n == 0:
        return written(e, o, p + 2)
    p[2] = OP_MARK
    p = put_atoms(p + 2 + (n > 1), PySequence_Fast_ITEMS(o), n)
    if p == NULL:
        return NULL
    p[0] = OP_APPENDS if n > 1 else OP_APPEND
    return written(e, o, p + 1)


cdef inline unsigned char *put_small_tuple(Emission *e, unsigned char *p, PyObject *o, Py_ssize_t n) noexcept:
    if not is_small(e, p, n):
        return NULL
    p[0] = OP_MARK
    p = put_atoms(p + (n > 3), PySequence_Fast_ITEMS(o), n)
    if p == NULL:
        return NULL
    p[0] = <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE
    p[1] = OP_MEMOIZE
    return written(e, o, p + 2)


cdef unsigned char *put_small_set(Emission *e, unsigned char *p, PyObject *o) noexcept:
    cdef PyObject *items[SET_RUN]
    cdef Py_ssize_t positions[SET_RUN]
    cdef Py_ssize_t n = PySet_GET_SIZE(o)
    if n > SET_RUN or not is_small(e, p, n) or not cyp_has_set_next():
        return NULL
    p[0] = OP_EMPTY_SET
    p[1] = OP_MEMOIZE
    if n == 0:
        return written(e, o, p + 2)
    p[2] = OP_MARK
    p = put_atoms(p + 3, items, cyp_set_next(o, 0, items, positions, SET_RUN))
    if p == NULL:
        return NULL
    p[0] = OP_ADDITEMS
    return written(e, o, p + 1)


cdef inline unsigned char *put_atoms(unsigned char *p, PyObject **items, Py_ssize_t n) noexcept:
    """n atoms at p, in at most ATOM bytes each; NULL if something else is among them."""
    cdef Py_ssize_t i
    for i in range(n):
        p = put_atom(p, items[i])
        if p == NULL:
            return NULL
    return p


cdef inline int put_pairs(Emission *e, PyObject *o, bint instance, Plan *plan, Py_ssize_t stop, Py_ssize_t *done,
                          Py_ssize_t *pos, PyObject **pending) noexcept:
    """A run of items of the dict o, or attributes of the instance o, whose keys and values are frequent leaves.

    plan: remembers the names of attributes by place; NULL for any other dict.  stop: *done is to get no further than this.
    pos: the place as PyDict_Next counts it.  pending: gets the value, borrowed, whose key is written and which is not;
    NULL where there is none.
    """
    cdef unsigned char *p = e.out.p
    cdef unsigned char *end
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject **known = NULL
    cdef Py_ssize_t *indices = NULL
    cdef Py_ssize_t i = done[0], at, most = 0
    cdef bint shared
    pending[0] = NULL
    if e.odd:
        return 0
    shared = instance or cyp_shares_keys(o)
    if plan != NULL:
        known = plan.names
        indices = plan.name_indices
        most = PLAN_NAMES if plan.generation == e.memo.generation else 0
    while i < stop and p <= e.out.lim:
        at = pos[0]
        if not (cyp_attrs_next(o, pos, &key, &value) if instance else cyp_dict_next(o, pos, &key, &value)):
            pos[0] = at
            break
        if Py_TYPE(key) == &PyUnicode_Type:
            if i < most:
                end = put_name(e, p, key, &known[i], &indices[i], shared)
            else:
                end = put_known_str(e, p, key, not shared and is_unique(e, key))
        else:
            end = put_leaf(e, p, key)
        if CYP_UNLIKELY(end == NULL):
            pos[0] = at
            break
        p = end
        if p <= e.out.lim:
            end = put_leaf(e, p, value)
        if CYP_UNLIKELY(end == NULL or end == p):  # declined, or not tried: a boundary comes first
            pending[0] = value
            break
        p = end
        i += 1
    e.out.p = p
    done[0] = i
    return 0


cdef inline unsigned char *put_name(Emission *e, unsigned char *p, PyObject *name, PyObject **known,
                                    Py_ssize_t *index, bint shared) noexcept:
    """put_leaf for a str that has mostly been written before: *known is the last one at this place, *index its own.

    shared: it may be met again by the one reference that it is met by now, see cyp_shares_keys.
    """
    if CYP_LIKELY(known[0] == name):
        return put_get_at(p, index[0])
    return put_other_name(e, p, name, known, index, not shared and is_unique(e, name))


cdef unsigned char *put_other_name(Emission *e, unsigned char *p, PyObject *name, PyObject **known, Py_ssize_t *index,
                                   bint uniq) noexcept:
    """put_name for another name; it becomes the one at this place if it can be met again."""
    cdef Memo *m = e.memo
    cdef unsigned char *end
    cdef Py_ssize_t found
    cdef size_t slot = 0
    if uniq:
        return put_new_str(m, p, name, True, 0)
    found = memo_find(m, name, &slot)
    if found >= m.n_alias:
        end = put_get_at(p, found)
    elif found >= 0 or m.used >= m.room:
        return NULL
    else:
        found = m.n
        end = put_new_str(m, p, name, False, slot)
        if end == NULL:
            return NULL
    if CYP_LIKELY(not is_hook_name(name)):  # so that whoever has no other names has no attribute that shadows a hook
        known[0] = name
        index[0] = found
    return end


cdef inline unsigned char *put_class(Emission *e, PyObject *o, Plan *plan) noexcept:
    """Fetch the class of o from the memo; NULL where a level is needed to write it, or for a boundary that may come."""
    cdef unsigned char *p = e.out.p
    if CYP_UNLIKELY(e.odd or e.out.lim - p < HEAD):
        return NULL
    if CYP_UNLIKELY(plan.class_index < 0 and plan.generation == e.memo.generation):
        plan.class_index = memo_get(e.memo, <PyObject *>plan.type)
    if CYP_UNLIKELY(plan.class_index < e.memo.n_alias or plan.class_index < 0):
        return NULL
    return put_get_at(p, plan.class_index)


cdef inline bint put_memo(Emission *e, PyObject *o, bint uniq) noexcept:
    """Give o, which is not in the memo, the next index if there is room for it and one more; MEMOIZE is the caller's."""
    cdef Memo *m = e.memo
    cdef size_t slot = 0
    if CYP_UNLIKELY(m.cap - m.n < 2 or m.used >= m.room):
        return False
    if not uniq:
        memo_find(m, o, &slot)
        memo_fill(m, slot, m.n)
    m.log[m.n] = o
    m.n += 1
    return True


cdef inline int quick_namedtuple(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) except -1:
    """A namedtuple without a dictionary of its own."""
    cdef unsigned char *p
    cdef Py_ssize_t n = PyTuple_GET_SIZE(o)
    cdef Py_ssize_t done
    if n == 0 or plan.type.tp_dictoffset or (p := put_class(e, o, plan)) == NULL:
        return GO
    if not uniq and (e.n_open_tuples >= OPEN_TUPLES or among_open(e, o) >= 0):
        return GO  # it may be below itself
    p[0] = OP_MARK
    e.out.p = p + (n > 3)
    done = put_leaves(e, PySequence_Fast_ITEMS(o), 0, n)
    if CYP_LIKELY(done == n and e.out.p <= e.out.hard and e.memo.n < e.memo.cap):
        p = e.out.p
        e.memo.log[e.memo.n] = NULL
        e.memo.n += 1
        if CYP_LIKELY(put_memo(e, o, uniq)):
            p[0] = <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE
            p[1] = OP_MEMOIZE
            p[2] = OP_NEWOBJ
            p[3] = OP_MEMOIZE
            e.out.p = p + 4
            return DONE
        e.memo.n -= 1
    open_native(e, o, uniq, plan, lv)
    lv.step = NATIVE_VALUES
    lv.i = done
    return NEXT


cdef inline int quick_slots(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) except -1:
    """An instance with slots, all of them filled, whose names are in the memo."""
    cdef unsigned char *p
    cdef unsigned char *end
    cdef Py_ssize_t n = PyTuple_GET_SIZE(plan.slots)
    cdef Py_ssize_t i
    for i in range(n):
        if plan.names[i] != PyTuple_GET_ITEM(plan.slots, i) or slot_at(o, plan, i) == NULL:
            return GO
    if n < 2 or e.guard or (p := put_class(e, o, plan)) == NULL or not put_memo(e, o, uniq):
        return GO
    e.memo.log[e.memo.n] = NULL
    e.memo.n += 1
    p[0] = OP_EMPTY_TUPLE
    p[1] = OP_NEWOBJ
    p[2] = OP_MEMOIZE
    p[3] = OP_NONE
    p[4] = OP_EMPTY_DICT
    p[5] = OP_MEMOIZE
    p[6] = OP_MARK
    p += 7
    i = 0
    while i < n and p <= e.out.lim:
        end = put_get_at(p, plan.name_indices[i])
        if end <= e.out.lim:
            end = put_leaf(e, end, slot_at(o, plan, i))
        else:
            break
        if end == NULL:
            break
        p = end
        i += 1
    e.out.p = p
    if CYP_LIKELY(i == n and p <= e.out.hard and e.memo.n < e.memo.cap):
        e.memo.log[e.memo.n] = NULL
        e.memo.n += 1
        p[0] = OP_SETITEMS
        p[1] = OP_TUPLE2
        p[2] = OP_MEMOIZE
        p[3] = OP_BUILD
        e.out.p = p + 4
        return DONE
    open_native(e, o, uniq, plan, lv)
    lv.step = NATIVE_VALUES
    lv.value = new_ref(plan.slots)
    lv.n = n
    lv.i = i
    lv.stop = (<Py_ssize_t>1 << n) - 1
    return NEXT


cdef inline int quick_temporal(Emission *e, PyObject *o, bint uniq, Plan *plan) noexcept:
    """A date, datetime, time or timedelta whose tzinfo, if any, is in the memo."""
    cdef unsigned char *p = put_class(e, o, plan)
    cdef PyObject *tzinfo = cyp_temporal_tzinfo(o, plan.kind - PLAN_DATE)
    cdef Py_ssize_t index = 0, nbytes
    cdef int i
    if p == NULL or e.memo.cap - e.memo.n < 4:
        return GO
    if tzinfo != NULL:
        index = memo_get(e.memo, tzinfo)
        if index < e.memo.n_alias or index < 0 or is_unique(e, tzinfo):
            return GO
    nbytes = cyp_temporal_state(o, plan.kind - PLAN_DATE, p + 2)
    if nbytes:
        p[0] = OP_SHORT_BINBYTES
        p[1] = <unsigned char>nbytes
        p += 2 + nbytes
        p[0] = OP_MEMOIZE
        p += 1
        if p > e.out.lim:
            return GO
        e.memo.log[e.memo.n] = NULL
        e.memo.n += 1
        if tzinfo != NULL:
            p = put_get_at(p, index)
        p[0] = OP_TUPLE1 if tzinfo == NULL else OP_TUPLE2
    else:
        for i in range(3):
            if p > e.out.lim:
                return GO
            p = put_number(p, cyp_timedelta_field(o, i))
        p[0] = OP_TUPLE3
    e.memo.log[e.memo.n] = NULL
    e.memo.n += 1
    if CYP_UNLIKELY(not put_memo(e, o, uniq)):
        e.memo.n -= 2 if nbytes else 1
        return GO
    p[1] = OP_MEMOIZE
    p[2] = OP_REDUCE
    p[3] = OP_MEMOIZE
    e.out.p = p + 4
    return DONE
