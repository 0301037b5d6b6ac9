# Calls, instances and their state.


cdef int load_reduce(Loading *r) except -1:
    """REDUCE: callable(*arguments)."""
    if height(&r.stack) < r.stack.fence + 2:
        underflow(r)
    return reduce_top(r)


cdef int reduce_top(Loading *r) except -1:
    """REDUCE, both values being there.  The stack owns them during the call."""
    cdef PyObject *arguments = (r.stack.top - 1)[0]
    cdef PyObject *function = (r.stack.top - 2)[0]
    cdef PyObject *made = NULL
    cdef Py_ssize_t n
    cdef int native
    if PyTuple_CheckExact(arguments):
        n = PyTuple_GET_SIZE(arguments)
        native = plan_of(<PyTypeObject *>function).native if PyType_Check(function) else 0
        if native:
            made = native_call(<PyTypeObject *>function, native, cyp_tuple_items(arguments), n)
        if made == NULL and (r.nclosed or r.paused) and not runs_no_python(function, cyp_tuple_items(arguments), n):
            settle(r)
    else:
        settle(r)
    if made == NULL:
        made = PyObject_CallObject(function, arguments)
    r.stack.top -= 1
    (r.stack.top - 1)[0] = made
    Py_DECREF(arguments)
    Py_DECREF(function)
    return 0


cdef bint runs_no_python(PyObject *function, PyObject **arguments, Py_ssize_t n) noexcept:
    """A frequent class written in C, called with plain values: Decimal('...')."""
    cdef Py_ssize_t i
    if Py_TYPE(function) != &PyType_Type or not cyp_makes_plainly(<PyTypeObject *>function, n):
        return False
    for i in range(n):
        if not is_plain(arguments[i]):
            return False
    return True


cdef object instantiate(object cls, tuple args):
    """INST and OBJ: Python 2's old-style instances."""
    if not args and isinstance(cls, type) and not hasattr(cls, "__getinitargs__"):
        return cls.__new__(cls)
    return steal(PyObject_CallObject(<PyObject *>cls, <PyObject *>args))


cdef int load_obj(Loading *r) except -1:
    """OBJ: a class and its arguments above the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    if height(&r.stack) - start < 1:
        underflow(r)
    settle(r)
    args = <tuple>steal(shared_tuple(r.stack.base + start + 1, height(&r.stack) - start - 1))
    return replace_top(r, height(&r.stack) - start, instantiate(<object>r.stack.base[start], args))


cdef int load_inst(Loading *r) except -1:
    """INST: the class by name, its arguments above the mark."""
    cdef Py_ssize_t start = pop_mark(r)
    module_name, global_name = take_names(r, True)
    cls = find_class(r, module_name, global_name)
    args = <tuple>steal(shared_tuple(r.stack.base + start, height(&r.stack) - start))
    return replace_top(r, height(&r.stack) - start, instantiate(cls, args))


cdef int check_newobj(str opcode, PyObject *cls, PyObject *args, PyObject *kwargs) except -1:
    if not PyType_Check(cls):
        raise UnpicklingError(f"{opcode} class argument must be a type, not {short_name(cls)}")
    if not cyp_has_new(<PyTypeObject *>cls):
        raise UnpicklingError(f"{opcode} class argument '{short_name(cls)}' doesn't have __new__")
    if not PyTuple_Check(args):
        raise UnpicklingError(f"{opcode} args argument must be a tuple, not {short_name(args)}")
    if kwargs != NULL and not PyDict_Check(kwargs):
        raise UnpicklingError(f"{opcode} kwargs argument must be a dict, not {short_name(kwargs)}")
    return 0


cdef str short_name(PyObject *o):
    """The type's name as PyErr_Format writes %.200s."""
    return (<bytes>cyp_type_name(o))[:200].decode("utf-8", "replace")


cdef int load_newobj(Loading *r, bint with_kwargs) except -1:
    """NEWOBJ and NEWOBJ_EX: cls.__new__(cls, *args, **kwargs) by way of the type's slot."""
    cdef PyObject **items = operands(r, 3 if with_kwargs else 2)
    cdef PyObject *kwargs = items[2] if with_kwargs else NULL
    check_newobj("NEWOBJ_EX" if with_kwargs else "NEWOBJ", items[0], items[1], kwargs)
    settle(r)
    return replace_top(r, 3 if with_kwargs else 2,
                       steal(cyp_call_new(<PyTypeObject *>items[0], items[1], kwargs)))


