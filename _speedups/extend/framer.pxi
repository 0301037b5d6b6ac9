# Framer: where the bytes go, with the surface of pickle._Framer.

cdef inline object own(PyObject *o):
    """A new reference as an object that Cython counts."""
    cdef object owned = <object>o
    Py_DECREF(o)
    return owned


cdef class Framer:
    """Collects opcodes into frames and passes them to the file.

    Without frames (protocols 0 to 3) whatever Python code is about to run finds the file up to date: see sync.
    """

    _FRAME_SIZE_MIN = FRAME_MIN
    _FRAME_SIZE_TARGET = FRAME_TARGET

    cdef OutBuf out
    cdef bint framing
    cdef bint late                   # without frames: pass everything on at the end of the dump
    cdef readonly object file_write

    def __cinit__(self, file_write):
        out_init(&self.out)
        self.file_write = file_write

    def __dealloc__(self):
        out_free(&self.out)

    cdef inline Py_ssize_t payload(self) noexcept:
        """Bytes in the open frame."""
        return self.out.p - self.out.buf - self.out.frame - FRAME_HEADER

    cdef int sync(self) except -1:
        """Pass on what is written outside of frames."""
        if not self.framing and not self.late:
            self.flush()
        return 0

    cdef int flush(self) except -1:
        if self.out.p != self.out.buf:
            self.file_write(self.take())
        return 0

    cdef object take(self):
        """What is written so far, which is to be passed on."""
        return own(out_take(&self.out))

    cdef int commit(self) except -1:
        """End the frame and begin the next one, in which the file's write() may find it."""
        cdef object data
        close_frame(&self.out)
        data = self.take()
        reserve(&self.out, FRAME_TARGET + 2 * SLACK)
        open_frame(&self.out)
        self.file_write(data)
        return 0

    @property
    def current_frame(self):
        """A file that has the payload of the open frame so far, and stands at its end; None where there is none."""
        if not self.framing:
            return None
        file = BytesIO((self.out.buf + self.out.frame + FRAME_HEADER)[:self.payload()])
        file.seek(0, 2)
        return file

    def start_framing(self):
        """Begin a frame; one that an error has left open is dropped."""
        if not self.framing:
            self.flush()
        out_free(&self.out)
        out_init(&self.out)
        open_frame(&self.out)
        self.framing = True

    def end_framing(self):
        """Pass the last frame on; what follows is outside of frames."""
        if self.framing and self.payload() > 0:
            close_frame(&self.out)
            self.framing = False
            self.file_write(self.take())
        elif not self.framing:
            self.flush()

    def commit_frame(self, force=False):
        """Pass the frame on if it is full, or if forced, and begin the next one."""
        if self.framing and (force or self.payload() >= FRAME_TARGET):
            self.commit()

    def write(self, data):
        """Add bytes to the frame; pass them to the file where there is none.  Returns their number."""
        if not self.framing and not self.late:
            self.flush()
            return self.file_write(data)
        if type(data) is not bytes:
            data = bytes(memoryview(data))
        put_raw(&self.out, PyBytes_AS_STRING(<PyObject *>data), PyBytes_GET_SIZE(<PyObject *>data))
        return len(data)

    def write_large_bytes(self, header, payload):
        """Pass a header and a large payload to the file as they are, outside of frames."""
        if self.framing:
            self.commit()
        else:
            self.flush()
        self.file_write(header)
        self.file_write(payload)
