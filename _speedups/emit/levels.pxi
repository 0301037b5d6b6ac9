# Nesting: one Level per object that is being written, on the C stack down to RECURSE_LEVELS, on the heap below.
#
# A walker (walk_list, ...) writes its object until it meets a child that is not a leaf, returns that child with
# NEXT, and is called again when the child is written.  There are two ways to keep the levels: save_level recurses,
# save_deep has a stack of its own.  The frequent kinds need no level until user code runs: see nested.pxi.

cdef enum Walked:
    DONE = 0
    NEXT = 1


cdef inline void level_init(Emission *e, Level *lv, int kind, PyObject *o, bint uniq) noexcept:
    """A level for o, which it owns until level_close."""
    Py_INCREF(o)
    lv.kind = kind
    lv.step = 0
    lv.uniq = uniq
    lv.single = False
    lv.internal = False
    lv.shared_open = False
    lv.obj = o
    lv.epoch = e.epoch
    lv.i = 0
    lv.n = 0
    lv.pos = 0
    lv.stop = 0
    lv.state = 0
    lv.generation = 0
    lv.plan = NULL
    lv.value = NULL
    lv.item = NULL
    lv.ahead = NULL
    lv.values = NULL


cdef inline int release(Emission *e, PyObject **owned) except -1:
    """Drop a reference of ours.  If it is the last one, what lies below it may be in the memo by address only."""
    cdef PyObject *o = owned[0]
    owned[0] = NULL
    if o != NULL:
        if CYP_UNLIKELY(Py_REFCNT(o) == 1):
            try:
                before_user_code(e)
            finally:
                Py_DECREF(o)
        else:
            Py_DECREF(o)
    return 0


cdef inline int level_close(Emission *e, Level *lv) except -1:
    """Drop what the level holds."""
    if lv.shared_open:
        lv.shared_open = False
        if lv.kind == KIND_TUPLE or lv.kind == KIND_NAMEDTUPLE or lv.kind == KIND_TEMPORAL:
            end_tuple(e)
        else:
            e.shared_open -= 1
            if lv.kind == KIND_REDUCE:
                before_user_code(e)  # from now on the memo has a reference to each of its parts: none looks unique
    if lv.plan != NULL:
        lv.plan.pins -= 1
    if lv.kind >= KIND_SLOTS:
        release(e, &lv.value)
        release(e, &lv.item)
        release(e, &lv.ahead)
        if lv.values != NULL:
            drop_slots(e, lv)
    else:
        if CYP_UNLIKELY(lv.item != NULL):
            release(e, &lv.item)
        if CYP_UNLIKELY(lv.value != NULL):
            release(e, &lv.value)
    if CYP_UNLIKELY(e.odd & ODD_FAST):
        leave_fast(e, lv)
    return release(e, &lv.obj)


cdef int level_abandon(Emission *e, Level *lv) noexcept:
    """Close after an error, which gets a note of where it happened and stays set.  Always -1."""
    cdef PyObject *error = cyp_take_error()
    try:
        before_user_code(e)  # a note may need the repr of a key
        note_failure(<object>error, lv)
    except BaseException as other:
        error = swap_error(error, other)
    try:
        level_close(e, lv)
    except BaseException as other:
        error = swap_error(error, other)
    cyp_restore_error(error)
    return -1


cdef int note_failure(object error, Level *lv) except -1:
    """Tell the wrapper which part of which object was being written."""
    cdef object obj = <object>lv.obj
    cdef int kind = lv.kind
    if kind >= KIND_NAMEDTUPLE and kind <= KIND_FIELDS:
        return note_native_failure(error, lv)
    if lv.step == STEP_BETWEEN and kind != KIND_REDUCE and kind != KIND_INSTANCE:
        return 0
    if kind == KIND_LIST or kind == KIND_TUPLE:
        _reduce.note_item(error, obj, lv.i - 1)
    elif kind == KIND_DICT and lv.step != STEP_VALUE:
        _reduce.note_value(error, obj, lv.i - 1)
    elif kind == KIND_SET or kind == KIND_SET_COPY or kind == KIND_FROZENSET:
        _reduce.note_part(error, obj, "element")
    elif kind == KIND_INSTANCE:
        if lv.step < STEP_CLASS and lv.step != STEP_VALUE and lv.step != STEP_BETWEEN:
            _reduce.note_value(error, obj.__dict__ if lv.value == NULL else <object>lv.value, lv.i - 1)
        _reduce.note_part(error, obj, "class" if lv.step == STEP_NEWOBJ else "state")
        _reduce.note_part(error, obj, "object")
    elif kind == KIND_REDUCE:
        if lv.step == PART_LIST_DONE:
            _reduce.note_item(error, obj, lv.n)
        elif lv.step == PART_DICT_DONE:
            _reduce.note_key(error, obj, <object>PyTuple_GET_ITEM(lv.item, 0))
        elif PART_NAMES[lv.step] is not None:
            _reduce.note_part(error, obj, PART_NAMES[lv.step])
        if not lv.internal:
            _reduce.note_part(error, obj, "object")
    return 0


