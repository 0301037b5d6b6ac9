# What is known about a class: whether its instances may be made and filled without asking it.
#
# A plan is good for one version tag of the class.  The class itself is not kept alive: a new class at the same
# address has another tag.  Tag 0 means that nothing may be remembered; such a plan is made anew each time.

cdef enum:
    PLANS = 512         # classes remembered, by address
    PLAN_NAMES = 24     # attributes remembered for each
    NAMES = 1024        # interned attribute names remembered, by their bytes
    NAME_BYTES = 24     # of the longest of them
    MAX_SETTLED = 16    # times that closed states had to be built before none is left out any more

cdef struct Plan:
    PyTypeObject *tp                # borrowed, see above
    unsigned int tag
    bint makes                      # object.__new__() without arguments makes an instance
    bint stores                     # BUILD only writes the instance dictionary
    bint asks                       # BUILD calls __setstate__(), which instances do not shadow
    bint extends                    # a list whose extend() is list's own
    bint slotted                    # there is neither an instance dictionary nor __setstate__()
    PyObject *names[PLAN_NAMES]     # the i-th name as the stream gave it: owned, or NULL
    int slots[PLAN_NAMES]           # its place among the inline values

cdef Plan plans[PLANS]
cdef PyObject *names[NAMES]         # owned
cdef object name_of_dict = "__dict__"
cdef object name_of_setstate = "__setstate__"
cdef object name_of_extend = "extend"
cdef object extend_of_list = vars(list)["extend"]
cdef object dict_of_class = vars(type("C", (), {}))["__dict__"]  # what any class gets


cdef inline Plan *plan_of(PyTypeObject *tp) noexcept:
    cdef Plan *plan = &plans[((<size_t>tp >> 5) ^ (<size_t>tp >> 14)) % PLANS]
    if CYP_LIKELY(plan.tp == tp and plan.tag != 0 and plan.tag == cyp_type_tag(tp)):
        return plan
    plan_fill(plan, tp)
    return plan


cdef void plan_fill(Plan *plan, PyTypeObject *tp) noexcept:
    """Look the class over.  The tag is taken first, so that a change afterwards is noticed."""
    cdef PyObject *descriptor
    cdef int i
    for i in range(PLAN_NAMES):
        Py_XDECREF(plan.names[i])
        plan.names[i] = NULL
    plan.tp = tp
    plan.tag = cyp_type_tag_new(tp)
    plan.makes = cyp_default_new(tp)
    plan.stores = plan.asks = plan.slotted = plan.extends = False
    if not cyp_default_getattr(tp):
        return
    plan.extends = (PyType_IsSubtype(tp, &PyList_Type)
                    and cyp_type_find(tp, <PyObject *>name_of_extend) == <PyObject *>extend_of_list)
    descriptor = cyp_type_find(tp, <PyObject *>name_of_setstate)
    if descriptor != NULL:
        plan.asks = cyp_is_method(descriptor)
        return
    plan.slotted = not cyp_has_dict(tp)
    if plan.slotted:
        return
    descriptor = cyp_type_find(tp, <PyObject *>name_of_dict)
    plan.stores = (descriptor != NULL and Py_TYPE(descriptor) == &PyGetSetDescr_Type
                   and PyType_IsSubtype(tp, PyDescr_TYPE(descriptor))
                   and cyp_plain_dict(descriptor, <PyObject *>dict_of_class))


cdef PyObject *name_new(const unsigned char *p, Py_ssize_t nbytes) except NULL:
    """An attribute name as an interned str, new reference: from a cache if it is short and ASCII."""
    cdef PyObject **slot
    cdef PyObject *name
    if nbytes < 2 or nbytes > NAME_BYTES:
        return cyp_str_new(p, nbytes)
    slot = &names[cyp_mix_bytes(p, nbytes) >> 54]
    name = slot[0]
    if name != NULL and PyUnicode_GET_LENGTH(name) == nbytes and memcmp(PyUnicode_DATA(name), p, nbytes) == 0:
        Py_INCREF(name)
        return name
    name = cyp_str_new(p, nbytes)
    if PyUnicode_IS_COMPACT_ASCII(name):
        PyUnicode_InternInPlace(&name)
        Py_XDECREF(slot[0])
        Py_INCREF(name)
        slot[0] = name
    return name


cdef inline int follow_new(Loading *r) except -1:
    """What mostly comes after NEWOBJ or REDUCE: the memo opcode of the new object, and the start of its state."""
    cdef PyObject *o = (r.stack.top - 1)[0]
    if r.p == r.end:
        return 0
    if r.p[0] == OP_MEMOIZE:
        if memo_append(r.memo, o):
            r.p += 1
    elif r.p[0] == OP_BINPUT and r.end - r.p >= 2 and memo_place(r.memo, r.p[1], o):
        r.p += 2
    if r.p < r.end and r.p[0] == OP_EMPTY_DICT and plan_of(Py_TYPE(o)).stores \
            and has_no_attributes(o, cyp_inline_values(o)):
        open_state(r)
    return 0


