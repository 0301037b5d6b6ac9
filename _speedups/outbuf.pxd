"""OutBuf: the bytes being written.  Knows bytes and PEP 3154 frames, not objects.

The contract that keeps the hot path at one compare per object: at an opcode boundary `p <= lim` promises
SLACK bytes of room, enough for any opcode with a short argument, its MEMOIZE and the opcodes that close the
containers' batch.  Whoever writes without having passed a boundary calls `ensure` first; whoever writes more
calls `reserve`.
"""

from cpython.object cimport PyObject
from libc.string cimport memcpy, memmove

from _speedups.cpythonx cimport (
    CYP_UNLIKELY, PY_SSIZE_T_MAX, PyBytes_AS_STRING, PyBytes_FromStringAndSize, Py_XDECREF, _PyBytes_Resize, cyp_write_u32,
    cyp_write_u64,
)
from _speedups.limits cimport FRAME_HEADER, FRAME_MIN, FRAME_TARGET
from _speedups.opcodes cimport OP_FRAME

cdef enum:
    SLACK = 128       # bytes that are free behind `hard`
    SCRATCH = 1024    # bytes in the struct itself, for results that never need a bytes object of their own size
    FIRST_GROWTH = 4096  # bytes; the first size on the heap
    SAMPLE = 64          # items that tell how large the others are
    TRUST = 16           # times as much as is written is taken on what they tell

cdef struct OutBuf:
    unsigned char *p     # the next byte goes here
    unsigned char *lim   # beyond it a boundary has work to do: the frame is full, or room is short
    unsigned char *hard  # beyond it room is short
    unsigned char *buf
    PyObject *owner      # the bytes object that holds buf (ours alone), or NULL: scratch holds it
    Py_ssize_t frame     # offset of the open frame's header, -1 where none is open
    Py_ssize_t full      # offset at which the open frame is full; without frames, at which SIGINT is looked for
    Py_ssize_t *done     # NULL, or how many items of a large object under way are written, of `total`
    Py_ssize_t total
    Py_ssize_t begun     # done[0] when that was last looked at, and
    Py_ssize_t start     # offset at that time
    double each          # bytes of each item between the last two looks; 0 where that says nothing of the next
    bint never           # the boundary is always asked: lim stays below buf
    unsigned char scratch[SCRATCH]


cdef inline void set_lim(OutBuf *out) noexcept:
    """Recompute lim after buf, frame or never changed."""
    if out.never:
        out.lim = NULL
        return
    out.lim = out.hard
    if out.frame >= 0 and out.full <= out.hard - out.buf:
        out.lim = out.buf + out.full - 1


cdef inline void out_init(OutBuf *out) noexcept:
    """Empty, in scratch, no frame."""
    out.buf = out.scratch
    out.p = out.buf
    out.hard = out.buf + (SCRATCH - SLACK)
    out.owner = NULL
    out.frame = -1
    out.full = FRAME_TARGET
    out.done = NULL
    out.never = False
    set_lim(out)


cdef inline void out_free(OutBuf *out) noexcept:
    """Give up the buffer; may be called more than once."""
    cdef PyObject *owner = out.owner
    out.owner = NULL
    Py_XDECREF(owner)


cdef inline Py_ssize_t out_size(OutBuf *out, Py_ssize_t used, Py_ssize_t nbytes) noexcept:
    """How large a buffer is to be that has to take nbytes more.

    Where it is known how many of how many items are written, the last ones say how much is to come; a little is added,
    for memo indices grow.  Else a large payload grows by what it needs and a little, and many small writes by half, at
    first by twice.
    """
    cdef Py_ssize_t need = used + nbytes + 2 * SLACK
    cdef Py_ssize_t size, items, left
    if out.done != NULL:
        items = out.done[0] - out.begun
        if items >= SAMPLE:
            out.each = <double>(used - out.start) / <double>items
            out.begun = out.done[0]
            out.start = used
        if out.each > 0:
            if <double>(used + nbytes - out.start) <= 2 * out.each * <double>(items + SAMPLE):
                left = out.total - out.done[0]
                size = used + <Py_ssize_t>min(out.each * <double>left, TRUST * <double>used)
                size += (size >> 6) + SLACK
                if out.owner == NULL and FIRST_GROWTH < size <= 2 * FIRST_GROWTH:
                    size = FIRST_GROWTH  # the names of classes are among the first bytes: look again before the end
                return size if size >= need else need + (need >> 6)
            # What is written now is larger than those before.  That may be the end; else wait for another sample.
            out.each = 0
            out.begun = out.done[0]
            out.start = used
            return need + (need >> 6)
    if nbytes > FRAME_TARGET:
        return need + (used >> 3)
    return max(need + (used if used < FIRST_GROWTH else used >> 1), FIRST_GROWTH)


