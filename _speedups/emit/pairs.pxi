# Dicts of one batch on the C stack: see plain.pxi.
#
# The usual dict has strs for keys, and its values beside them: its loop keeps to what is frequent, and all else is
# called.  Any other dict goes by a walk over its pairs.

ctypedef unsigned char *(*put_at_place)(Emission *, unsigned char *, PyObject *, Py_ssize_t) noexcept


cdef unsigned char *nest_dict(Emission *e, unsigned char *p, PyObject *o, bint uniq, size_t slot) noexcept:
    """A dict of one batch."""
    cdef Py_ssize_t n = PyDict_GET_SIZE(o)
    cdef PyObject **pairs
    p = put_empty_at(e, p, o, uniq, slot, OP_EMPTY_DICT)
    if n == 0:
        return p
    p[0] = OP_MARK
    p += n > 1
    if CYP_UNLIKELY(e.key_generation != e.memo.generation):
        e.n_keys = 0
        e.key_generation = e.memo.generation
    pairs = cyp_named_pairs(o)
    if CYP_LIKELY(pairs != NULL):
        return put_named_pairs(e, p, o, uniq, n, pairs)
    if CYP_UNLIKELY(cyp_shares_keys(o)):
        return nest_shared_keys(e, p, o, uniq, n)
    return put_any_pairs(e, p, o, uniq, n)


cdef unsigned char *nest_shared_keys(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t n) noexcept:
    """nest_dict for the dictionary of an instance that has its keys in common with others."""
    cdef uint64_t epoch = e.epoch
    e.out.p = p
    e.status = nest_pairs(e, o, o, False, NULL, uniq, n, 0, NULL, e.memo.n - 1)
    return e.out.p if e.status == 0 and e.epoch == epoch else NULL


cdef inline uint64_t hold_open(Emission *e, PyObject *o) noexcept:
    """Parts of o come next, which may run user code: until its end it is held, and counts as a level.  The epoch."""
    Py_INCREF(o)
    e.depth += 1
    return e.epoch


cdef unsigned char *put_named_pairs(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t n,
                                    PyObject **pairs) noexcept:
    """The n pairs of a dict whose keys are strs.  pairs: its entries, each a key and a value, which may be NULL."""
    cdef PyObject **entry = pairs
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject *kept = NULL
    cdef unsigned char *end = p
    cdef Py_ssize_t done = 0
    cdef uint64_t epoch = 0
    cdef bint held = False
    while done < n:
        key = entry[0]
        value = entry[1]
        entry += 2
        if CYP_UNLIKELY(value == NULL):
            continue
        end = NULL
        if CYP_LIKELY(p <= e.out.lim):
            end = put_known_key(e, p, key, done)
            if CYP_UNLIKELY(end == NULL):
                end = (<put_at_place>cyp_apart(<void *>put_key))(e, p, key, done)
        if CYP_UNLIKELY(end == NULL):
            if not held:
                held = True
                epoch = hold_open(e, o)
            end = put_odd_key(e, p, key, value)
            if CYP_UNLIKELY(end == NULL):
                kept = value
                break
        p = end
        done += 1
        end = NULL
        if CYP_LIKELY(p <= e.out.lim):
            if Py_TYPE(value) == &PyUnicode_Type:
                end = (<put_any>cyp_apart(<void *>put_any_str))(e, p, value)
            else:
                end = put_atom(p, value)
        if end == NULL:
            if not held:
                held = True
                epoch = hold_open(e, o)
            end = put_part(e, p, value)
            if CYP_UNLIKELY(end == NULL):
                break
        p = end
    if CYP_UNLIKELY(end == NULL or end > e.out.hard):
        if not held:
            epoch = hold_open(e, o)
        return end_pairs(e, end, o, uniq, n, done, entry - pairs >> 1, kept, epoch)
    if held:
        e.depth -= 1
        Py_DECREF(o)
    p[0] = OP_SETITEMS if n > 1 else OP_SETITEM
    return p + 1


