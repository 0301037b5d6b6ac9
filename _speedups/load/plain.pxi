# Runs of plain values, and dictionaries of them.

cdef enum:          # what load_values() is to load
    ARGUMENTS = 0   # of a call: a class or function is an argument
    ITEMS = 1       # of a container: a class or function begins a call
    PAIRS = 2       # alternately names, new ones of which are for run(), and values

cdef int load_values(Loading *r, int mode) except -1:
    """Push atoms, short tuples of what was there, and objects in the memo, as long as nothing else comes."""
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef PyObject **sp = s.top
    cdef const unsigned char *p = r.p
    cdef const unsigned char *end = r.end
    cdef PyObject *o
    cdef Py_ssize_t n
    cdef unsigned char op
    while end - p > 8:  # of which each opcode here has room, but for what it counts
        if CYP_UNLIKELY(sp >= s.limit):
            sp = more_room(r, sp, p)
        op = p[0]
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
            if op == OP_BINGET and push_known(memo, &p, end, &sp, s.limit, mode):
                continue
            n = cyp_read_u32(p + 1)
            if CYP_UNLIKELY(op == OP_BINGET or not memo_has(memo, n)):
                break
            o = memo.slots[n]
            if Py_TYPE(o) != &PyUnicode_Type and mode != ARGUMENTS and is_callable(o):
                break
            Py_INCREF(o)
            p += 5
        elif op == OP_SHORT_BINUNICODE or op == OP_SHORT_BINBYTES:
            n = p[1]
            if n + 2 >= end - p or op == OP_SHORT_BINUNICODE and mode == PAIRS and not (sp - s.base - s.fence) & 1:
                break
            o = raw_str(p + 2, n) if op == OP_SHORT_BINUNICODE else raw_bytes(p + 2, n)
            p += n + 2
            if p[0] == OP_MEMOIZE and CYP_LIKELY(o != NULL) and memo_append(memo, o):
                p += 1
        elif op == OP_LONG1:
            n = p[1]
            if n + 2 >= end - p:
                break
            o = raw_int_from_le(p + 2, n)
            p += n + 2
        elif op == OP_NONE or op == OP_NEWTRUE or op == OP_NEWFALSE:
            o = Py_None if op == OP_NONE else Py_True if op == OP_NEWTRUE else Py_False
            Py_INCREF(o)
            p += 1
        elif OP_TUPLE1 <= op <= OP_TUPLE3 and mode != ARGUMENTS and not begins_call(p + 1) \
                and sp - s.base >= s.fence + (op - OP_TUPLE1 + 1):
            n = op - OP_TUPLE1 + 1
            o = tuple_of(sp - n, n)
            p += 1
            if CYP_LIKELY(o != NULL):
                sp -= n
                if p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
        elif op == OP_EMPTY_LIST and mode != ARGUMENTS and p[1] == OP_MEMOIZE and p[2] == OP_MARK:
            n = load_list_at_once(r, sp, p)
            if n == NO_LIST: return 0
            mode = ITEMS if n == OPEN_LIST else mode
            p = r.p
            sp = s.top
            continue
        else:
            break
        if CYP_UNLIKELY(o == NULL):
            fail_at(r, sp, p)
        sp[0] = o
        sp += 1
    s.top = sp
    r.p = p
    return 0


cdef PyObject **more_room(Loading *r, PyObject **sp, const unsigned char *p) except NULL:
    r.stack.top = sp
    r.p = p
    stack_grow(&r.stack)
    return r.stack.top


cdef int fail_at(Loading *r, PyObject **sp, const unsigned char *p) except -1:
    r.stack.top = sp
    r.p = p
    return fail()


cdef enum:              # what load_list_at_once() has done
    NO_LIST = 0         # nothing
    WHOLE_LIST = 1
    OPEN_LIST = 2       # its mark is set, and its first items are there


