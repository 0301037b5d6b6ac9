# list, tuple, dict, set, frozenset: an opener that writes what comes before the items, and a walker for each.
#
# Walkers keep their place in the level.  Items are borrowed from the container: save_leaf runs no user code
# before it is done with a leaf, and open_level takes its own reference first of all.  On free-threaded builds
# the level owns the item at hand, as other threads may change the container.

cdef enum:
    STEP_BATCH = 0   # at the start of a batch
    STEP_ITEM = 1    # at an item of a batch, or the key
    STEP_VALUE = 2   # the key is written, lv.item holds the value
    STEP_LAST = 3    # the only item of a batch without MARK is written
    STEP_EACH = 4    # protocol 0: an item with its own opcode is written
    STEP_BETWEEN = 5 # an error has come up that is no item's

    SET_RUN = 64     # elements of a set that are looked at together


cdef inline int between_batches(Emission *e, Level *lv) except -1:
    """Before the next batch, or the next item in protocol 0: a signal that waits is answered here."""
    if CYP_UNLIKELY(e.interrupted):
        lv.step = STEP_BETWEEN
        answer_interrupt(e)
        lv.step = STEP_BATCH
    return 0


# ---- list

cdef inline int open_list(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Source: _pickle.c save_list."""
    cdef Py_ssize_t n = PyList_GET_SIZE(o)
    if CYP_UNLIKELY(e.odd):
        enter_fast(e, o)
        put_empty(e, OP_EMPTY_LIST, OP_LIST)
    else:
        put_op(&e.out, OP_EMPTY_LIST)
    memoize(e, o, uniq)
    if n == 0:
        return leave_empty(e, o)
    level_init(e, lv, KIND_LIST, o, uniq)
    lv.n = n
    return NEXT


cdef int put_empty(Emission *e, unsigned char op, unsigned char text_op) except -1:
    """An empty container: one opcode, or MARK and the opcode of protocol 0."""
    ensure(&e.out)
    if e.bin:
        put_op(&e.out, op)
    else:
        put_op(&e.out, OP_MARK)
        put_op(&e.out, text_op)
    return 0


cdef inline PyObject *list_item(Level *lv, Py_ssize_t i) noexcept:
    """Item i, borrowed; NULL only on free-threaded builds, where the list has become shorter."""
    if cyp_is_free_threaded():
        Py_XDECREF(lv.item)
        lv.item = cyp_list_kept(lv.obj, i)
        return lv.item
    return PyList_GET_ITEM(lv.obj, i)


cdef int walk_list(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Source: _pickle.c batch_list_exact; for protocol 0 batch_list."""
    cdef PyObject *o = lv.obj
    cdef PyObject *item
    cdef Py_ssize_t i = lv.i
    cdef Py_ssize_t left
    while True:
        if lv.step == STEP_ITEM:
            while i < lv.stop and i < PyList_GET_SIZE(o):
                if can_nest(e):
                    lv.i = i
                    if CYP_UNLIKELY((<items_status>save_items)(e, o, &lv.i, min(lv.stop, PyList_GET_SIZE(o))) < 0):
                        return -1
                    i = lv.i
                    continue
                i = put_leaves(e, PySequence_Fast_ITEMS(o), i, min(lv.stop, PyList_GET_SIZE(o)))
                if i == lv.stop or i == PyList_GET_SIZE(o):
                    break
                item = list_item(lv, i)
                if cyp_is_free_threaded() and item == NULL:
                    break
                i += 1
                lv.i = i
                if save_leaf_any(e, item, uniq) == NOT_LEAF:
                    child[0] = item
                    return NEXT
            ensure(&e.out)
            put_op(&e.out, OP_APPENDS)
            lv.step = STEP_BETWEEN
            if CYP_UNLIKELY(PyList_GET_SIZE(o) != lv.n):
                before_user_code(e)
                lv.n = refusals().allow_list_change(PyList_GET_SIZE(o))
            if i >= PyList_GET_SIZE(o):
                return DONE
            lv.step = STEP_BATCH
        elif lv.step == STEP_BATCH:
            between_batches(e, lv)
            left = PyList_GET_SIZE(o) - i
            if left <= 0:
                return DONE
            if e.proto == 0 or (left == 1 and (i == 0 or cyp_single_tail_batch())):
                item = list_item(lv, i)
                if cyp_is_free_threaded() and item == NULL:
                    return DONE
                i += 1
                lv.i = i
                lv.step = STEP_EACH if e.proto == 0 else STEP_LAST
                if save_leaf(e, item, uniq) == NOT_LEAF:
                    child[0] = item
                    return NEXT
            else:
                ensure(&e.out)
                put_op(&e.out, OP_MARK)
                if left > BATCH_ITEMS:
                    memo_spread(e.memo)
                lv.stop = i + BATCH_ITEMS
                lv.step = STEP_ITEM
        else:
            ensure(&e.out)
            put_op(&e.out, OP_APPEND)
            if lv.step == STEP_LAST:
                return DONE
            lv.step = STEP_BATCH


# ---- tuple

cdef inline int open_tuple(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Source: _pickle.c save_tuple."""
    cdef Py_ssize_t n = PyTuple_GET_SIZE(o)
    if n == 0:
        if e.proto == 0:
            put_op(&e.out, OP_MARK)
        put_op(&e.out, OP_EMPTY_TUPLE if e.proto else OP_TUPLE)
        return DONE
    if n > 3 or e.proto < 2:
        put_op(&e.out, OP_MARK)
    begin_tuple(e, o, uniq)
    level_init(e, lv, KIND_TUPLE, o, uniq)
    lv.n = n
    lv.shared_open = True
    return NEXT


cdef inline int begin_tuple(Emission *e, PyObject *o, bint uniq) except -1:
    """o, a tuple or made of one, is open, and in no memo, until end_tuple; if this fails it is not.

    It may be met again below itself, also by user code's doing, and then by more than one reference, as that of the
    level counts.  What is met by its only reference below it is written once, unless o is.
    """
    cdef Py_ssize_t n = e.n_open_tuples
    cdef Py_ssize_t place = -1 if uniq else among_open(e, o)
    if CYP_UNLIKELY(place >= 0):
        meet_again(e, place)
    if CYP_LIKELY(n < OPEN_TUPLES):
        e.open_tuples[n] = o
    else:
        e.shared_open += 1
    e.n_open_tuples = n + 1
    return 0


cdef inline Py_ssize_t among_open(Emission *e, PyObject *o) noexcept:
    """The place of o in e.open_tuples; -1 where it is not there."""
    cdef Py_ssize_t i
    for i in range(min(e.n_open_tuples, OPEN_TUPLES)):
        if CYP_UNLIKELY(e.open_tuples[i] == o):
            return i
    return -1


cdef int meet_again(Emission *e, Py_ssize_t i) except -1:
    """All that is below e.open_tuples[i] is met again: the memo is to know it, and nothing looks unique up to its end.

    For what is open already it is as if user code had run.
    """
    before_user_code(e)
    if e.again == OPEN_TUPLES:
        e.shared_open += 1
    if i < e.again:
        e.again = i
    return 0


cdef inline void end_tuple(Emission *e) noexcept:
    e.n_open_tuples -= 1
    if CYP_UNLIKELY(e.n_open_tuples >= e.again):
        end_odd_tuple(e)


cdef void end_odd_tuple(Emission *e) noexcept:
    """end_tuple for one that was met again, is below such a one, or for which there was no room."""
    if e.n_open_tuples >= OPEN_TUPLES:
        e.shared_open -= 1
    elif e.n_open_tuples == e.again:
        e.shared_open -= 1
        e.again = OPEN_TUPLES


cdef inline int walk_tuple(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    cdef PyObject *o = lv.obj
    cdef PyObject *item
    cdef Py_ssize_t i = lv.i
    cdef Py_ssize_t n = lv.n
    cdef Py_ssize_t index
    while True:
        i = put_leaves(e, PySequence_Fast_ITEMS(o), i, n)
        if i == n:
            break
        item = PyTuple_GET_ITEM(o, i)
        i += 1
        lv.i = i
        if save_leaf_any(e, item, uniq) == NOT_LEAF:
            child[0] = item
            return NEXT
        if CYP_UNLIKELY(e.interrupted):
            answer_interrupt(e)
    ensure(&e.out)
    if lv.shared_open:
        lv.shared_open = False
        end_tuple(e)
    if not lv.uniq or e.epoch != lv.epoch:
        index = memo_get(e.memo, o)
        if CYP_UNLIKELY(index >= 0):
            # Recursive: the items have written the tuple; drop them and fetch it.
            put_pops(e, n)
            ensure(&e.out)
            put_get(e, index)
            return DONE
    if n <= 3 and e.proto >= 2:
        put_op(&e.out, <unsigned char>(OP_TUPLE1 + n - 1))
    else:
        put_op(&e.out, OP_TUPLE)
    memoize_late(e, lv)
    return DONE


cdef int put_pops(Emission *e, Py_ssize_t n) except -1:
    """Take n items, and the MARK before them if the tuple has one, off the stack."""
    cdef Py_ssize_t i
    if n <= 3 and e.proto >= 2:
        for i in range(n):
            put_op(&e.out, OP_POP)
    elif e.bin:
        put_op(&e.out, OP_POP_MARK)
    else:
        for i in range(n + 1):
            ensure(&e.out)
            put_op(&e.out, OP_POP)
    return 0


cdef inline bint still_unique(Emission *e, Level *lv) noexcept:
    """The object was unique when opened and no user code has run since: it is, besides the level's reference."""
    return lv.uniq and e.epoch == lv.epoch and e.shared_open == 0 and Py_REFCNT(lv.obj) == 2


# ---- dict

cdef inline int open_dict(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Source: _pickle.c save_dict."""
    if CYP_UNLIKELY(e.odd):
        enter_fast(e, o)
        put_empty(e, OP_EMPTY_DICT, OP_DICT)
    else:
        put_op(&e.out, OP_EMPTY_DICT)
    memoize(e, o, uniq)
    if PyDict_GET_SIZE(o) == 0:
        return leave_empty(e, o)
    level_init(e, lv, KIND_DICT, o, uniq)
    lv.n = PyDict_GET_SIZE(o)
    return NEXT


cdef inline PyObject *pairs_of(Level *lv) noexcept:
    """Where the pairs are: the dict, the instance, or the dictionary of the instance."""
    return lv.obj if lv.value == NULL else lv.value


cdef inline bint without_dictionary(Emission *e, Level *lv, bint instance) noexcept:
    """Whether the pairs are attributes that are read from the instance.

    Once user code may have run there is a dictionary of them, in the memo; the instance may have got another one.
    """
    cdef PyObject *dictionary
    if not instance or lv.value != NULL:
        return False
    if CYP_UNLIKELY(e.epoch != lv.epoch and e.memo.generation == lv.generation and lv.state < e.memo.n):
        dictionary = e.memo.log[lv.state]
        if not <size_t>dictionary & 1:
            Py_INCREF(dictionary)
            lv.value = dictionary
            return False
    return True


cdef inline bint next_pair(Emission *e, Level *lv, PyObject **key, PyObject **value, bint instance) noexcept:
    """The next item of the dict, or attribute of the instance, kept."""
    if without_dictionary(e, lv, instance):
        return cyp_attrs_next(lv.obj, &lv.pos, key, value)
    return cyp_dict_next_kept(pairs_of(lv), &lv.pos, key, value)


cdef inline int walk_dict(Emission *e, Level *lv, PyObject **child, bint *uniq, bint instance) except -1:
    """The items of a dict, or the attributes of an instance as if they were in one.

    Source: _pickle.c batch_dict_exact; for protocol 0 batch_dict.
    """
    cdef PyObject *key
    cdef PyObject *value
    cdef bint bare
    while True:
        if lv.step == STEP_VALUE:
            lv.step = STEP_ITEM
            value = lv.item
            lv.i += 1
            if save_leaf(e, value, uniq) == NOT_LEAF:
                child[0] = value
                return NEXT
            release_kept(e, lv)
        if lv.step == STEP_ITEM:
            if CYP_UNLIKELY(lv.item != NULL):
                release_kept(e, lv)
            while True:
                bare = without_dictionary(e, lv, instance)
                put_pairs(e, pairs_of(lv), bare, lv.plan, lv.stop, &lv.i, &lv.pos, &value)
                if value != NULL:
                    lv.i += 1
                    if save_leaf_any(e, value, uniq) == NOT_LEAF:
                        child[0] = value
                        return NEXT
                    continue
                if lv.i < lv.stop and next_pair(e, lv, &key, &value, instance):
                    # Saving the key may run user code, which may take both out of the dict.
                    cyp_keep(value)
                    lv.item = value
                    lv.step = STEP_VALUE
                    if cyp_is_free_threaded() or not is_asked_only(e):
                        hold(e, key)  # else asking does it
                    cyp_drop_kept(key)
                    if save_leaf_any(e, key, uniq) == NOT_LEAF:
                        child[0] = key
                        return NEXT
                break
            if lv.step == STEP_ITEM and end_dict_batch(e, lv, instance) == DONE:
                return DONE
        else:
            start_dict_batch(e, lv)


cdef inline int release_kept(Emission *e, Level *lv) except -1:
    """Drop the value that was kept while its key was saved: others may have taken it over, as their only one."""
    if e.epoch != lv.epoch and e.memo.secured < e.memo.n:
        before_user_code(e)
    return release(e, &lv.item)


cdef inline int start_dict_batch(Emission *e, Level *lv) except -1:
    """MARK, unless the batch is to be one item; afterwards the level is at its first item."""
    if lv.kind == KIND_DICT:
        between_batches(e, lv)
    lv.single = e.proto == 0 or (lv.n - lv.i == 1 and (lv.i == 0 or cyp_single_tail_batch()))
    if lv.single:
        lv.stop = lv.i + 1
    else:
        lv.stop = lv.i + BATCH_ITEMS
        ensure(&e.out)
        put_op(&e.out, OP_MARK)
    lv.step = STEP_ITEM
    return 0


cdef inline int end_dict_batch(Emission *e, Level *lv, bint instance) except -1:
    """DONE, or NEXT where another batch follows."""
    cdef Py_ssize_t size
    cdef PyObject *key
    cdef PyObject *value
    cdef bint ended = e.proto == 0 and lv.i < lv.stop  # early, as the iterator of its items does
    if not ended:
        ensure(&e.out)
        put_op(&e.out, OP_SETITEM if lv.single else OP_SETITEMS)
    if lv.single and e.proto and lv.i == lv.stop:
        return DONE
    size = attrs_size(lv.obj) if without_dictionary(e, lv, instance) else PyDict_GET_SIZE(pairs_of(lv))
    lv.step = STEP_BETWEEN
    if CYP_UNLIKELY(size != lv.n):
        refuse(e, RuntimeError, "dictionary changed size during iteration")
    if CYP_UNLIKELY(ended):
        return DONE
    if CYP_UNLIKELY(lv.i < lv.stop and lv.i < lv.n and (lv.single or cyp_single_tail_batch())):
        refuse(e, RuntimeError, "dictionary keys changed during iteration")
    if e.proto == 0 and lv.i >= lv.n and next_pair(e, lv, &key, &value, instance):
        cyp_drop_kept(key)
        cyp_drop_kept(value)
        refuse(e, RuntimeError, "dictionary keys changed during iteration")  # as the iterator of its items says
    # Before 3.15 a full batch is followed by another, even an empty one.
    if (lv.i < lv.n) if (cyp_single_tail_batch() or e.proto == 0) else (lv.i == lv.stop):
        lv.step = STEP_BATCH
        return NEXT
    return DONE


# ---- set and frozenset

cdef int open_set(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Source: _pickle.c save_set."""
    cdef PyObject *copy = NULL
    if e.proto < 4:
        return open_items_reduce(e, o, lv)
    put_op(&e.out, OP_EMPTY_SET)
    memoize(e, o, uniq)
    if PySet_GET_SIZE(o) == 0:
        return DONE
    if not cyp_has_set_next():
        before_user_code(e)
        copy = PySequence_Tuple(o)
    level_init(e, lv, KIND_SET if copy == NULL else KIND_SET_COPY, o, uniq)
    lv.n = PySet_GET_SIZE(o)
    lv.value = copy
    return NEXT


cdef inline Py_ssize_t next_elements(Level *lv, PyObject **items, Py_ssize_t *positions, Py_ssize_t most) noexcept:
    """Elements from lv.pos on, borrowed, of the set or of the copy that the level holds; how many.

    positions: of each the lv.pos to go on from after it.
    """
    cdef Py_ssize_t n = 0
    if lv.value == NULL:
        return cyp_set_next(lv.obj, lv.pos, items, positions, most)
    while n < most and lv.pos + n < PyTuple_GET_SIZE(lv.value):
        items[n] = PyTuple_GET_ITEM(lv.value, lv.pos + n)
        positions[n] = lv.pos + n + 1
        n += 1
    return n


cdef int walk_elements(Emission *e, Level *lv, Py_ssize_t stop, PyObject **child, bint *uniq) except -1:
    """Elements of a set or frozenset until lv.i is `stop` or none is left.  DONE, or NEXT with the child."""
    cdef PyObject *items[SET_RUN]
    cdef Py_ssize_t positions[SET_RUN]
    cdef Py_ssize_t n, done
    while lv.i < stop:
        if CYP_UNLIKELY(e.interrupted):
            answer_interrupt(e)
        n = next_elements(lv, items, positions, min(stop - lv.i, SET_RUN))
        if n == 0:
            return DONE
        done = put_leaves(e, items, 0, n)
        if done < n:
            done += 1
            lv.i += done
            lv.pos = positions[done - 1]
            if save_leaf_any(e, items[done - 1], uniq) == NOT_LEAF:
                child[0] = items[done - 1]
                return NEXT
        else:
            lv.i += n
            lv.pos = positions[n - 1]
    return DONE


cdef int walk_set(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    while True:
        if lv.step == STEP_BATCH:
            ensure(&e.out)
            put_op(&e.out, OP_MARK)
            lv.stop = lv.i + BATCH_ITEMS
            lv.step = STEP_ITEM
        if walk_elements(e, lv, lv.stop, child, uniq) == NEXT:
            return NEXT
        ensure(&e.out)
        put_op(&e.out, OP_ADDITEMS)
        lv.step = STEP_BETWEEN
        if PySet_GET_SIZE(lv.obj) != lv.n:
            refuse(e, RuntimeError, "set changed size during iteration")
        if cyp_single_tail_batch() and lv.i < lv.stop and lv.i < lv.n:
            refuse(e, RuntimeError, "set elements changed during iteration")
        if not ((lv.i < lv.n) if cyp_single_tail_batch() else (lv.i == lv.stop)):
            return DONE
        lv.step = STEP_BATCH


cdef int open_frozenset(Emission *e, PyObject *o, bint uniq, Level *lv) except -1:
    """Source: _pickle.c save_frozenset."""
    cdef PyObject *copy = NULL
    if e.proto < 4:
        return open_items_reduce(e, o, lv)
    put_op(&e.out, OP_MARK)
    if not cyp_has_set_next():
        before_user_code(e)
        copy = PySequence_Tuple(o)
    level_init(e, lv, KIND_FROZENSET, o, uniq)
    lv.value = copy
    lv.shared_open = True
    e.shared_open += 1
    return NEXT


cdef int walk_frozenset(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    cdef Py_ssize_t index
    if walk_elements(e, lv, PySet_GET_SIZE(lv.obj), child, uniq) == NEXT:
        return NEXT
    lv.shared_open = False
    e.shared_open -= 1
    ensure(&e.out)
    index = memo_get(e.memo, lv.obj)
    if index >= 0:
        put_op(&e.out, OP_POP_MARK)
        put_get(e, index)
        return DONE
    put_op(&e.out, OP_FROZENSET)
    memoize_late(e, lv)
    return DONE


# ---- fast mode: nothing is memoised, so cycles are looked for by nesting

cdef int enter_fast(Emission *e, PyObject *o) except -1:
    """Source: _pickle.c fast_save_enter."""
    cdef set seen
    if not e.odd & ODD_FAST:
        return 0
    e.fast_nesting += 1
    if e.fast_nesting >= FAST_NESTING:
        before_user_code(e)
        if e.fast_seen == NULL:
            seen = set()
            e.fast_seen = new_ref(<PyObject *>seen)
        if <size_t>o in <set>e.fast_seen:
            e.fast_nesting -= 1
            raise ValueError(refusals().cyclic_in_fast_mode(<object>o, <size_t>o))
        (<set>e.fast_seen).add(<size_t>o)
    return 0


cdef int leave_empty(Emission *e, PyObject *o) except -1:
    """o was entered and is written already."""
    if CYP_UNLIKELY(e.odd & ODD_FAST):
        forget_fast(e, o)
    return DONE


cdef int forget_fast(Emission *e, PyObject *o) except -1:
    if e.fast_nesting >= FAST_NESTING:
        (<set>e.fast_seen).discard(<size_t>o)
    e.fast_nesting -= 1
    return 0


cdef int leave_fast(Emission *e, Level *lv) except -1:
    """Source: _pickle.c fast_save_leave."""
    if lv.kind == KIND_LIST or lv.kind == KIND_DICT:
        forget_fast(e, lv.obj)
    return 0
