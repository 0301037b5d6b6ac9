# Instances of one class that are written alike, as lists of records have them.
#
# What one of them has taught the plan is expected of the next: its attributes, in this order, each named by the memo.
# Values, mark and memo are where the opcodes one by one would put them; so whatever is not as expected is simply left
# to those, in the middle of an instance, too.


cdef int load_alike(Loading *r) except -1:
    """A class is on top, EMPTY_TUPLE and NEWOBJ follow: make its instances as long as they are as expected."""
    cdef PyObject *cls = (r.stack.top - 1)[0]
    cdef Plan *plan = plan_of(<PyTypeObject *>cls)
    if not plan.makes or plan.names[0] == NULL or r.settled > MAX_SETTLED:
        return 0
    if plan.stores:
        while load_expected(r, plan, NAMED) and is_next_class(r, cls):
            pass
    elif plan.keeps and plan.layout != NULL:
        while load_expected(r, plan, SLOTTED) and is_next_class(r, cls):
            pass
    return 0


cdef inline bint is_next_class(Loading *r, PyObject *cls) except -1:
    """The class is named by the memo, and NEWOBJ without arguments follows: push it."""
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t i
    if r.end - p < 8:
        return False
    if p[0] == OP_BINGET:
        i = p[1]
        p += 2
    elif p[0] == OP_LONG_BINGET:
        i = cyp_read_u32(p + 1)
        p += 5
    else:
        return False
    if i >= r.memo.size or r.memo.slots[i] != cls or p[0] != OP_EMPTY_TUPLE or p[1] != OP_NEWOBJ:
        return False
    r.p = p
    Py_INCREF(cls)
    push_steal(&r.stack, cls)
    return True


cdef inline bint load_expected(Loading *r, Plan *plan, int kind) except -1:
    """Make one instance of the class on top, and load its state.  False: the rest of it is for run()."""
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef Py_ssize_t i = memo.count
    cdef const unsigned char *p = r.p
    cdef PyObject *made
    cdef CypValues *values = NULL
    if r.end - p < 16 or not memo_has_room(memo, i) or not memo_has_room(memo, i + 1) \
            or memcmp(p, b")\x81\x94}\x94(" if kind == NAMED else b")\x81\x94N}\x94(", 6 if kind == NAMED else 7):
        return False
    while r.closed_size - r.nclosed < 2:
        closed_grow(r)
    while s.limit - s.top < 2 * PLAN_NAMES:
        stack_grow(s)
    r.p = p + 2
    made = cyp_object_new(plan.tp, <PyObject *>no_args)
    (s.top - 1)[0] = made
    Py_DECREF(<PyObject *>plan.tp)  # which the instance keeps alive
    if kind == NAMED:
        values = cyp_inline_values(made)
        if CYP_UNLIKELY(values == NULL):
            follow_new(r, True)
            return False
    Py_INCREF(made)
    memo.slots[i] = made
    memo.slots[i + 1] = open_tag(s.nmarks)
    memo.count = i + 2
    if kind == SLOTTED:
        Py_INCREF(Py_None)
        s.top[0] = Py_None
        s.top += 1
    s.top[0] = NULL
    s.top += 1
    r.p = p + (6 if kind == NAMED else 7)
    push_mark(s, kind, i + 1)
    if not load_attributes(r, plan):
        return False
    return end_named(r, plan, made, values) if kind == NAMED else end_slotted(r, plan, made)


cdef bint load_attributes(Loading *r, Plan *plan) except -1:
    """Push names and values up to SETITEMS; False if one is not as expected, which run() then goes on with."""
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef PyObject **sp = s.top
    cdef const unsigned char *p = r.p
    cdef const unsigned char *end = r.end
    cdef const unsigned char *at
    cdef PyObject *name
    cdef PyObject *o
    cdef Py_ssize_t k = 0
    cdef Py_ssize_t i
    while end - p > 8:  # of which a name and an opcode have room
        if CYP_LIKELY(p[0] == OP_BINGET):
            i = p[1]
            at = p + 2
        elif p[0] == OP_LONG_BINGET:
            i = cyp_read_u32(p + 1)
            at = p + 5
        else:
            break
        name = plan.names[k] if CYP_LIKELY(k < PLAN_NAMES) else NULL
        if CYP_UNLIKELY(name == NULL or i >= memo.size or memo.slots[i] != name):
            break
        p = at
        k += 1
        Py_INCREF(name)
        sp[0] = name
        sp += 1
        if p[0] == OP_EMPTY_LIST:
            s.top = sp
            r.p = p
            if not load_short_list(r):
                return False
            p = r.p
            sp = s.top
            continue
        o = load_atom(memo, &at, end)
        if CYP_UNLIKELY(o == NULL):
            s.top = sp
            r.p = at
            return at != p and fail()
        p = at
        sp[0] = o
        sp += 1
    s.top = sp
    r.p = p
    return end - p > 8 and p[0] == OP_SETITEMS and k > 0


