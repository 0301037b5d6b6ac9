# Everything that is written by a reduce value (PEP 307): finding it, checking its shape, and its parts.

cdef enum:
    # Steps of KIND_REDUCE: the part to save next
    PART_FUNC = 0           # REDUCE: the callable
    PART_ARGS = 1
    PART_REDUCE = 2
    PART_CLASS = 3          # NEWOBJ: the class
    PART_NEWARGS = 4
    PART_NEWOBJ = 5
    PART_EX_CLASS = 6       # NEWOBJ_EX: the class
    PART_EX_ARGS = 7
    PART_EX_KWARGS = 8
    PART_NEWOBJ_EX = 9
    PART_LIST_FETCH = 10    # list items: look one item ahead
    PART_LIST_ITEM = 11
    PART_LIST_DONE = 12
    PART_DICT_FETCH = 13    # dict items: likewise
    PART_DICT_KEY = 14
    PART_DICT_VALUE = 15
    PART_DICT_DONE = 16
    PART_STATE = 17         # the state, or the state setter
    PART_BUILD = 18
    PART_SETTER_OBJECT = 19
    PART_SETTER_STATE = 20
    PART_SETTER_CALL = 21


# What was being saved when the level stands at a step, as CPython's notes call it.
cdef tuple PART_NAMES = (
    None, "reconstructor", "reconstructor arguments",
    None, "class", "__new__ arguments",
    None, "class", "__new__ arguments", "__new__ arguments",
    None, None, None, None, None, None, None,
    None, "state", "state setter", None, "state",
)