cdef int load_list_at_once(Loading *r, PyObject **sp, const unsigned char *p) except -1:
    """EMPTY_LIST, MEMOIZE and MARK are at p, the stack ends at sp: push the list, whole if it is a short one of atoms."""
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef const unsigned char *at = p
    cdef PyObject **items = sp + 1
    cdef Py_ssize_t i = memo.count
    cdef Py_ssize_t n = 0
    cdef PyObject *made
    cdef bint whole
    s.top = sp
    r.p = p
    if not memo_is_free(memo, i) or s.limit - sp <= SHORT_ITEMS or s.nmarks == s.marks_size:
        return NO_LIST
    memo.count = i + 1
    p += 3
    while n < SHORT_ITEMS:
        at = p
        made = load_atom(memo, &p, r.end)
        if made == NULL:
            break
        items[n] = made
        n += 1
    whole = n > 0 and p == at and p < r.end and p[0] == OP_APPENDS
    made = raw_list_of(items, n) if whole else raw_list(0)
    (items - 1)[0] = made
    if CYP_LIKELY(made != NULL):
        Py_INCREF(made)
        memo.slots[i] = made
    if CYP_LIKELY(whole and made != NULL):
        s.top = items
        r.p = p + 1
        return WHOLE_LIST
    s.top = items
    push_mark(s, REAL, UNMEMOISED)  # there is room
    s.top = items + n
    r.p = p
    return fail() if has_error() else OPEN_LIST


cdef inline bint push_known(Memo *memo, const unsigned char **at, const unsigned char *end, PyObject ***top,
                            PyObject **limit, int mode) noexcept:
    """BINGETs, which come in runs: push what they name, if any, and move both places; modes as in load_values()."""
    cdef PyObject **slots = memo.slots
    cdef Py_ssize_t size = memo.size
    cdef const unsigned char *p = at[0]
    cdef PyObject **sp = top[0]
    cdef PyTypeObject *pushed = &PyUnicode_Type  # the last type: nothing of it begins a call
    cdef PyObject *o
    while end - p > 8 and p[0] == OP_BINGET and sp < limit:
        if CYP_UNLIKELY(p[1] >= size):
            break
        o = slots[p[1]]
        if CYP_UNLIKELY(o == NULL or <size_t>o & TAG_MASK):
            break
        if Py_TYPE(o) != pushed:
            if mode != ARGUMENTS and is_callable(o):
                break
            pushed = Py_TYPE(o)
        Py_INCREF(o)
        sp[0] = o
        sp += 1
        p += 2
    if sp == top[0]:
        return False
    at[0] = p
    top[0] = sp
    return True


cdef inline PyObject *tuple_of(PyObject **items, Py_ssize_t n) noexcept:
    """A new tuple that takes the items; NULL, and nothing taken, with an exception."""
    cdef PyObject *made = raw_tuple(n)
    if CYP_LIKELY(made != NULL):
        memcpy(cyp_tuple_items(made), items, n * sizeof(PyObject *))
        cyp_tuple_untrack(made, n)
    return made


cdef inline bint begins_call(const unsigned char *p) noexcept:
    """What comes behind a tuple, within two bytes: it is the arguments of a call."""
    if p[0] == OP_MEMOIZE:
        p += 1
    return p[0] == OP_REDUCE or p[0] == OP_NEWOBJ


cdef int fail() except -1:
    """The exception is there already."""
    return -1


cdef inline bint memo_has(Memo *memo, Py_ssize_t i) noexcept:
    """Slot i holds an object, and not something that stands for one."""
    return i < memo.size and memo.slots[i] != NULL and not <size_t>memo.slots[i] & TAG_MASK


# ---- dictionaries -----------------------------------------------------------------------------------------------


cdef bint open_dict(Loading *r) except -1:
    """EMPTY_DICT has been read: if MEMOIZE and MARK follow, load pairs, and leave the dictionary to close_dict()."""
    cdef Py_ssize_t i = r.memo.count
    if not r.passing or r.end - r.p < 3 or r.p[0] != OP_MEMOIZE or r.p[1] != OP_MARK or not memo_has_room(r.memo, i):
        return False
    r.memo.slots[i] = open_tag(r.stack.nmarks)
    r.memo.count = i + 1
    r.stack.top[0] = NULL
    r.stack.top += 1
    push_mark(&r.stack, KEYED, i)
    r.p += 2
    load_pairs(r)
    return True


