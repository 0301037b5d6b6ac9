# Calls whose arguments are plain values: loaded in one go, and made without a tuple of the arguments.
#
# The stream memoises that tuple and hardly ever names it again.  So its memo slot only says where it is WRITTEN in the
# data, which is enough to make it: its items are atoms, or in the memo.


cdef enum:
    NOT_PLAIN = -1


cdef inline bint is_callable(PyObject *o) noexcept:
    """A class or a function."""
    return PyType_Check(o) or Py_TYPE(o) == &PyFunction_Type or Py_TYPE(o) == &PyCFunction_Type


cdef int follow_callable(Loading *r) except -1:
    """A class or a function is on top: load its arguments, and the call, as far as they are plain."""
    cdef Stack *s = &r.stack
    cdef PyObject *function = (s.top - 1)[0]
    cdef const unsigned char *start = r.p
    cdef Py_ssize_t first
    cdef bint marked
    cdef int native = 0
    cdef Plan *plan
    if r.end - start < 3:
        return 0
    if start[0] == OP_EMPTY_TUPLE:
        if start[1] == OP_REDUCE:
            r.p = start + 2
            call_top(r, OP_REDUCE, 0, UNMEMOISED, NULL)
        elif start[1] == OP_NEWOBJ and PyType_Check(function):
            load_alike(r)
        return 0
    if PyType_Check(function):
        plan = plan_of(<PyTypeObject *>function)
        native = plan.native
        if makes_rows(r, plan) and load_rows(r, plan):
            return 0
    if not r.lasting or cyp_wants_tuple(function):
        return 0
    if start[0] == OP_SHORT_BINBYTES:
        if is_temporal(native) and load_temporal(r, native):
            while is_next(r, function) and load_temporal(r, native):
                pass
            return 0
    marked = start[0] == OP_MARK
    if marked:
        push_mark(s, REAL, UNMEMOISED)
        r.p += 1
    first = height(s)
    load_values(r, ARGUMENTS)
    return finish_call(r, start, first, marked)


cdef bint is_next(Loading *r, PyObject *function) except -1:
    """BINGET of the same function, and bytes, follow: push it."""
    cdef const unsigned char *p = r.p
    if r.end - p < 5 or p[0] != OP_BINGET or p[2] != OP_SHORT_BINBYTES or p[1] >= r.memo.size \
            or r.memo.slots[p[1]] != function:
        return False
    r.p = p + 2
    Py_INCREF(function)
    push_steal(&r.stack, function)
    return True


cdef int finish_call(Loading *r, const unsigned char *start, Py_ssize_t first, bint marked) except -1:
    """The values from height `first` on are plain, and written from `start` on: make a call if they are its arguments."""
    cdef Py_ssize_t n = height(&r.stack) - first
    cdef Py_ssize_t i = UNMEMOISED
    cdef PyObject *written = NULL
    cdef const unsigned char *p = r.p
    if r.end - p < 2 or not (p[0] == OP_TUPLE if marked else 0 < n <= 3 and p[0] == OP_TUPLE1 + (n - 1)):
        return 0
    p += 1
    if p[0] == OP_MEMOIZE:
        r.p = p
        if r.end - p >= 2 and p[1] == OP_NEWOBJ and tuple_is_new(r, n, marked):
            return 0
        r.p = p - 1
        i = r.memo.count
        p += 1
        if p == r.end or not memo_has_room(r.memo, i):
            return 0
    if p[0] == OP_NEWOBJ:
        if not PyType_Check(r.stack.base[first - 1]) or not cyp_has_new(<PyTypeObject *>r.stack.base[first - 1]):
            return 0
    elif p[0] != OP_REDUCE or keeps_arguments(r.stack.base[first - 1]):
        return 0
    if i == UNMEMOISED:
        pass
    elif not uses_up(r.stack.base[first - 1]) and has_fresh_atoms(start):
        written = shared_tuple(r.stack.base + first, n)
        r.memo.slots[i] = written
        r.memo.count += 1
        i = UNMEMOISED
    else:
        written = <PyObject *>(<size_t>(start - r.start) << TAG_BITS | TAG_WRITTEN)
    if marked:
        drop_mark(&r.stack)
    r.p = p + 1
    return call_top(r, p[0], n, i, written)


