# Instances that have their attributes beside them, and no dictionary: what nest_instance writes without asking for names.
#
# The names are those that the type's instances share, by slots.  A slot keeps its name, so once it is known what fetches
# the name from the memo, writing it is one store.

cdef enum:
    NAME_ROOM = 5  # bytes that fetch a name at most


cdef inline uint64_t name_get(Emission *e, Plan *plan, int slot) noexcept:
    """plan.gets[slot], made if the name is in the memo; else 0."""
    cdef Py_ssize_t count = 0, index
    cdef unsigned char text[8]
    cdef unsigned char *end
    if CYP_LIKELY(plan.gets[slot] != 0):
        return plan.gets[slot]
    index = memo_get(e.memo, cyp_shared_name(plan.type, slot, &count))
    if index < 0:
        return 0
    cyp_write_u64(text, 0)
    end = put_get_at(text, index)
    plan.gets[slot] = cyp_read_u64(text) | <uint64_t>(end - text) << 56
    return plan.gets[slot]


cdef inline int put_instance(Emission *e, PyObject *o, bint uniq, Plan *plan, CypValues *values) except -1:
    """nest_instance for one of these whose class is in the memo."""
    cdef Memo *m = e.memo
    cdef Py_ssize_t n = cyp_values_size(values), i = 0, state
    cdef unsigned char *p = put_class(e, o, plan)
    cdef unsigned char *end
    cdef PyObject *value = NULL
    cdef uint64_t get
    cdef int slot
    if CYP_UNLIKELY(n == 0 or p == NULL or m.n_alias or plan.generation != m.generation or not put_memo(e, o, uniq)):
        return GO
    state = m.n
    m.log[state] = <PyObject *>(<size_t>o | 1)
    m.n = state + 1
    cyp_write_u64(p, <uint64_t>OP_EMPTY_TUPLE | <uint64_t>OP_NEWOBJ << 8 | <uint64_t>OP_MEMOIZE << 16
                  | <uint64_t>OP_EMPTY_DICT << 24 | <uint64_t>OP_MEMOIZE << 32 | <uint64_t>OP_MARK << 40)
    p += 5 + (n > 1)
    e.depth += 1
    while i < n and p <= e.out.lim - NAME_ROOM:
        slot = cyp_values_slot(values, i)
        get = name_get(e, plan, slot)
        if CYP_UNLIKELY(get == 0):
            break
        cyp_write_u64(p, get)
        p += get >> 56
        value = cyp_values_at(values, slot)
        end = put_leaf(e, p, value)
        if CYP_UNLIKELY(end == NULL):
            break
        p = end
        value = NULL
        i += 1
    e.depth -= 1
    e.out.p = p
    if CYP_LIKELY(i == n and p <= e.out.hard):
        p[0] = OP_SETITEMS if n > 1 else OP_SETITEM
        p[1] = OP_BUILD
        e.out.p = p + 2
        return DONE
    return nest_pairs(e, o, o, True, plan, uniq, n, i, value, state)