cdef bint open_state(Loading *r) except -1:
    """After a new instance: step over EMPTY_DICT, its memo opcode and MARK, without making the dictionary.

    The new instance is on top.  False, and no step, if that is not what follows.
    """
    cdef const unsigned char *p = r.p + 1
    cdef Py_ssize_t left = r.end - p
    cdef Py_ssize_t i = UNMEMOISED
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
        if i == r.memo.size and i <= 2 * r.memo.count:
            memo_grow(r.memo, 2 * i)
        if not memo_is_free(r.memo, i):
            return False
        r.memo.slots[i] = open_tag(r.stack.nmarks)
        r.memo.count += 1
    r.stack.top[0] = NULL
    r.stack.top += 1
    push_mark(&r.stack, i)
    r.p = p + 1
    return True


cdef bint close_state(Loading *r) except -1:
    """SETITEMS on a virtual state dictionary, BUILD following: store the items in the instance.

    Nothing is left of the state but the CLOSED memo slot.  False, and nothing done, if the items are not for the
    fast way; then the dictionary is to be made.
    """
    cdef Mark *mark = &r.stack.marks[r.stack.nmarks - 1]
    cdef PyObject **items = r.stack.base + mark.height
    cdef PyObject *instance = (items - 2)[0]
    cdef Py_ssize_t n = r.stack.top - items
    cdef Py_ssize_t i
    cdef CypValues *values = cyp_inline_values(instance)
    cdef Plan *plan = plan_of(Py_TYPE(instance))
    if n == 0 or n & 1 or r.p == r.end or r.p[0] != OP_BUILD or not plan.stores:
        return False
    for i in range(0, n, 2):
        if not PyUnicode_CheckExact(items[i]):
            return False
    if not has_no_attributes(instance, values):
        return False
    if values == NULL:
        store_items(instance, items, n)
    else:
        for i in range(0, n, 2):
            values = store_attribute(instance, plan, values, i >> 1, items[i], items[i + 1])
            Py_DECREF(items[i])
            items[i] = items[i + 1] = NULL
    i = mark.state
    if i >= 0 and r.memo.slots[i] == open_tag(r.stack.nmarks - 1):
        note_closed(r, i)
        Py_INCREF(instance)
        r.memo.slots[i] = <PyObject *>(<size_t>instance | TAG_CLOSED)
    r.stack.top = items - 1
    drop_mark(&r.stack)
    r.p += 1
    return True


cdef int store_items(PyObject *instance, PyObject **items, Py_ssize_t n) except -1:
    """Move n names and values from the stack to the instance's dictionary."""
    cdef PyObject *own = PyObject_GenericGetDict(instance, NULL)
    cdef Py_ssize_t i
    try:
        for i in range(0, n, 2):
            PyUnicode_InternInPlace(&items[i])
            cyp_dict_set_steal(own, take_slot(&items[i]), take_slot(&items[i + 1]))
    finally:
        Py_DECREF(own)
    return 0


cdef inline bint has_no_attributes(PyObject *instance, CypValues *values) except -1:
    cdef PyObject *own
    cdef bint empty
    if CYP_LIKELY(values != NULL):
        return cyp_values_size(values) == 0
    own = PyObject_GenericGetDict(instance, NULL)
    empty = PyDict_Size(own) == 0
    Py_DECREF(own)
    return empty


cdef inline CypValues *store_attribute(PyObject *instance, Plan *plan, CypValues *values, Py_ssize_t i,
                                       PyObject *name, PyObject *value) except? NULL:
    """Write one item of the instance dictionary, the i-th; on success takes the reference to value, none to name.

    Returns where the rest of the values go: what it was given, or NULL for the dictionary.
    """
    cdef PyObject *old
    if CYP_LIKELY(values != NULL and i < PLAN_NAMES and plan.names[i] == name):
        old = cyp_values_put(values, plan.slots[i], value)
        if CYP_LIKELY(old == NULL):
            return values
        Py_DECREF(old)
        return values_left(instance, plan)
    return store_new_attribute(instance, plan, values, i, name, value)


cdef inline CypValues *values_left(PyObject *instance, Plan *plan) noexcept:
    """Where to go on after a finalizer may have run: it may have made a dictionary, or put the plan to another use."""
    return cyp_inline_values(instance) if plan.tp == Py_TYPE(instance) else NULL


cdef CypValues *store_new_attribute(PyObject *instance, Plan *plan, CypValues *values, Py_ssize_t i,
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
                Py_XDECREF(cyp_values_put(values, slot, value))
                return values_left(instance, plan)
            if found == NULL or not cyp_has_setter(found):
                PyObject_GenericSetAttr(instance, interned, value)
                Py_DECREF(value)
                return values_left(instance, plan)
        own = PyObject_GenericGetDict(instance, NULL)
        try:
            PyDict_SetItem(own, interned, value)
        finally:
            Py_DECREF(own)
        Py_DECREF(value)
        return values_left(instance, plan)
    finally:
        Py_DECREF(interned)


cdef inline void remember_name(Plan *plan, Py_ssize_t i, PyObject *name, int slot) noexcept:
    """The i-th name is expected to be this very object next time."""
    cdef PyObject *old
    if i < PLAN_NAMES:
        old = plan.names[i]
        Py_INCREF(name)
        plan.names[i] = name
        plan.slots[i] = slot
        Py_XDECREF(old)
