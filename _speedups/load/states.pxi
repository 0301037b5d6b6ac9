# Instances and their state, filled without the dictionary or the list in between.
#
# What the stream says is NEWOBJ, an empty state, MARK, the items, SETITEMS or APPENDS, and BUILD.  open_state() steps
# over the empty state and the mark, and close_*() store the items where BUILD would.


cdef inline int follow_new(Loading *r, bint fresh) except -1:
    """What mostly comes after NEWOBJ or REDUCE: the memo opcode of the new object, and the start of its state.

    fresh: nobody has seen the object, which has no attributes.
    """
    cdef PyObject *o = (r.stack.top - 1)[0]
    cdef Plan *plan
    cdef unsigned char op
    if r.p == r.end:
        return 0
    pause_collector(r)
    if r.p[0] == OP_MEMOIZE:
        if memo_has_room(r.memo, r.memo.count) and memo_append(r.memo, o):
            r.p += 1
    elif r.p[0] == OP_BINPUT and r.end - r.p >= 2 and memo_place(r.memo, r.p[1], o):
        r.p += 2
    if r.p == r.end:
        return 0
    op = r.p[0]
    if op == OP_EMPTY_DICT:
        plan = plan_of(Py_TYPE(o))
        if plan.stores and (fresh or has_no_attributes(o, cyp_inline_values(o))):
            open_state(r, r.p, NAMED)
    elif op == OP_EMPTY_LIST:
        if plan_of(Py_TYPE(o)).lists:
            open_state(r, r.p, LISTED)
    elif op == OP_NONE and r.end - r.p >= 2 and r.p[1] == OP_EMPTY_DICT and plan_of(Py_TYPE(o)).keeps:
        open_state(r, r.p + 1, SLOTTED)
    return 0


cdef bint open_state(Loading *r, const unsigned char *p, int kind) except -1:
    """After a new instance: step over the empty state at p, its memo opcode and MARK, without making the state.

    The new instance is on top; of kind SLOTTED two values are pushed, the lower one for the NONE before p.  False, and
    no step, if that is not what follows.
    """
    cdef Py_ssize_t left = r.end - p - 1
    cdef Py_ssize_t i = UNMEMOISED
    p += 1
    if left < 6 or r.settled > MAX_SETTLED:
        return False
    if p[0] == OP_MEMOIZE:
        i = r.memo.count
        p += 1
    elif p[0] == OP_BINPUT:
        i = p[1]
        p += 2
    elif p[0] == OP_LONG_BINPUT:
        i = cyp_read_u32(p + 1)
        p += 5
    if p == r.end or p[0] != OP_MARK:
        return False
    if i != UNMEMOISED:
        if not memo_has_room(r.memo, i):
            return False
        r.memo.slots[i] = open_tag(r.stack.nmarks)
        r.memo.count += 1
    if kind == SLOTTED:
        Py_INCREF(Py_None)
        r.stack.top[0] = Py_None
        r.stack.top += 1
    r.stack.top[0] = NULL
    r.stack.top += 1
    push_mark(&r.stack, kind, i)
    r.p = p + 1
    load_values(r, ITEMS if kind == LISTED else PAIRS)
    return True


cdef inline bint memo_has_room(Memo *memo, Py_ssize_t i) except -1:
    """Slot i is there, or has just been made, and is free."""
    if CYP_LIKELY(i < memo.size):
        return memo_is_free(memo, i)
    return grow_for(memo, i)


cdef bint grow_for(Memo *memo, Py_ssize_t i) except -1:
    if i == memo.size and i <= 2 * memo.count:
        memo_grow(memo, 2 * i)
    return memo_is_free(memo, i)