cdef bint uses_up(PyObject *function) noexcept:
    """A class whose instances hold none of the plain values that they were made of: read again, those are as good."""
    cdef int native = plan_of(<PyTypeObject *>function).native if PyType_Check(function) else 0
    return native == NATIVE_COMPLEX or native == NATIVE_TIMEDELTA


cdef bint keeps_arguments(PyObject *function) noexcept:
    """Calling it needs the tuple of the arguments; instances may even keep it, as those of exceptions do."""
    cdef Plan *plan
    if not PyType_Check(function):
        return False
    plan = plan_of(<PyTypeObject *>function)
    return plan.init == NULL and plan.native == 0


cdef PyObject *shared_tuple(PyObject **items, Py_ssize_t n) except NULL:
    """A new tuple of the items, with references of its own."""
    cdef PyObject *made = PyTuple_New(n)
    cdef Py_ssize_t k
    for k in range(n):
        Py_INCREF(items[k])
        PyTuple_SET_ITEM(made, k, items[k])
    return made


cdef bint has_fresh_atoms(const unsigned char *p) noexcept:
    """Of the values at p, one is an object of its own that no memo slot holds: reading it again makes another."""
    cdef unsigned char op
    cdef const unsigned char *data
    if p[0] == OP_MARK:
        p += 1
    while True:
        op = p[0]
        data = p + 1
        p = data + written_size(data, op)
        if p == data + NOT_PLAIN:
            return False
        if op == OP_SHORT_BINUNICODE or op == OP_SHORT_BINBYTES:
            if p[0] != OP_MEMOIZE:
                return True
            p += 1
        elif op == OP_BINFLOAT or op == OP_LONG1 or op == OP_BININT or op == OP_BININT2:
            return True


cdef int call_top(Loading *r, unsigned char op, Py_ssize_t n, Py_ssize_t i, PyObject *written) except -1:
    """REDUCE or NEWOBJ of the n topmost values, plain ones, and what is below them.  The stack owns them meanwhile.

    i: the memo index of the tuple of arguments, a free slot, which `written` is for; or UNMEMOISED, where `written` is
    that tuple itself, which the memo has, or NULL.
    """
    cdef PyObject **items = r.stack.top - n
    cdef PyObject *function = (items - 1)[0]
    cdef PyObject *made
    cdef Py_ssize_t k
    if op == OP_NEWOBJ:
        return new_top(r, plan_of(<PyTypeObject *>function), n, i, written)
    made = (<call_status>made_by_call)(r, n, i, written)
    if CYP_UNLIKELY(made == NULL):
        return gather_arguments(r, n)
    if i != UNMEMOISED:
        r.memo.slots[i] = written
        r.memo.count += 1
    for k in range(n):
        Py_DECREF(items[k])
    r.stack.top = items
    (items - 1)[0] = made
    Py_DECREF(function)
    return follow_new(r, False)


ctypedef PyObject *(*call_status)(Loading *, Py_ssize_t, Py_ssize_t, PyObject *) noexcept


cdef inline PyObject *made_by_call(Loading *r, Py_ssize_t n, Py_ssize_t i, PyObject *written) except NULL:
    """What REDUCE of the n topmost values gives, which stay on the stack; i and `written` as for call_top()."""
    cdef PyObject **items = r.stack.top - n
    cdef PyObject *function = (items - 1)[0]
    cdef PyObject *made = NULL
    cdef Plan *plan
    if PyType_Check(function):
        plan = plan_of(<PyTypeObject *>function)
        if plan.native:
            made = native_call(<PyTypeObject *>function, plan.native, items, n)
        elif plan.init != NULL and cyp_calls_plainly(<PyTypeObject *>function):
            settle(r)
            if plan_of(<PyTypeObject *>function).init != NULL:
                made = init_call(<PyTypeObject *>function, items, n)
    if made == NULL:
        if (r.nclosed or r.paused) and not (n == 0 and PyType_Check(function) and plan_of(<PyTypeObject *>function).quiet) \
                and not runs_no_python(function, items, n):
            settle(r)
        if i == UNMEMOISED and written != NULL:
            made = PyObject_CallObject(function, written)
        else:
            made = PyObject_Vectorcall(function, items, n, NULL)
    return made


