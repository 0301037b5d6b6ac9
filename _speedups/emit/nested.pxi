# Instances on the C stack, for as long as no user code runs; lists, tuples and dicts: see plain.pxi.
#
# A nest_* function writes its object from beginning to end, and its parts by recursion.  Once user code may have run
# (the epoch tells), or something is in the way, a Level goes on from where it stands: see go_on().  Errors are passed
# on as a status, -1, as in levels.pxi.

ctypedef int (*part_status)(Emission *, PyObject *) noexcept
ctypedef int (*run_status)(Emission *, PyObject *, Py_ssize_t *, Py_ssize_t) noexcept
ctypedef int (*run_by_status)(Emission *, PyObject *, Py_ssize_t *, Py_ssize_t, Plan *) noexcept
ctypedef int (*instance_status)(Emission *, PyObject *, bint, Plan *) noexcept
ctypedef int (*leaf_status)(Emission *, PyObject *, bint *) noexcept
ctypedef int (*parts_status)(Emission *, Level *, uint64_t) noexcept


cdef inline bint can_nest(Emission *e) noexcept:
    """There is room on the C stack, and nothing about this dump is out of the ordinary."""
    return CYP_LIKELY(e.odd == 0 and e.depth < e.recurse)


cdef inline bint is_direct(Emission *e) noexcept:
    """Objects with a plan are written without a level, as far as quick_planned knows how."""
    return can_nest(e) and e.reducer_override == NULL and not cyp_dict_is_made_on_demand()


