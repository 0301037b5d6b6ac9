# Opcodes that push one plain value: the general way, from any window.  run() has shortcuts for the frequent ones.


cdef inline int32_t signed32(const unsigned char *p) noexcept:
    return <int32_t>cyp_read_u32(p)


cdef Py_ssize_t take_size(Loading *r, int width, str kind) except -1:
    """A length of 1, 4 or 8 bytes; OverflowError where no object can be that long."""
    cdef const unsigned char *p = take(r, width)
    cdef uint64_t size
    if width == 1:
        return p[0]
    size = cyp_read_u32(p) if width == 4 else cyp_read_u64(p)
    if size > <uint64_t>PY_SSIZE_T_MAX:
        raise OverflowError(f"{kind} exceeds system's maximum size of {PY_SSIZE_T_MAX} bytes")
    return <Py_ssize_t>size


cdef int load_int(Loading *r) except -1:
    """INT: decimal text, or 00 and 01 for the booleans."""
    cdef char *line
    cdef char *end
    cdef Py_ssize_t nbytes = take_line(r, &line)
    cdef long value
    cdef PyObject *big
    if nbytes < 2:
        truncated()
    errno.errno = 0
    value = strtol(line, &end, habits.int_base)
    if errno.errno or (end[0] != 10 and end[0] != 0):
        try:
            big = PyLong_FromString(line, NULL, habits.int_base)
        except Exception:
            big = NULL
        if big == NULL:
            raise ValueError("could not convert string to int")
        return push_steal(&r.stack, big)
    if nbytes == 3 and 0 <= value <= 1 and (line[0] == 48 or habits.loose_bools):
        return push_shared(r, Py_True if value else Py_False)
    return push_steal(&r.stack, PyLong_FromLong(value))


cdef int load_long(Loading *r) except -1:
    """LONG: decimal text, the trailing L optional."""
    cdef char *line
    cdef Py_ssize_t nbytes = take_line(r, &line)
    if nbytes < 2:
        truncated()
    if line[nbytes - 2] == 76:
        line[nbytes - 2] = 0
    return push_steal(&r.stack, PyLong_FromString(line, NULL, habits.long_base))


cdef int load_counted_long(Loading *r, int width) except -1:
    """LONG1 and LONG4: little-endian two's complement of a counted number of bytes."""
    cdef const unsigned char *p = take(r, width)
    cdef Py_ssize_t nbytes = p[0] if width == 1 else signed32(p)
    if nbytes < 0:
        raise UnpicklingError("LONG pickle has negative byte count")
    return push_steal(&r.stack, cyp_int_from_le(take(r, nbytes) if nbytes else p, nbytes))


cdef int load_float(Loading *r) except -1:
    """FLOAT: text as repr() writes it."""
    cdef char *line
    cdef char *end
    cdef Py_ssize_t nbytes = take_line(r, &line)
    cdef double value
    if nbytes < 2:
        truncated()
    value = PyOS_string_to_double(line, &end, PyExc_OverflowError)
    if end[0] != 10 and end[0] != 0:
        raise ValueError("could not convert string to float")
    return push_steal(&r.stack, PyFloat_FromDouble(value))


cdef int load_string(Loading *r) except -1:
    """STRING: a quoted Python 2 str literal, decoded as `encoding` says."""
    cdef char *line
    cdef Py_ssize_t nbytes = take_line(r, &line) - 1
    cdef PyObject *plain
    if not (nbytes >= 2 and line[0] == line[nbytes - 1] and (line[0] == 39 or line[0] == 34)):
        raise UnpicklingError("the STRING opcode argument must be quoted")
    plain = PyBytes_DecodeEscape(line + 1, nbytes - 2, NULL, 0, NULL)
    if r.keep_bytes:
        return push_steal(&r.stack, plain)
    try:
        return push_steal(&r.stack, PyUnicode_FromEncodedObject(plain, r.encoding, r.errors))
    finally:
        Py_DECREF(plain)


cdef int load_binstring(Loading *r, int width) except -1:
    """BINSTRING and SHORT_BINSTRING: a Python 2 str."""
    cdef const char *p
    cdef Py_ssize_t nbytes
    if width == 4 and habits.signed_binstring:
        nbytes = signed32(take(r, 4))
        if nbytes < 0:
            raise UnpicklingError("BINSTRING pickle has negative byte count")
    else:
        nbytes = take_size(r, width, "BINSTRING")
    p = <const char *>take(r, nbytes)
    if r.keep_bytes:
        return push_steal(&r.stack, PyBytes_FromStringAndSize(<const unsigned char *>p, nbytes))
    return push_steal(&r.stack, PyUnicode_Decode(p, nbytes, r.encoding, r.errors))


cdef int load_unicode(Loading *r) except -1:
    """UNICODE: a line in raw-unicode-escape."""
    cdef char *line
    cdef Py_ssize_t nbytes = take_line(r, &line)
    return push_steal(&r.stack, PyUnicode_DecodeRawUnicodeEscape(line, nbytes - 1, NULL))


cdef int load_binunicode(Loading *r, int width) except -1:
    """SHORT_BINUNICODE, BINUNICODE, BINUNICODE8: UTF-8, lone surrogates allowed."""
    cdef Py_ssize_t nbytes = take_size(r, width, "BINUNICODE")
    return push_steal(&r.stack, cyp_str_new(take(r, nbytes), nbytes))


cdef inline bint at_end(Loading *r) noexcept:
    """Nothing follows in memory: there even an empty bytes object counts as truncated, in _pickle.c too."""
    return r.host == NULL and r.p == r.stop