cdef int new_top(Loading *r, Plan *plan, Py_ssize_t n, Py_ssize_t i, PyObject *written) except -1:
    """call_top() for NEWOBJ."""
    cdef PyObject **items = r.stack.top - n
    cdef PyObject *cls = (items - 1)[0]
    cdef PyObject *args
    cdef PyObject *made
    cdef Py_ssize_t k
    if plan.tuples and n == plan.width and has_its_code(plan):
        if i != UNMEMOISED:
            r.memo.slots[i] = written
            r.memo.count += 1
        named_tuple(r, n)
        return follow_new(r, False)
    settle(r)
    if i == UNMEMOISED and written != NULL:
        args = written
        Py_INCREF(args)
        cut(&r.stack, items - r.stack.base)
    else:
        args = PyTuple_New(n)
        for k in range(n):
            PyTuple_SET_ITEM(args, k, items[k])
    items[0] = args
    r.stack.top = items + 1
    made = cyp_call_new(<PyTypeObject *>cls, args, NULL)
    if i != UNMEMOISED:
        r.memo.slots[i] = args
        r.memo.count += 1
    else:
        Py_DECREF(args)
    r.stack.top = items
    (items - 1)[0] = made
    Py_DECREF(cls)
    return follow_new(r, False)


cdef int named_tuple(Loading *r, Py_ssize_t n) except -1:
    """Make a named tuple of the n topmost values in the place of its class, which is below them."""
    cdef PyObject **items = r.stack.top - n
    cdef PyObject *cls = (items - 1)[0]
    cdef PyObject *made = cyp_row_new(<PyTypeObject *>cls, items, n, False)
    r.stack.top = items
    (items - 1)[0] = made
    Py_DECREF(cls)
    return 0


cdef bint tuple_is_new(Loading *r, Py_ssize_t n, bint marked) except -1:
    """TUPLE of the n topmost values, MEMOIZE and NEWOBJ, behind a class: make the named tuple at once.

    False, and nothing done, if it is not one.
    """
    cdef PyObject **items = r.stack.top - n
    cdef PyObject *cls = (items - 1)[0]
    cdef Py_ssize_t i = r.memo.count
    cdef Plan *plan
    cdef PyObject *made
    if not r.passing or not PyType_Check(cls) or not memo_has_room(r.memo, i):
        return False
    plan = plan_of(<PyTypeObject *>cls)
    if not plan.tuples or n != plan.width or not has_its_code(plan):
        return False
    named_tuple(r, n)
    if marked:
        drop_mark(&r.stack)
    made = (items - 1)[0]
    Py_INCREF(made)
    r.memo.slots[i] = <PyObject *>(<size_t>made | TAG_ITEMS)
    r.memo.count = i + 1
    r.p += 2
    follow_new(r, False)
    return True


cdef PyObject *init_call(PyTypeObject *tp, PyObject **items, Py_ssize_t n) except NULL:
    """cls(*items) for a class that object.__new__() makes and a Python function initialises.

    The instance takes the place of the class during the call.  Making it may run the collector, hence code that
    assigns another __init__(): as type.__call__() does, it is looked up afterwards.
    """
    cdef PyObject *made = cyp_object_new(tp, <PyObject *>no_args)
    cdef PyObject *init = cyp_type_find(tp, <PyObject *>name_of_init)
    cdef PyObject *result
    Py_XINCREF(init)
    (items - 1)[0] = made
    try:
        if init != NULL and Py_TYPE(init) == &PyFunction_Type:
            result = PyObject_Vectorcall(init, items - 1, n + 1, NULL)
        else:
            result = init_by_attribute(<object>made, items, n)
        name = None if result == Py_None else short_name(result)
        Py_DECREF(result)
        if name is not None:
            raise TypeError(f"__init__() should return None, not '{name}'")
    except BaseException:
        Py_DECREF(made)
        raise
    finally:
        (items - 1)[0] = <PyObject *>tp
        Py_XDECREF(init)
    return made