cdef inline int out_grow(OutBuf *out, Py_ssize_t nbytes) except -1:
    """Make room for nbytes and SLACK more.  MemoryError leaves `out` empty."""
    cdef Py_ssize_t used = out.p - out.buf
    cdef Py_ssize_t size
    cdef PyObject *bigger
    if nbytes > PY_SSIZE_T_MAX // 2 - used:
        raise MemoryError()
    size = out_size(out, used, nbytes)
    if out.owner == NULL:
        bigger = PyBytes_FromStringAndSize(NULL, size)
        memcpy(PyBytes_AS_STRING(bigger), out.buf, <size_t>used)
        out.owner = bigger
    else:
        try:
            _PyBytes_Resize(&out.owner, size)
        except MemoryError:
            out_init(out)
            raise
    out.buf = PyBytes_AS_STRING(out.owner)
    out.p = out.buf + used
    out.hard = out.buf + size - SLACK
    set_lim(out)
    return 0


cdef inline int reserve(OutBuf *out, Py_ssize_t nbytes) except -1:
    """nbytes may be written, and SLACK more."""
    if CYP_UNLIKELY(nbytes > out.hard - out.p):
        out_grow(out, nbytes)
    return 0


cdef inline int ensure(OutBuf *out) except -1:
    """SLACK bytes may be written."""
    if CYP_UNLIKELY(out.p > out.hard):
        out_grow(out, SLACK)
    return 0


cdef inline void put_op(OutBuf *out, unsigned char op) noexcept:
    """One opcode; room is the caller's."""
    out.p[0] = op
    out.p += 1


cdef inline void put_op_u8(OutBuf *out, unsigned char op, unsigned int value) noexcept:
    out.p[0] = op
    out.p[1] = <unsigned char>value
    out.p += 2


cdef inline void put_op_u32(OutBuf *out, unsigned char op, unsigned int value) noexcept:
    out.p[0] = op
    cyp_write_u32(out.p + 1, value)
    out.p += 5


cdef inline int put_raw(OutBuf *out, const unsigned char *src, Py_ssize_t nbytes) except -1:
    """Copy nbytes; SLACK bytes are free afterwards."""
    reserve(out, nbytes)
    memcpy(out.p, src, <size_t>nbytes)
    out.p += nbytes
    return 0


cdef inline int open_frame(OutBuf *out) except -1:
    """Leave room for the header of a new frame, to be filled in or taken back by close_frame."""
    reserve(out, FRAME_HEADER)
    out.frame = out.p - out.buf
    out.full = out.frame + FRAME_HEADER + FRAME_TARGET
    out.p += FRAME_HEADER
    set_lim(out)
    return 0


cdef inline void close_frame(OutBuf *out) noexcept:
    """End the open frame, if there is one; a payload shorter than FRAME_MIN goes without a header."""
    cdef unsigned char *header
    cdef Py_ssize_t nbytes
    if out.frame < 0:
        return
    header = out.buf + out.frame
    nbytes = out.p - header - FRAME_HEADER
    if nbytes >= FRAME_MIN:
        header[0] = OP_FRAME
        cyp_write_u64(header + 1, <unsigned long long>nbytes)
    else:
        memmove(header, header + FRAME_HEADER, <size_t>nbytes)
        out.p -= FRAME_HEADER
    out.frame = -1
    set_lim(out)


cdef inline PyObject *out_take(OutBuf *out) except NULL:
    """New reference to everything written, without a copy where the buffer is a bytes object.

    No frame is open; `out` is empty afterwards.
    """
    cdef Py_ssize_t used = out.p - out.buf
    cdef PyObject *result
    if out.owner == NULL:
        result = PyBytes_FromStringAndSize(out.buf, used)
    else:
        result = out.owner
        out.owner = NULL
        _PyBytes_Resize(&result, used)
    out.buf = out.scratch
    out.p = out.buf
    out.hard = out.buf + (SCRATCH - SLACK)
    out.frame = -1
    out.full = FRAME_TARGET
    set_lim(out)
    return result
