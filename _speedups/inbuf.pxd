"""Reading the stream: the bounds check inline, everything else in load/source.pxi."""

from _speedups.cpythonx cimport CYP_LIKELY
from _speedups.loading cimport Loading


cdef inline const unsigned char *take_here(Loading *r, Py_ssize_t nbytes) noexcept:
    """The next nbytes bytes if the window has them, and step over them; else NULL and no step."""
    cdef const unsigned char *found = r.p
    if CYP_LIKELY(nbytes <= r.end - found):
        r.p = found + nbytes
        return found
    return NULL
