# Ctrl-C in the middle of a long dumps() or loads(): both look for it at rare points, as no eval loop does it for them.
#
# Only SIGINT: what tells about all signals, PyErr_CheckSignals(), runs their handlers at once, and from 3.12 on the
# collector as well.

import _signal


cdef bint has_interrupt() noexcept:
    """SIGINT has come: the caller owes it KeyboardInterrupt, or a run of its handler where user code may run."""
    return PyOS_InterruptOccurred() != 0


cdef bint handler_only_raises() except -1:
    """The handler is Python's, which raises KeyboardInterrupt: the caller may do that at once."""
    return _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler


cdef int handle_interrupt() except -1:
    """Run the handler of SIGINT.  Source: signalmodule.c _PyErr_CheckSignalsTstate."""
    cdef PyObject *frame = <PyObject *>PyEval_GetFrame()
    handler = _signal.getsignal(_signal.SIGINT)
    if callable(handler):
        handler(_signal.SIGINT, None if frame == NULL else <object>frame)
    return 0
