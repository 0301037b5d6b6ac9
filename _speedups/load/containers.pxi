# Tuples, lists, dicts and sets.


cdef int load_counted_tuple(Loading *r, Py_ssize_t n) except -1:
    """EMPTY_TUPLE to TUPLE3."""
    if height(&r.stack) < n:
        underflow(r)
    return push_steal(&r.stack, pop_tuple(r, height(&r.stack) - n))


cdef int load_list(Loading *r) except -1:
    """LIST: everything above the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    return push_steal(&r.stack, pop_list(r, start))


cdef int load_dict(Loading *r) except -1:
    """DICT: the pairs above the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    cdef PyObject *made = PyDict_New()
    try:
        if (height(&r.stack) - start) % 2:
            raise UnpicklingError("odd number of items for DICT")
        set_pairs(r, made, start)
    except BaseException:
        Py_DECREF(made)
        raise
    return push_steal(&r.stack, made)


cdef int set_pairs(Loading *r, PyObject *target, Py_ssize_t start) except -1:
    """target[key] = value for the pairs from height `start` on, which leave the stack."""
    cdef PyObject **items = r.stack.base + start
    cdef PyObject **end = r.stack.top
    cdef PyObject *key
    cdef bint plain = has_plain_keys(r, target, PyDict_GET_SIZE(target), cyp_dict_is_text(target))
    cdef uint64_t user_code = r.user_code
    while items + 1 < end:
        key = items[0]
        if CYP_UNLIKELY(not plain or not is_plain(key)):
            plain = False
            settle(r)
        items[0] = NULL
        items += 2
        store_pair(r, target, key, take_slot(items - 1))
    r.stack.top = r.stack.base + start
    if plain and r.user_code == user_code:
        remember_plain(r, target, PyDict_GET_SIZE(target))
    return 0


cdef inline int store_pair(Loading *r, PyObject *target, PyObject *key, PyObject *value) except -1:
    """target[key] = value, with both references; the keys are plain, or this is settled.

    The value that was there may have a finalizer, which may change the keys.
    """
    if cyp_collects_in_allocations() or r.nclosed:
        if CYP_LIKELY(cyp_dict_add_steal(target, key, value) == 0):
            return 0
        try:
            settle(r)
        except BaseException:
            Py_DECREF(key)
            Py_DECREF(value)
            raise
    cyp_dict_set_steal(target, key, value)
    return 0


cdef inline bint has_plain_keys(Loading *r, PyObject *target, Py_ssize_t size, bint text) noexcept:
    """Comparing with what is in this dict or set runs no code of the user's."""
    return text or size == 0 or target == r.plain and size == r.plain_size and r.user_code == r.plain_until


cdef inline int remember_plain(Loading *r, PyObject *target, Py_ssize_t size) except -1:
    """All of it is plain: worth knowing if another batch may follow."""
    cdef PyObject *old = r.plain
    if CYP_LIKELY(size < BATCH_ITEMS):
        return 0
    if target != old:
        if old != NULL:
            settle(r)
        Py_INCREF(target)
        r.plain = target
        Py_XDECREF(old)
    r.plain_size = size
    r.plain_until = r.user_code
    return look_for_interrupt(r)


cdef inline PyObject *take_slot(PyObject **slot) noexcept:
    """Empty a slot of the stack; its reference is the caller's."""
    cdef PyObject *o = slot[0]
    slot[0] = NULL
    return o


cdef inline bint is_plain(PyObject *o) noexcept:
    """Hashing, comparing and releasing it runs no code of the user's."""
    cdef PyTypeObject *tp = Py_TYPE(o)
    return (tp == &PyUnicode_Type or tp == &PyLong_Type or tp == &PyBytes_Type or tp == &PyFloat_Type
            or o == Py_None or tp == &PyBool_Type)


