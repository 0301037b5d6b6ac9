# Native plans: types whose reduce value is known without asking for it.  What the reducer would make anew for each
# call (argument tuples, state dicts, state bytes) has a memo index and no object: nobody can ever meet it again.

cdef inline int memoize_fresh(Emission *e) except -1:
    """MEMOIZE for what only the reducer would have seen."""
    memo_log(e.memo, NULL)
    put_op(&e.out, OP_MEMOIZE)
    return 0


cdef enum:
    # Steps of the kinds below
    NATIVE_CLASS = 0   # the class comes next
    NATIVE_PARTS = 1   # the class is saved
    NATIVE_VALUES = 2  # at one of the values
    NATIVE_CREATE = 3  # all arguments are saved


cdef inline int quick_native(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) except -1:
    """open_native without a level, or with one that is well on its way; GO: nothing is done."""
    if plan.kind == PLAN_SLOTS:
        return quick_slots(e, o, uniq, plan, lv)
    elif plan.kind == PLAN_NAMEDTUPLE:
        return quick_namedtuple(e, o, uniq, plan, lv)
    elif plan.kind == PLAN_FIELDS:
        return GO
    return quick_temporal(e, o, uniq, plan)


cdef inline int open_native(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) except -1:
    """An instance of a type with a native plan; the plan's kind says which."""
    if plan.kind == PLAN_SLOTS:
        level_init(e, lv, KIND_SLOTS, o, uniq)
    elif plan.kind == PLAN_FIELDS:
        level_init(e, lv, KIND_FIELDS, o, uniq)
    else:
        begin_tuple(e, o, uniq)
        level_init(e, lv, KIND_NAMEDTUPLE if plan.kind == PLAN_NAMEDTUPLE else KIND_TEMPORAL, o, uniq)
        lv.shared_open = True
    lv.plan = plan
    plan.pins += 1
    return NEXT