cdef int newobj_top(Loading *r) except -1:
    """NEWOBJ, class and arguments being there and right.  The stack owns them during the call."""
    cdef PyObject *args = (r.stack.top - 1)[0]
    cdef PyObject *cls = (r.stack.top - 2)[0]
    cdef PyObject *made
    settle(r)
    made = cyp_call_new(<PyTypeObject *>cls, args, NULL)
    r.stack.top -= 1
    (r.stack.top - 1)[0] = made
    Py_DECREF(args)
    Py_DECREF(cls)
    return 0


cdef int load_build(Loading *r) except -1:
    """BUILD: __setstate__(state), or the state into the instance dictionary and the slots."""
    if height(&r.stack) < r.stack.fence + 2:
        underflow(r)
    return build_top(r)


cdef int build_top(Loading *r) except -1:
    """BUILD, both values being there.  The stack owns the state until it is used up."""
    cdef PyObject *state = (r.stack.top - 1)[0]
    cdef PyObject *instance = (r.stack.top - 2)[0]
    cdef Plan *plan = plan_of(Py_TYPE(instance))
    if plan.stores and PyDict_CheckExact(state) and all_exact_names(<dict>state):
        store_state(r, instance, plan, <dict>state)
    else:
        settle(r)
        plan = plan_of(Py_TYPE(instance))  # settling may have run a finalizer, which loads things of its own
        if plan.asks:
            if not known_setstate(plan, instance, state):
                ask(plan, instance, r.stack.top - 2)
        elif plan.slotted and PyTuple_CheckExact(state) and PyTuple_GET_SIZE(state) == 2 \
                and PyTuple_GET_ITEM(state, 0) == Py_None and PyDict_CheckExact(PyTuple_GET_ITEM(state, 1)):
            set_slots(instance, PyTuple_GET_ITEM(state, 1))
        else:
            build(<object>instance, <object>state)
    r.stack.top -= 1
    Py_DECREF(state)
    return 0


cdef int ask(Plan *plan, PyObject *instance, PyObject **items) except -1:
    """instance.__setstate__(state); both are in items."""
    cdef PyObject *method = plan.setstate
    cdef CypValues *values
    if method != NULL:
        values = cyp_inline_values(instance)
        if not plan.dictless and (values == NULL or cyp_values_size(values) != 0):  # which may shadow the method
            method = NULL
    if method == NULL:
        Py_DECREF(PyObject_CallMethodOneArg(instance, <PyObject *>name_of_setstate, items[1]))
        return 0
    Py_INCREF(method)
    try:
        Py_DECREF(PyObject_Vectorcall(method, items, 2, NULL))
    finally:
        Py_DECREF(method)
    return 0


cdef bint known_setstate(Plan *plan, PyObject *instance, PyObject *state) except -1:
    """uuid.UUID.__setstate__() of {'int': value}; False, and nothing done, if it is not that."""
    cdef PyObject *value
    cdef PyObject **slot
    cdef PyObject **safe_slot
    if not plan.is_uuid or not has_its_code(plan) or not PyDict_CheckExact(state) \
            or PyDict_Size(state) != 1 or not all_exact_names(<dict>state):
        return False
    value = PyDict_GetItemWithError(state, plan.names[0])
    slot = cyp_slot_at(instance, plan.slots[0])
    safe_slot = cyp_slot_at(instance, plan.slots[1])
    if value == NULL or slot[0] != NULL or safe_slot[0] != NULL:
        return False
    Py_INCREF(value)
    slot[0] = value
    Py_INCREF(plan.names[2])
    safe_slot[0] = plan.names[2]
    return True


cdef int set_slots(PyObject *instance, PyObject *slots) except -1:
    """setattr() for each item.  Setters may be the user's, who may change the dictionary."""
    cdef Py_ssize_t pos = 0
    cdef PyObject *name
    cdef PyObject *value
    while cyp_dict_next_kept(slots, &pos, &name, &value):
        cyp_keep(name)
        cyp_keep(value)
        try:
            PyObject_SetAttr(instance, name, value)
        finally:
            Py_DECREF(name)
            Py_DECREF(value)
    return 0


