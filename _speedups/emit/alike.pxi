# Objects of one type in a row, above all instances that have their attributes beside them, and no dictionary.
#
# Their names are those that the type's instances share, by slots.  A slot keeps its name, so once it is known what
# fetches the name from the memo, writing it is one store.

cdef enum:
    NAME_ROOM = 5  # bytes that fetch a name at most


cdef inline uint64_t name_get(Emission *e, Plan *plan, int slot) noexcept:
    """plan.gets[slot], made if the name is in the memo; else 0."""
    cdef Py_ssize_t count = 0, index
    cdef unsigned char text[8]
    cdef unsigned char *end
    if CYP_LIKELY(plan.gets[slot] != 0):
        return plan.gets[slot]
    index = memo_get(e.memo, cyp_shared_name(plan.type, slot, &count))
    if index < 0:
        return 0
    cyp_write_u64(text, 0)
    end = put_get_at(text, index)
    plan.gets[slot] = cyp_read_u64(text) | <uint64_t>(end - text) << 56
    return plan.gets[slot]


cdef inline unsigned char *put_values(Emission *e, unsigned char *p, Plan *plan, CypValues *values, Py_ssize_t n,
                                      Py_ssize_t *done, PyObject **pending) noexcept:
    """Opcodes from NEWOBJ on, and n attributes, as far as they are frequent leaves; *done of them are written.

    pending: gets the value, borrowed, whose name is written and which is not, or NULL.  The object is in the memo.
    """
    cdef unsigned char *end
    cdef PyObject *value
    cdef uint64_t get
    cdef Py_ssize_t i = 0
    cdef int slot, number
    cyp_write_u64(p, <uint64_t>OP_EMPTY_TUPLE | <uint64_t>OP_NEWOBJ << 8 | <uint64_t>OP_MEMOIZE << 16
                  | <uint64_t>OP_EMPTY_DICT << 24 | <uint64_t>OP_MEMOIZE << 32 | <uint64_t>OP_MARK << 40)
    p += 5 + (n > 1)
    pending[0] = NULL
    while i < n and p <= e.out.lim - NAME_ROOM:
        slot = cyp_values_slot(values, i)
        get = name_get(e, plan, slot)
        if CYP_UNLIKELY(get == 0):
            break
        cyp_write_u64(p, get)
        p += get >> 56
        value = cyp_values_at(values, slot)
        if Py_TYPE(value) == &PyLong_Type and cyp_one_digit(value, &number):
            p = put_number(p, number)
        elif Py_TYPE(value) == &PyFloat_Type:
            p[0] = OP_BINFLOAT
            cyp_write_double_be(p + 1, PyFloat_AS_DOUBLE(value))
            p += 9
        else:
            end = put_leaf(e, p, value)
            if CYP_UNLIKELY(end == NULL):
                pending[0] = value
                break
            p = end
        i += 1
    done[0] = i
    return p


cdef inline unsigned char *end_values(unsigned char *p, Py_ssize_t n) noexcept:
    p[0] = OP_SETITEMS if n > 1 else OP_SETITEM
    p[1] = OP_BUILD
    return p + 2


