# Instances that have a dictionary to themselves, with the names that the last one of their class had: syntax trees.


cdef unsigned char *put_node(Emission *e, unsigned char *p, PyObject *o, bint uniq, Plan *plan) noexcept:
    """nest_instance for one of PLAN_SYNTAX, as put_part would: it is not in the memo, unless that is an assigned one.

    NULL and GO in e.status: nothing is written, and another way is needed.  No name is that of a hook: see
    put_other_name.
    """
    cdef Memo *m = e.memo
    cdef PyObject *dictionary = cyp_instance_dict(o)
    cdef PyObject **pairs
    cdef Py_ssize_t n, i, nones
    cdef size_t slot = 0
    e.status = GO
    if dictionary == NULL or not is_own_dictionary(e, dictionary) or plan.class_index < 0:
        return NULL
    if CYP_UNLIKELY(m.n_alias):
        return NULL  # there it may be, by another index
    n = PyDict_GET_SIZE(dictionary)
    pairs = cyp_named_pairs(dictionary)
    if pairs == NULL or n == 0 or n > PLAN_NAMES or plan.generation != m.generation:
        return NULL
    for i in range(n):
        if pairs[2 * i] != plan.names[i] or pairs[2 * i + 1] == NULL:
            return NULL
    nones = fields_given(dictionary, plan)
    if CYP_UNLIKELY(nones < 0 or e.out.lim - p < 2 * HEAD + nones or m.cap - m.n < 4 or m.used >= m.room):
        return NULL
    p = put_nones(e, put_get_at(p, plan.class_index), nones)
    if not uniq:
        memo_find(m, o, &slot)
        memo_fill(m, slot, m.n)
    m.log[m.n] = o
    m.log[m.n + 1] = dictionary
    m.n += 2
    cyp_write_u64(p, <uint64_t>OP_REDUCE | <uint64_t>OP_MEMOIZE << 8 | <uint64_t>OP_EMPTY_DICT << 16
                  | <uint64_t>OP_MEMOIZE << 24 | <uint64_t>OP_MARK << 32)
    return put_node_pairs(e, p + 4 + (n > 1), o, uniq, plan, dictionary, n)


cdef inline unsigned char *put_node_pairs(Emission *e, unsigned char *p, PyObject *o, bint uniq, Plan *plan,
                                          PyObject *dictionary, Py_ssize_t n) noexcept:
    """The n attributes of a node, and BUILD; its dictionary is the last in the memo."""
    cdef PyObject **pairs = cyp_named_pairs(dictionary)
    cdef PyObject *value
    cdef unsigned char *end = p
    cdef Py_ssize_t done = 0, index, state = e.memo.n - 1
    cdef uint64_t epoch = e.epoch, generation = e.memo.generation
    hold_node(e, o, plan, dictionary)
    while done < n:
        if CYP_UNLIKELY(p > e.out.lim or plan.names[done] != pairs[2 * done]):
            # A boundary comes first, or a node below has other names.
            drop_node(e, o, plan, dictionary)
            e.out.p = p
            e.status = nest_pairs(e, o, dictionary, False, plan, uniq, n, done, NULL, state)
            return e.out.p if e.status == 0 and e.epoch == epoch else NULL
        value = pairs[2 * done + 1]
        p = put_get_at(p, plan.name_indices[done])
        done += 1
        end = NULL
        if CYP_LIKELY(p <= e.out.lim):
            if Py_TYPE(value) == &PyUnicode_Type:
                end = (<put_any>cyp_apart(<void *>put_any_str))(e, p, value)
            else:
                end = put_atom(p, value)
            if end == NULL and not is_unique(e, value):
                index = memo_get(e.memo, value)
                if index >= 0:
                    end = put_get_at(p, index)
        if end == NULL:
            end = put_part(e, p, value)
            if CYP_UNLIKELY(end == NULL):
                break
        p = end
    e.depth -= 1
    if CYP_UNLIKELY(end == NULL or p > e.out.hard):
        if end != NULL:
            e.out.p = p
            e.status = 0
        e.status = go_on_pairs(e, o, dictionary, False, plan, uniq, n, done, done, epoch, e.status, state, generation)
        return e.out.p if e.status == 0 and e.epoch == epoch else NULL
    e.depth += 1
    drop_node(e, o, plan, dictionary)
    p[0] = OP_SETITEMS if n > 1 else OP_SETITEM
    p[1] = OP_BUILD
    return p + 2


cdef inline void hold_node(Emission *e, PyObject *o, Plan *plan, PyObject *dictionary) noexcept:
    """Parts of o come next, which may run user code: until drop_node all this is held, and counts as a level."""
    Py_INCREF(o)
    Py_INCREF(dictionary)
    plan.pins += 1
    e.depth += 1


cdef inline void drop_node(Emission *e, PyObject *o, Plan *plan, PyObject *dictionary) noexcept:
    e.depth -= 1
    plan.pins -= 1
    Py_DECREF(dictionary)
    Py_DECREF(o)
