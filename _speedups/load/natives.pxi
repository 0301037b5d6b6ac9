# Types of the standard library whose instances are made without calling them.
#
# Everything here is for the usual arguments only: where they are not, the answer is NULL, and the type is called.

cdef enum:
    NATIVE_DATE = 1      # up to NATIVE_TIMEDELTA as cyp_temporal_which() counts, from 1 on
    NATIVE_DATETIME = 2
    NATIVE_TIME = 3
    NATIVE_TIMEDELTA = 4
    NATIVE_COMPLEX = 5
    NATIVE_SLICE = 6
    NATIVE_RANGE = 7
    NATIVE_DECIMAL = 8
    NATIVE_FRACTION = 9  # by fill_fraction()
    NATIVE_COUNTER = 10  # by fill_known()


cdef int native_of(PyTypeObject *tp) noexcept:
    """NATIVE_*, 0 for any other class; -1: there was no memory to find out."""
    cdef int which = cyp_temporal_which(tp)
    if which >= 0:
        return which + 1
    if tp == &PyComplex_Type:
        return NATIVE_COMPLEX
    if tp == &PySlice_Type:
        return NATIVE_SLICE
    which = cyp_knows_range() if tp == &PyRange_Type else cyp_knows_decimal(tp)
    if which <= 0:
        return which
    return NATIVE_RANGE if tp == &PyRange_Type else NATIVE_DECIMAL


cdef inline bint is_temporal(int native) noexcept:
    return NATIVE_DATE <= native <= NATIVE_TIME


cdef PyObject *native_call(PyTypeObject *tp, int native, PyObject **items, Py_ssize_t n) except? NULL:
    """tp(*items), new; NULL, without an exception, if these are not the usual arguments."""
    if native == NATIVE_TIMEDELTA:
        return cyp_timedelta_new(items, n)
    if native == NATIVE_COMPLEX:
        if n == 2 and Py_TYPE(items[0]) == &PyFloat_Type and Py_TYPE(items[1]) == &PyFloat_Type:
            return PyComplex_FromDoubles(PyFloat_AS_DOUBLE(items[0]), PyFloat_AS_DOUBLE(items[1]))
    elif native == NATIVE_RANGE:
        return cyp_range_new(items, n)
    elif native == NATIVE_DECIMAL:
        if n == 1 and Py_TYPE(items[0]) == &PyUnicode_Type and PyUnicode_IS_COMPACT_ASCII(items[0]):
            return cyp_decimal_make(tp, <const unsigned char *>PyUnicode_DATA(items[0]), PyUnicode_GET_LENGTH(items[0]))
    elif native == NATIVE_FRACTION:
        return new_fraction(tp, items, n)
    elif native == NATIVE_COUNTER:
        return new_counter(tp, items, n)
    elif native == NATIVE_SLICE:
        if n == 3:
            return PySlice_New(items[0], items[1], items[2])
    elif (n == 1 or n == 2) and Py_TYPE(items[0]) == &PyBytes_Type:
        return cyp_temporal_new(native - 1, PyBytes_AS_STRING(items[0]), PyBytes_GET_SIZE(items[0]),
                                items[1] if n == 2 else NULL)
    return NULL


cdef PyObject *new_counter(PyTypeObject *tp, PyObject **items, Py_ssize_t n) except? NULL:
    """collections.Counter of a dictionary whose keys need no code of the user's to be stored."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t pos = 0
    cdef PyObject *made
    cdef Plan *plan = plan_of(tp)
    if plan.native != NATIVE_COUNTER or n != 1 or not PyDict_CheckExact(items[0]) or not has_its_code(plan) \
            or cyp_function_code(plan.helper) != plan.helper_code or not cyp_calls_plainly(tp):
        return NULL
    while PyDict_Next(items[0], &pos, &key, &value):
        if not is_plain(key):
            return NULL
    made = cyp_call_new(tp, <PyObject *>no_args, NULL)
    try:
        PyDict_Update(made, items[0])
    except BaseException:
        Py_DECREF(made)
        raise
    return made


cdef PyObject *new_fraction(PyTypeObject *tp, PyObject **items, Py_ssize_t n) except? NULL:
    """fractions.Fraction of two ints in lowest terms."""
    cdef Plan *plan = plan_of(tp)
    cdef PyObject *made
    if plan.native != NATIVE_FRACTION or n != 2 or not has_its_code(plan) or not cyp_calls_plainly(tp) \
            or not cyp_are_lowest_terms(items[0], items[1]):
        return NULL
    made = cyp_object_new(tp, <PyObject *>no_args)
    Py_INCREF(items[0])
    Py_INCREF(items[1])
    cyp_slot_at(made, plan.slots[0])[0] = items[0]
    cyp_slot_at(made, plan.slots[1])[0] = items[1]
    return made


cdef bint load_temporal(Loading *r, int native) except -1:
    """A type of datetime is on top, its state follows: the state, perhaps a tzinfo, TUPLE, REDUCE, each memoised.

    Neither the bytes object nor the tuple is made: both are WRITTEN.  False, and nothing done, if anything is
    unusual.
    """
    cdef const unsigned char *start = r.p
    cdef const unsigned char *p = start + 2
    cdef Py_ssize_t nbytes = start[1]
    cdef Py_ssize_t left = r.end - p - nbytes
    cdef Py_ssize_t i = r.memo.count
    cdef PyObject *tzinfo = NULL
    cdef PyObject *made
    if left < 5 or p[nbytes] != OP_MEMOIZE or not memo_has_room(r.memo, i) or not memo_has_room(r.memo, i + 1):
        return False
    p += nbytes + 1
    left -= 1
    if p[0] == OP_BINGET and left >= 6 and memo_has(r.memo, p[1]):
        tzinfo = r.memo.slots[p[1]]
        p += 2
    if p[0] != (OP_TUPLE1 if tzinfo == NULL else OP_TUPLE2) or p[1] != OP_MEMOIZE or p[2] != OP_REDUCE:
        return False
    made = cyp_temporal_new(native - 1, start + 2, nbytes, tzinfo)
    if made == NULL:
        return False
    r.memo.slots[i] = <PyObject *>(<size_t>(start - r.start) << TAG_BITS | TAG_WRITTEN_BYTES)
    r.memo.slots[i + 1] = <PyObject *>(<size_t>(start - r.start) << TAG_BITS | TAG_WRITTEN)
    r.memo.count = i + 2
    r.stack.top -= 1
    Py_DECREF(r.stack.top[0])
    r.stack.top[0] = made
    r.stack.top += 1
    r.p = p + 3
    if left > 8 and p[3] == OP_MEMOIZE and memo_append(r.memo, made):
        r.p += 1
    return True
