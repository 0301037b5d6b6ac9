# list, tuple, dict, set and frozenset.  Source: pickle._Pickler's methods of these names.

cdef int save_container(Surface s, object pickler, object obj, Route route) except -1:
    """One of a kind that starts with NODE."""
    enter_level(s)
    try:
        if route.kind == NODE_DICT:
            save_dict(s, pickler, obj)
        elif route.kind == NODE_LIST:
            save_list(s, pickler, obj)
        elif route.kind == NODE_TUPLE:
            save_tuple(s, pickler, obj)
        elif route.kind == NODE_SET:
            save_set(s, pickler, obj)
        else:
            save_frozenset(s, pickler, obj)
    finally:
        leave_level(s)
    return 0


cdef inline int enter_level(Surface s) except -1:
    """One level of nesting more on the C stack."""
    if cyp_stack_is_low():
        raise RecursionError(_nesting.MESSAGE)
    Py_EnterRecursiveCall(b" while pickling an object")
    s.depth += 1
    return 0


cdef inline void leave_level(Surface s) noexcept:
    s.depth -= 1
    Py_LeaveRecursiveCall()


def has_little_stack():
    """Whether the C stack of this thread is nearly used up."""
    return cyp_stack_is_low()


cdef int save_pure(object pickler, object obj, object save_persistent_id) except -1:
    """save() of the pure class, which would come back here at each level by way of methods that are ours."""
    if cyp_stack_is_low():
        raise RecursionError(_nesting.MESSAGE)
    if save_persistent_id and is_own(pickler, "save"):
        _nesting.save_by_interpreter(pickler, obj)
    else:
        PurePickler.save(pickler, obj, save_persistent_id)
    return 0


cdef int save_deep(Surface s, object pickler, object obj) except -1:
    """save() where the C stack must not get deeper: the interpreter's calls of Python functions take none of it."""
    s.framer.sync()
    if s.by_interpreter:
        pickler.save(obj)  # that of _nesting, which looks after the C stack
        return s.refresh(pickler)
    s.by_interpreter = True
    try:
        _nesting.save_by_interpreter(pickler, obj)
    finally:
        s.by_interpreter = False
    return s.refresh(pickler)


cdef int save_item(Surface s, object pickler, object item, object obj, Py_ssize_t index) except -1:
    """obj[index], noting where it is if that fails."""
    try:
        return save(s, pickler, item)
    except BaseException as error:
        if cyp_pure_error_notes():
            _reduce.note_item(error, obj, index)
        raise


cdef int save_list(Surface s, object pickler, object obj) except -1:
    put_opcode(s, OP_EMPTY_LIST)
    memoize(s, pickler, obj)
    if not s.own_appends:
        s.framer.sync()
        pickler._batch_appends(obj, *((obj,) if cyp_pure_error_notes() else ()))
        return s.refresh(pickler)
    if type(obj) is not list:
        return batch_appends(s, pickler, obj, obj)
    return append_slices(s, pickler, obj)


cdef int append_slices(Surface s, object pickler, list obj) except -1:
    """batch_appends for a list: what is in it when a batch begins is in the batch."""
    cdef Py_ssize_t start = 0
    cdef list batch
    while True:
        batch = <list>PyList_GetSlice(obj, start, start + BATCH_ITEMS)
        append_batch(s, pickler, batch, obj, start)
        if PyList_GET_SIZE(batch) < BATCH_ITEMS:
            return 0
        start += BATCH_ITEMS


cdef int batch_appends(Surface s, object pickler, object items, object obj) except -1:
    """pickle._Pickler._batch_appends."""
    cdef Py_ssize_t start = 0
    cdef object iterator
    cdef list batch
    s.framer.sync()
    iterator = iter(items)
    while True:
        batch = next_batch(s, pickler, iterator)
        append_batch(s, pickler, batch, obj, start)
        if PyList_GET_SIZE(batch) < BATCH_ITEMS:
            return 0
        start += BATCH_ITEMS


cdef list next_batch(Surface s, object pickler, object iterator):
    """Of an iterator that may be the user's."""
    cdef list batch
    s.framer.sync()
    batch = list(islice(iterator, BATCH_ITEMS))
    s.refresh(pickler)
    return batch


