# The entry points dumps() and dump(), and what they share with the Emitter that Pickler is made of.

DEFAULT_PROTOCOL = cyp_default_protocol()
globals()["HIGHEST_PROTOCOL"] = HIGHEST_PROTOCOL

cdef uint64_t epochs = 0
cdef bint general_way = False


@cython.binding(False)
def take_general_way(bint on):
    """Turn every short cut of dumps off, or on again: for tests, which compare the two ways.

    Off are plans, runs of leaves, objects without a level, the C stack for levels, and the log without the table for
    objects that nobody can meet again.
    """
    global general_way
    general_way = on


cdef inline uint64_t next_epoch() noexcept:
    """A number that no dump has seen: for Emission.epoch and Memo.generation."""
    return cyp_count(&epochs)


cdef inline object own(PyObject *o):
    """The object of a new reference."""
    cdef object result = <object>o
    Py_DECREF(o)
    return result


cdef inline PyObject *new_ref(PyObject *o) noexcept:
    """A new reference to a borrowed object."""
    Py_INCREF(o)
    return o


cdef inline PyObject *or_null(object o) noexcept:
    """Borrowed, NULL for None."""
    return NULL if o is None else <PyObject *>o


cdef int protocol_number(object protocol) except -1:
    """0 to HIGHEST_PROTOCOL.  Source: _pickle.c _Pickler_SetProtocol."""
    cdef long number
    cdef int64_t usual
    cdef int fits = 0
    if Py_TYPE(<PyObject *>protocol) == &PyLong_Type:
        usual = cyp_int_as_i64(<PyObject *>protocol, &fits)
        if CYP_LIKELY(fits and 0 <= usual <= HIGHEST_PROTOCOL):
            return <int>usual
    if protocol is None:
        return cyp_default_protocol()
    number = PyLong_AsLong(protocol)
    if number < 0:
        return HIGHEST_PROTOCOL
    if number > HIGHEST_PROTOCOL:
        raise ValueError("pickle protocol must be <= %d" % HIGHEST_PROTOCOL)
    return <int>number


cdef inline void emission_init(Emission *e, Memo *memo, int proto, bint fix_imports, object buffer_callback) noexcept:
    out_init(&e.out)
    e.memo = memo
    e.proto = proto
    e.bin = proto > 0
    e.fix_imports = fix_imports and proto < 3
    e.odd = 0 if proto >= 4 else ODD_PROTOCOL
    e.guard = False
    e.held = NULL
    e.moved = False
    e.shared_open = 0
    e.n_open_tuples = 0
    e.again = OPEN_TUPLES
    e.status = 0
    e.depth = 0
    e.under_way = cyp_enter_emission()
    e.recurse = NESTED_LEVELS if e.under_way[0] > 1 else RECURSE_LEVELS
    e.max_depth = RECURSE_LEVELS
    e.epoch = next_epoch()
    e.interrupted = False
    e.write = NULL
    e.persistent_id = NULL
    e.reducer_override = NULL
    e.override_types = NULL
    e.dispatch_table = NULL
    e.buffer_callback = or_null(buffer_callback)
    e.pid = NULL
    e.skip_persistent = False
    e.fast_nesting = 0
    e.fast_seen = NULL
    e.key_generation = 0
    if cyp_is_free_threaded():
        e.odd |= ODD_GENERAL  # whatever has no reference of ours, another thread may free
        e.shared_open = 1
    if CYP_UNLIKELY(general_way):
        e.odd |= ODD_GENERAL
        e.shared_open = 1  # nothing looks unique
        e.recurse = 0


cdef int emit(Emission *e, object obj) except -1:
    """PROTO, the object, STOP.  Source: _pickle.c dump."""
    cdef bint uniq = False
    e.out.never = (e.odd & (ODD_PERSISTENT | ODD_PROTOCOL)) != 0
    if e.proto >= 2:
        put_op_u8(&e.out, OP_PROTO, e.proto)
    if e.proto >= 4:
        open_frame(&e.out)
    else:
        set_lim(&e.out)
    if e.under_way[0] > 1 and (e.under_way[0] > MOST_NESTED or cyp_stack_is_low()):
        raise RecursionError("maximum recursion depth exceeded while pickling an object")
    Py_EnterRecursiveCall(b" while pickling an object")
    # The caller holds the root, so it never looks unique: its own reference is not counted in the graph.
    Py_INCREF(<PyObject *>obj)
    try:
        if CYP_LIKELY(e.odd == 0):
            ended(e, put_value(e, e.out.p, <PyObject *>obj))
        elif save_leaf(e, <PyObject *>obj, &uniq) == NOT_LEAF:
            save_node(e, <PyObject *>obj, False)
        if CYP_UNLIKELY(e.interrupted):
            answer_interrupt(e)
    finally:
        Py_DECREF(<PyObject *>obj)
        Py_LeaveRecursiveCall()
    ensure(&e.out)
    put_op(&e.out, OP_STOP)
    close_frame(&e.out)
    return 0


cdef int emission_free(Emission *e) except -1:
    """Undo emission_init: release what the dump held, but for its memo."""
    e.under_way[0] -= 1
    if CYP_UNLIKELY(e.interrupted):
        PyErr_SetInterrupt()  # an error came first: the handler runs when that is on its way
    out_free(&e.out)
    release(e, &e.held)
    release(e, &e.pid)
    release(e, &e.fast_seen)
    return 0


# dump and dumps do not bind as methods where a class has them as attributes, like those of _pickle.

@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def dumps(obj, protocol=None, *, fix_imports=True, buffer_callback=None):
    """Return the pickled representation of obj as a bytes object.

    Args:
        obj: any picklable object.
        protocol: 0 to HIGHEST_PROTOCOL; None for DEFAULT_PROTOCOL, negative for the highest.
        fix_imports: below protocol 3, write module names as Python 2 knows them.
        buffer_callback: called with each PickleBuffer; a false result keeps it out of the stream (PEP 574).

    Raises:
        PicklingError, or what the running version raises, where obj cannot be pickled.
        RecursionError: nesting beyond the limit in force.
        ValueError: no such protocol, or buffer_callback below protocol 5.

    Source: pickle.dumps.
    """
    cdef Emission e
    cdef Memo memo
    cdef int proto = protocol_number(protocol)
    if buffer_callback is not None and proto < 5:
        raise ValueError("buffer_callback needs protocol >= 5")
    memo_init(&memo, next_epoch())
    emission_init(&e, &memo, proto, fix_imports, buffer_callback)
    try:
        emit(&e, obj)
        return own(out_take(&e.out))
    finally:
        emission_free(&e)
        memo_free(&memo)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def dump(obj, file, protocol=None, *, fix_imports=True, buffer_callback=None):
    """Write the pickled representation of obj to the open file: `Pickler(file, ...).dump(obj)`.

    Arguments and errors are those of Pickler and its dump().  Source: pickle.dump.
    """
    cdef Emission e
    cdef Memo memo
    cdef int proto = 0
    cdef object write = check_arguments(file, protocol, buffer_callback, &proto)
    memo_init(&memo, next_epoch())
    emission_init(&e, &memo, proto, fix_imports, buffer_callback)
    e.write = <PyObject *>write
    e.guard = True
    try:
        emit(&e, obj)
        flush(&e)
    finally:
        emission_free(&e)
        memo_free(&memo)