cdef int note_native_failure(object error, Level *lv) except -1:
    """The notes that the reduce value would have given rise to."""
    cdef object obj = <object>lv.obj
    if lv.kind == KIND_SLOTS:
        if lv.step == NATIVE_VALUES:
            _reduce.note_key(error, {}, (<tuple>lv.value)[lv.i - 1])
            _reduce.note_item(error, (), 1)
        _reduce.note_part(error, obj, "state" if lv.step == NATIVE_VALUES else "class")
    elif lv.kind == KIND_FIELDS:
        if lv.step == NATIVE_VALUES:
            _reduce.note_item(error, [], lv.i - 1)
        _reduce.note_part(error, obj, "state" if lv.step == NATIVE_VALUES else "class")
    elif lv.kind == KIND_NAMEDTUPLE:
        if lv.step == NATIVE_VALUES:
            _reduce.note_item(error, (), lv.i - 1)
            _reduce.note_part(error, obj, "__new__ arguments")
        else:
            _reduce.note_part(error, obj, "class" if lv.step == NATIVE_PARTS else "state")
    elif lv.step == NATIVE_CREATE:
        _reduce.note_item(error, (), 1)
        _reduce.note_part(error, obj, "reconstructor arguments")
    else:
        _reduce.note_part(error, obj, "reconstructor")
    return _reduce.note_part(error, obj, "object") or 0


cdef PyObject *swap_error(PyObject *error, object other) noexcept:
    """The error that handling `error` ended in takes its place.  Steals error; new reference."""
    Py_DECREF(error)
    return new_ref(<PyObject *>other)