cdef inline int put_instance(Emission *e, PyObject *o, bint uniq, Plan *plan, CypValues *values) except -1:
    """nest_instance for one of these whose class is in the memo."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t n = cyp_values_size(values), done = 0, state
    cdef unsigned char *p = put_class(e, o, plan)
    cdef PyObject *value = NULL
    if CYP_UNLIKELY(n == 0 or p == NULL or m.n_alias or plan.generation != m.generation or not put_memo(e, o, uniq)):
        return GO
    state = m.n
    m.log[state] = <PyObject *>(<size_t>o | 1)
    m.n = state + 1
    e.depth += 1
    p = put_values(e, p, plan, values, n, &done, &value)
    e.depth -= 1
    e.out.p = p
    if CYP_LIKELY(done == n and p <= e.out.hard):
        e.out.p = end_values(p, n)
        return DONE
    return nest_pairs(e, o, o, True, plan, uniq, n, done, value, state)


cdef inline int enter_item(Emission *e, PyObject *o, Py_ssize_t ahead) noexcept:
    """GO: o, met in a row, is to be written; it is in the table of the memo, `ahead` places on, if it may be met again.

    DONE: it has been written before, and is fetched.  NEXT: it needs another way.
    """
    cdef Memo *m = e.memo
    cdef Py_ssize_t index
    cdef size_t free = 0
    if CYP_UNLIKELY(e.out.lim - e.out.p < 2 * HEAD or m.cap - m.n < ahead + 2):
        return NEXT
    if not is_unique(e, o):
        index = memo_find(m, o, &free)
        if index >= 0:
            e.out.p = put_get_at(e.out.p, index)
            return DONE
        if CYP_UNLIKELY(m.used >= m.room):
            return NEXT
        memo_fill(m, free, m.n + ahead)
    return GO


cdef int put_instances(Emission *e, PyObject *o, Py_ssize_t *done, Py_ssize_t stop, Plan *plan) except -1:
    """save_run for these, until one is to be written in another way, or user code has run."""
    cdef Memo *m = e.memo
    cdef PyObject *item
    cdef PyObject *value
    cdef CypValues *values
    cdef unsigned char *p
    cdef Py_ssize_t n, state, written, count = -1
    cdef uint64_t epoch = e.epoch
    cdef bint uniq
    cdef int status = DONE
    while done[0] < stop and e.epoch == epoch:
        item = PyList_GET_ITEM(o, done[0])
        if Py_TYPE(item) != plan.type:
            break
        values = cyp_inline_values(item)
        if values == NULL or cyp_values_size(values) == 0:
            break
        if count < 0:
            cyp_shared_name(plan.type, 0, &count)  # there are such, as there are values
            if plan.checked_names < count:
                break
        uniq = is_unique(e, item)
        status = enter_item(e, item, 0)
        if status == NEXT:
            break
        done[0] += 1
        if status == DONE:
            continue
        n = cyp_values_size(values)
        m.log[m.n] = item
        m.n += 1
        state = m.n
        m.log[state] = <PyObject *>(<size_t>item | 1)
        m.n += 1
        e.depth += 1
        p = put_values(e, put_get_at(e.out.p, plan.class_index), plan, values, n, &written, &value)
        e.depth -= 1
        e.out.p = p
        if CYP_LIKELY(written == n and p <= e.out.hard):
            e.out.p = end_values(p, n)
        elif nest_pairs(e, item, item, True, plan, uniq, n, written, value, state) < 0:
            return -1
    return 0


cdef int put_temporals(Emission *e, PyObject *o, Py_ssize_t *done, Py_ssize_t stop, Plan *plan) noexcept:
    """save_run for dates, datetimes and times; their tzinfo, if any, is in the memo."""
    cdef Memo *m = e.memo
    cdef PyObject *item
    cdef PyObject *tzinfo
    cdef PyObject *known = NULL
    cdef unsigned char *p
    cdef Py_ssize_t nbytes, index = -1
    cdef int status, which = plan.kind - PLAN_DATE
    while done[0] < stop:
        item = PyList_GET_ITEM(o, done[0])
        if Py_TYPE(item) != plan.type:
            break
        tzinfo = cyp_temporal_tzinfo(item, which)
        if tzinfo != known and tzinfo != NULL:
            index = memo_get(m, tzinfo)
            if index < 0 or is_unique(e, tzinfo):
                break
            known = tzinfo
        status = enter_item(e, item, 2)
        if status == NEXT:
            break
        done[0] += 1
        if status == DONE:
            continue
        m.log[m.n] = NULL
        m.log[m.n + 1] = NULL
        m.log[m.n + 2] = item
        m.n += 3
        p = put_get_at(e.out.p, plan.class_index)
        nbytes = cyp_temporal_state(item, which, p + 2)
        p[0] = OP_SHORT_BINBYTES
        p[1] = <unsigned char>nbytes
        p += 2 + nbytes
        p[0] = OP_MEMOIZE
        p += 1
        if tzinfo != NULL:
            p = put_get_at(p, index)
        cyp_write_u32(p, <uint32_t>(OP_TUPLE1 if tzinfo == NULL else OP_TUPLE2) | <uint32_t>OP_MEMOIZE << 8
                      | <uint32_t>OP_REDUCE << 16 | <uint32_t>OP_MEMOIZE << 24)
        e.out.p = p + 4
    return 0


cdef inline int put_alike(Emission *e, PyObject *o, Py_ssize_t *done, Py_ssize_t stop, Plan *plan) except -1:
    """Write items of the list o from done[0] on, up to `stop` at most, as far as there is a loop for their type."""
    if plan.generation != e.memo.generation or e.memo.n_alias or plan.class_index < 0:
        return 0
    if plan.kind == PLAN_ATTRIBUTES:
        return put_instances(e, o, done, stop, plan)
    if PLAN_DATE <= plan.kind <= PLAN_TIME:
        return put_temporals(e, o, done, stop, plan)
    return 0
