# Reduce values that nobody else has, and that are gone once they are written: without a level where that is simple.

cdef bint put_own_call(Emission *e, PyObject *o, PyObject *value) except -1:
    """A call of a class that is in the memo, with frequent leaves.  False: nothing is written.

    value: what the reducer of o has just returned; the caller drops its only reference next.
    """
    cdef Memo *m = e.memo
    cdef PyObject *function
    cdef PyObject *args
    cdef unsigned char *p
    cdef Py_ssize_t index, start, first, n
    if cyp_is_free_threaded() or not can_nest(e) or Py_TYPE(value) != &PyTuple_Type or PyTuple_GET_SIZE(value) != 2:
        return False
    function = PyTuple_GET_ITEM(value, 0)
    args = PyTuple_GET_ITEM(value, 1)
    if Py_TYPE(args) != &PyTuple_Type or not is_unique(e, args) or not is_unique(e, value):
        return False
    n = PyTuple_GET_SIZE(args)
    if not 0 < n <= GATHERED or Py_TYPE(function) != &PyType_Type or cyp_named_newobj(function):
        return False
    index = memo_get(m, function)
    if index < 0 or memo_get(m, o) >= 0 or not has_room(e, 3 * HEAD, n) or e.out.lim - e.out.p < HEAD:
        return False
    start = e.out.p - e.out.buf
    first = m.n
    p = put_get_at(e.out.p, index)
    p[0] = OP_MARK
    e.out.p = p + (n > 3)
    e.depth += 2
    index = put_leaves(e, PySequence_Fast_ITEMS(args), 0, n)
    e.depth -= 2
    if CYP_UNLIKELY(index < n or e.out.p > e.out.hard):
        take_back(e, start, first)
        return False
    p = put_fresh(e, put_op_at(e.out.p, <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE))
    put_call(e, p, o, False)
    before_user_code(e)  # the caller drops what the reduce value alone has kept alive
    return True
