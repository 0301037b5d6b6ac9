# save() and what it finds without parts.  Source: pickle._Pickler.save and the methods of these names.

cdef int save(Surface s, object pickler, object obj) except -1:
    """What `self.save(obj)` does: the subclass's method, where it has one that may do anything for such an object."""
    cdef Route route = route_of(s, type(obj))
    if route.like_base:
        if not ATOM_NONE <= route.kind <= LEAF_BYTES and (
            s.depth >= MOST_LEVELS or s.by_interpreter or cyp_stack_gets_low()
        ):
            return save_deep(s, pickler, obj)
        return save_base(s, pickler, obj, route, True)
    s.framer.sync()
    pickler.save(obj)
    return s.refresh(pickler)


cdef int call_out(Surface s, object pickler, object function, object obj) except -1:
    """function(pickler, obj), which finds the file as it has to be."""
    s.framer.sync()
    function(pickler, obj)
    return s.refresh(pickler)


# ---- one object

def asks_about_the_id():
    """Whether persistent_id() is asked about a persistent id, too, as before a patch release of 3.13."""
    asked = []

    class Asked(PurePickler):
        def persistent_id(self, obj):
            asked.append(obj)
            return "id" if obj is None else None

    Asked(BytesIO(), 2).dump(None)
    return len(asked) > 1


cdef bint asks_about_ids = asks_about_the_id()


cdef int save_base(Surface s, object pickler, object obj, Route route, bint save_persistent_id) except -1:
    """pickle._Pickler.save."""
    cdef object pid, reduced
    cdef Py_ssize_t index
    if s.framer.framing and s.framer.payload() >= FRAME_TARGET:
        s.framer.commit()
    if s.persistent and (save_persistent_id or asks_about_ids):
        s.framer.sync()
        pid = pickler.persistent_id(obj)
        s.refresh(pickler)
        if pid is not None and save_persistent_id:
            pickler.save_pers(pid)
            return s.refresh(pickler)
        route = route_of(s, type(obj))
    if ATOM_NONE <= route.kind <= ATOM_FLOAT and s.override is UNSET and save_atom(s, obj, route.kind):
        return 0
    index = s.memo.find(obj)
    if index >= 0:
        return put_get(s, pickler, index)
    if s.override is not UNSET:
        s.framer.sync()
        reduced = s.override(obj)
        s.refresh(pickler)
        if reduced is not NotImplemented:
            return save_reduced(s, pickler, obj, reduced)
        route = route_of(s, type(obj))
    if route.kind == LEAF_STR:
        if save_text(s, obj):
            return memoize_by(s, pickler, obj, route)
    elif route.kind == LEAF_BYTES:
        if save_short_bytes(s, obj):
            return memoize_by(s, pickler, obj, route)
    elif route.kind >= NODE_DICT and not (route.excepts and is_excepted(s, obj)):
        return save_container(s, pickler, obj, route)
    if route.handler is None:
        return save_by_reducer(s, pickler, obj, type(obj), route)
    return call_out(s, pickler, route.handler, obj)


cdef bint save_atom(Surface s, object obj, int kind) except -1:
    """Write None, a bool, a float or an int of at most 64 bits; False for others."""
    cdef OutBuf *out = &s.framer.out
    cdef int fits = 0
    cdef int64_t value
    cdef unsigned int nbytes
    ensure(out)
    if kind == ATOM_FLOAT:
        out.p[0] = OP_BINFLOAT
        cyp_write_double_be(out.p + 1, PyFloat_AS_DOUBLE(<PyObject *>obj))
        out.p += 9
    elif kind == ATOM_NONE:
        put_op(out, OP_NONE)
    elif kind == ATOM_BOOL:
        put_op(out, OP_NEWTRUE if obj is True else OP_NEWFALSE)
    else:
        value = cyp_int_as_i64(<PyObject *>obj, &fits)
        if not fits:
            return False
        if 0 <= value <= 0xFF:
            put_op_u8(out, OP_BININT1, <unsigned int>value)
        elif 0 <= value <= 0xFFFF:
            put_op_u8(out, OP_BININT2, <unsigned int>(value & 0xFF))
            put_op(out, <unsigned char>(value >> 8))
        elif -0x80000000 <= value <= 0x7FFFFFFF:
            put_op_u32(out, OP_BININT, <uint32_t>value)
        else:
            nbytes = cyp_signed_bytes(value)
            put_op_u8(out, OP_LONG1, nbytes)
            cyp_write_u64(out.p, <unsigned long long>value)
            out.p += nbytes
    return True


