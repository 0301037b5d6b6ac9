# Calls of one type that are written alike: named tuples, ranges, complex numbers and the like.
#
# As in load/alike.pxi: arguments are put where the opcodes one by one would have put them, no tuple of them is made, and
# what is not as expected is left to those.


cdef bint load_rows(Loading *r, Plan *plan) except -1:
    """A type is on top, arguments follow: make its objects as long as that works.  False, and nothing done, if not once."""
    cdef Stack *s = &r.stack
    cdef PyObject *cls = (s.top - 1)[0]  # from the first object on, the last one keeps it alive
    cdef PyObject **items = s.top
    cdef const unsigned char *p
    cdef const unsigned char *start
    cdef PyObject *made
    cdef Py_ssize_t n
    cdef bint first = True
    while True:
        if CYP_UNLIKELY(s.limit - s.top < ROOM or s.nmarks == s.marks_size):
            make_room(r)
        items = s.top if first else s.top + 1
        start = r.p
        n = load_arguments(r, plan, items)
        if n == 0 and first:
            return False
        made = row_of(r, plan, items, n, start)
        if CYP_UNLIKELY(made == NULL):
            if not first:
                Py_INCREF(cls)
                s.top[0] = cls
                s.top += 1
            if start[0] == OP_MARK and n != 0:
                push_mark(s, REAL, UNMEMOISED)  # there is room
            s.top = items + (~n if n < 0 else n)
            return fail() if has_error() else True
        (items - 1)[0] = made
        s.top = items
        if first:
            first = False
            Py_DECREF(cls)
        p = next_alike(r, cls)
        if p == NULL or not memo_has_room(r.memo, r.memo.count) or not memo_has_room(r.memo, r.memo.count + 1):
            return True
        r.p = p


cdef inline bint makes_rows(Loading *r, Plan *plan) noexcept:
    """load_rows() knows this type, and the memo may do without the arguments."""
    if plan.tuples:
        return r.passing and has_its_code(plan)
    if keeps_its_items(plan.native):
        return r.passing
    return r.lasting and (plan.native == NATIVE_COMPLEX or plan.native == NATIVE_TIMEDELTA
                          or plan.native == NATIVE_DECIMAL)


cdef inline bint keeps_its_items(int native) noexcept:
    """An object of this type holds its arguments for ever."""
    return native == NATIVE_RANGE or native == NATIVE_SLICE


cdef inline Py_ssize_t load_arguments(Loading *r, Plan *plan, PyObject **items) noexcept:
    """Put plain values into items, no more than the type takes; how many.  ~n: n values, and an exception.

    The mark before them is stepped over with the first.
    """
    cdef const unsigned char *p = r.p
    cdef const unsigned char *at
    cdef Py_ssize_t most = plan.width if plan.tuples else 3
    cdef Py_ssize_t n = 0
    cdef PyObject *o
    if most > PLAN_NAMES or r.end - p < 8:
        return 0
    if most > 3:
        if p[0] != OP_MARK:
            return 0
        p += 1
    while n < most:
        at = p
        o = load_short_list(r, &at, items + n) if at[0] == OP_EMPTY_LIST and plan.tuples \
            else load_atom(r.memo, &at, r.end)
        if o == NULL:
            if CYP_UNLIKELY(at != p):
                r.p = at
                return ~n
            break
        p = at
        items[n] = o
        n += 1
    if n:
        r.p = p
    return n


cdef inline PyObject *row_of(Loading *r, Plan *plan, PyObject **items, Py_ssize_t n,
                             const unsigned char *start) noexcept:
    """The object that the type makes of n values, which it takes, if tuple and call follow, memoised; or NULL.

    start: where the values are written.  NULL may come with an exception.
    """
    cdef const unsigned char *p = r.p
    cdef Memo *memo = r.memo
    cdef Py_ssize_t i = memo.count
    cdef PyObject *made
    cdef Py_ssize_t k
    if n <= 0 or r.end - p < 5 or p[0] != (OP_TUPLE if n > 3 else OP_TUPLE1 + (n - 1)) or p[1] != OP_MEMOIZE \
            or p[2] != (OP_NEWOBJ if plan.tuples else OP_REDUCE) or p[3] != OP_MEMOIZE \
            or not memo_is_free(memo, i) or not memo_is_free(memo, i + 1) or plan.tuples and n != plan.width:
        return NULL
    if plan.tuples:
        made = raw_row(plan.tp, items, n, plan.packed)
    else:
        made = (<native_status>native_call)(plan.tp, plan.native, items, n)
    if CYP_UNLIKELY(made == NULL):
        return NULL
    if not plan.tuples:
        for k in range(n):
            Py_DECREF(items[k])
    if plan.tuples or keeps_its_items(plan.native):
        Py_INCREF(made)
        memo.slots[i] = <PyObject *>(<size_t>made | TAG_ITEMS)
    else:
        memo.slots[i] = <PyObject *>(<size_t>(start - r.start) << TAG_BITS | TAG_WRITTEN)
    Py_INCREF(made)
    memo.slots[i + 1] = made
    memo.count = i + 2
    r.p = p + 4
    return made


ctypedef PyObject *(*native_status)(PyTypeObject *, int, PyObject **, Py_ssize_t) noexcept