cdef int open_object(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """An object that is none of the built-in containers.  Source: _pickle.c save, from reducer_override on."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Plan *plan
    cdef object reduced, held, args
    if t == &PyByteArray_Type:
        if e.proto >= 5:
            save_bytearray(e, o, uniq)
            return DONE
        held = <object>o
        before_user_code(e)
        return open_internal(e, o, _reduce.reduce_bytearray(held), lv)
    if t == &PyPickleBuffer_Type:
        save_picklebuffer(e, o, uniq)
        return DONE
    if t == &PyBytes_Type:
        held = <object>o
        before_user_code(e)
        return open_internal(e, o, _reduce.reduce_bytes(held), lv)
    if e.reducer_override != NULL and (e.override_types == NULL or is_overridden(e, t)):
        hold(e, o)  # the hook may drop the last other reference
        e.moved = True
        uniq = False
        before_user_code(e)
        reduced = (<object>e.reducer_override)(<object>o)
        if reduced is not NotImplemented:
            return open_reduced(e, o, reduced, lv)
    if t == &PyType_Type:
        args = singleton_types.get(<object>o)
        if args is not None:
            return open_internal(e, o, (type, args), lv)
        return open_global(e, o, None, lv)
    if t == &PyFunction_Type:
        return open_global(e, o, None, lv)
    if cyp_dict_is_made_on_demand():
        # Looking at its attributes may make a dictionary, hence run the collector.
        hold(e, o)
        before_user_code(e)
    plan = plan_for(e, t)
    if plan != NULL and not shadows_hooks(plan, o) and plan.type == t:
        return open_planned(e, o, uniq, plan, lv)
    return open_by_reducer(e, o, lv)


cdef bint is_overridden(Emission *e, PyTypeObject *t) noexcept:
    """reducer_override has something to say about instances of t, as its class declares."""
    cdef Py_ssize_t i
    for i in range(PyTuple_GET_SIZE(e.override_types)):
        if PyType_IsSubtype(t, <PyTypeObject *>PyTuple_GET_ITEM(e.override_types, i)):
            return True
    return False


cdef int open_planned(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) except -1:
    """An object whose type has a plan: without its reducer if possible, else by the one that is known to be asked."""
    cdef PyTypeObject *t = plan.type
    cdef int kind = plan.kind
    cdef int status = GO
    cdef object reduced, held
    if e.odd == 0:
        # What is_direct() has been tried by save_node.
        if kind == PLAN_ATTRIBUTES or kind == PLAN_SYNTAX:
            if can_nest(e) and not is_direct(e):
                status = nest_instance(e, o, uniq, plan)
            if status == GO and kind == PLAN_ATTRIBUTES:
                return open_instance(e, o, uniq, plan, lv)
        elif kind >= PLAN_COMPLEX:
            if kind == PLAN_TEXT or kind == PLAN_ORDEREDDICT or not is_direct(e):
                held = <object>o
                status = quick_stdlib(e, o, uniq, plan)
        elif kind != PLAN_REDUCE and kind != PLAN_GETSTATE:
            status = quick_native(e, o, uniq, plan, lv)
            if status == GO and (kind != PLAN_FIELDS or has_all_fields(o, plan)):
                return open_native(e, o, uniq, plan, lv)
        if status != GO:
            return status
    held = <object>o
    before_user_code(e)
    if kind == PLAN_ATTRIBUTES and e.proto >= 2:
        reduced = (copyreg_newobj, (<object><PyObject *>t,), attributes_of(o))
        return open_parts(e, o, reduced, PART_CLASS, lv)
    if (kind == PLAN_GETSTATE or kind == PLAN_FIELDS or kind == PLAN_UUID) and e.proto >= 2:
        reduced = (copyreg_newobj, (<object><PyObject *>t,), call_own(o, "__getstate__"))
        if Py_TYPE(o) != t:
            return open_reduced(e, o, reduced, lv)  # which refuses it
        return open_parts(e, o, reduced, PART_CLASS, lv)
    if kind == PLAN_REDUCE or kind == PLAN_SYNTAX or (PLAN_COMPLEX < kind < PLAN_ARRAY and kind != PLAN_UUID):
        reduced = call_own(o, "__reduce__")
        return DONE if put_own_call(e, o, <PyObject *>reduced) else open_reduced(e, o, reduced, lv)
    return open_by_reducer(e, o, lv)


cdef inline object call_own(PyObject *o, str name):
    """The result of a method that the type of o has, whose plan tells that nothing shadows it."""
    return own(cyp_call_method(o, <PyObject *>name))


cdef int open_by_reducer(Emission *e, PyObject *o, Level *lv) except -1:
    """An object whose type has no plan: dispatch table, __reduce_ex__, __reduce__, in this order."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef object obj = <object>o
    cdef object reducer, reduced
    before_user_code(e)
    if e.dispatch_table == NULL:
        reducer = entry(copyreg_table, <object><PyObject *>t)
    else:
        reducer = private_reducer(<object>e.dispatch_table, <object><PyObject *>t)
    if reducer is not UNSET:
        reduced = reducer(obj)
        if reducer is copyreg_complex and type(obj) is complex:
            learn_plan(obj, reduced, e.proto)
    elif PyType_IsSubtype(t, &PyType_Type):
        return open_global(e, o, None, lv)
    else:
        reduced = reduce_object(obj, e.proto)
        learn_plan(obj, reduced, e.proto)
    return open_reduced(e, o, reduced, lv)


cdef object reduce_object(object obj, int proto):
    """The reduce value that obj itself gives."""
    try:
        return obj.__reduce_ex__(proto)
    except AttributeError:
        if hasattr(obj, "__reduce_ex__"):
            raise
    if not hasattr(obj, "__reduce__"):
        refusals().refuse(obj, proto)
    return obj.__reduce__()


cdef inline object entry(dict table, object key):
    """table[key], or UNSET.  Cython's own dict.get() borrows, which another thread may not like."""
    cdef PyObject *found = cyp_dict_get(<PyObject *>table, <PyObject *>key)
    return UNSET if found == NULL else own(found)


cdef object private_reducer(object table, object cls):
    """The entry of a Pickler's own dispatch table, which is any mapping; UNSET where there is none."""
    if type(table) is dict:
        return entry(<dict>table, cls)
    try:
        return table[cls]
    except KeyError:
        return UNSET


cdef int open_reduced(Emission *e, PyObject *o, object reduced, Level *lv) except -1:
    """Begin o by its reduce value: the name of a global, or a tuple of two to six items."""
    cdef int step = PART_FUNC
    if isinstance(reduced, str):
        return open_global(e, o, reduced, lv)
    if not well_formed(<PyObject *>reduced):
        refusals().refuse_reduce_value(<object>o, reduced, e.proto)
    if e.proto >= 2:
        step = first_part(e, o, reduced)
    if step == PART_EX_CLASS and e.proto < 4:
        return open_parts(e, o, newobj_ex_by_partial(<PyObject *>reduced), PART_FUNC, lv)
    return open_parts(e, o, reduced, step, lv)


cdef int open_parts(Emission *e, PyObject *o, object reduced, int step, Level *lv, bint internal=False) except -1:
    """Begin o by a reduce value that is well formed, with the part that comes first."""
    level_init(e, lv, KIND_REDUCE, o, False)
    lv.internal = internal
    lv.value = new_ref(<PyObject *>reduced)
    lv.step = step
    if cyp_is_free_threaded() or Py_REFCNT(lv.value) != 2:
        return share_parts(e, lv)
    if step == PART_EX_CLASS and Py_REFCNT(PyTuple_GET_ITEM(lv.value, 1)) != 1:
        return share_parts(e, lv)  # NEWOBJ_EX is given its items, not the tuple
    # The caller and the level have it, and nobody else.  Its object may be met below its arguments, when it is not in
    # the memo yet; but then it is reduced again, and nothing counts for unique that has been met before.
    return nest_parts(e, lv) if can_nest(e) else NEXT


cdef int share_parts(Emission *e, Level *lv) except -1:
    """Others have something that is in no memo, and may be met later: nothing in it looks unique up to the end.

    There the memo is secured.
    """
    if not lv.shared_open:
        lv.shared_open = True
        e.shared_open += 1
    return NEXT


cdef object newobj_ex_by_partial(PyObject *reduced):
    """The reduce value for protocols without NEWOBJ_EX: a partial call of `cls.__new__`.

    The partial object keeps the dictionary of keyword arguments if nobody but `reduced` has it, else a copy.
    Source: _pickle.c save_reduce.
    """
    from functools import partial

    cdef PyObject *args = PyTuple_GET_ITEM(reduced, 1)
    cdef PyObject *new_args = PyTuple_GET_ITEM(args, 1)
    cdef object cls = item(args, 0)
    cdef object given = (cls.__new__, cls) + own(PyTuple_GetSlice(new_args, 0, PyTuple_GET_SIZE(new_args)))
    cdef object call = own(PyObject_Call(<PyObject *>partial, <PyObject *>given, PyTuple_GET_ITEM(args, 2)))
    return (call, ()) + own(PyTuple_GetSlice(reduced, 2, PyTuple_GET_SIZE(reduced)))


cdef bint well_formed(PyObject *value) noexcept:
    """A tuple of two to six items with the types that they must have."""
    cdef Py_ssize_t n
    if not PyTuple_Check(value):
        return False
    n = PyTuple_GET_SIZE(value)
    if n < 2 or n > 6:
        return False
    if not PyCallable_Check(PyTuple_GET_ITEM(value, 0)) or not PyTuple_Check(PyTuple_GET_ITEM(value, 1)):
        return False
    if part(value, 3) != NULL and not PyIter_Check(part(value, 3)):
        return False
    if part(value, 4) != NULL and not PyIter_Check(part(value, 4)):
        return False
    return part(value, 5) == NULL or PyCallable_Check(part(value, 5))


cdef inline PyObject *part(PyObject *value, Py_ssize_t i) noexcept:
    """Optional item of a reduce value, borrowed; NULL where it is absent or None."""
    cdef PyObject *item
    if i >= PyTuple_GET_SIZE(value):
        return NULL
    item = PyTuple_GET_ITEM(value, i)
    return NULL if item == Py_None else item


cdef int first_part(Emission *e, PyObject *o, object reduced) except -1:
    """Where a reduce value begins: the class for copyreg.__newobj__ and __newobj_ex__, which go by their names."""
    cdef object func = <object>PyTuple_GET_ITEM(<PyObject *>reduced, 0)
    cdef PyObject *args = PyTuple_GET_ITEM(<PyObject *>reduced, 1)
    cdef Py_ssize_t n = PyTuple_GET_SIZE(args)
    cdef object name
    if func is copyreg_newobj:
        name = "__newobj__"
    elif type(func) is type and not cyp_named_newobj(<PyObject *>func):
        return PART_FUNC
    else:
        name = getattr(func, "__name__", None)
        if not isinstance(name, str):
            return PART_FUNC
        if PyUnicode_GET_LENGTH(<PyObject *>name) not in (10, 13):
            return PART_FUNC  # neither of the two below
    if name == "__newobj__":
        if n < 1 or not isinstance(item(args, 0), type) or item(args, 0) is not class_of(<object>o):
            refusals().refuse_reduce_value(<object>o, reduced, e.proto)
        return PART_CLASS
    if name == "__newobj_ex__":
        if (n != 3 or not isinstance(item(args, 0), type) or not isinstance(item(args, 1), tuple)
                or not isinstance(item(args, 2), dict)):
            refusals().refuse_reduce_value(<object>o, reduced, e.proto)
        return PART_EX_CLASS
    return PART_FUNC


cdef inline object item(PyObject *items, Py_ssize_t i):
    """Of a tuple or a subclass of it, whatever that makes of indexing."""
    return <object>PyTuple_GET_ITEM(items, i)


cdef object class_of(object obj):
    """obj.__class__, which may be a property; an error in it is one in reducing obj.  Source: _pickle.c get_class."""
    try:
        return obj.__class__
    except AttributeError:
        return type(obj)
    except BaseException as error:
        _reduce.note_part(error, obj, "object")
        raise


cdef int open_items_reduce(Emission *e, PyObject *o, Level *lv) except -1:
    """set and frozenset below protocol 4: the class called with a list."""
    before_user_code(e)
    return open_internal(e, o, (type(<object>o), (list(<object>o),)), lv)


cdef int open_internal(Emission *e, PyObject *o, object reduced, Level *lv) except -1:
    """Begin a built-in object that this protocol has no opcode for."""
    return open_parts(e, o, reduced, PART_FUNC, lv, internal=True)


cdef inline int next_part(Emission *e, Level *lv, PyObject *item, int step, PyObject **child, bint *uniq) except -1:
    """Save a part now if it is a leaf (DONE), or hand it out as the next child; then go on with `step`."""
    lv.step = step
    if save_leaf(e, item, uniq) == NOT_LEAF:
        child[0] = item
        return NEXT
    return DONE


cdef int walk_reduce(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: _pickle.c save_reduce, batch_list, batch_dict."""
    cdef PyObject *value = lv.value
    cdef PyObject *args = PyTuple_GET_ITEM(value, 1)
    cdef int step, status
    while True:
        step = lv.step
        status = DONE
        if step == PART_FUNC:
            status = next_part(e, lv, PyTuple_GET_ITEM(value, 0), PART_ARGS, child, uniq)
        elif step == PART_ARGS:
            status = next_part(e, lv, args, PART_REDUCE, child, uniq)
        elif step == PART_CLASS:
            status = next_part(e, lv, PyTuple_GET_ITEM(args, 0), PART_NEWARGS, child, uniq)
        elif step == PART_NEWARGS:
            lv.item = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args))
            status = next_part(e, lv, lv.item, PART_NEWOBJ, child, uniq)
        elif step == PART_EX_CLASS:
            status = next_part(e, lv, PyTuple_GET_ITEM(args, 0), PART_EX_ARGS, child, uniq)
        elif step == PART_EX_ARGS:
            status = next_part(e, lv, PyTuple_GET_ITEM(args, 1), PART_EX_KWARGS, child, uniq)
        elif step == PART_EX_KWARGS:
            status = next_part(e, lv, PyTuple_GET_ITEM(args, 2), PART_NEWOBJ_EX, child, uniq)
        elif step == PART_REDUCE or step == PART_NEWOBJ or step == PART_NEWOBJ_EX:
            if create_reduced(e, lv) == DONE:
                return DONE
        elif step == PART_LIST_FETCH or step == PART_LIST_ITEM or step == PART_LIST_DONE:
            status = walk_list_items(e, lv, child, uniq)
        elif step == PART_STATE:
            if part(value, 2) == NULL:
                return DONE
            if part(value, 5) != NULL:
                status = next_part(e, lv, part(value, 5), PART_SETTER_OBJECT, child, uniq)
            else:
                status = next_part(e, lv, part(value, 2), PART_BUILD, child, uniq)
        elif step == PART_SETTER_OBJECT:
            status = next_part(e, lv, lv.obj, PART_SETTER_STATE, child, uniq)
        elif step == PART_SETTER_STATE:
            status = next_part(e, lv, part(value, 2), PART_SETTER_CALL, child, uniq)
        elif step == PART_BUILD:
            ensure(&e.out)
            put_op(&e.out, OP_BUILD)
            return DONE
        elif step == PART_SETTER_CALL:
            ensure(&e.out)
            put_op(&e.out, OP_TUPLE2)
            put_op(&e.out, OP_REDUCE)
            put_op(&e.out, OP_POP)
            return DONE
        else:
            status = walk_dict_items(e, lv, child, uniq)
        if status == NEXT:
            return NEXT


cdef int create_reduced(Emission *e, Level *lv) except -1:
    """The opcode that makes the object, then its memo index.  DONE if the object turned out to be written already."""
    cdef Py_ssize_t index
    ensure(&e.out)
    if lv.step == PART_NEWOBJ:
        put_op(&e.out, OP_NEWOBJ)
        release(e, &lv.item)
    elif lv.step == PART_NEWOBJ_EX:
        put_op(&e.out, OP_NEWOBJ_EX)
    else:
        put_op(&e.out, OP_REDUCE)
    index = memo_get(e.memo, lv.obj)
    if index >= 0:
        # Recursive: its own arguments have written the object; drop this one and fetch that.
        put_op(&e.out, OP_POP)
        put_get(e, index)
        return DONE
    e.odd |= ODD_LATE  # the reducer has run
    memoize(e, lv.obj, False)
    if part(lv.value, 3) != NULL:
        lv.step = PART_LIST_FETCH
    elif part(lv.value, 4) != NULL:
        lv.step = PART_DICT_FETCH
    else:
        lv.step = PART_STATE
    return NEXT


cdef int fetch_ahead(Emission *e, Level *lv, PyObject *iterator, bint pairs) except -1:
    """Start a batch: item and the one after it, so that a batch of one is known.  DONE where nothing is left."""
    before_user_code(e)
    if CYP_UNLIKELY(e.interrupted):
        answer_interrupt(e)
    lv.item = PyIter_Next(iterator)
    if lv.item == NULL:
        return DONE
    if pairs:
        begin_pair(e, lv)
    lv.i = 0
    lv.single = True
    if e.proto == 0:
        return NEXT
    lv.ahead = PyIter_Next(iterator)
    if lv.ahead != NULL:
        lv.single = False
        ensure(&e.out)
        put_op(&e.out, OP_MARK)
    return NEXT


cdef int begin_pair(Emission *e, Level *lv) except -1:
    """lv.item is what the iterator has given."""
    if not PyTuple_Check(lv.item) or PyTuple_GET_SIZE(lv.item) != 2:
        raise TypeError("dict items iterator must return 2-tuples")
    if Py_REFCNT(lv.item) != 1 and not cyp_keeps_pair(part(lv.value, 4)):
        share_parts(e, lv)
    return 0


cdef int finish_item(Emission *e, Level *lv, PyObject *iterator, unsigned char op, unsigned char batch_op,
                     bint pairs, int fetch, int item, int after) except -1:
    """An item of a batch is written: end the batch, or bring the next item.  Sets the step to one of the last three."""
    lv.step = fetch
    before_user_code(e)  # others may have the item too, and be the only ones once it is dropped
    release(e, &lv.item)
    lv.i += 1
    lv.n += 1
    if lv.single:
        ensure(&e.out)
        put_op(&e.out, op)
        lv.step = fetch if e.proto == 0 else after
        return 0
    if lv.i == BATCH_ITEMS:
        ensure(&e.out)
        put_op(&e.out, batch_op)
        lv.step = fetch
        return 0
    if lv.ahead == NULL:
        lv.ahead = PyIter_Next(iterator)
    lv.item = lv.ahead
    lv.ahead = NULL
    if lv.item == NULL:
        ensure(&e.out)
        put_op(&e.out, batch_op)
        lv.step = after
        return 0
    if pairs:
        begin_pair(e, lv)
    lv.step = item
    return 0


cdef int walk_list_items(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Fourth item of the reduce value, up to the step after it."""
    cdef PyObject *iterator = part(lv.value, 3)
    cdef int after = PART_DICT_FETCH if part(lv.value, 4) != NULL else PART_STATE
    while lv.step != after:
        if lv.step == PART_LIST_ITEM:
            lv.step = PART_LIST_DONE
            if save_leaf(e, lv.item, uniq) == NOT_LEAF:
                child[0] = lv.item
                return NEXT
        elif lv.step == PART_LIST_DONE:
            finish_item(e, lv, iterator, OP_APPEND, OP_APPENDS, False, PART_LIST_FETCH, PART_LIST_ITEM, after)
        else:
            lv.step = PART_LIST_ITEM if fetch_ahead(e, lv, iterator, False) == NEXT else after
    return DONE


cdef int walk_dict_items(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Fifth item of the reduce value, up to the step after it."""
    cdef PyObject *iterator = part(lv.value, 4)
    cdef PyObject *item
    while lv.step != PART_STATE:
        if lv.step == PART_DICT_KEY or lv.step == PART_DICT_VALUE:
            item = PyTuple_GET_ITEM(lv.item, 0 if lv.step == PART_DICT_KEY else 1)
            lv.step = PART_DICT_VALUE if lv.step == PART_DICT_KEY else PART_DICT_DONE
            if save_leaf(e, item, uniq) == NOT_LEAF:
                child[0] = item
                return NEXT
        elif lv.step == PART_DICT_DONE:
            finish_item(e, lv, iterator, OP_SETITEM, OP_SETITEMS, True, PART_DICT_FETCH, PART_DICT_KEY, PART_STATE)
        else:
            lv.step = PART_DICT_KEY if fetch_ahead(e, lv, iterator, True) == NEXT else PART_STATE
    return DONE