cdef inline PyObject *load_atom(Memo *memo, const unsigned char **at, const unsigned char *end) noexcept:
    """The value written at *at, which is moved behind it, and what memoises it; NULL, and not moved, if it is another.

    NULL, and moved: with an exception.
    """
    cdef const unsigned char *p = at[0]
    cdef unsigned char op = p[0]
    cdef PyObject *o = NULL
    cdef Py_ssize_t n
    if end - p <= 9:
        return NULL
    if op == OP_BININT1:
        o = raw_int(p[1])
        p += 2
    elif op == OP_BININT2:
        o = raw_int(cyp_read_u16(p + 1))
        p += 3
    elif op == OP_BININT:
        o = raw_int(signed32(p + 1))
        p += 5
    elif op == OP_BINFLOAT:
        o = raw_float(cyp_read_double_be(p + 1))
        p += 9
    elif op == OP_BINGET or op == OP_LONG_BINGET:
        n = p[1] if op == OP_BINGET else cyp_read_u32(p + 1)
        if memo_has(memo, n) and not is_callable(memo.slots[n]):
            o = memo.slots[n]
            Py_INCREF(o)
            p += 2 if op == OP_BINGET else 5
    elif op == OP_SHORT_BINUNICODE:
        n = p[1]
        if n + 2 < end - p:
            o = raw_str(p + 2, n)
            p += n + 2
            if CYP_LIKELY(o != NULL) and p[0] == OP_MEMOIZE and memo_append(memo, o):
                p += 1
    elif op == OP_NONE or op == OP_NEWTRUE or op == OP_NEWFALSE:
        o = Py_None if op == OP_NONE else Py_True if op == OP_NEWTRUE else Py_False
        Py_INCREF(o)
        p += 1
    at[0] = p
    return o


cdef bint load_short_list(Loading *r) except -1:
    """EMPTY_LIST follows: push a memoised list of plain values.  False if there are others, which run() goes on with."""
    cdef Stack *s = &r.stack
    cdef const unsigned char *p = r.p
    cdef PyObject **items
    cdef PyObject *made
    if p[1] != OP_MEMOIZE or p[2] != OP_MARK or not memo_is_free(r.memo, r.memo.count) or s.top >= s.limit:
        return False
    r.p = p + 1
    made = PyList_New(0)
    memo_append(r.memo, made)
    s.top[0] = made
    s.top += 1
    r.p = p + 3
    push_mark(s, REAL, UNMEMOISED)
    load_values(r, ITEMS)
    items = s.base + s.fence
    if r.p == r.end or r.p[0] != OP_APPENDS or s.top - items >= BATCH_ITEMS or s.limit - items < 2 * PLAN_NAMES:
        return False
    r.p += 1
    cyp_list_take(made, items, s.top - items)
    s.top = items
    drop_mark(s)
    return True


cdef inline bint end_named(Loading *r, Plan *plan, PyObject *made, CypValues *values) except -1:
    """SETITEMS follows: close_state() for an instance that has just been made."""
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef Py_ssize_t n = (r.stack.top - items) >> 1
    cdef Py_ssize_t i
    if r.p[1] != OP_BUILD:
        return False
    if CYP_UNLIKELY(plan.distinct < n):
        if not all_differ(plan, n):  # a name comes twice
            return False
        plan.distinct = <int>n
    cyp_values_fill(values, plan.slots, items, n)
    for i in range(n):
        Py_DECREF(items[2 * i])
    note_closed(r, mark.state, NULL, 0)
    Py_INCREF(made)
    r.memo.slots[mark.state] = <PyObject *>(<size_t>made | TAG_CLOSED)
    r.stack.top = items - 1
    drop_mark(&r.stack)
    r.p += 2
    return True


cdef inline bint end_slotted(Loading *r, Plan *plan, PyObject *made) except -1:
    """SETITEMS follows: close_slots() for an instance that has just been made; no two of the plan's slots are one."""
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t whole = r.memo.count
    cdef Py_ssize_t i
    if r.p[1] != OP_TUPLE2 or r.p[2] != OP_MEMOIZE or r.p[3] != OP_BUILD or not memo_is_free(r.memo, whole) \
            or PyTuple_GET_SIZE(plan.layout) != n >> 1:
        return False
    for i in range(n >> 1):
        cyp_slot_at(made, plan.slots[i])[0] = items[2 * i + 1]
        Py_DECREF(items[2 * i])
    keep_state(r, plan, made, mark.state, whole)
    Py_DECREF((items - 2)[0])
    r.stack.top = items - 2
    drop_mark(&r.stack)
    r.p += 4
    return True
