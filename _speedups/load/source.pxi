# Bytes from memory or from a file.  A take_*() that fails has raised; the window may be another one after each.


cdef int truncated() except -1:
    raise UnpicklingError("pickle data was truncated")


cdef int leave_frame(Loading *r, bint anything_left) except -1:
    """The read under way begins at a frame's end: go on behind it.  A read across the end is refused."""
    if anything_left:
        raise UnpicklingError("pickle exhausted before end of frame")
    r.framed = False
    r.end = r.stop
    return 0


cdef const unsigned char *take_far(Loading *r, Py_ssize_t nbytes) except NULL:
    """take() where the window is too short: the frame's end, the file, or the end of the data."""
    cdef const unsigned char *found
    if r.framed:
        leave_frame(r, r.p < r.end)
        found = take_here(r, nbytes)
        if found != NULL:
            return found
    if nbytes > PY_SSIZE_T_MAX - (r.p - r.start):
        raise UnpicklingError("read would overflow (invalid bytecode)")
    if r.host == NULL:
        truncated()
    read_ahead(r, <Machine>r.host, nbytes)
    found = take_here(r, nbytes)
    if found == NULL:
        truncated()
    return found


cdef inline const unsigned char *take(Loading *r, Py_ssize_t nbytes) except NULL:
    """The next nbytes bytes, contiguous; valid until the next take_*()."""
    cdef const unsigned char *found = take_here(r, nbytes)
    if CYP_LIKELY(found != NULL):
        return found
    return take_far(r, nbytes)


cdef int take_opcode(Loading *r, unsigned char *op) except -1:
    """One opcode.  Where the data end, this is EOFError whatever the source says."""
    cdef bint ended = False
    if r.framed:
        leave_frame(r, False)
        if r.p < r.end:
            op[0] = r.p[0]
            r.p += 1
            return 0
    try:
        op[0] = take(r, 1)[0]
    except UnpicklingError:
        ended = True
    if ended:
        raise EOFError("Ran out of input")
    return 0


cdef int copy_line(Loading *r, const unsigned char *line, Py_ssize_t nbytes) except -1:
    """Keep a text line, NUL-terminated, in the load's scratch memory."""
    cdef char *grown
    if nbytes >= r.line_size:
        grown = <char *>PyMem_Realloc(r.line, nbytes + 1)
        if grown == NULL:
            PyErr_NoMemory()
        r.line = grown
        r.line_size = nbytes + 1
    memcpy(r.line, line, nbytes)
    r.line[nbytes] = 0
    return 0


cdef Py_ssize_t take_line(Loading *r, char **line) except -1:
    """Bytes of the next line, newline included; *line is a NUL-terminated copy that lives until the next one."""
    cdef const unsigned char *newline
    cdef Py_ssize_t nbytes
    if r.framed and r.p == r.end:
        leave_frame(r, False)
    newline = <const unsigned char *>memchr(r.p, 10, r.end - r.p) if r.p < r.end else NULL
    if newline == NULL:
        if r.framed:
            leave_frame(r, True)
        if r.host == NULL:
            truncated()
        read_line(r, <Machine>r.host)
        nbytes = r.end - r.p
        if nbytes == 0 or (r.end - 1)[0] != 10:
            truncated()
    else:
        nbytes = newline + 1 - r.p
    copy_line(r, r.p, nbytes)
    r.p += nbytes
    line[0] = r.line
    return nbytes


cdef int take_into(Loading *r, unsigned char *dst, Py_ssize_t nbytes, object owner) except -1:
    """Fill dst with the next nbytes bytes, from the window and then straight from the file.

    owner: the object that dst belongs to.  A file may keep the view of it that it was given, which then keeps
    the owner alive: the result is 1, and the caller must go on with a copy that the file cannot change.
    """
    cdef Py_ssize_t here
    if r.framed and nbytes > r.end - r.p:
        leave_frame(r, r.p < r.end)
    here = min(nbytes, r.end - r.p)
    if here > 0:
        memcpy(dst, r.p, here)
        r.p += here
    if here == nbytes:
        return 0
    if r.host == NULL:
        truncated()
    return read_into(r, <Machine>r.host, dst + here, nbytes - here, owner)


# ---- files ------------------------------------------------------------------------------------------------------


cdef inline int skip_consumed(Loading *r, Machine m) except -1:
    """Advance the file over what was used of a peek()."""
    if CYP_UNLIKELY(r.p - r.start > r.prefetched):
        skip_peeked(r, m)
    return 0


cdef int skip_peeked(Loading *r, Machine m) except -1:
    settle(r)
    m.read((r.p - r.start) - r.prefetched)
    r.prefetched = r.p - r.start
    return 0