cdef bint all_exact_names(dict state) noexcept:
    cdef Py_ssize_t pos = 0
    cdef PyObject *name
    cdef PyObject *value
    while PyDict_Next(<PyObject *>state, &pos, &name, &value):
        if not PyUnicode_CheckExact(name):
            return False
    return True


cdef int store_state(Loading *r, PyObject *instance, Plan *plan, dict state) except -1:
    """BUILD by plan, from a real dictionary.  An instance that has attributes already may have a closed state."""
    cdef CypValues *values = cyp_inline_values(instance)
    cdef Py_ssize_t pos = 0
    cdef Py_ssize_t i = 0
    cdef PyObject *name
    cdef PyObject *value
    if not has_no_attributes(instance, values):
        settle(r)
        values = NULL
    if values == NULL:
        return copy_state(instance, state)
    while PyDict_Next(<PyObject *>state, &pos, &name, &value):
        Py_INCREF(value)
        try:
            values = store_attribute(r, instance, plan, values, i, name, value)
        except BaseException:
            Py_DECREF(value)
            raise
        i += 1
    return 0


cdef int copy_state(PyObject *instance, dict state) except -1:
    """The same for an instance that has its dictionary already."""
    cdef PyObject *own = PyObject_GenericGetDict(instance, NULL)
    cdef Py_ssize_t pos = 0
    cdef PyObject *name
    cdef PyObject *value
    try:
        # A subclass of dict; or an instance that shadows what its class does not have.
        if not PyDict_CheckExact(own) or name_of_setstate in <dict>own:
            return build(<object>instance, state)
        while PyDict_Next(<PyObject *>state, &pos, &name, &value):
            Py_INCREF(name)
            Py_INCREF(value)
            PyUnicode_InternInPlace(&name)
            cyp_dict_set_steal(own, name, value)
    finally:
        Py_DECREF(own)
    return 0


cdef object interned(object name):
    cdef PyObject *found = <PyObject *>name
    Py_INCREF(found)
    PyUnicode_InternInPlace(&found)
    return steal(found)


cdef int build(object instance, object state) except -1:
    """BUILD the general way: what a class without __setstate__ of its own gets."""
    setstate = getattr(instance, "__setstate__", memo_hole)
    if setstate is not memo_hole:
        setstate(state)
        return 0
    slots = None
    if isinstance(state, tuple) and len(<tuple>state) == 2:
        state, slots = <tuple>state
        if slots is None:
            slots = memo_hole
    if state is not None:
        if not isinstance(state, dict):
            raise UnpicklingError("state is not a dictionary")
        own = instance.__dict__
        if cyp_is_free_threaded() and type(state) is dict:
            state = (<dict>state).copy()  # which no other thread changes
        for name, value in (<dict>state).items():
            if type(name) is str:
                name = interned(name)
            own[name] = value
    if slots is not None:
        if not isinstance(slots, dict):
            raise UnpicklingError("slot state is not a dictionary")
        set_slots(<PyObject *>instance, <PyObject *>slots)
    return 0


cdef bint load_object(Loading *r, unsigned char op) except -1:
    """Execute one of these opcodes, if it is one."""
    if op == OP_REDUCE: load_reduce(r)
    elif op == OP_NEWOBJ: load_newobj(r, False)
    elif op == OP_NEWOBJ_EX: load_newobj(r, True)
    elif op == OP_BUILD: load_build(r)
    elif op == OP_OBJ: load_obj(r)
    elif op == OP_INST: load_inst(r)
    elif op == OP_GLOBAL: load_global(r)
    elif op == OP_STACK_GLOBAL: load_stack_global(r)
    elif op == OP_EXT1: load_extension(r, 1)
    elif op == OP_EXT2: load_extension(r, 2)
    elif op == OP_EXT4: load_extension(r, 4)
    elif op == OP_PERSID: load_persid(r)
    elif op == OP_BINPERSID: load_binpersid(r)
    else: return False
    return True
