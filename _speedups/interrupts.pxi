# Ctrl-C in the middle of a long dumps() or loads(): both look for it at rare points, as no eval loop does it for them.
#
# Only SIGINT: what tells about all signals, PyErr_CheckSignals(), runs their handlers at once, and from 3.12 on the
# collector as well.

import _signal


cdef bint has_interrupt() except -1:
    """SIGINT has come: the caller owes it a run of its handler, where user code may run.

    Raises:
        KeyboardInterrupt: the handler is Python's, which does nothing else.
    """
    if CYP_LIKELY(not PyOS_InterruptOccurred()):
        return False
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        raise KeyboardInterrupt
    return True


cdef int handle_interrupt() except -1:
    """Run the handler of SIGINT.  Source: signalmodule.c _PyErr_CheckSignalsTstate."""
    cdef PyObject *frame = <PyObject *>PyEval_GetFrame()
    handler = _signal.getsignal(_signal.SIGINT)
    if callable(handler):
        handler(_signal.SIGINT, None if frame == NULL else <object>frame)
    return 0