cdef bint close_state(Loading *r) except -1:
    """SETITEMS on a virtual state dictionary, BUILD following: store the items in the instance.

    Nothing is left of the state but the tagged memo slot.  False, and nothing done, if the items are not for the
    fast way; then the dictionary is to be made.
    """
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef PyObject *instance
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t i
    cdef CypValues *values
    cdef Plan *plan
    if mark.kind == KEYED:
        return close_dict(r)
    if mark.kind == SLOTTED:
        return close_slots(r)
    instance = (items - 2)[0]
    plan = plan_of(Py_TYPE(instance))
    values = cyp_inline_values(instance)
    if mark.kind != NAMED or n == 0 or n & 1 or r.p == r.end or r.p[0] != OP_BUILD or not plan.stores:
        return False
    for i in range(0, n, 2):
        if not PyUnicode_CheckExact(items[i]):
            return False
    if not has_no_attributes(instance, values):
        return False
    if CYP_UNLIKELY(r.nclosed == r.closed_size):
        closed_grow(r)
    if values == NULL:
        store_items(r, instance, items, n)
    else:
        for i in range(0, n, 2):
            values = store_attribute(r, instance, plan, values, i >> 1, items[i], items[i + 1])
            Py_DECREF(items[i])
            items[i] = items[i + 1] = NULL
    i = mark.state
    if i >= 0 and r.memo.slots[i] == open_tag(r.stack.nmarks - 1):
        note_closed(r, i, UNMEMOISED, NULL, 0)
        Py_INCREF(instance)
        r.memo.slots[i] = <PyObject *>(<size_t>instance | TAG_CLOSED)
    r.stack.top = items - 1
    drop_mark(&r.stack)
    r.p += 1
    return True


cdef bint close_slots(Loading *r) except -1:
    """The same for a pair (None, dictionary of slots): TUPLE2, its memo opcode and BUILD follow."""
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef PyObject *instance = (items - 3)[0]
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t whole = UNMEMOISED
    cdef Py_ssize_t i
    cdef const unsigned char *p = r.p
    cdef Plan *plan = plan_of(Py_TYPE(instance))
    if n & 1 or n == 0 or not plan.keeps or r.end - p < 3 or p[0] != OP_TUPLE2:
        return False
    p += 1
    if p[0] == OP_MEMOIZE:
        whole = r.memo.count
        p += 1
    elif p[0] == OP_BINPUT and r.end - p >= 3:
        whole = p[1]
        p += 2
    if p[0] != OP_BUILD or whole != UNMEMOISED and not memo_has_room(r.memo, whole):
        return False
    if not knows_slots(plan, instance, items, n) or not has_layout(r, plan, instance, n >> 1):
        return False
    for i in range(0, n, 2):
        cyp_slot_at(instance, plan.slots[i >> 1])[0] = items[i + 1]
        Py_DECREF(items[i])
    if whole != UNMEMOISED:
        r.memo.count += 1
    keep_state(r, plan, instance, own_state(r), whole, 0)
    Py_DECREF((items - 2)[0])
    r.stack.top = items - 2
    drop_mark(&r.stack)
    r.p = p + 1
    return True


cdef bint knows_slots(Plan *plan, PyObject *instance, PyObject **items, Py_ssize_t n) except -1:
    """The n names and values on the stack are for slots, all empty and no two the same."""
    cdef Py_ssize_t i
    cdef bint news = False
    if n > 2 * PLAN_NAMES:
        return False
    for i in range(0, n, 2):
        if CYP_UNLIKELY(plan.names[i >> 1] != items[i]):
            news = True
            if not learn_slot(plan, i >> 1, items[i]):
                break
    else:
        i = n
    if plan.layout == NULL or PyTuple_GET_SIZE(plan.layout) != n >> 1:
        news = True  # more of the names count now than have been compared
    if news and (i < n or not all_differ(plan, n >> 1)):
        plan_forget_names(plan)
        return False
    for i in range(0, n, 2):
        if cyp_slot_at(instance, plan.slots[i >> 1])[0] != NULL:
            return False
    return True


cdef bint learn_slot(Plan *plan, Py_ssize_t i, PyObject *name) except -1:
    """Expect this name as the i-th; False if the class has no ordinary slot of that name."""
    cdef Py_ssize_t offset = -1
    if PyUnicode_CheckExact(name):
        offset = slot_of_class(plan.tp, <object>name)
    if offset < 0:
        return False
    remember_name(plan, i, name, <int>offset)
    return True