cdef object constant_bytes(object data):
    """What is in a bytes-like object now: other threads may change it while we read."""
    cdef Py_buffer view
    if type(data) is bytes:
        return data
    PyObject_GetBuffer(data, &view, PyBUF_CONTIG_RO)
    try:
        return steal(PyBytes_FromStringAndSize(<const unsigned char *>view.buf, view.len))
    finally:
        PyBuffer_Release(&view)


cdef int set_window(Loading *r, Machine m, object data, bint prefetched) except -1:
    """Make a bytes-like object from the file the window."""
    r.passed += r.p - r.start
    drop_window(r, m)
    if cyp_is_free_threaded():
        data = constant_bytes(data)
    if CYP_LIKELY(type(data) is bytes):
        m.data = <bytes>data
        m.view.buf = PyBytes_AS_STRING(<PyObject *>data)
        m.view.len = PyBytes_GET_SIZE(<PyObject *>data)
    else:
        PyObject_GetBuffer(data, &m.view, PyBUF_CONTIG_RO)
    m.has_view = True
    r.start = r.p = <const unsigned char *>m.view.buf
    r.stop = r.end = r.start + m.view.len
    r.prefetched = 0 if prefetched else m.view.len
    return 0


cdef int drop_window(Loading *r, Machine m) except -1:
    r.start = r.p = r.end = r.stop = NULL
    r.prefetched = 0
    m.release_view()
    return 0


cdef int read_ahead(Loading *r, Machine m, Py_ssize_t nbytes) except -1:
    """Get a window of nbytes bytes or more; fewer at the end of the file.

    What the old window still held beyond its frame is lost unless it came from peek(), as in _pickle.c.
    """
    skip_consumed(r, m)
    settle(r)
    if m.peek is not ABSENT and nbytes < PREFETCH:
        try:
            data = m.peek(PREFETCH)
        except NotImplementedError:
            m.peek = ABSENT
        else:
            set_window(r, m, data, True)
            if nbytes <= r.end - r.p:
                return 0
    set_window(r, m, steal(cyp_call_with_size(m.read, min(nbytes, READ_CHUNK))), False)
    if nbytes > READ_CHUNK and r.end - r.p >= READ_CHUNK:
        set_window(r, m, read_chunks(r, m, nbytes), False)
    return 0


cdef bytearray read_chunks(Loading *r, Machine m, Py_ssize_t nbytes):
    """Collect a long piece, of which the window is the beginning.

    Each read asks for no more than what has come already: the length may be a lie.
    """
    cdef bytearray whole = <bytearray>steal(PyByteArray_FromStringAndSize(r.p, r.end - r.p))
    cdef Py_ssize_t have = len(whole)
    cdef Py_ssize_t want
    cdef object piece
    while have < nbytes:
        want = min(have, nbytes - have)
        piece = read_bytes(m, want)
        if PyBytes_GET_SIZE(<PyObject *>piece) < want:
            truncated()
        whole += piece
        have = len(whole)
    return whole


cdef object read_bytes(Machine m, Py_ssize_t nbytes):
    """What read() returns: bytes, or an instance of a subclass."""
    data = m.read(nbytes)
    if not isinstance(data, bytes):
        raise ValueError(f"read() returned non-bytes object ({type(data)!r})")
    return data


cdef int read_line(Loading *r, Machine m) except -1:
    skip_consumed(r, m)
    settle(r)
    set_window(r, m, m.readline(), False)
    return 0


cdef int read_into(Loading *r, Machine m, unsigned char *dst, Py_ssize_t nbytes, object owner) except -1:
    """Fill dst with exactly nbytes bytes from the file; 1 if the file kept the view that it was given."""
    cdef object data
    cdef Window window
    cdef Py_ssize_t got
    cdef bint kept
    skip_consumed(r, m)
    settle(r)
    if m.readinto is ABSENT:
        data = read_bytes(m, nbytes)
        if PyBytes_GET_SIZE(<PyObject *>data) < nbytes:
            truncated()
        memcpy(dst, PyBytes_AS_STRING(<PyObject *>data), nbytes)
    else:
        window = Window.__new__(Window)
        window.owner = owner
        window.memory = dst
        window.nbytes = nbytes
        try:
            count = call_readinto(m, window)
            got = PyLong_AsSsize_t(<PyObject *>count)
        finally:
            kept = window.exports > 0
            if not kept:
                window.memory = NULL
                window.owner = None
        if got < 0:
            raise ValueError("readinto() returned negative size")
        if got < nbytes:
            truncated()
        if kept:
            return 1
    r.passed += nbytes
    return 0


cdef object call_readinto(Machine m, Window window):
    """What readinto() returns for a view of the window, which is gone afterwards unless the file has kept it."""
    view = memoryview(window)
    return m.readinto(view)
