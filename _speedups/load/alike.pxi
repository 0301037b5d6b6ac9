# Instances of one class that are written alike, as lists of records have them.
#
# What one of them has taught the plan is expected of the next: its attributes, in this order, each named by the memo.
# So only the values are put on the stack.  Where something is not as expected, leave_open() puts values, names, mark
# and memo where the opcodes one by one would have put them, and the rest is left to those.


cdef enum:
    SHORT_ITEMS = 32       # of a list that is loaded at once
    ROOM = 4 * PLAN_NAMES  # on the stack, for names and values, and such a list
    NEW_DICT = 0x7d948129  # EMPTY_TUPLE, NEWOBJ, MEMOIZE, EMPTY_DICT as a little-endian number
    NEW_NONE = 0x4e948129  # NONE instead of the dictionary
    MEMOIZE_MARK = 0x2894


cdef int load_alike(Loading *r) except -1:
    """A class is on top, EMPTY_TUPLE and NEWOBJ follow: make its instances as long as they are as expected."""
    cdef Stack *s = &r.stack
    cdef PyObject *cls = (s.top - 1)[0]  # from the first instance on, the last one keeps it alive
    cdef Plan *plan = plan_of(<PyTypeObject *>cls)
    cdef int kind = NAMED if plan.stores else SLOTTED
    cdef const unsigned char *p = r.p
    cdef PyObject *made
    cdef bint first = True
    if not plan.makes or plan.names[0] == NULL or r.settled > MAX_SETTLED \
            or not (plan.stores or plan.keeps and plan.layout != NULL):
        return 0
    while begins_alike(r, p, kind):
        r.p = p + 2
        made = raw_instance(plan.tp, plan.body, <PyObject *>no_args)
        if CYP_UNLIKELY(made == NULL):
            return fail() if first else fail_without(r, cls)
        if first:
            first = False
            s.top -= 1
            Py_DECREF(cls)
        if not load_expected(r, plan, kind, made):
            break
        p = next_alike(r, cls)
    return 0


cdef int fail_without(Loading *r, PyObject *cls) except -1:
    """NEWOBJ has failed: push the class as if it had been there, for those who look where that was."""
    Py_INCREF(cls)
    r.stack.top[0] = cls
    r.stack.top += 1
    return fail()


cdef inline bint begins_alike(Loading *r, const unsigned char *p, int kind) except -1:
    """NEWOBJ without arguments and the start of a state are at p, memoised; and there is room for what may follow."""
    cdef Stack *s = &r.stack
    cdef Py_ssize_t i = r.memo.count
    if p == NULL or r.end - p < 16:
        return False
    if kind == NAMED:
        if cyp_read_u32(p) != NEW_DICT or cyp_read_u16(p + 4) != MEMOIZE_MARK:
            return False
    elif cyp_read_u32(p) != NEW_NONE or p[4] != OP_EMPTY_DICT or cyp_read_u16(p + 5) != MEMOIZE_MARK:
        return False
    if CYP_UNLIKELY(s.limit - s.top < ROOM or s.nmarks == s.marks_size or r.nclosed == r.closed_size):
        make_room(r)
    return memo_has_room(r.memo, i) and memo_has_room(r.memo, i + 1)


cdef int make_room(Loading *r) except -1:
    while r.stack.limit - r.stack.top < ROOM:
        stack_grow(&r.stack)
    if r.stack.nmarks == r.stack.marks_size:
        marks_grow(&r.stack)
    if r.nclosed == r.closed_size:
        closed_grow(r)
    return 0


cdef inline const unsigned char *next_alike(Loading *r, PyObject *cls) noexcept:
    """What follows the class, if it is named by the memo; else NULL."""
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t i
    if r.end - p < 8:
        return NULL
    if p[0] == OP_BINGET:
        i = p[1]
        p += 2
    elif p[0] == OP_LONG_BINGET:
        i = cyp_read_u32(p + 1)
        p += 5
    else:
        return NULL
    return p if i < r.memo.size and r.memo.slots[i] == cls else NULL


cdef inline bint load_expected(Loading *r, Plan *plan, int kind, PyObject *made) except -1:
    """Push an instance that has just been made, and load its state.  False: the rest of it is for run()."""
    cdef PyObject **items = r.stack.top + (2 if kind == NAMED else 3)
    cdef Memo *memo = r.memo
    cdef Py_ssize_t i = memo.count
    cdef CypValues *values = NULL
    cdef Py_ssize_t n
    r.stack.top[0] = made
    if kind == NAMED:
        values = cyp_inline_values(made)
        if CYP_UNLIKELY(values == NULL):
            r.stack.top += 1
            follow_new(r, True)
            return False
    Py_INCREF(made)
    memo.slots[i] = made
    memo.count = i + 2  # nobody gets the state, whose slot is empty
    r.p += 4 if kind == NAMED else 5
    n = load_attributes(r, plan, items)
    if CYP_LIKELY(n > 0 and (end_named(r, plan, made, values, items, n, i + 1) if kind == NAMED
                             else end_slotted(r, plan, made, items, n, i + 1))):
        r.stack.top += 1
        return True
    leave_open(r, plan, kind, items, ~n if n < 0 else n, i + 1)
    return fail() if n < 0 else False


