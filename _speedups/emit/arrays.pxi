# Arrays and numbers of numpy, whose reduce value is known without asking for it.
#
# All or nothing: DONE, or GO and nothing is written.  What they are rebuilt by, and their dtype, are fetched from the
# memo: the first of them is asked, and so is any that is not plain.  Bytes and tuples that only their reduce value has
# are memoised as such; empty bytes and those of length 1 there are once only, so that asking tells.

cdef enum:
    CALL = 8 * HEAD       # bytes that the opcodes around the contents take at most
    MOST_DIMENSIONS = 3   # of which the shape is a tuple by one opcode


cdef inline Py_ssize_t known_index(Emission *e, PyObject *o) noexcept:
    """The memo index of o, which others refer to as well; -1 where it is not there."""
    return -1 if e.odd or e.memo.n_alias else memo_get(e.memo, o)


cdef int quick_array(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """An array of numbers that is C-contiguous, in-band."""
    cdef object capsule, dtype
    cdef ArrayInterface *array
    cdef Py_ssize_t i, nbytes
    cdef bint known = False
    if e.buffer_callback != NULL and e.proto >= 5:
        return GO
    dtype = (<object>o).dtype
    for i in range(4, PyTuple_GET_SIZE(plan.constant)):
        if PyTuple_GET_ITEM(plan.constant, i) == <PyObject *>dtype:
            known = True
    if not known:
        return GO
    capsule = (<object>o).__array_struct__
    array = <ArrayInterface *>PyCapsule_GetPointer(capsule, NULL)
    if not 0 < array.nd <= MOST_DIMENSIONS or not array.flags & C_CONTIGUOUS:
        return GO
    nbytes = array.itemsize
    for i in range(array.nd):
        nbytes *= array.shape[i]
    if not 1 < nbytes < FRAME_TARGET or not has_room(e, nbytes + CALL, 6) or nbytes + CALL > e.out.lim - e.out.p:
        return GO
    if e.proto >= 5:
        return put_from_buffer(e, o, uniq, plan.constant, <PyObject *>dtype, array, nbytes)
    return put_reconstructed(e, o, uniq, plan, <PyObject *>dtype, array, nbytes)


cdef int put_from_buffer(Emission *e, PyObject *o, bint uniq, PyObject *known, PyObject *dtype,
                         ArrayInterface *array, Py_ssize_t nbytes) noexcept:
    """A function called with the contents as a PickleBuffer, dtype, shape and order.

    Source: numpy's methods.c, array_reduce_ex_picklebuffer.
    """
    cdef Py_ssize_t function = known_index(e, PyTuple_GET_ITEM(known, 0))
    cdef Py_ssize_t order = known_index(e, PyTuple_GET_ITEM(known, 1))
    cdef Py_ssize_t kind = known_index(e, dtype)
    cdef unsigned char *p
    if function < 0 or order < 0 or kind < 0 or not array.flags & WRITEABLE:
        return GO
    p = put_op_at(put_get_at(e.out.p, function), OP_MARK)
    p[0] = OP_BYTEARRAY8
    cyp_write_u64(p + 1, <uint64_t>nbytes)
    memcpy(p + 9, array.data, nbytes)
    p = put_get_at(put_fresh(e, p + 9 + nbytes), kind)
    p = put_get_at(put_shape(e, p, array), order)
    return put_call(e, put_fresh(e, put_op_at(p, OP_TUPLE)), o, uniq)


cdef int put_reconstructed(Emission *e, PyObject *o, bint uniq, Plan *plan, PyObject *dtype,
                           ArrayInterface *array, Py_ssize_t nbytes) noexcept:
    """A function called with the class, for an empty array, and the state: version, shape, dtype, order, contents.

    Source: numpy's methods.c, array_reduce.
    """
    cdef Py_ssize_t function = known_index(e, PyTuple_GET_ITEM(plan.constant, 2))
    cdef Py_ssize_t letter = known_index(e, PyTuple_GET_ITEM(plan.constant, 3))
    cdef Py_ssize_t cls = known_index(e, <PyObject *>plan.type)
    cdef Py_ssize_t kind = known_index(e, dtype)
    cdef unsigned char *p
    if function < 0 or letter < 0 or cls < 0 or kind < 0:
        return GO
    p = put_number(put_get_at(put_get_at(e.out.p, function), cls), 0)
    p = put_get_at(put_fresh(e, put_op_at(p, OP_TUPLE1)), letter)
    put_call(e, put_fresh(e, put_op_at(p, OP_TUPLE3)), o, uniq)
    p = put_number(put_op_at(e.out.p, OP_MARK), 1)
    p = put_op_at(put_get_at(put_shape(e, p, array), kind), OP_NEWFALSE)
    if nbytes <= 0xFF:
        p[0] = OP_SHORT_BINBYTES
        p[1] = <unsigned char>nbytes
        p += 2
    else:
        p[0] = OP_BINBYTES
        cyp_write_u32(p + 1, <uint32_t>nbytes)
        p += 5
    memcpy(p, array.data, nbytes)
    p = put_fresh(e, put_op_at(put_fresh(e, p + nbytes), OP_TUPLE))
    e.out.p = put_op_at(p, OP_BUILD)
    return DONE


cdef inline unsigned char *put_shape(Emission *e, unsigned char *p, ArrayInterface *array) noexcept:
    cdef Py_ssize_t i
    for i in range(array.nd):
        p = put_number(p, <int>array.shape[i])  # FRAME_TARGET at most
    return put_fresh(e, put_op_at(p, <unsigned char>(OP_TUPLE1 + array.nd - 1)))


cdef int quick_scalar(Emission *e, PyObject *o, bint uniq, Plan *plan) except -1:
    """A function called with the dtype and the contents as bytes.  Source: numpy's scalartypes.c, gentype_reduce."""
    cdef Py_buffer view
    cdef Py_ssize_t function = known_index(e, PyTuple_GET_ITEM(plan.constant, 0))
    cdef Py_ssize_t kind = known_index(e, PyTuple_GET_ITEM(plan.constant, 1))
    cdef Py_ssize_t nbytes
    cdef unsigned char *p
    if function < 0 or kind < 0 or not has_room(e, CALL, 2) or CALL > e.out.lim - e.out.p:
        return GO
    p = put_get_at(put_get_at(e.out.p, function), kind)
    PyObject_GetBuffer(<object>o, &view, PyBUF_SIMPLE)
    nbytes = view.len
    if 1 < nbytes <= HEAD * 2:
        memcpy(p + 2, view.buf, nbytes)
    PyBuffer_Release(&view)
    if not 1 < nbytes <= HEAD * 2:
        return GO
    p[0] = OP_SHORT_BINBYTES
    p[1] = <unsigned char>nbytes
    p = put_fresh(e, put_op_at(put_fresh(e, p + 2 + nbytes), OP_TUPLE2))
    return put_call(e, p, o, uniq)
