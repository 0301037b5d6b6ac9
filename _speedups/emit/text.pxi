# str, bytes, bytearray and PickleBuffer.

cdef int save_str(Emission *e, PyObject *o) except -1:
    """Source: _pickle.c save_unicode."""
    if PyUnicode_IS_COMPACT_ASCII(o):
        put_text(e, <const unsigned char *>PyUnicode_DATA(o), PyUnicode_GET_LENGTH(o), o)
        return ensure(&e.out)
    return save_str_wide(e, o)


cdef int put_text(Emission *e, const unsigned char *data, Py_ssize_t nbytes, PyObject *o) except -1:
    """nbytes of UTF-8, the text of o, with the opcode that fits."""
    if e.proto >= 4:
        return put_payload(e, OP_SHORT_BINUNICODE, OP_BINUNICODE, OP_BINUNICODE8, data, nbytes, o, False)
    check_four_gigabytes(e, nbytes, "serializing a string larger than 4 GiB requires pickle protocol 4 or higher")
    return put_payload(e, 0, OP_BINUNICODE, OP_BINUNICODE8, data, nbytes, o, False)


cdef int check_four_gigabytes(Emission *e, Py_ssize_t nbytes, str message) except -1:
    if <unsigned long long>nbytes > 0xFFFFFFFF:
        refuse(e, OverflowError, message)
    return 0


cdef int save_str_wide(Emission *e, PyObject *o) except -1:
    """Non-ASCII text, encoded straight into the buffer: the object is left without a cached UTF-8 copy.

    Lone surrogates take three bytes each, as by the error handler "surrogatepass".
    """
    cdef int kind
    cdef void *data
    cdef Py_ssize_t ncodepoints, nbytes
    cdef unsigned char *start
    cdef unsigned char *end
    cdef object encoded
    cyp_unicode_ready(o)
    kind = PyUnicode_KIND(o)
    data = PyUnicode_DATA(o)
    ncodepoints = PyUnicode_GET_LENGTH(o)
    if ncodepoints < FRAME_TARGET // 4:
        # The length comes first, and is known last.
        reserve(&e.out, 4 * ncodepoints + 9)
        start = e.out.p
        end = utf8_encode(start + 5, kind, data, ncodepoints)
        nbytes = end - start - 5
        if nbytes <= 0xFF and e.proto >= 4:
            memmove(start + 2, start + 5, nbytes)
            put_op_u8(&e.out, OP_SHORT_BINUNICODE, <unsigned int>nbytes)
        else:
            put_op_u32(&e.out, OP_BINUNICODE, <unsigned int>nbytes)
        e.out.p += nbytes
        return ensure(&e.out)
    encoded = own(PyBytes_FromStringAndSize(NULL, utf8_size(kind, data, ncodepoints)))
    utf8_encode(PyBytes_AS_STRING(<PyObject *>encoded), kind, data, ncodepoints)
    put_text(e, PyBytes_AS_STRING(<PyObject *>encoded), len(<bytes>encoded), o)
    return ensure(&e.out)


cdef Py_ssize_t utf8_size(int kind, void *data, Py_ssize_t ncodepoints) noexcept:
    """Bytes that utf8_encode will write."""
    cdef Py_ssize_t nbytes = ncodepoints
    cdef Py_ssize_t i
    cdef uint32_t c
    for i in range(ncodepoints):
        c = PyUnicode_READ(kind, data, i)
        nbytes += (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)
    return nbytes


cdef unsigned char *utf8_encode(unsigned char *p, int kind, void *data, Py_ssize_t ncodepoints) noexcept:
    """Write the code points, surrogates like any other; returns the end."""
    cdef Py_ssize_t i
    if kind == 1:
        return utf8_latin1(p, <const unsigned char *>data, ncodepoints)
    if kind == 2:
        for i in range(ncodepoints):
            p = utf8_point(p, (<const uint16_t *>data)[i])
    else:
        for i in range(ncodepoints):
            p = utf8_point(p, (<const uint32_t *>data)[i])
    return p


cdef inline unsigned char *utf8_latin1(unsigned char *p, const unsigned char *data, Py_ssize_t ncodepoints) noexcept:
    """Code points below 256, chosen without a branch.  Writes one byte more than it returns."""
    cdef Py_ssize_t i
    cdef uint32_t c, wide
    for i in range(ncodepoints):
        c = data[i]
        wide = c >> 7
        p[0] = <unsigned char>((0xC0 | c >> 6) if wide else c)
        p[1] = <unsigned char>(0x80 | (c & 0x3F))
        p += 1 + wide
    return p


