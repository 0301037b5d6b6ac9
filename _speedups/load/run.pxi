# The dispatcher.


cdef PyObject *run(Loading *r) except NULL:
    """Execute opcodes until STOP; the result is a new reference.

    The frequent opcodes are handled here, from registers, when all their bytes are in the window.  Whatever falls
    out of the chain takes the general way, load_op(), which handles every opcode and raises every error.  At the
    top of the loop the struct is up to date, and a branch that raises has changed neither stack nor memo, and has
    taken its opcode, and none after it, off the input: tell_where() says which it was.
    """
    cdef Stack *s = &r.stack
    cdef Memo *memo = r.memo
    cdef const unsigned char *p = r.p
    cdef const unsigned char *end = r.end
    cdef PyObject **sp = s.top
    cdef PyObject **items
    cdef PyObject *o
    cdef PyObject *o2
    cdef Py_ssize_t i
    cdef Py_ssize_t n
    cdef unsigned char op
    while True:
        if CYP_UNLIKELY(sp >= s.limit):
            stack_grow(s)
            sp = s.top
        if CYP_UNLIKELY(p >= end):
            r.at = stream_offset(r)
            r.op = READING
            take_opcode(r, &op)
            r.op = RUNNING
            p = r.p
            end = r.end
            r.base = p - 1
        else:
            op = p[0]
            p += 1
        pause_collector(r)
        if op == OP_SHORT_BINUNICODE:
            if CYP_LIKELY(p < end and p[0] < end - p):
                n = p[0]
                if end - p > n + 3 and p[n + 1] == OP_MEMOIZE and p[n + 2] == OP_SHORT_BINUNICODE:
                    r.p = p
                    if load_by_names(r):
                        p = r.p
                        sp = s.top
                        continue
                r.p = p + 1 + n
                if s.nmarks and s.marks[s.nmarks - 1].kind >= NAMED and not (sp - s.base - s.fence) & 1:
                    o = name_new(p + 1, n)
                else:
                    o = cyp_str_new(p + 1, n)
                p += n + 1
                if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                sp[0] = o
                sp += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_BINUNICODE:
            if CYP_LIKELY(end - p >= 4 and <Py_ssize_t>cyp_read_u32(p) <= end - p - 4):
                n = cyp_read_u32(p)
                r.p = p + 4 + n
                if s.nmarks and s.marks[s.nmarks - 1].kind >= NAMED and not (sp - s.base - s.fence) & 1:
                    o = name_new(p + 4, n)
                else:
                    o = cyp_str_new(p + 4, n)
                p += n + 4
                if p < end:
                    if p[0] == OP_MEMOIZE:
                        if memo_append(memo, o):
                            p += 1
                    elif p[0] == OP_BINPUT and end - p >= 2 and memo_place(memo, p[1], o):
                        p += 2
                sp[0] = o
                sp += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_BINGET:
            if CYP_LIKELY(p < end):
                n = p[0]
                if CYP_LIKELY(n < memo.size):
                    o = memo.slots[n]
                    if CYP_LIKELY(o != NULL and not <size_t>o & TAG_MASK):
                        p += 1
                        Py_INCREF(o)
                        sp[0] = o
                        sp += 1
                        s.top = sp
                        r.p = p
                        if Py_TYPE(o) != &PyUnicode_Type and is_callable(o):
                            follow_callable(r)
                            p = r.p
                            sp = s.top
                        elif p < end and p[0] == OP_BINGET:
                            load_values(r, PAIRS if s.nmarks and s.marks[s.nmarks - 1].kind >= NAMED else ITEMS)
                            p = r.p
                            sp = s.top
                        continue
        elif op == OP_LONG_BINGET:
            if CYP_LIKELY(end - p >= 4):
                n = cyp_read_u32(p)
                if CYP_LIKELY(n < memo.size):
                    o = memo.slots[n]
                    if CYP_LIKELY(o != NULL and not <size_t>o & TAG_MASK):
                        p += 4
                        Py_INCREF(o)
                        sp[0] = o
                        sp += 1
                        s.top = sp
                        r.p = p
                        if Py_TYPE(o) != &PyUnicode_Type and is_callable(o):
                            follow_callable(r)
                            p = r.p
                            sp = s.top
                        continue
        elif op == OP_BININT1:
            if CYP_LIKELY(p < end):
                r.p = p + 1
                sp[0] = cyp_int_new(p[0])
                p += 1
                sp += 1
                s.top = sp
                continue
        elif op == OP_BININT2:
            if CYP_LIKELY(end - p >= 2):
                r.p = p + 2
                sp[0] = cyp_int_new(cyp_read_u16(p))
                p += 2
                sp += 1
                s.top = sp
                continue
        elif op == OP_BININT:
            if CYP_LIKELY(end - p >= 4):
                r.p = p + 4
                sp[0] = cyp_int_new(signed32(p))
                p += 4
                sp += 1
                s.top = sp
                continue
        elif op == OP_BINFLOAT:
            if CYP_LIKELY(end - p >= 8):
                r.p = p + 8
                sp[0] = PyFloat_FromDouble(cyp_read_double_be(p))
                p += 8
                sp += 1
                s.top = sp
                continue
        elif op == OP_MEMOIZE:
            if CYP_LIKELY(sp - s.base > s.fence and memo_append(memo, (sp - 1)[0])):
                r.p = p
                continue
        elif op == OP_BINPUT:
            if CYP_LIKELY(p < end and sp - s.base > s.fence and memo_place(memo, p[0], (sp - 1)[0])):
                p += 1
                r.p = p
                continue
        elif op == OP_LONG_BINPUT:
            if CYP_LIKELY(end - p >= 4 and sp - s.base > s.fence and memo_place(memo, cyp_read_u32(p), (sp - 1)[0])):
                p += 4
                r.p = p
                continue
        elif op == OP_NONE:
            Py_INCREF(Py_None)
            sp[0] = Py_None
            sp += 1
            s.top = sp
            r.p = p
            continue
        elif op == OP_NEWTRUE:
            Py_INCREF(Py_True)
            sp[0] = Py_True
            sp += 1
            s.top = sp
            r.p = p
            continue
        elif op == OP_NEWFALSE:
            Py_INCREF(Py_False)
            sp[0] = Py_False
            sp += 1
            s.top = sp
            r.p = p
            continue
        elif op == OP_MARK:
            r.p = p
            push_mark(s, REAL, UNMEMOISED)
            load_values(r, ITEMS)
            p = r.p
            sp = s.top
            continue
        elif op == OP_EMPTY_DICT or op == OP_EMPTY_LIST or op == OP_EMPTY_SET:
            r.p = p
            if op == OP_EMPTY_DICT and open_dict(r):
                p = r.p
                sp = s.top
                continue
            if op == OP_EMPTY_LIST and end - p > 8 and p[0] == OP_MEMOIZE and p[1] == OP_MARK:
                if load_list_at_once(r, sp, p - 1) != NO_LIST:
                    load_values(r, PAIRS if s.nmarks and s.marks[s.nmarks - 1].kind >= NAMED else ITEMS)
                    p = r.p
                    sp = s.top
                    continue
                r.p = p
            o = PyDict_New() if op == OP_EMPTY_DICT else PyList_New(0) if op == OP_EMPTY_LIST else PySet_New(NULL)
            if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                p += 1
            sp[0] = o
            sp += 1
            s.top = sp
            r.p = p
            if p < end and p[0] == OP_MARK:
                push_mark(s, REAL, UNMEMOISED)
                r.p = p + 1
                load_values(r, ITEMS)
                p = r.p
                sp = s.top
            continue
        elif op == OP_APPENDS:
            r.p = p
            if s.nmarks and s.marks[s.nmarks - 1].kind == LISTED and close_values(r):
                p = r.p
                sp = s.top
                continue
            if CYP_LIKELY(s.nmarks > 0 and s.marks[s.nmarks - 1].kind == REAL and s.fence > 0):
                items = s.base + s.fence
                if CYP_UNLIKELY(sp - items >= BATCH_ITEMS):
                    look_for_interrupt(r)
                o = (items - 1)[0]
                n = s.fence
                # and not a value below an enclosing mark
                if o != NULL and PyList_CheckExact(o) and n > enclosing_fence(s):
                    cyp_list_take(o, items, sp - items)
                    drop_mark(s)
                    s.top = items
                    if s.nmarks:
                        load_values(r, PAIRS if s.marks[s.nmarks - 1].kind >= NAMED else ITEMS)
                        p = r.p
                    sp = s.top
                    continue
            do_append(r, pop_mark(r))
            sp = s.top
            continue
        elif op == OP_APPEND:
            if CYP_LIKELY(sp - s.base >= s.fence + 2 and PyList_CheckExact((sp - 2)[0])):
                r.p = p
                cyp_list_take((sp - 2)[0], sp - 1, 1)
                sp -= 1
                s.top = sp
                continue
        elif op == OP_SETITEMS:
            r.p = p
            if s.nmarks and s.marks[s.nmarks - 1].kind != REAL and close_state(r):
                if r.p < end and r.p[0] == OP_EMPTY_DICT:
                    pause_collector(r)
                    r.p += 1
                    if not open_dict(r):
                        r.p -= 1
                p = r.p
                sp = s.top
                continue
            do_setitems(r, pop_mark(r))
            sp = s.top
            continue
        elif op == OP_SETITEM:
            if CYP_LIKELY(sp - s.base >= s.fence + 3 and PyDict_CheckExact((sp - 3)[0])
                          and Py_TYPE((sp - 2)[0]) == &PyUnicode_Type and cyp_dict_is_text((sp - 3)[0])):
                sp -= 2
                s.top = sp
                r.p = p
                store_pair(r, (sp - 1)[0], sp[0], sp[1])
                continue
        elif op == OP_TUPLE2:
            if CYP_LIKELY(sp - s.base >= s.fence + 2):
                if end - p >= 2 and p[1] == OP_NEWOBJ and p[0] == OP_MEMOIZE and sp - s.base > s.fence + 2:
                    r.p = p
                    if tuple_is_new(r, 2, False):
                        p = r.p
                        sp = s.top
                        continue
                r.p = p
                o = PyTuple_New(2)
                PyTuple_SET_ITEM(o, 0, (sp - 2)[0])
                PyTuple_SET_ITEM(o, 1, (sp - 1)[0])
                cyp_tuple_untrack(o, 2)
                sp -= 1
                (sp - 1)[0] = o
                if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_TUPLE3:
            if CYP_LIKELY(sp - s.base >= s.fence + 3):
                if end - p >= 2 and p[1] == OP_NEWOBJ and p[0] == OP_MEMOIZE and sp - s.base > s.fence + 3:
                    r.p = p
                    if tuple_is_new(r, 3, False):
                        p = r.p
                        sp = s.top
                        continue
                r.p = p
                o = PyTuple_New(3)
                PyTuple_SET_ITEM(o, 0, (sp - 3)[0])
                PyTuple_SET_ITEM(o, 1, (sp - 2)[0])
                PyTuple_SET_ITEM(o, 2, (sp - 1)[0])
                cyp_tuple_untrack(o, 3)
                sp -= 2
                (sp - 1)[0] = o
                if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_TUPLE1:
            if CYP_LIKELY(sp - s.base >= s.fence + 1):
                if end - p >= 2 and p[1] == OP_NEWOBJ and p[0] == OP_MEMOIZE and sp - s.base > s.fence + 1:
                    r.p = p
                    if tuple_is_new(r, 1, False):
                        p = r.p
                        sp = s.top
                        continue
                r.p = p
                o = PyTuple_New(1)
                PyTuple_SET_ITEM(o, 0, (sp - 1)[0])
                cyp_tuple_untrack(o, 1)
                (sp - 1)[0] = o
                if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                r.p = p
                continue
        elif op == OP_TUPLE:
            if CYP_LIKELY(s.nmarks > 0 and s.marks[s.nmarks - 1].kind == REAL):
                items = s.base + s.fence
                n = sp - items
                if end - p >= 2 and p[1] == OP_NEWOBJ and p[0] == OP_MEMOIZE and s.fence > enclosing_fence(s):
                    r.p = p
                    if tuple_is_new(r, n, True):
                        p = r.p
                        sp = s.top
                        continue
                r.p = p
                o = PyTuple_New(n)
                for i in range(n):
                    PyTuple_SET_ITEM(o, i, items[i])
                if n:
                    cyp_tuple_untrack(o, n)
                drop_mark(s)
                items[0] = o
                sp = items + 1
                if p < end and p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_REDUCE:
            if CYP_LIKELY(sp - s.base >= s.fence + 2):
                r.p = p
                reduce_top(r)
                follow_new(r, False)
                p = r.p
                sp = s.top
                continue
        elif op == OP_BUILD:
            if CYP_LIKELY(sp - s.base >= s.fence + 2):
                r.p = p
                build_top(r)
                sp = s.top
                continue
        elif op == OP_NEWOBJ:
            if CYP_LIKELY(sp - s.base >= s.fence + 2 and PyType_Check((sp - 2)[0]) and PyTuple_Check((sp - 1)[0])
                          and cyp_has_new(<PyTypeObject *>(sp - 2)[0])):
                r.p = p
                newobj_top(r)
                follow_new(r, False)
                p = r.p
                sp = s.top
                continue
        elif op == OP_SHORT_BINBYTES:
            if CYP_LIKELY(p < end and p[0] < end - p - 1):
                n = p[0]
                r.p = p
                o = PyBytes_FromStringAndSize(p + 1, n)
                p += n + 1
                if p[0] == OP_MEMOIZE and memo_append(memo, o):
                    p += 1
                sp[0] = o
                sp += 1
                s.top = sp
                r.p = p
                continue
        elif op == OP_LONG1:
            if CYP_LIKELY(p < end and p[0] < end - p):
                n = p[0]
                r.p = p + n + 1
                sp[0] = cyp_int_from_le(p + 1, n)
                p += n + 1
                sp += 1
                s.top = sp
                continue
        elif op == OP_PROTO:
            if CYP_LIKELY(r.host == NULL and p < end and p[0] <= HIGHEST_PROTOCOL):
                r.proto = p[0]
                p += 1
                r.p = p
                continue
        elif op == OP_FRAME:
            r.p = p
            if CYP_LIKELY(r.host == NULL and not r.framed and end - p >= 8
                          and cyp_read_u64(p) <= <uint64_t>(end - p - 8)):
                lose_patience(r, 1 + <Py_ssize_t>cyp_read_u64(p) // OPCODE_BYTES)
                if habits.frames:
                    r.framed = True
                    end = r.end = p + 8 + cyp_read_u64(p)
                p += 8
                r.p = p
                continue
            look_for_interrupt(r)
        elif op == OP_ADDITEMS:
            r.p = p
            load_additems(r)
            sp = s.top
            continue
        elif op == OP_EMPTY_TUPLE:
            if p < end and p[0] == OP_NEWOBJ and sp - s.base > s.fence and PyType_Check((sp - 1)[0]):
                o2 = (sp - 1)[0]
                if plan_of(<PyTypeObject *>o2).makes:
                    r.p = p + 1
                    o = cyp_object_new(<PyTypeObject *>o2, <PyObject *>no_args)
                    (sp - 1)[0] = o
                    Py_DECREF(o2)
                    follow_new(r, True)
                    p = r.p
                    sp = s.top
                    continue
            o = <PyObject *>no_args
            Py_INCREF(o)
            sp[0] = o
            sp += 1
            s.top = sp
            r.p = p
            continue
        elif op == OP_STOP:
            r.p = p
            if r.host != NULL:
                skip_consumed(r, <Machine>r.host)
            return pop_new(r)
        r.p = p
        r.at = stream_offset(r) - 1
        r.op = op
        lose_patience(r, 1)
        load_op(r, op)
        r.op = RUNNING
        p = r.p
        end = r.end
        sp = s.top
        r.base = p


cdef int load_op(Loading *r, unsigned char op) except -1:
    """Execute any opcode but STOP from any window."""
    if load_scalar(r, op) or load_container(r, op) or load_move(r, op) or load_object(r, op):
        return 0
    if 0x20 <= op <= 0x7e and op != 39 and op != 92:
        raise UnpicklingError(f"invalid load key, '{chr(op)}'.")
    raise UnpicklingError(f"invalid load key, '\\x{op:02x}'.")