cdef inline int quick_planned(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An object whose type has a plan.  DONE; or GO: nothing is written, and no user code has run."""
    if plan.kind == PLAN_ATTRIBUTES or plan.kind == PLAN_SYNTAX:
        return (<instance_status>nest_instance)(e, o, uniq, plan)
    if plan.kind == PLAN_REDUCE or plan.kind == PLAN_GETSTATE:
        return (<instance_status>save_planned)(e, o, uniq, plan)
    if PLAN_DATE <= plan.kind <= PLAN_TIMEDELTA:
        return quick_temporal(e, o, uniq, plan)
    if plan.kind >= PLAN_COMPLEX and plan.kind != PLAN_TEXT and (
            plan.kind != PLAN_ORDEREDDICT or cyp_knows_ordereddict(plan.type) > 0):
        return (<instance_status>quick_stdlib)(e, o, uniq, plan)
    return GO


cdef int save_node(Emission *e, PyObject *o, bint uniq) except -1:
    """Write o, which save_leaf has passed, and everything below it."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef Plan *plan
    cdef int status
    if can_nest(e):
        if t == &PyDict_Type:
            if PyDict_GET_SIZE(o) < BATCH_ITEMS:
                return (<save_status>save_plain)(e, o, uniq)
        elif t == &PyList_Type:
            if PyList_GET_SIZE(o) < BATCH_ITEMS:
                return (<save_status>save_plain)(e, o, uniq)
        elif t == &PyTuple_Type:
            return (<save_status>save_plain)(e, o, uniq)
        elif is_direct(e):
            plan = plan_for(e, t)
            if plan != NULL and not shadows_hooks(plan, o):
                status = quick_planned(e, o, uniq, plan)
                if status != GO:
                    return status
    return (<save_status>save_level)(e, o, uniq)


cdef int save_planned(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """save_level for an object with a plan that always needs user code."""
    cdef Level lv
    cdef int status = open_planned(e, o, uniq, plan, &lv)
    if status == DONE:
        return DONE
    return walk_to_end(e, &lv, status)


cdef int save_part(Emission *e, PyObject *o) except -1:
    """Write a part of the object at hand that put_leaf has declined, or not seen because a boundary comes first."""
    cdef PyTypeObject *t = Py_TYPE(o)
    cdef bint uniq = True
    if CYP_LIKELY(t != &PyUnicode_Type and t != &PyLong_Type and t != &PyBytes_Type and e.out.p <= e.out.lim
                  and e.memo.n_alias == 0):
        # It has been looked for in the memo, if it may be there.
        return (<save_status>save_node)(e, o, is_unique(e, o))
    if save_leaf_any(e, o, &uniq) == WRITTEN:
        return 0
    return (<save_status>save_node)(e, o, uniq)


cdef int save_run(Emission *e, PyObject *o, Py_ssize_t *done, Py_ssize_t stop) except -1:
    """Write items of the list o, from done[0] on, that have the type of the one before, by the plan for that.

    It goes as far as that is enough, and to `stop` at most.  Then save_part knows what to do.
    """
    cdef PyTypeObject *t = Py_TYPE(PyList_GET_ITEM(o, done[0] - 1))
    cdef PyObject *item
    cdef Plan *plan
    cdef uint64_t epoch = e.epoch
    cdef Py_ssize_t index, i
    cdef int status
    cdef bint uniq
    if cyp_is_free_threaded() or not is_direct(e) or e.memo.n_alias:
        return 0
    plan = plan_for(e, t)
    if plan == NULL:
        return 0
    while True:
        if e.epoch == epoch and (<run_by_status>put_alike)(e, o, done, min(stop, PyList_GET_SIZE(o)), plan) < 0:
            return -1
        if done[0] >= stop or done[0] >= PyList_GET_SIZE(o) or e.out.p > e.out.lim:
            break
        i = done[0]
        item = PyList_GET_ITEM(o, i)
        if Py_TYPE(item) != t:
            break
        if e.epoch != epoch:
            # User code has run; the list is kept by the caller, and the type by the item.
            epoch = e.epoch
            plan = plan_for(e, t) if is_direct(e) and e.memo.n_alias == 0 else NULL
            if plan == NULL:
                break
        uniq = is_unique(e, item)
        if not uniq:
            index = memo_get(e.memo, item)
            if index >= 0:
                e.out.p = put_get_at(e.out.p, index)
                done[0] += 1
                continue
        if shadows_hooks(plan, item):
            break
        done[0] += 1
        status = quick_planned(e, item, uniq, plan)
        if CYP_UNLIKELY(status != DONE):
            if status == GO:
                done[0] = i
                break
            return -1
    return 0


cdef inline bint may_run(PyObject *o, Py_ssize_t i) noexcept:
    """save_run has a chance at items[i]: it has the type of the one before, and that is no container with ways of its own."""
    cdef PyTypeObject *t = Py_TYPE(PyList_GET_ITEM(o, i))
    return (t == Py_TYPE(PyList_GET_ITEM(o, i - 1)) and t != &PyDict_Type and t != &PyList_Type
            and t != &PyTuple_Type and t != &PyUnicode_Type)


cdef inline int nest_part(Emission *e, PyObject *o) except -1:
    """Write a part that put_leaf has not seen, and everything below it."""
    if put_leaves(e, &o, 0, 1) == 1:
        return 0
    return save_part(e, o)


cdef int go_on(Emission *e, Level *lv, PyObject *o, uint64_t epoch, int status) noexcept:
    """Take over from a nest_* function: walk the level to its end.

    o: its reference to the object, which is given up.  epoch: when it began.  status: negative if the last part has
    failed.
    """
    Py_DECREF(o)
    lv.epoch = epoch
    return walk_to_end(e, lv, NEXT if status == 0 else status)


cdef int nest_instance(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An instance with attributes, with or without a dictionary of its own.  DONE, or GO: nothing is written."""
    cdef unsigned char *p
    cdef PyObject *dictionary = NULL
    cdef Memo *m = e.memo
    cdef CypValues *values = cyp_inline_values(o)
    cdef Py_ssize_t n = -1, nones = 0
    cdef int status
    if CYP_LIKELY(values != NULL):
        if CYP_LIKELY(plan.kind == PLAN_ATTRIBUTES):
            status = put_instance(e, o, uniq, plan, values)
            if CYP_LIKELY(status != GO):
                return status
        n = cyp_values_size(values)
    if plan.kind == PLAN_SYNTAX and not cyp_dict_is_made_on_demand():
        p = put_node(e, e.out.p, o, uniq, plan)
        if p != NULL or e.status != GO:
            return ended(e, p)
    if n < 0 and not cyp_dict_is_made_on_demand():
        dictionary = cyp_instance_dict(o)
        if dictionary != NULL and is_own_dictionary(e, dictionary):
            n = PyDict_GET_SIZE(dictionary)
        elif dictionary == NULL and plan.kind == PLAN_SYNTAX:
            n = 0  # the reducer would make one
    if n < 0 or n >= BATCH_ITEMS or n == 0 and plan.kind != PLAN_SYNTAX:
        return GO
    if plan.kind == PLAN_SYNTAX:
        if n:
            nones = fields_given(dictionary, plan)
            if nones < 0:
                return GO
        reserve(&e.out, 2 * HEAD + 2 * SHORT_TEXT + nones)
        if CYP_UNLIKELY(m.cap - m.n < 8 or m.used + 8 > m.room):
            memo_make_room(m, 8)
        if CYP_UNLIKELY(e.out.lim - e.out.p < HEAD + nones):
            return end_frame_in_node(e, o, uniq, plan, dictionary, n, nones)
    p = put_class(e, o, plan)
    if CYP_UNLIKELY(p == NULL):
        p = put_new_class(e, plan, nones)
    if CYP_UNLIKELY(p == NULL or m.used >= m.room):
        return GO
    p = put_nones(e, p, nones)
    if CYP_UNLIKELY(not put_memo(e, o, uniq)):
        return GO
    m.log[m.n] = <PyObject *>(<size_t>o | 1) if dictionary == NULL else dictionary
    m.n += 1
    p[0] = OP_REDUCE if plan.kind == PLAN_SYNTAX else OP_NEWOBJ
    p[1] = OP_MEMOIZE
    p[2] = OP_EMPTY_DICT
    p[3] = OP_MEMOIZE
    p[4] = OP_MARK
    e.out.p = p + (5 if n > 1 else 4)
    if CYP_UNLIKELY(n == 0):
        put_op(&e.out, OP_BUILD)
        return DONE
    if dictionary == NULL:
        return nest_pairs(e, o, o, True, plan, uniq, n, 0, NULL, e.memo.n - 1)
    return nest_pairs(e, o, dictionary, False, plan, uniq, n, 0, NULL, e.memo.n - 1)


cdef inline Py_ssize_t fields_given(PyObject *dictionary, Plan *plan) noexcept:
    """How many of a node's first fields are in its dictionary: so often its class is called with None from 3.13 on.

    -1 where only a look-up can tell, or there is no dictionary.  Source: Python-ast.c ast_type_reduce.
    """
    cdef PyObject *name
    cdef PyObject *value
    cdef Py_ssize_t i = 0, pos = 0, most
    if dictionary == NULL:
        return -1
    most = PyTuple_GET_SIZE(plan.constant)
    while i < most:
        if not cyp_dict_next(dictionary, &pos, &name, &value):
            return i  # no names but those of fields
        if name != PyTuple_GET_ITEM(plan.constant, i):
            return i if lacks(dictionary, PyTuple_GET_ITEM(plan.constant, i)) else -1
        i += 1
    return i


cdef bint lacks(PyObject *dictionary, PyObject *name) noexcept:
    """A dictionary certainly has no key that equals the str."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t pos = 0
    while cyp_dict_next(dictionary, &pos, &key, &value):
        if Py_TYPE(key) != &PyUnicode_Type or PyUnicode_Compare(key, name) == 0:
            return False
    return True


cdef inline unsigned char *put_nones(Emission *e, unsigned char *p, Py_ssize_t n) noexcept:
    """A tuple of n times None that only the reducer would have seen."""
    if n == 0:
        return put_op_at(p, OP_EMPTY_TUPLE)
    if n > 3:
        p = put_op_at(p, OP_MARK)
    memset(p, OP_NONE, n)
    p = put_op_at(p + n, <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE)
    return put_fresh(e, p)


cdef int nest_parts(Emission *e, Level *lv) except -1:
    """Begin a reduce value that nobody else has, and end it if all goes well.

    DONE, or NEXT: the level goes on where it stands.
    """
    cdef int status
    e.depth += 1
    status = (<parts_status>nest_parts_of)(e, lv, e.epoch)
    e.depth -= 1
    if status < 0:
        return level_abandon(e, lv)
    if status == DONE:
        try:
            before_user_code(e)  # the caller drops the reduce value, and what it alone has kept alive
        finally:
            Py_DECREF(lv.value)
            Py_DECREF(lv.obj)  # which the memo owns
    return status


cdef int nest_parts_of(Emission *e, Level *lv, uint64_t epoch) except -1:
    """The parts that are saved while no user code runs, each after the level has been told what comes next."""
    cdef PyObject *value = lv.value
    cdef PyObject *args = PyTuple_GET_ITEM(value, 1)
    cdef PyObject *state = part(value, 2)
    cdef Py_ssize_t index
    if lv.step == PART_FUNC:
        lv.step = PART_ARGS
        nest_part(e, PyTuple_GET_ITEM(value, 0))
        if e.epoch != epoch:
            return NEXT
        lv.step = PART_REDUCE
        if CYP_LIKELY(is_unique(e, args) and e.out.p <= e.out.lim):
            save_node(e, args, True)
        else:
            nest_part(e, args)
    elif lv.step == PART_CLASS and PyTuple_GET_SIZE(args) == 1:
        lv.step = PART_NEWARGS
        nest_part(e, PyTuple_GET_ITEM(args, 0))
        if e.epoch != epoch:
            return NEXT
        lv.step = PART_NEWOBJ
        ensure(&e.out)
        at_boundary(e)
        put_op(&e.out, OP_EMPTY_TUPLE)
    else:
        return NEXT
    if e.epoch != epoch:
        return NEXT
    forget_part(e, args, e.memo.n - 1)
    if create_reduced(e, lv) == DONE:
        return DONE
    if lv.step != PART_STATE or part(value, 5) != NULL:
        return NEXT
    if state == NULL:
        return DONE
    index = e.memo.n
    lv.step = PART_BUILD
    nest_part(e, state)
    if e.epoch != epoch:
        return NEXT
    forget_part(e, state, index)
    ensure(&e.out)
    put_op(&e.out, OP_BUILD)
    return DONE


cdef inline void forget_part(Emission *e, PyObject *o, Py_ssize_t index) noexcept:
    """Leave a part that only its reduce value has, and that dies with it, out of the memo if that index is its own.

    Other types than these have weak references, by which it could be found again while the memo keeps it alive.
    """
    cdef PyTypeObject *t = Py_TYPE(o)
    if e.memo.secured <= index < e.memo.n and e.memo.log[index] == o and is_unique(e, o):
        if t == &PyDict_Type or t == &PyTuple_Type or t == &PyList_Type:
            e.memo.log[index] = NULL


cdef inline bint is_own_dictionary(Emission *e, PyObject *dictionary) noexcept:
    """The dictionary of an instance is exact, and only the instance has it: nobody can meet it elsewhere."""
    return is_unique(e, dictionary) and Py_TYPE(dictionary) == &PyDict_Type


cdef inline int nest_pairs(Emission *e, PyObject *o, PyObject *pairs, bint inline_values, Plan *plan, bint uniq,
                           Py_ssize_t n, Py_ssize_t done, PyObject *value, Py_ssize_t state) noexcept:
    """The n pairs of a dict, or attributes of an instance; what comes before them is written.

    o: the object that the level would be for.  pairs: what holds them, o itself if inline_values.  plan: the
    instance's; NULL for a dict.  done: pairs that are written.  value: that of the pair whose key is, too, or NULL.
    state: the memo index of the dictionary.
    """
    cdef PyObject *key
    cdef Py_ssize_t pos = done + (value != NULL), at
    cdef uint64_t epoch = e.epoch, generation = e.memo.generation
    cdef int status = 0
    cdef bint key_uniq, shared
    Py_INCREF(o)
    if plan != NULL:
        Py_INCREF(pairs)
        plan.pins += 1
    e.depth += 1
    while True:
        if value == NULL:
            put_pairs(e, pairs, inline_values, plan, n, &done, &pos, &value)
        if value == NULL:
            if done == n or e.guard or inline_values:
                break
            at = pos
            if not cyp_dict_next(pairs, &pos, &key, &value) or Py_TYPE(key) != &PyUnicode_Type:
                pos = at
                break
            # Not in the memo yet, or not ASCII, or a boundary comes first: no user code, as there is no file.
            shared = cyp_shares_keys(pairs)
            if shared:
                Py_INCREF(key)  # so that it does not look unique
            status = (<leaf_status>save_leaf_any)(e, key, &key_uniq)
            if shared:
                Py_DECREF(key)
            if CYP_UNLIKELY(status < 0):
                break
            done += 1
            status = (<part_status>nest_part)(e, value)
        else:
            done += 1
            status = (<part_status>save_part)(e, value)
        value = NULL
        if CYP_UNLIKELY(status < 0 or e.epoch != epoch):
            break
    e.depth -= 1
    if CYP_UNLIKELY(status < 0 or done != n or e.epoch != epoch or e.out.p > e.out.hard):
        return go_on_pairs(e, o, pairs, inline_values, plan, uniq, n, done, pos, epoch, status, state, generation)
    put_op(&e.out, OP_SETITEMS if n > 1 else OP_SETITEM)
    if plan != NULL:
        put_op(&e.out, OP_BUILD)
        plan.pins -= 1
        Py_DECREF(pairs)
    Py_DECREF(o)
    return 0


cdef int go_on_pairs(Emission *e, PyObject *o, PyObject *pairs, bint inline_values, Plan *plan, bint uniq,
                     Py_ssize_t n, Py_ssize_t done, Py_ssize_t pos, uint64_t epoch, int status,
                     Py_ssize_t state, uint64_t generation) noexcept:
    cdef Level lv
    level_init(e, &lv, KIND_DICT if plan == NULL else KIND_INSTANCE, o, uniq)
    if plan != NULL:
        lv.plan = plan  # with the pin
        if inline_values:
            Py_DECREF(pairs)
            lv.state = state
            lv.generation = generation
        else:
            lv.value = pairs
    lv.n = n
    lv.i = done
    lv.pos = pos
    lv.single = n == 1
    lv.stop = 1 if n == 1 else BATCH_ITEMS
    lv.step = STEP_ITEM
    return go_on(e, &lv, o, epoch, status)