cdef bint save_text(Surface s, object obj) except -1:
    """Write an ASCII str below the size of a frame; False for others."""
    cdef Py_ssize_t nbytes
    cdef OutBuf *out = &s.framer.out
    if not PyUnicode_IS_COMPACT_ASCII(<PyObject *>obj):
        return False
    nbytes = PyUnicode_GET_LENGTH(<PyObject *>obj)
    if nbytes >= FRAME_TARGET:
        return False
    ensure(out)
    if nbytes <= 0xFF and s.proto >= 4:
        put_op_u8(out, OP_SHORT_BINUNICODE, <unsigned int>nbytes)
    else:
        put_op_u32(out, OP_BINUNICODE, <unsigned int>nbytes)
    put_raw(out, <const unsigned char *>PyUnicode_DATA(<PyObject *>obj), nbytes)
    return True


cdef bint save_short_bytes(Surface s, object obj) except -1:
    """Write bytes below the size of a frame, in a protocol that has them (from 3 on); False for others."""
    cdef Py_ssize_t nbytes = PyBytes_GET_SIZE(<PyObject *>obj)
    cdef OutBuf *out = &s.framer.out
    if nbytes >= FRAME_TARGET:
        return False
    ensure(out)
    if nbytes <= 0xFF:
        put_op_u8(out, OP_SHORT_BINBYTES, <unsigned int>nbytes)
    else:
        put_op_u32(out, OP_BINBYTES, <unsigned int>nbytes)
    put_raw(out, PyBytes_AS_STRING(<PyObject *>obj), nbytes)
    return True


# ---- the memo

cdef int put_get(Surface s, object pickler, Py_ssize_t index) except -1:
    """BINGET or LONG_BINGET."""
    if index > 0xFFFFFFFF:
        PurePickler.get(pickler, index)  # which refuses it
    ensure(&s.framer.out)
    if index < 256:
        put_op_u8(&s.framer.out, OP_BINGET, <unsigned int>index)
    else:
        put_op_u32(&s.framer.out, OP_LONG_BINGET, <unsigned int>index)
    return 0


cdef int memoize(Surface s, object pickler, object obj) except -1:
    """What `self.memoize(obj)` does."""
    return memoize_by(s, pickler, obj, route_of(s, type(obj)))


cdef inline int memoize_by(Surface s, object pickler, object obj, Route route) except -1:
    if route.memoizing == MEMOIZE_CALL:
        s.framer.sync()
        pickler.memoize(obj)
        return s.refresh(pickler)
    return 0 if route.memoizing == MEMOIZE_NOT else memoize_base(s, pickler, obj)


cdef int memoize_base(Surface s, object pickler, object obj) except -1:
    """pickle._Pickler.memoize."""
    cdef Py_ssize_t index
    cdef OutBuf *out = &s.framer.out
    if s.fast:
        return 0
    if s.memo.find(obj) >= 0:
        raise AssertionError
    index = s.memo.size()
    ensure(out)
    if s.proto >= 4:
        put_op(out, OP_MEMOIZE)
    elif index < 256:
        put_op_u8(out, OP_BINPUT, <unsigned int>index)
    elif index <= 0xFFFFFFFF:
        put_op_u32(out, OP_LONG_BINPUT, <unsigned int>index)
    else:
        PurePickler.put(pickler, index)  # which refuses it
    return s.memo.add(obj)


# ---- reduce values

cdef tuple shadowing = (
    "__reduce_ex__", "__reduce__", "__getstate__", "__getnewargs__", "__getnewargs_ex__", "__class__",
)


cdef object plain_state(object obj, object cls, Route route):
    """The dictionary of an instance whose reduce value is its class and that; UNSET where it has to be asked."""
    cdef object state
    if not route.plain or route.tag == 0 or route.tag != cyp_type_tag(<PyTypeObject *>cls):
        return UNSET
    try:
        state = own(PyObject_GenericGetDict(<PyObject *>obj, NULL))
    except AttributeError:
        return UNSET
    if type(state) is not dict:
        return UNSET
    for name in shadowing:
        if name in state:
            return UNSET
    return state or None


cdef int learn(Route route, object obj, object cls, object reduced) except -1:
    """Find out from the first instance of a type whether the others have to be asked."""
    cdef unsigned int tag = cyp_type_tag(<PyTypeObject *>cls)
    if route.asked and route.tag == tag:
        return 0
    route.asked = True
    route.tag = tag
    route.plain = (
        cyp_default_getattr(<PyTypeObject *>cls) and _reduce.plan_kind(cls, obj, reduced, 0) == "attributes"
        and type(reduced) is tuple and reduced[:2] == (copyreg_newobj, (cls,)) and reduced[3:] == (None, None)
        and hasattr(obj, "__dict__")
    )
    return 0


