# Where a load begins and ends: one level of the interpreter's recursion around run(), and loads() of a bytes object.


cdef PyObject *run_level(Loading *r, const unsigned char *p) noexcept:
    """run(), as one level of the interpreter's recursion: what it calls may load in its turn.  NULL with an exception.

    p: where to go on, from where opcodes are counted if an error is to say where it is.
    """
    cdef int *under_way = cyp_enter_loading()
    cdef PyObject *made = NULL
    if CYP_LIKELY((<level_status>begin_level)(under_way[0]) == 0):
        r.base = r.p
        r.p = p
        made = (<run_status>run)(r)
        if CYP_UNLIKELY(made == NULL):
            (<where_status>tell_where)(r)
        Py_LeaveRecursiveCall()
    resume_collector(r)
    under_way[0] -= 1
    return made


ctypedef int (*level_status)(int) noexcept
ctypedef int (*where_status)(Loading *) noexcept


cdef inline int begin_level(int under_way) except -1:
    """Enter a level, as so many loads are under way on this thread; on failure it is not entered."""
    if CYP_UNLIKELY(under_way > 1):
        refuse_nesting(under_way)
    if CYP_UNLIKELY(len(forgotten) > MOST_FORGOTTEN):
        drop_forgotten()
    return Py_EnterRecursiveCall(b" while unpickling an object")


cdef int refuse_nesting(int under_way) except -1:
    """A load inside another: there must be room for it."""
    if under_way > MOST_NESTED or cyp_stack_is_low():
        raise RecursionError("maximum recursion depth exceeded while unpickling an object")
    return 0


cdef object run_nested(Loading *r):
    """run_level(), for callers that go on from an exception."""
    cdef PyObject *made = run_level(r, r.p)
    if made == NULL:
        fail()
    return steal(made)


cdef inline const unsigned char *begin_pickle(Loading *r) noexcept:
    """What run() does for PROTO and FRAME of a whole pickle, if that is how it begins; where it goes on."""
    cdef const unsigned char *p = r.p
    cdef uint64_t nbytes
    if r.end - p < 11 or p[0] != OP_PROTO or p[1] > HIGHEST_PROTOCOL or p[2] != OP_FRAME:
        return p
    nbytes = cyp_read_u64(p + 3)
    if nbytes != <uint64_t>(r.end - p - 11) or nbytes >= PATIENCE * OPCODE_BYTES:
        return p
    r.patience -= <int>(nbytes // OPCODE_BYTES)
    r.proto = p[1]
    r.framed = habits.frames
    return p + 11


cdef PyObject *load_bytes(PyObject *data) noexcept:
    """loads() of a bytes object without options; NULL with an exception.

    The caller's reference may go meanwhile: what is loaded may change a functools.partial that has made the call.
    """
    cdef Loading r
    cdef Memo memo
    cdef PyObject *made
    cdef PyObject *error = NULL
    Py_INCREF(data)
    memo_init(&memo)
    loading_init(&r, &memo)
    r.encoding = "ASCII"
    r.errors = "strict"
    r.start = r.p = PyBytes_AS_STRING(data)
    r.end = r.stop = r.start + PyBytes_GET_SIZE(data)
    r.lasting = r.passing = True
    made = run_level(&r, begin_pickle(&r))
    if CYP_UNLIKELY(made == NULL):
        error = cyp_take_error()
    loading_free(&r)
    memo_drop(&memo)
    Py_DECREF(data)
    if CYP_UNLIKELY(error != NULL):
        cyp_restore_error(error)
    return made