cdef inline int load_pairs(Loading *r) except -1:
    """The mark of a dictionary that is to be made has just been set: push names and atoms as long as those come.

    The dictionary is made if SETITEMS follows.
    """
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef PyObject **items = s.top
    cdef PyObject **sp = items
    cdef PyObject **limit = s.limit
    cdef const unsigned char *p = r.p
    cdef const unsigned char *at
    cdef const unsigned char *end = r.end
    cdef PyObject *o
    while end - p > 8 and sp < limit:
        if p[0] == OP_SHORT_BINUNICODE:
            if p[1] + 2 >= end - p:
                break
            o = raw_str(p + 2, p[1])
            p += p[1] + 2
            if CYP_UNLIKELY(o == NULL):
                fail_at(r, sp, p)
            if p[0] == OP_MEMOIZE and memo_append(memo, o):
                p += 1
        elif p[0] == OP_BINGET and memo_has(memo, p[1]) and PyUnicode_CheckExact(memo.slots[p[1]]):
            o = memo.slots[p[1]]
            Py_INCREF(o)
            p += 2
        else:
            break
        sp[0] = o
        sp += 1
        at = p
        o = load_atom(memo, &p, end)
        if CYP_UNLIKELY(o == NULL):
            if p != at:
                fail_at(r, sp, p)
            break
        sp[0] = o
        sp += 1
    s.top = sp
    if sp > items and not (sp - items) & 1 and p < end and p[0] == OP_SETITEMS:
        r.p = p + 1
        return make_dict(r, items, (sp - items) >> 1)
    r.p = p
    return load_values(r, ITEMS)


cdef bint close_dict(Loading *r) except -1:
    """SETITEMS on a dictionary that is still to be made.  False, and nothing done, if a key is not a str."""
    cdef PyObject **items = r.stack.base + r.stack.fence
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t k
    if n & 1 or n == 0:
        return False
    for k in range(0, n, 2):
        if not PyUnicode_CheckExact(items[k]):
            return False
    make_dict(r, items, n >> 1)
    return True


cdef inline int make_dict(Loading *r, PyObject **items, Py_ssize_t n) except -1:
    """Put the dictionary of the n pairs above the topmost mark in its place."""
    cdef Py_ssize_t i = r.stack.marks[r.stack.nmarks - 1].state
    cdef PyObject *made = dict_of(r, items, n)
    (items - 1)[0] = made
    if r.memo.slots[i] == open_tag(r.stack.nmarks - 1):
        Py_INCREF(made)
        r.memo.slots[i] = made
    drop_mark(&r.stack)
    return 0


cdef PyObject *dict_of(Loading *r, PyObject **items, Py_ssize_t n) except NULL:
    """A dictionary of n keys, exact strs, and values: the topmost ones, which leave the stack."""
    cdef Shape *shape = NULL
    cdef PyObject *made = NULL
    cdef Py_ssize_t i = 0
    cdef int is_new = True
    if 2 <= n <= SHAPE_PAIRS and r.memo.slots != r.memo.first and not cyp_is_free_threaded():  # else too little to come
        shape = shape_of(r, items, n)
        if shape != NULL and shape.like != NULL:
            made = cyp_dict_like(shape.like, items, n)
            if made != NULL:
                r.stack.top = items
                return made
    made = PyDict_New()
    try:
        while True:
            if is_new:  # else the finalizer of a value that was replaced may have found the dictionary
                i += cyp_dict_fill(made, items + 2 * i, n - i, &is_new)
            if i == n:
                break
            store_pair(r, made, take_slot(&items[2 * i]), take_slot(&items[2 * i + 1]))
            i += 1
    except BaseException:
        Py_DECREF(made)
        raise
    r.stack.top = items
    if shape != NULL and shape.like == NULL and PyDict_Size(made) == n:
        remember_shape(shape, made)
    return made


cdef Shape *shape_of(Loading *r, PyObject **items, Py_ssize_t n) except? NULL:
    """The place for dictionaries of these keys; NULL when they come for the first time."""
    cdef Shape *shape
    cdef size_t mix = n
    cdef Py_ssize_t i
    if r.shapes == NULL:
        r.shapes = <Shape *>PyMem_Calloc(SHAPES, sizeof(Shape))
        if r.shapes == NULL:
            PyErr_NoMemory()
    for i in range(0, 2 * n, 2):
        mix = mix * 31 + (<size_t>items[i] >> 4)
    shape = &r.shapes[mix % SHAPES]
    if shape.mix == mix:
        return shape
    Py_XDECREF(shape.like)
    shape.like = NULL
    shape.mix = mix
    return NULL


cdef int remember_shape(Shape *shape, PyObject *made) noexcept:
    """Keep a dictionary of the same keys for the next time, if there is memory for it."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t pos = 0
    cdef PyObject *like = NULL
    try:
        like = PyDict_Copy(made)
        while PyDict_Next(made, &pos, &key, &value):
            PyDict_SetItem(like, key, Py_None)
    except MemoryError:
        Py_XDECREF(like)
        return 0
    PyObject_GC_UnTrack(like)  # nobody is to see it
    shape.like = like
    return 0