cdef inline unsigned char *utf8_point(unsigned char *p, uint32_t c) noexcept:
    if c < 0x80:
        p[0] = <unsigned char>c
        return p + 1
    if c < 0x800:
        p[0] = <unsigned char>(0xC0 | c >> 6)
        p[1] = <unsigned char>(0x80 | (c & 0x3F))
        return p + 2
    if c < 0x10000:
        p[0] = <unsigned char>(0xE0 | c >> 12)
        p[1] = <unsigned char>(0x80 | (c >> 6 & 0x3F))
        p[2] = <unsigned char>(0x80 | (c & 0x3F))
        return p + 3
    p[0] = <unsigned char>(0xF0 | c >> 18)
    p[1] = <unsigned char>(0x80 | (c >> 12 & 0x3F))
    p[2] = <unsigned char>(0x80 | (c >> 6 & 0x3F))
    p[3] = <unsigned char>(0x80 | (c & 0x3F))
    return p + 4


cdef int save_str_text(Emission *e, PyObject *o) except -1:
    """UNICODE of protocol 0: raw-unicode-escape, with backslash, NUL, CR, LF and ^Z escaped too."""
    cdef list parts
    cdef bytes data
    cdef Py_UCS4 c
    before_user_code(e)  # a list is a tracked object
    parts = []
    for c in <str>o:
        if c >= 0x10000:
            parts.append("\\U%08x" % <uint32_t>c)
        elif c >= 0x100 or c in u"\\\0\n\r\x1a":
            parts.append("\\u%04x" % <uint32_t>c)
        else:
            parts.append(chr(c))
    data = "".join(parts).encode("latin-1")
    ensure(&e.out)
    put_op(&e.out, OP_UNICODE)
    put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>data), len(data))
    put_op(&e.out, c"\n")
    return ensure(&e.out)


cdef int save_bytes(Emission *e, PyObject *o) except -1:
    """Protocol 3 or higher."""
    put_bytes(e, PyBytes_AS_STRING(o), PyBytes_GET_SIZE(o), o)
    return ensure(&e.out)


cdef int put_bytes(Emission *e, const unsigned char *data, Py_ssize_t nbytes, PyObject *o) except -1:
    if e.proto < 4:
        check_four_gigabytes(e, nbytes, "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher")
    return put_payload(e, OP_SHORT_BINBYTES, OP_BINBYTES, OP_BINBYTES8, data, nbytes, o, True)


cdef int save_bytearray(Emission *e, PyObject *o, bint uniq) except -1:
    """Protocol 5.  The buffer is exported for the call: write() may run code that resizes it."""
    cdef Py_buffer view
    PyObject_GetBuffer(<object>o, &view, PyBUF_SIMPLE)
    try:
        put_payload(e, 0, 0, OP_BYTEARRAY8, <const unsigned char *>view.buf, view.len, o, True)
        ensure(&e.out)
        memoize(e, o, uniq)
    finally:
        PyBuffer_Release(&view)
    return 0


cdef int put_buffer(Emission *e, Py_buffer *view, PyObject *o, bint uniq) except -1:
    """The contents of a PickleBuffer in-band."""
    if view.readonly:
        put_bytes(e, <const unsigned char *>view.buf, view.len, o)
    else:
        put_payload(e, 0, 0, OP_BYTEARRAY8, <const unsigned char *>view.buf, view.len, o, True)
    ensure(&e.out)
    return memoize(e, o, uniq)


cdef int save_picklebuffer(Emission *e, PyObject *o, bint uniq) except -1:
    """In-band as bytes or bytearray, out-of-band if buffer_callback returns a false value.  Source: PEP 574."""
    cdef Py_buffer view
    cdef const Py_buffer *shared
    cdef bint in_band = True
    cdef object held = <object>o
    if e.proto < 5:
        before_user_code(e)
        refusals().refuse(held, e.proto)
    if e.buffer_callback == NULL and e.write == NULL and not cyp_is_free_threaded():
        # Nothing can release it meanwhile.
        shared = PyPickleBuffer_GetBuffer(o)
        if shared.suboffsets == NULL and PyBuffer_IsContiguous(<Py_buffer *>shared, c"A"):
            return put_buffer(e, <Py_buffer *>shared, o, uniq)
    PyObject_GetBuffer(<object>o, &view, PyBUF_FULL_RO)
    try:
        if view.suboffsets != NULL or not PyBuffer_IsContiguous(&view, c"A"):
            before_user_code(e)
            refusals().refuse(held, e.proto)
        if e.buffer_callback != NULL:
            before_user_code(e)
            in_band = bool((<object>e.buffer_callback)(held))
            e.odd |= ODD_LATE
        if in_band:
            put_buffer(e, &view, o, uniq)
        else:
            e.odd &= ~ODD_LATE
            ensure(&e.out)
            put_op(&e.out, OP_NEXT_BUFFER)
            if view.readonly:
                put_op(&e.out, OP_READONLY_BUFFER)
    finally:
        PyBuffer_Release(&view)
    return 0