cdef inline int native_class(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """The class of the object, from the memo if the plan knows where.  NEXT: it is to be saved first."""
    cdef PyObject *cls
    at_boundary(e)
    if CYP_LIKELY(has_class_index(e, lv)):
        put_get(e, lv.plan.class_index)
        return DONE
    cls = <PyObject *>Py_TYPE(lv.obj)
    if save_leaf(e, cls, uniq) == NOT_LEAF:
        child[0] = cls
        return NEXT
    return DONE


cdef inline int memoize_created(Emission *e, Level *lv) except -1:
    """The memo index of an object whose arguments came first.  DONE if they have written the object already."""
    cdef Py_ssize_t index
    if lv.shared_open:
        lv.shared_open = False
        end_tuple(e)
    if not lv.uniq or e.epoch != lv.epoch:
        index = memo_get(e.memo, lv.obj)
        if CYP_UNLIKELY(index >= 0):
            put_op(&e.out, OP_POP)
            put_get(e, index)
            return DONE
    memoize_late(e, lv)
    return NEXT


# ---- __slots__ without a dictionary: NEWOBJ, and the state (None, {name: value})

cdef inline PyObject *slot_value(Level *lv, Py_ssize_t i) noexcept:
    """Borrowed, NULL where the slot is empty.  A class that is assigned to __class__ has the slots at the same place."""
    return slot_at(lv.obj, lv.plan, i)


cdef inline PyObject *slot_at(PyObject *o, Plan *plan, Py_ssize_t i) noexcept:
    return (<PyObject **>(<char *>o + plan.slot_offsets[i]))[0]


cdef int begin_slots(Emission *e, Level *lv) except -1:
    """The state is what the slots hold before anything is written: kept, if that may run user code."""
    cdef Py_ssize_t i
    lv.value = new_ref(lv.plan.slots)
    for i in range(PyTuple_GET_SIZE(lv.value)):
        if slot_value(lv, i) != NULL:
            lv.n += 1
            lv.stop |= <Py_ssize_t>1 << i
    if CYP_UNLIKELY(e.guard or not has_class_index(e, lv)):
        keep_slots(lv, 0)
    return 0


cdef int keep_slots(Level *lv, Py_ssize_t first) except -1:
    """Take references to the values from slot `first` on: what user code assigns from now on is not written."""
    cdef Py_ssize_t i
    lv.values = <PyObject **>PyMem_Calloc(PLAN_NAMES, sizeof(PyObject *))
    if lv.values == NULL:
        raise MemoryError()
    for i in range(first, PyTuple_GET_SIZE(lv.value)):
        if lv.stop >> i & 1:
            lv.values[i] = new_ref(slot_value(lv, i))
    return 0


cdef int drop_slots(Emission *e, Level *lv) except -1:
    """Undo keep_slots."""
    cdef Py_ssize_t i
    if e.epoch != lv.epoch:
        before_user_code(e)  # others may have taken them over, who will be their only ones
    for i in range(PLAN_NAMES):
        release(e, &lv.values[i])
    PyMem_Free(lv.values)
    lv.values = NULL
    return 0


cdef int walk_slots(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: typeobject.c object_getstate_default."""
    if lv.step == NATIVE_CLASS:
        begin_slots(e, lv)
        lv.step = NATIVE_PARTS
        if native_class(e, lv, child, uniq) == NEXT:
            return NEXT
    if lv.step == NATIVE_PARTS:
        make_instance(e, lv)
        if lv.n == 0:
            return DONE
        at_boundary(e)
        put_op(&e.out, OP_NONE)
        at_boundary(e)
        put_op(&e.out, OP_EMPTY_DICT)
        memoize_fresh(e)
        if lv.n > 1:
            put_op(&e.out, OP_MARK)
        lv.step = NATIVE_VALUES
    return walk_slot_values(e, lv, child, uniq)


cdef inline int walk_slot_values(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """The pairs whose bits are set in lv.stop."""
    cdef Py_ssize_t at
    cdef PyObject *value
    while lv.stop >> lv.i:
        at = lv.i
        lv.i += 1
        if not lv.stop >> at & 1:
            continue
        value = slot_value(lv, at) if lv.values == NULL else lv.values[at]
        at_boundary(e)
        save_name(e, lv.plan, at, PyTuple_GET_ITEM(lv.value, at), uniq)
        if save_leaf(e, value, uniq) == NOT_LEAF:
            if lv.values == NULL and lv.stop >> lv.i:
                keep_slots(lv, lv.i)
            child[0] = value
            return NEXT
    ensure(&e.out)
    put_op(&e.out, OP_SETITEMS if lv.n > 1 else OP_SETITEM)
    put_op(&e.out, OP_TUPLE2)
    memoize_fresh(e)
    put_op(&e.out, OP_BUILD)
    return DONE


# ---- frozen dataclass with slots: NEWOBJ, and the state is a list of the fields

cdef bint has_all_fields(PyObject *o, Plan *plan) noexcept:
    """The slots of all fields are filled, and the class has the fields that were planned with, in that order."""
    cdef Py_ssize_t i, pos = 0
    cdef PyObject *name
    cdef PyObject *field
    if PyDict_GET_SIZE(plan.constant) != PyTuple_GET_SIZE(plan.slots):
        return False
    for i in range(PyTuple_GET_SIZE(plan.slots)):
        if slot_at(o, plan, i) == NULL:
            return False
        if not cyp_dict_next(plan.constant, &pos, &name, &field) or name != PyTuple_GET_ITEM(plan.slots, i):
            return False
    return True


cdef int walk_fields(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: dataclasses._dataclass_getstate."""
    cdef PyObject *value
    if lv.step == NATIVE_CLASS:
        begin_slots(e, lv)
        lv.step = NATIVE_PARTS
        if native_class(e, lv, child, uniq) == NEXT:
            return NEXT
    if lv.step == NATIVE_PARTS:
        make_instance(e, lv)
        at_boundary(e)
        put_op(&e.out, OP_EMPTY_LIST)
        memoize_fresh(e)
        if lv.n > 1:
            put_op(&e.out, OP_MARK)
        lv.step = NATIVE_VALUES
    while lv.i < lv.n:
        value = slot_value(lv, lv.i) if lv.values == NULL else lv.values[lv.i]
        lv.i += 1
        if save_leaf(e, value, uniq) == NOT_LEAF:
            if lv.values == NULL and lv.i < lv.n:
                keep_slots(lv, lv.i)
            child[0] = value
            return NEXT
    ensure(&e.out)
    if lv.n:
        put_op(&e.out, OP_APPENDS if lv.n > 1 else OP_APPEND)
    put_op(&e.out, OP_BUILD)
    return DONE


# ---- namedtuple: NEWOBJ with the items as arguments, then the attributes that a subclass may add

cdef int walk_namedtuple(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: collections.namedtuple, __getnewargs__."""
    cdef Py_ssize_t n = PyTuple_GET_SIZE(lv.obj)
    cdef PyObject *item
    if lv.step == NATIVE_CLASS:
        lv.step = NATIVE_PARTS
        if native_class(e, lv, child, uniq) == NEXT:
            return NEXT
    if lv.step == NATIVE_PARTS:
        lv.step = NATIVE_VALUES
        learn_class_index(e, lv)
        ensure(&e.out)
        at_boundary(e)
        if n > 3:
            put_op(&e.out, OP_MARK)
    while lv.step == NATIVE_VALUES and lv.i < n:
        item = PyTuple_GET_ITEM(lv.obj, lv.i)
        lv.i += 1
        if save_leaf(e, item, uniq) == NOT_LEAF:
            child[0] = item
            return NEXT
    if lv.step == NATIVE_VALUES:
        lv.step = NATIVE_CREATE
        ensure(&e.out)
        if n == 0:
            put_op(&e.out, OP_EMPTY_TUPLE)
        else:
            put_op(&e.out, <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE)
            memoize_fresh(e)
        put_op(&e.out, OP_NEWOBJ)
        if memoize_created(e, lv) == DONE:
            return DONE
        return save_dictionary(e, lv, child, uniq)
    ensure(&e.out)
    put_op(&e.out, OP_BUILD)
    return DONE


cdef inline int save_dictionary(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """The state of an object that is a dictionary or none.  NEXT: it is to be saved; BUILD follows."""
    cdef PyObject *dictionary
    if Py_TYPE(lv.obj).tp_dictoffset == 0:
        return DONE
    before_user_code(e)
    dictionary = cyp_instance_dict(lv.obj)
    if dictionary == NULL or PyDict_GET_SIZE(dictionary) == 0:
        return DONE
    if save_leaf(e, dictionary, uniq) == NOT_LEAF:
        child[0] = dictionary
        return NEXT
    ensure(&e.out)
    put_op(&e.out, OP_BUILD)
    return DONE


# ---- date, datetime, time, timedelta: REDUCE with state bytes, and a tzinfo; or with three numbers

cdef int walk_temporal(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: _datetimemodule.c, the reduce functions of the four types."""
    cdef unsigned char state[10]
    cdef Py_ssize_t nbytes
    cdef int i
    cdef PyObject *tzinfo = cyp_temporal_tzinfo(lv.obj, lv.plan.kind - PLAN_DATE)
    if lv.step == NATIVE_CLASS:
        lv.step = NATIVE_PARTS
        if native_class(e, lv, child, uniq) == NEXT:
            return NEXT
    if lv.step == NATIVE_PARTS:
        learn_class_index(e, lv)
        ensure(&e.out)
        at_boundary(e)
        nbytes = cyp_temporal_state(lv.obj, lv.plan.kind - PLAN_DATE, state)
        lv.step = NATIVE_CREATE
        if nbytes:
            put_op_u8(&e.out, OP_SHORT_BINBYTES, <unsigned int>nbytes)
            memcpy(e.out.p, state, 10)
            e.out.p += nbytes
            memoize_fresh(e)
            if tzinfo != NULL and save_leaf(e, tzinfo, uniq) == NOT_LEAF:
                child[0] = tzinfo
                return NEXT
        else:
            for i in range(3):
                at_boundary(e)
                e.out.p = put_number(e.out.p, cyp_timedelta_field(lv.obj, i))
    ensure(&e.out)
    put_op(&e.out, OP_TUPLE3 if lv.plan.kind == PLAN_TIMEDELTA else (OP_TUPLE1 if tzinfo == NULL else OP_TUPLE2))
    memoize_fresh(e)
    put_op(&e.out, OP_REDUCE)
    memoize_created(e, lv)
    return DONE


# ---- nodes of syntax trees

cdef int end_frame_in_node(Emission *e, PyObject *o, bint uniq, Plan *plan, PyObject *dictionary, Py_ssize_t n,
                           Py_ssize_t nones) except -1:
    """nest_instance of a node where a frame may end before its state: boundary by boundary.  There is room for all of it.

    n: how many attributes are in its dictionary; NULL: it has none yet.  nones: fields that its class is called with.
    """
    cdef Py_ssize_t i
    if e.guard or e.odd or plan.generation != e.memo.generation or plan.class_index < e.memo.n_alias:
        return GO
    if plan.class_index < 0 or n and dictionary == NULL:
        return GO
    put_get(e, plan.class_index)
    at_boundary(e)
    if nones == 0:
        put_op(&e.out, OP_EMPTY_TUPLE)
    else:
        if nones > 3:
            put_op(&e.out, OP_MARK)
        for i in range(nones):
            at_boundary(e)
            put_op(&e.out, OP_NONE)
        put_op(&e.out, <unsigned char>(OP_TUPLE1 + nones - 1) if nones <= 3 else OP_TUPLE)
        memoize_fresh(e)
    put_op(&e.out, OP_REDUCE)
    memoize(e, o, uniq)
    at_boundary(e)
    put_op(&e.out, OP_EMPTY_DICT)
    memo_log(e.memo, <PyObject *>(<size_t>o | 1) if dictionary == NULL else dictionary)
    put_op(&e.out, OP_MEMOIZE)
    if n == 0:
        put_op(&e.out, OP_BUILD)
        return DONE
    if n > 1:
        put_op(&e.out, OP_MARK)
    return nest_pairs(e, o, dictionary, False, plan, uniq, n, 0, NULL, e.memo.n - 1)