cdef int append_batch(Surface s, object pickler, list batch, object obj, Py_ssize_t index) except -1:
    cdef Py_ssize_t n = PyList_GET_SIZE(batch)
    if n == 0:
        return 0
    if n > 1:
        put_opcode(s, OP_MARK)
    for item in batch:
        save_item(s, pickler, item, obj, index)
        index += 1
    return put_opcode(s, OP_APPENDS if n > 1 else OP_APPEND)


cdef int save_tuple(Surface s, object pickler, tuple obj) except -1:
    cdef Py_ssize_t n = len(obj)
    cdef Py_ssize_t i
    cdef Py_ssize_t index
    if n == 0:
        return put_opcode(s, OP_EMPTY_TUPLE)
    if n > 3:
        put_opcode(s, OP_MARK)
    for i in range(n):
        save_item(s, pickler, obj[i], obj, i)
    index = s.memo.find(obj)
    if index >= 0:
        # Recursive: the items have written the tuple; drop them and fetch it.
        if n > 3:
            put_opcode(s, OP_POP_MARK)
        else:
            for i in range(n):
                put_opcode(s, OP_POP)
        return put_get(s, pickler, index)
    put_opcode(s, <unsigned char>(OP_TUPLE1 + n - 1) if n <= 3 else OP_TUPLE)
    return memoize(s, pickler, obj)


cdef int save_dict(Surface s, object pickler, object obj) except -1:
    cdef list items
    put_opcode(s, OP_EMPTY_DICT)
    memoize(s, pickler, obj)
    if s.sorts_items:
        items = sorted_items(obj)
        if items is not None and PyList_GET_SIZE(items) < BATCH_ITEMS:
            return setitems_batch(s, pickler, items, obj)
        if items is not None:
            return batch_setitems(s, pickler, items, obj)
    if not s.own_setitems:
        s.framer.sync()
        pickler._batch_setitems(obj.items(), *((obj,) if cyp_pure_error_notes() else ()))
        return s.refresh(pickler)
    if type(obj) is dict and len(<dict>obj) < BATCH_ITEMS:
        return setitems_batch(s, pickler, list((<dict>obj).items()), obj)
    s.framer.sync()
    return batch_setitems(s, pickler, obj.items(), obj)


cdef list sorted_items(object obj):
    """The items of a dict in order; None where they have none."""
    cdef list items = list(obj.items())
    try:
        items.sort()
    except TypeError:
        return None
    return items


cdef int batch_setitems(Surface s, object pickler, object items, object obj) except -1:
    """pickle._Pickler._batch_setitems."""
    cdef object iterator
    cdef list batch
    s.framer.sync()
    iterator = iter(items)
    while True:
        batch = next_batch(s, pickler, iterator)
        setitems_batch(s, pickler, batch, obj)
        if PyList_GET_SIZE(batch) < BATCH_ITEMS:
            return 0


cdef int setitems_batch(Surface s, object pickler, list batch, object obj) except -1:
    cdef Py_ssize_t n = PyList_GET_SIZE(batch)
    if n == 0:
        return 0
    if n > 1:
        put_opcode(s, OP_MARK)
    for key, value in batch:
        save(s, pickler, key)
        try:
            save(s, pickler, value)
        except BaseException as error:
            if cyp_pure_error_notes():
                _reduce.note_key(error, obj, key)
            raise
    return put_opcode(s, OP_SETITEMS if n > 1 else OP_SETITEM)


cdef int save_set(Surface s, object pickler, set obj) except -1:
    cdef object iterator
    cdef list batch
    put_opcode(s, OP_EMPTY_SET)
    memoize(s, pickler, obj)
    iterator = iter(obj)
    while True:
        batch = list(islice(iterator, BATCH_ITEMS))
        if batch:
            put_opcode(s, OP_MARK)
            save_elements(s, pickler, batch, obj)
            put_opcode(s, OP_ADDITEMS)
        if PyList_GET_SIZE(batch) < BATCH_ITEMS:
            return 0


cdef int save_elements(Surface s, object pickler, object elements, object obj) except -1:
    for element in elements:
        try:
            save(s, pickler, element)
        except BaseException as error:
            note(error, obj, "element")
            raise
    return 0


cdef int save_frozenset(Surface s, object pickler, frozenset obj) except -1:
    cdef Py_ssize_t index
    put_opcode(s, OP_MARK)
    save_elements(s, pickler, obj, obj)
    index = s.memo.find(obj)
    if index >= 0:
        put_opcode(s, OP_POP_MARK)
        return put_get(s, pickler, index)
    put_opcode(s, OP_FROZENSET)
    return memoize(s, pickler, obj)