cdef inline int open_level(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Begin o, which save_leaf has passed.  NEXT: the level is open, walk it; DONE: o is written."""
    cdef PyTypeObject *t = Py_TYPE(o)
    if CYP_UNLIKELY(e.pid != NULL):
        return open_persistent(e, lv)
    if t == &PyList_Type:
        return open_list(e, o, uniq, lv)
    if t == &PyDict_Type:
        return open_dict(e, o, uniq, lv)
    if t == &PyTuple_Type:
        return open_tuple(e, o, uniq, lv)
    if t == &PySet_Type:
        return open_set(e, o, uniq, lv)
    if t == &PyFrozenSet_Type:
        return open_frozenset(e, o, uniq, lv)
    return open_object(e, o, uniq, lv)


cdef inline int walk_level(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Go on with an open level: DONE, or NEXT with the child to save first."""
    if lv.kind == KIND_LIST:
        return walk_list(e, lv, child, uniq)
    elif lv.kind == KIND_DICT:
        return walk_dict(e, lv, child, uniq, False)
    elif lv.kind == KIND_INSTANCE:
        return walk_instance(e, lv, child, uniq)
    elif lv.kind == KIND_TUPLE:
        return walk_tuple(e, lv, child, uniq)
    elif lv.kind == KIND_SET or lv.kind == KIND_SET_COPY:
        return walk_set(e, lv, child, uniq)
    elif lv.kind == KIND_FROZENSET:
        return walk_frozenset(e, lv, child, uniq)
    elif lv.kind == KIND_REDUCE:
        return walk_reduce(e, lv, child, uniq)
    elif lv.kind == KIND_GLOBAL:
        return walk_global(e, lv, child, uniq)
    elif lv.kind == KIND_CHAIN:
        return walk_chain(e, lv, child, uniq)
    elif lv.kind == KIND_SLOTS:
        return walk_slots(e, lv, child, uniq)
    elif lv.kind == KIND_FIELDS:
        return walk_fields(e, lv, child, uniq)
    elif lv.kind == KIND_NAMEDTUPLE:
        return walk_namedtuple(e, lv, child, uniq)
    elif lv.kind == KIND_TEMPORAL:
        return walk_temporal(e, lv, child, uniq)
    return walk_persistent(e, lv, child, uniq)


# The same functions with their errors as a status: each level on the way out closes itself and adds its note.
ctypedef int (*open_status)(Emission *, PyObject *, bint, Level *) noexcept
ctypedef int (*walk_status)(Emission *, Level *, PyObject **, bint *) noexcept
ctypedef int (*save_status)(Emission *, PyObject *, bint) noexcept
ctypedef int (*close_status)(Emission *, Level *) noexcept


cdef int save_level(Emission *e, PyObject *o, bint uniq) except -1:
    """save_node by a level."""
    cdef Level lv
    cdef int status
    if CYP_UNLIKELY(e.depth >= e.recurse):
        return save_deep(e, o, uniq)
    status = open_level(e, o, uniq, &lv)
    if status == DONE:
        return 0
    return walk_to_end(e, &lv, status)


cdef int walk_to_end(Emission *e, Level *lv, int status) noexcept:
    """Walk an open level, and close it; status: negative if it has failed already."""
    cdef PyObject *child = NULL
    cdef bint uniq = False
    cdef bint leads = lv.n >= BATCH_ITEMS and e.write == NULL and e.out.done == NULL and lv.kind <= KIND_TUPLE
    if CYP_UNLIKELY(leads):
        e.out.done = &lv.i
        e.out.total = lv.n
        e.out.begun = lv.i
        e.out.each = 0
        e.out.start = e.out.p - e.out.buf
    e.depth += 1
    while status > 0:
        status = (<walk_status>walk_level)(e, lv, &child, &uniq)
        if status > 0:
            status = (<save_status>save_node)(e, child, uniq)
            if status == 0:
                status = NEXT
        else:
            break
    e.depth -= 1
    if CYP_UNLIKELY(leads):
        e.out.done = NULL
    if CYP_UNLIKELY(status < 0):
        return level_abandon(e, lv)
    return (<close_status>level_close)(e, lv)


cdef int save_deep(Emission *e, PyObject *o, bint uniq) except -1:
    """save_level with its levels on the heap: as deep as memory and policy allow."""
    cdef Level *levels = NULL
    cdef Level *bigger
    cdef Py_ssize_t n = 0, cap = 0
    cdef PyObject *child = o
    cdef bint child_uniq = uniq
    cdef int status = NEXT
    while True:
        if status == NEXT:
            if n == cap:
                cap = 2 * cap if cap else RECURSE_LEVELS
                bigger = <Level *>PyMem_Realloc(levels, <size_t>cap * sizeof(Level))
                if bigger == NULL:
                    cyp_set_no_memory()
                    status = -1
                else:
                    levels = bigger
            if status == NEXT and e.depth >= e.max_depth:
                status = (<policy_status>check_depth)(e, child)
                child_uniq = False  # user code may have taken hold of it
            if status >= 0:
                status = (<open_status>open_level)(e, child, child_uniq, &levels[n])
            if status == NEXT:
                n += 1
                e.depth += 1
        elif status == DONE:
            n -= 1
            e.depth -= 1
            status = (<close_status>level_close)(e, &levels[n])
        if status < 0 or n == 0:
            break
        status = (<walk_status>walk_level)(e, &levels[n - 1], &child, &child_uniq)
        if status < 0:
            break
    while n > 0:
        n -= 1
        e.depth -= 1
        level_abandon(e, &levels[n])
    PyMem_Free(levels)
    return -1 if status < 0 else 0


ctypedef int (*policy_status)(Emission *, PyObject *) noexcept


cdef int check_depth(Emission *e, PyObject *o) except -1:
    """Ask the nesting policy, which is Python's: raises RecursionError, or the limit is raised to the one in force.

    o: the object to be opened next, borrowed; it stays alive until it has been.
    """
    hold(e, o)
    if e.interrupted:
        answer_interrupt(e)
    before_user_code(e)
    e.max_depth = _reduce.allow_depth(e.depth)
    return NEXT


# ---- persistent ids in binary protocols: the id, then BINPERSID

cdef int open_persistent(Emission *e, Level *lv) except -1:
    """The object at hand goes by e.pid."""
    cdef PyObject *pid = e.pid
    level_init(e, lv, KIND_PERSISTENT, pid, False)
    e.pid = NULL
    Py_DECREF(pid)
    return NEXT


cdef int walk_persistent(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    if lv.step == 0:
        lv.step = 1
        e.skip_persistent = True
        if save_leaf(e, lv.obj, uniq) == NOT_LEAF:
            child[0] = lv.obj
            return NEXT
    ensure(&e.out)
    put_op(&e.out, OP_BINPERSID)
    return DONE