cdef inline unsigned char *put_known_key(Emission *e, unsigned char *p, PyObject *key, Py_ssize_t place) noexcept:
    """put_key for one that an earlier dict has at the same place, or the memo's table where it is looked for first."""
    cdef Memo *m = e.memo
    cdef uint32_t entry
    if CYP_UNLIKELY(place >= e.n_keys):
        return NULL
    if e.keys[place] != key:
        entry = m.table[memo_slot(m, key)]
        if entry <= m.n_alias or m.log[entry - 1] != key:
            return NULL
        e.keys[place] = key
        e.key_indices[place] = entry - 1
    return put_get_at(p, e.key_indices[place])


cdef unsigned char *put_key(Emission *e, unsigned char *p, PyObject *key, Py_ssize_t place) noexcept:
    """put_str for a key, whose memo index is noted: the next dict may have it at the same place."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t index
    cdef size_t slot = 0
    if is_unique(e, key):
        return put_new_str(m, p, key, True, 0)
    index = memo_find(m, key, &slot)
    if CYP_LIKELY(index >= m.n_alias):
        p = put_get_at(p, index)
    elif index >= 0 or m.used >= m.room:
        return NULL
    else:
        index = m.n
        p = put_new_str(m, p, key, False, slot)
        if p == NULL:
            return NULL
    if place <= e.n_keys and place < KEY_POSITIONS:
        e.keys[place] = key
        e.key_indices[place] = index
        e.n_keys += place == e.n_keys
    return p


cdef unsigned char *put_any_str(Emission *e, unsigned char *p, PyObject *o) noexcept:
    """put_plain_str, out of the way of the loops over pairs."""
    return put_plain_str(e, p, o)


cdef unsigned char *put_odd_key(Emission *e, unsigned char *p, PyObject *key, PyObject *value) noexcept:
    """A key that may run user code, which may take it and its value out of the dict.  NULL: the value is kept."""
    Py_INCREF(value)
    p = put_value(e, p, key)
    if CYP_LIKELY(p != NULL):
        Py_DECREF(value)
    return p


cdef unsigned char *end_pairs(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t n, Py_ssize_t done,
                              Py_ssize_t pos, PyObject *kept, uint64_t epoch) noexcept:
    """The end of a dict that is held; or a level goes on, from this place, where p is NULL or there is no more room."""
    e.depth -= 1
    if CYP_UNLIKELY(p != NULL and p > e.out.hard):
        p = room_at(e, p)
    if CYP_UNLIKELY(p == NULL):
        e.status = go_on_plain(e, KIND_DICT, o, uniq, n, done, pos, kept, epoch)
        return NULL
    p[0] = OP_SETITEMS if n > 1 else OP_SETITEM
    Py_DECREF(o)
    return p + 1


cdef unsigned char *put_any_pairs(Emission *e, unsigned char *p, PyObject *o, bint uniq, Py_ssize_t n) noexcept:
    """put_named_pairs where not all keys are strs, or nobody knows."""
    cdef CypPairs pairs
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject *kept = NULL
    cdef unsigned char *end
    cdef Py_ssize_t done = 0
    cdef uint64_t epoch = hold_open(e, o)
    cdef int number
    cyp_pairs_begin(&pairs, o)
    while done < n and cyp_pairs_next(&pairs, &key, &value):
        end = NULL
        if CYP_LIKELY(p <= e.out.lim):
            if Py_TYPE(key) == &PyLong_Type and cyp_one_digit(key, &number):
                end = put_usual_number(p, number)
            elif Py_TYPE(key) == &PyUnicode_Type:
                end = (<put_at_place>cyp_apart(<void *>put_key))(e, p, key, done)
            else:
                end = put_atom(p, key)
        if CYP_UNLIKELY(end == NULL):
            end = put_odd_key(e, p, key, value)
            if CYP_UNLIKELY(end == NULL):
                p = NULL
                kept = value
                break
        done += 1
        p = end
        end = NULL
        if CYP_LIKELY(p <= e.out.lim):
            if Py_TYPE(value) == &PyUnicode_Type:
                end = (<put_any>cyp_apart(<void *>put_any_str))(e, p, value)
            else:
                end = put_atom(p, value)
        p = end if end != NULL else put_part(e, p, value)
        if CYP_UNLIKELY(p == NULL):
            break
    return end_pairs(e, p, o, uniq, n, done, cyp_pairs_pos(&pairs), kept, epoch)