cdef int leave_open(Loading *r, Plan *plan, int kind, PyObject **items, Py_ssize_t n, Py_ssize_t state) noexcept:
    """The n first values of an instance on top are in items, others are to come: make it the state that run() knows."""
    cdef Stack *s = &r.stack
    cdef Py_ssize_t k
    if kind == SLOTTED:
        Py_INCREF(Py_None)
        (items - 2)[0] = Py_None
    (items - 1)[0] = NULL
    s.top = items
    r.memo.slots[state] = open_tag(s.nmarks)
    (<mark_status>push_mark)(s, kind, state)  # there is room
    for k in range(n - 1, -1, -1):
        items[2 * k + 1] = items[k]
        Py_INCREF(plan.names[k])
        items[2 * k] = plan.names[k]
    s.top = items + 2 * n
    return 0


ctypedef int (*mark_status)(Stack *, int, Py_ssize_t) noexcept


cdef Py_ssize_t load_attributes(Loading *r, Plan *plan, PyObject **items) noexcept:
    """Put the values whose names are those of the plan into items, up to something else; how many there are.

    ~n: n values, and an exception.
    """
    cdef Memo *memo = r.memo
    cdef PyObject **slots = memo.slots
    cdef Py_ssize_t size = memo.size
    cdef const unsigned char *p = r.p
    cdef const unsigned char *end = r.end
    cdef const unsigned char *value
    cdef const unsigned char *at
    cdef PyObject *o
    cdef Py_ssize_t k = 0
    cdef Py_ssize_t i
    while end - p > 8 and k < PLAN_NAMES:  # of which a name and an opcode have room
        if CYP_LIKELY(p[0] == OP_BINGET):
            i = p[1]
            value = p + 2
        elif p[0] == OP_LONG_BINGET:
            i = cyp_read_u32(p + 1)
            value = p + 5
        else:
            break
        if CYP_UNLIKELY(i >= size or slots[i] != plan.names[k] or slots[i] == NULL):
            break
        at = value
        o = load_short_list(r, &at, items + k) if at[0] == OP_EMPTY_LIST else load_atom(memo, &at, end)
        if CYP_UNLIKELY(o == NULL):
            if at == value:
                break
            r.p = at
            return ~k
        p = at
        items[k] = o
        k += 1
    r.p = p
    return k


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


cdef PyObject *load_short_list(Loading *r, const unsigned char **at, PyObject **items) noexcept:
    """The memoised list of atoms that is written at *at, as load_atom() does it; the places from items on are free.

    NULL, and not moved, also where an atom is in error: run() will find that again.
    """
    cdef Memo *memo = r.memo
    cdef const unsigned char *p = at[0]
    cdef const unsigned char *last = p  # what has ended the list
    cdef Py_ssize_t first = memo.count
    cdef Py_ssize_t n = 0
    cdef PyObject *o
    cdef PyObject *made = NULL
    if r.end - p < 8 or p[1] != OP_MEMOIZE or p[2] != OP_MARK or not memo_is_free(memo, first):
        return NULL
    memo.count = first + 1
    p += 3
    while n < SHORT_ITEMS:
        last = p
        o = load_atom(memo, &p, r.end)
        if o == NULL:
            break
        items[n] = o
        n += 1
    if p == last and p < r.end and p[0] == OP_APPENDS and n > 0:
        made = raw_list_of(items, n)
        if CYP_LIKELY(made != NULL):
            Py_INCREF(made)
            memo.slots[first] = made
            at[0] = p + 1
            return made
    PyErr_Clear()
    while n > 0:
        n -= 1
        Py_DECREF(items[n])
    while memo.count > first + 1:
        memo.count -= 1
        Py_DECREF(memo.slots[memo.count])
        memo.slots[memo.count] = NULL
    memo.count = first
    return NULL


cdef inline bint end_named(Loading *r, Plan *plan, PyObject *made, CypValues *values, PyObject **items, Py_ssize_t n,
                           Py_ssize_t state) noexcept:
    """close_state() for an instance that has just been made, if SETITEMS and BUILD follow."""
    cdef const unsigned char *p = r.p
    if r.end - p < 2 or p[0] != OP_SETITEMS or p[1] != OP_BUILD:
        return False
    if CYP_UNLIKELY(plan.distinct < n):
        if not all_differ(plan, n):  # a name comes twice
            return False
        plan.distinct = <int>n
    cyp_values_fill(values, plan.slots, items, n)
    Py_INCREF(made)
    r.memo.slots[state] = <PyObject *>(<size_t>made | TAG_CLOSED)
    (<closed_status>note_closed)(r, state, UNMEMOISED, NULL, 0)  # there is room
    r.p = p + 2
    return True


ctypedef int (*closed_status)(Loading *, Py_ssize_t, Py_ssize_t, PyObject *, size_t) noexcept


cdef inline bint end_slotted(Loading *r, Plan *plan, PyObject *made, PyObject **items, Py_ssize_t n,
                             Py_ssize_t state) noexcept:
    """close_slots() for an instance that has just been made; no two of the plan's slots are one."""
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t whole = r.memo.count
    cdef Py_ssize_t k
    if r.end - p < 4 or p[0] != OP_SETITEMS or p[1] != OP_TUPLE2 or p[2] != OP_MEMOIZE or p[3] != OP_BUILD \
            or not memo_is_free(r.memo, whole) or PyTuple_GET_SIZE(plan.layout) != n:
        return False
    for k in range(n):
        cyp_slot_at(made, plan.slots[k])[0] = items[k]
    r.memo.count = whole + 1
    (<keep_status>keep_state)(r, plan, made, state, whole, 0)  # there is room
    r.p = p + 4
    return True


ctypedef int (*keep_status)(Loading *, Plan *, PyObject *, Py_ssize_t, Py_ssize_t, size_t) noexcept