cdef int save_by_reducer(Surface s, object pickler, object obj, object cls, Route route) except -1:
    """The rest of pickle._Pickler.save, for a type that the dispatch does not know."""
    cdef object reducer = s.table.get(cls)
    cdef object reduced, state
    if reducer is None and s.own_reduce:
        state = plain_state(obj, cls, route)
        if state is not UNSET:
            return save_plain(s, pickler, obj, cls, state)
    if reducer is None and issubclass(cls, type):
        s.framer.sync()
        pickler.save_global(obj)
        return s.refresh(pickler)
    s.framer.sync()
    if reducer is not None:
        reduced = reducer(obj)
    else:
        reducer = getattr(obj, "__reduce_ex__", None)
        if reducer is None:
            # Without it there is nothing frequent: the pure method words the error, too.
            PurePickler.save(pickler, obj)
            return s.refresh(pickler)
        reduced = reducer(s.proto)
        if s.own_reduce:
            learn(route, obj, cls, reduced)
    s.refresh(pickler)
    return save_reduced(s, pickler, obj, reduced)


cdef int save_reduced(Surface s, object pickler, object obj, object reduced) except -1:
    """What pickle._Pickler.save does with a reduce value."""
    cdef Py_ssize_t n
    if isinstance(reduced, str):
        s.framer.sync()
        pickler.save_global(obj, reduced)
        return s.refresh(pickler)
    n = len(reduced) if isinstance(reduced, tuple) else 0
    if n < 2 or n > 6:
        # Malformed: the pure method asks again, and words the error.
        PurePickler.save(pickler, obj)
        return s.refresh(pickler)
    if s.own_reduce and save_parts(s, pickler, reduced, obj):
        return 0
    s.framer.sync()
    pickler.save_reduce(*reduced, obj=obj)
    return s.refresh(pickler)


cdef bint save_parts(Surface s, object pickler, tuple reduced, object obj) except -1:
    """pickle._Pickler.save_reduce for the frequent shapes; False, with nothing written, for others."""
    cdef Py_ssize_t n = len(reduced)
    cdef object func = reduced[0], args = reduced[1], name
    cdef object state = reduced[2] if n > 2 else None
    cdef object items = reduced[3] if n > 3 else None
    cdef object pairs = reduced[4] if n > 4 else None
    cdef bint newobj
    if type(args) is not tuple or not callable(func) or (n > 5 and reduced[5] is not None):
        return False
    if (items is not None and not s.own_appends) or (pairs is not None and not s.own_setitems):
        return False
    name = getattr(func, "__name__", "")
    if name == "__newobj_ex__":
        return False
    newobj = name == "__newobj__"
    if newobj and (len(<tuple>args) == 0 or not hasattr(args[0], "__new__")
                   or (obj is not None and args[0] is not obj.__class__)):
        return False
    enter_level(s)
    try:
        save_creation(s, pickler, func, args, newobj, obj)
        if items is not None:
            batch_appends(s, pickler, items, obj)
        if pairs is not None:
            batch_setitems(s, pickler, pairs, obj)
        if state is not None:
            save_state(s, pickler, state, obj)
    finally:
        leave_level(s)
    return True


cdef int save_plain(Surface s, object pickler, object obj, object cls, object state) except -1:
    """save_parts for an instance of whose reduce value the state is all that is not known."""
    enter_level(s)
    try:
        save_creation(s, pickler, copyreg_newobj, (cls,), True, obj)
        if state is not None:
            save_state(s, pickler, state, obj)
    finally:
        leave_level(s)
    return 0


cdef int save_state(Surface s, object pickler, object state, object obj) except -1:
    try:
        save(s, pickler, state)
    except BaseException as error:
        note(error, obj, "state")
        raise
    return put_opcode(s, OP_BUILD)


cdef int save_creation(Surface s, object pickler, object func, tuple args, bint newobj, object obj) except -1:
    """The part of a reduce value that makes the object."""
    cdef Py_ssize_t index
    cdef str part = "class" if newobj else "reconstructor"
    try:
        save(s, pickler, args[0] if newobj else func)
        part = "__new__ arguments" if newobj else "reconstructor arguments"
        save(s, pickler, args[1:] if newobj else args)
    except BaseException as error:
        note(error, obj, part)
        raise
    put_opcode(s, OP_NEWOBJ if newobj else OP_REDUCE)
    if obj is not None:
        index = s.memo.find(obj)
        if index < 0:
            return memoize(s, pickler, obj)
        put_opcode(s, OP_POP)
        put_get(s, pickler, index)
    return 0


cdef int note(object error, object obj, str part) except -1:
    """Where in the graph it happened, as CPython 3.14 words it."""
    if cyp_pure_error_notes():
        _reduce.note_part(error, obj, part)
    return 0


cdef inline int put_opcode(Surface s, unsigned char op) except -1:
    ensure(&s.framer.out)
    put_op(&s.framer.out, op)
    return 0