cdef PyObject *init_by_attribute(object made, PyObject **items, Py_ssize_t n) except NULL:
    init = made.__init__
    return PyObject_Vectorcall(<PyObject *>init, items, n, NULL)


# ---- what is written --------------------------------------------------------------------------------------------


cdef PyObject *read_written(Loading *r, Py_ssize_t i) except NULL:
    """The tuple or bytes object that memo slot i only gives the place of, as load_values() has found it; new."""
    cdef const unsigned char *p = r.start + (<size_t>r.memo.slots[i] >> TAG_BITS)
    cdef Py_ssize_t memoised = 0
    if <size_t>r.memo.slots[i] & TAG_MASK == TAG_WRITTEN_BYTES:
        return PyBytes_FromStringAndSize(p + 2, p[1])
    if p[0] == OP_MARK:
        p += 1
    items = []
    walk_written(r, p, &memoised, 0, None)
    walk_written(r, p, NULL, i - memoised, items)
    return PySequence_Tuple(<PyObject *>items)


cdef int walk_written(Loading *r, const unsigned char *p, Py_ssize_t *memoised, Py_ssize_t i, list items) except -1:
    """Step over the values at p to TUPLE: count those that MEMOIZE follows, or collect all, the memoised from slot i."""
    cdef unsigned char op
    cdef const unsigned char *data
    while True:
        op = p[0]
        data = p + 1
        p = data + written_size(data, op)
        if p == data + NOT_PLAIN:
            return 0
        if (op == OP_SHORT_BINUNICODE or op == OP_SHORT_BINBYTES) and p[0] == OP_MEMOIZE:
            p += 1
            if items is None:
                memoised[0] += 1
            else:
                items.append(<object>steal(memo_get_new(r, i)))
                i += 1
        elif items is not None:
            items.append(written_value(r, data, op))


cdef Py_ssize_t written_size(const unsigned char *data, unsigned char op) noexcept:
    """Bytes that follow an opcode of load_values(); NOT_PLAIN if it is another."""
    if op == OP_BININT1 or op == OP_BINGET: return 1
    if op == OP_BININT2: return 2
    if op == OP_BININT or op == OP_LONG_BINGET: return 4
    if op == OP_BINFLOAT: return 8
    if op == OP_NONE or op == OP_NEWTRUE or op == OP_NEWFALSE: return 0
    if op == OP_SHORT_BINUNICODE or op == OP_SHORT_BINBYTES or op == OP_LONG1: return data[0] + 1
    return NOT_PLAIN


cdef object written_value(Loading *r, const unsigned char *data, unsigned char op):
    if op == OP_BININT1: return data[0]
    if op == OP_BININT2: return cyp_read_u16(data)
    if op == OP_BININT: return signed32(data)
    if op == OP_LONG1: return steal(cyp_int_from_le(data + 1, data[0]))
    if op == OP_BINFLOAT: return cyp_read_double_be(data)
    if op == OP_BINGET: return steal(memo_get_new(r, data[0]))
    if op == OP_LONG_BINGET: return steal(memo_get_new(r, cyp_read_u32(data)))
    if op == OP_SHORT_BINUNICODE: return steal(cyp_str_new(data + 1, data[0]))
    if op == OP_SHORT_BINBYTES: return steal(PyBytes_FromStringAndSize(data + 1, data[0]))
    return None if op == OP_NONE else op == OP_NEWTRUE


cdef int make_all_real(Loading *r) except -1:
    """Read everything that is only written, and write no more: the memo slots that it refers to may change."""
    cdef Py_ssize_t i
    r.lasting = False
    for i in range(r.memo.size):
        if <size_t>r.memo.slots[i] & TAG_MASK in (TAG_WRITTEN, TAG_WRITTEN_BYTES, TAG_ITEMS):
            make_real(r, i)
    return 0
