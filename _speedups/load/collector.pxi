# What the garbage collector sees of a Machine.

ctypedef int (*Visit)(PyObject *, void *) noexcept
ctypedef int (*Traverse)(PyObject *, Visit, void *) noexcept
ctypedef int (*Clear)(PyObject *) noexcept

cdef Traverse traverse_attributes
cdef Clear clear_attributes


cdef int machine_traverse(PyObject *self, Visit visit, void *arg) noexcept:
    """Visit what Cython knows of and then the memo, which it does not."""
    cdef Memo *memo = &(<Machine>self).slots
    cdef PyObject *o
    cdef Py_ssize_t i
    cdef int status = traverse_attributes(self, visit, arg)
    if status:
        return status
    for i in range(memo.size):
        o = memo.slots[i]
        if o != NULL and slot_owns(o):
            status = visit(untagged(o), arg)
            if status:
                return status
    if memo.sparse != NULL:
        return visit(memo.sparse, arg)
    return 0


cdef int machine_clear(PyObject *self) noexcept:
    """Cython would drop the object behind the view, and leave the view."""
    (<Machine>self).release_view()
    memo_free(&(<Machine>self).slots)
    return clear_attributes(self)


traverse_attributes = <Traverse>(<PyTypeObject *>Machine).tp_traverse
clear_attributes = <Clear>(<PyTypeObject *>Machine).tp_clear
(<PyTypeObject *>Machine).tp_traverse = <traverseproc>machine_traverse
(<PyTypeObject *>Machine).tp_clear = <inquiry>machine_clear