cdef Py_ssize_t slot_of_class(PyTypeObject *tp, object name) except? -1:
    """Where instances of tp keep the slot of that name; -1 if that is not an ordinary one."""
    key = interned(name)
    cdef PyObject *descriptor = cyp_type_find(tp, <PyObject *>key)
    cdef Py_ssize_t offset = -1
    if descriptor != NULL:
        offset = cyp_slot_offset(tp, descriptor, False)
        if offset > MAX_OFFSET:
            offset = -1
    return offset


cdef bint all_differ(Plan *plan, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    cdef Py_ssize_t k
    for i in range(n):
        for k in range(i):
            if plan.slots[i] == plan.slots[k]:
                return False
    return True


cdef bint close_values(Loading *r) except -1:
    """APPENDS to a virtual state list, BUILD following: store the items in the slots of a dataclass."""
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef PyObject *instance = (items - 2)[0]
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t i
    cdef Plan *plan = plan_of(Py_TYPE(instance))
    if mark.kind != LISTED or r.p == r.end or r.p[0] != OP_BUILD or not plan.lists or n != plan.nfields \
            or not same_fields(plan) or not has_layout(r, plan, instance, n):
        return False
    for i in range(n):
        cyp_slot_at(instance, plan.slots[i])[0] = items[i]
    keep_state(r, plan, instance, own_state(r), UNMEMOISED, NAMES_LISTED)
    r.stack.top = items - 1
    drop_mark(&r.stack)
    r.p += 1
    return True


cdef bint has_layout(Loading *r, Plan *plan, PyObject *instance, Py_ssize_t n) except -1:
    """Prepare keep_state(): everything that can fail.  False if one of the instance's first n slots is not empty."""
    cdef PyObject *names = plan.layout
    cdef Py_ssize_t i
    if r.nclosed == r.closed_size:
        closed_grow(r)
    if names != NULL and PyTuple_GET_SIZE(names) != n:
        plan.layout = NULL
        Py_DECREF(names)
        names = NULL
    if names == NULL:
        names = PyTuple_New(n)
        for i in range(n):
            Py_INCREF(plan.names[i])
            PyTuple_SET_ITEM(names, i, plan.names[i])
        plan.layout = names
    for i in range(n):
        if cyp_slot_at(instance, plan.slots[i])[0] != NULL:
            return False
    return True


cdef Py_ssize_t own_state(Loading *r) noexcept:
    """The memo index of the state above which the topmost mark is, if it stands there for that; or UNMEMOISED."""
    cdef Py_ssize_t i = r.stack.marks[r.stack.nmarks - 1].state
    return i if i >= 0 and r.memo.slots[i] == open_tag(r.stack.nmarks - 1) else UNMEMOISED


cdef inline int keep_state(Loading *r, Plan *plan, PyObject *instance, Py_ssize_t state, Py_ssize_t whole,
                           size_t listed) except -1:
    """Tag the memo slots of a state that is now in the slots of the plan's layout, and of the pair around it."""
    cdef PyObject *tagged = <PyObject *>(<size_t>instance | TAG_KEPT)
    if state < 0 and whole < 0:
        return 0
    note_closed(r, state, whole, plan.layout, listed)
    if state >= 0:
        Py_INCREF(instance)
        r.memo.slots[state] = tagged
    if whole >= 0:
        Py_INCREF(instance)
        r.memo.slots[whole] = tagged
    return 0


cdef int store_items(Loading *r, PyObject *instance, PyObject **items, Py_ssize_t n) except -1:
    """Move n names and values from the stack to the instance's dictionary, which is empty or is not made yet."""
    cdef PyObject **place = cyp_dict_place(instance)
    cdef PyObject *own
    cdef Py_ssize_t i
    for i in range(0, n, 2):
        PyUnicode_InternInPlace(&items[i])
    if place != NULL and place[0] == NULL:
        own = dict_of(r, items, n >> 1)
        if CYP_LIKELY(place[0] == NULL):
            place[0] = own
            return 0
        try:  # a name came twice: the finalizer of its first value has asked for a dictionary
            PyDict_Update(place[0], own)
        finally:
            Py_DECREF(own)
        return 0
    own = PyObject_GenericGetDict(instance, NULL)
    try:
        for i in range(0, n, 2):
            store_pair(r, own, take_slot(&items[i]), take_slot(&items[i + 1]))
    finally:
        Py_DECREF(own)
    return 0


cdef inline bint has_no_attributes(PyObject *instance, CypValues *values) except -1:
    """Its dictionary, if there is one, is exact and empty."""
    cdef PyObject **place
    cdef PyObject *own
    cdef bint empty
    if CYP_LIKELY(values != NULL):
        return cyp_values_size(values) == 0
    place = cyp_dict_place(instance)
    if place != NULL:
        return place[0] == NULL or PyDict_CheckExact(place[0]) and PyDict_GET_SIZE(place[0]) == 0
    own = PyObject_GenericGetDict(instance, NULL)
    empty = PyDict_CheckExact(own) and PyDict_GET_SIZE(own) == 0
    Py_DECREF(own)
    return empty


cdef inline CypValues *store_attribute(Loading *r, PyObject *instance, Plan *plan, CypValues *values, Py_ssize_t i,
                                       PyObject *name, PyObject *value) except? NULL:
    """Write one item of the instance dictionary, the i-th; on success takes the reference to value, none to name.

    Returns where the rest of the values go: what it was given, or NULL for the dictionary.
    """
    if CYP_LIKELY(values != NULL and i < PLAN_NAMES and plan.names[i] == name):
        return put_attribute(r, instance, plan, values, plan.slots[i], value)
    return store_new_attribute(r, instance, plan, values, i, name, value)


cdef inline CypValues *put_attribute(Loading *r, PyObject *instance, Plan *plan, CypValues *values, int slot,
                                     PyObject *value) except? NULL:
    """store_attribute() in that slot.  If it is not empty, a name has come twice: the first value may have a finalizer."""
    if CYP_LIKELY(cyp_values_at(values, slot) == NULL):
        cyp_values_put(values, slot, value)
        return values
    settle(r)
    release(r, cyp_values_put(values, slot, value))
    return values_left(instance, plan)


cdef inline CypValues *values_left(PyObject *instance, Plan *plan) noexcept:
    """Where to go on after a finalizer may have run: it may have made a dictionary, or put the plan to another use."""
    return cyp_inline_values(instance) if plan.tp == Py_TYPE(instance) else NULL


cdef CypValues *store_new_attribute(Loading *r, PyObject *instance, Plan *plan, CypValues *values, Py_ssize_t i,
                                    PyObject *name, PyObject *value) except? NULL:
    """store_attribute() for a name not seen in this place before."""
    cdef PyObject *interned = name
    cdef PyObject *own
    cdef PyObject *found
    cdef int slot
    Py_INCREF(interned)
    PyUnicode_InternInPlace(&interned)
    try:
        if values != NULL:
            found = cyp_type_find(plan.tp, interned)
            slot = cyp_values_slot_of(plan.tp, interned)
            if slot >= 0:
                remember_name(plan, i, name, slot)
                return put_attribute(r, instance, plan, values, slot, value)
            if found == NULL or not cyp_has_setter(found):
                PyObject_GenericSetAttr(instance, interned, value)
                Py_DECREF(value)
                return values_left(instance, plan)
        own = PyObject_GenericGetDict(instance, NULL)
        try:
            if PyDict_GetItemWithError(own, interned) != NULL:
                settle(r)
            PyDict_SetItem(own, interned, value)
        finally:
            Py_DECREF(own)
        release(r, value)
        return values_left(instance, plan)
    finally:
        Py_DECREF(interned)


cdef inline void remember_name(Plan *plan, Py_ssize_t i, PyObject *name, int slot) noexcept:
    """The i-th name is expected to be this very object next time."""
    cdef PyObject *old
    if i < PLAN_NAMES:
        Py_XDECREF(plan.layout)
        plan.layout = NULL
        plan.distinct = 0
        old = plan.names[i]
        Py_INCREF(name)
        plan.names[i] = name
        plan.slots[i] = slot
        Py_XDECREF(old)