cdef int load_binbytes(Loading *r, int width) except -1:
    """SHORT_BINBYTES, BINBYTES, BINBYTES8.  From a file, memory grows with what has arrived."""
    cdef Py_ssize_t size = take_size(r, width, "BINBYTES")
    cdef const unsigned char *p = take_here(r, size)
    cdef Py_ssize_t have = 0
    cdef Py_ssize_t piece
    cdef PyObject *data
    if p != NULL and not (size == 0 and at_end(r)):
        return push_steal(&r.stack, PyBytes_FromStringAndSize(p, size))
    if r.host == NULL and not r.framed:
        truncated()
    piece = min(size, FIRST_PIECE)
    data = PyBytes_FromStringAndSize(NULL, piece)
    try:
        while True:
            if take_into(r, PyBytes_AS_STRING(data) + have, piece, <object>data):
                data = own_copy(data, PyBytes_FromStringAndSize(PyBytes_AS_STRING(data), have + piece))
            have += piece
            if have == size:
                break
            piece = min(have, size - have)
            _PyBytes_Resize(&data, have + piece)
    except BaseException:
        Py_XDECREF(data)
        raise
    return push_steal(&r.stack, data)


cdef int load_bytearray(Loading *r) except -1:
    """BYTEARRAY8."""
    cdef Py_ssize_t size = take_size(r, 8, "BYTEARRAY8")
    cdef const unsigned char *p = take_here(r, size)
    cdef Py_ssize_t have = 0
    cdef Py_ssize_t piece
    cdef PyObject *data
    if p != NULL and not (size == 0 and at_end(r)):
        return push_steal(&r.stack, PyByteArray_FromStringAndSize(p, size))
    if r.host == NULL and not r.framed:
        truncated()
    piece = min(size, FIRST_PIECE)
    data = PyByteArray_FromStringAndSize(NULL, piece)
    try:
        while True:
            if take_into(r, PyByteArray_AS_STRING(data) + have, piece, <object>data):
                data = own_copy(data, PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(data), have + piece))
            have += piece
            if have == size:
                break
            piece = min(have, size - have)
            PyByteArray_Resize(data, have + piece)
    except BaseException:
        Py_DECREF(data)
        raise
    return push_steal(&r.stack, data)


cdef PyObject *own_copy(PyObject *shared, PyObject *copy) noexcept:
    """Exchange an object whose memory a file still sees for its copy."""
    Py_DECREF(shared)
    return copy


cdef int load_next_buffer(Loading *r) except -1:
    """NEXT_BUFFER: the next of the caller's out-of-band buffers."""
    cdef PyObject *buffer
    if r.buffers == NULL:
        raise UnpicklingError(
            "pickle stream refers to out-of-band data but no *buffers* argument was given")
    settle(r)
    buffer = PyIter_Next(r.buffers)
    if buffer == NULL:
        raise UnpicklingError("not enough out-of-band buffers")
    return push_steal(&r.stack, buffer)


cdef int load_readonly_buffer(Loading *r) except -1:
    """READONLY_BUFFER: hide a writable buffer behind a read-only view."""
    cdef PyObject *view
    cdef PyObject *buffer = top_borrowed(r)
    view = PyMemoryView_FromObject(buffer)
    if cyp_is_readonly(view):
        Py_DECREF(view)
    else:
        cyp_set_readonly(view)
        (r.stack.top - 1)[0] = view
        Py_DECREF(buffer)
    return 0


cdef bint load_scalar(Loading *r, unsigned char op) except -1:
    """Execute one of these opcodes, if it is one."""
    if op == OP_NONE: push_shared(r, Py_None)
    elif op == OP_NEWTRUE: push_shared(r, Py_True)
    elif op == OP_NEWFALSE: push_shared(r, Py_False)
    elif op == OP_INT: load_int(r)
    elif op == OP_BININT: push_steal(&r.stack, PyLong_FromLong(signed32(take(r, 4))))
    elif op == OP_BININT1: push_steal(&r.stack, PyLong_FromLong(take(r, 1)[0]))
    elif op == OP_BININT2: push_steal(&r.stack, PyLong_FromLong(cyp_read_u16(take(r, 2))))
    elif op == OP_LONG: load_long(r)
    elif op == OP_LONG1: load_counted_long(r, 1)
    elif op == OP_LONG4: load_counted_long(r, 4)
    elif op == OP_FLOAT: load_float(r)
    elif op == OP_BINFLOAT: push_steal(&r.stack, PyFloat_FromDouble(cyp_read_double_be(take(r, 8))))
    elif op == OP_SHORT_BINBYTES: load_binbytes(r, 1)
    elif op == OP_BINBYTES: load_binbytes(r, 4)
    elif op == OP_BINBYTES8: load_binbytes(r, 8)
    elif op == OP_BYTEARRAY8: load_bytearray(r)
    elif op == OP_NEXT_BUFFER: load_next_buffer(r)
    elif op == OP_READONLY_BUFFER: load_readonly_buffer(r)
    elif op == OP_SHORT_BINSTRING: load_binstring(r, 1)
    elif op == OP_BINSTRING: load_binstring(r, 4)
    elif op == OP_STRING: load_string(r)
    elif op == OP_UNICODE: load_unicode(r)
    elif op == OP_SHORT_BINUNICODE: load_binunicode(r, 1)
    elif op == OP_BINUNICODE: load_binunicode(r, 4)
    elif op == OP_BINUNICODE8: load_binunicode(r, 8)
    else: return False
    return True