cdef int load_frozenset(Loading *r) except -1:
    """FROZENSET: everything above the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    cdef PyObject *items = pop_tuple(r, start)
    settle(r)
    try:
        return push_steal(&r.stack, PyFrozenSet_New(items))
    finally:
        Py_DECREF(items)


cdef int do_append(Loading *r, Py_ssize_t start) except -1:
    """Append the values from height `start` on to the object below them: by extend(), or append() without it."""
    cdef PyObject *target
    cdef Py_ssize_t end = height(&r.stack)
    if start > end or start <= r.stack.fence:
        underflow(r)
    if start == end and not habits.appends_nothing:
        return 0
    target = r.stack.base[start - 1]
    if end - start >= BATCH_ITEMS:
        look_for_interrupt(r)
    if PyList_CheckExact(target) or extends_plainly(target):
        cyp_list_take(target, r.stack.base + start, end - start)
        r.stack.top = r.stack.base + start
        return 0
    settle(r)
    if not extend_by_plan(r, target, start):
        extend_or_append(r, target, start)
    return 0


cdef bint extend_by_plan(Loading *r, PyObject *target, Py_ssize_t start) except -1:
    """extend() of a class that has one, and whose instances cannot have another; False, and nothing done, without."""
    cdef PyObject *method = plan_of(Py_TYPE(target)).extend
    cdef PyObject *arguments[2]
    if method == NULL:
        return False
    Py_INCREF(method)
    arguments[0] = target
    arguments[1] = NULL
    try:
        arguments[1] = pop_list(r, start)
        Py_DECREF(PyObject_Vectorcall(method, arguments, 2, NULL))
    finally:
        Py_XDECREF(arguments[1])
        Py_DECREF(method)
    return True


cdef int extend_or_append(Loading *r, PyObject *target, Py_ssize_t start) except -1:
    """extend() with the values from height `start` on, or append() each."""
    cdef PyObject *items
    cdef Py_ssize_t end = height(&r.stack)
    cdef Py_ssize_t i
    extend = getattr(<object>target, "extend", memo_hole)
    if extend is not memo_hole:
        items = pop_list(r, start)
        try:
            extend(<object>items)
        finally:
            Py_DECREF(items)
        return 0
    append = (<object>target).append
    for i in range(start, end):
        append(<object>r.stack.base[i])
    cut(&r.stack, start)
    return 0


cdef bint extends_plainly(PyObject *target) except -1:
    """A subclass of list whose extend() is list's, on the class and on the instance."""
    cdef Plan *plan = plan_of(Py_TYPE(target))
    if not plan.extends:
        return False
    return plan.slotted or plan.stores and has_no_attributes(target, cyp_inline_values(target))


cdef int load_append(Loading *r) except -1:
    cdef Py_ssize_t start = height(&r.stack) - 1
    if start <= r.stack.fence:
        underflow(r)
    if CYP_UNLIKELY((<append_status>do_append)(r, start) < 0):
        if height(&r.stack) == start:  # the item has gone with extend(): leave as many values as there were
            Py_INCREF(Py_None)
            r.stack.top[0] = Py_None
            r.stack.top += 1
        return -1
    return 0


ctypedef int (*append_status)(Loading *, Py_ssize_t) noexcept


cdef int do_setitems(Loading *r, Py_ssize_t start) except -1:
    """Store the pairs from height `start` on in the object below them, of any type."""
    cdef PyObject *target
    cdef Py_ssize_t end = height(&r.stack)
    cdef Py_ssize_t i
    if start > end or start <= r.stack.fence:
        underflow(r)
    if (end - start) % 2:
        raise UnpicklingError("odd number of items for SETITEMS")
    target = r.stack.base[start - 1]
    if PyDict_CheckExact(target) or cyp_stores_as_dict(target):
        return set_pairs(r, target, start)
    settle(r)
    for i in range(start, end, 2):
        PyObject_SetItem(target, r.stack.base[i], r.stack.base[i + 1])
    cut(&r.stack, start)
    return 0


cdef int load_additems(Loading *r) except -1:
    """ADDITEMS: into a set, or by add() of anything else."""
    cdef Py_ssize_t start = pop_mark(r)
    cdef Py_ssize_t end = height(&r.stack)
    cdef Py_ssize_t i
    cdef PyObject *target
    cdef bint plain
    if start > end or start <= r.stack.fence:
        underflow(r)
    if start == end and not habits.adds_nothing:
        return 0
    target = r.stack.base[start - 1]
    if PySet_Check(target):
        plain = has_plain_keys(r, target, PySet_GET_SIZE(target), False)
        for i in range(start, end):
            if CYP_UNLIKELY(not plain or not is_plain(r.stack.base[i])):
                plain = False
                settle(r)
            PySet_Add(target, r.stack.base[i])
        if plain:
            remember_plain(r, target, PySet_GET_SIZE(target))
    else:
        settle(r)
        add = (<object>target).add
        for i in range(start, end):
            add(<object>r.stack.base[i])
    cut(&r.stack, start)
    return 0


cdef bint load_container(Loading *r, unsigned char op) except -1:
    """Execute one of these opcodes, if it is one."""
    if op == OP_EMPTY_TUPLE: load_counted_tuple(r, 0)
    elif op == OP_TUPLE1: load_counted_tuple(r, 1)
    elif op == OP_TUPLE2: load_counted_tuple(r, 2)
    elif op == OP_TUPLE3: load_counted_tuple(r, 3)
    elif op == OP_TUPLE: push_steal(&r.stack, pop_tuple(r, pop_mark(r)))
    elif op == OP_EMPTY_LIST: push_steal(&r.stack, PyList_New(0))
    elif op == OP_LIST: load_list(r)
    elif op == OP_APPEND: load_append(r)
    elif op == OP_APPENDS: do_append(r, pop_mark(r))
    elif op == OP_EMPTY_DICT: push_steal(&r.stack, PyDict_New())
    elif op == OP_DICT: load_dict(r)
    elif op == OP_SETITEM: do_setitems(r, height(&r.stack) - 2)
    elif op == OP_SETITEMS: do_setitems(r, pop_mark(r))
    elif op == OP_EMPTY_SET: push_steal(&r.stack, PySet_New(NULL))
    elif op == OP_ADDITEMS: load_additems(r)
    elif op == OP_FROZENSET: load_frozenset(r)
    else: return False
    return True
