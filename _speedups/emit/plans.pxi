# Plans: what has been decided about a type, so that its instances are written without asking again.
#
# A plan is looked up by the type's address and holds as long as the type's version tag does: a type that died,
# or was changed, has another one.  Within one dump it need not even be compared until user code has run.

cdef enum:
    PLAN_TABLE = 1024  # power of two
    PLAN_WAYS = 4      # places that a type's plan may be at; beyond that types replace each other

cdef Plan *plans[PLAN_TABLE]
cdef size_t plans_replaced = 0

# What _reduce.plan_kind calls them.
cdef dict plan_kinds = {
    "attributes": PLAN_ATTRIBUTES, "slots": PLAN_SLOTS, "reduce": PLAN_REDUCE, "getstate": PLAN_GETSTATE,
    "namedtuple": PLAN_NAMEDTUPLE, "date": PLAN_DATE, "datetime": PLAN_DATETIME, "time": PLAN_TIME,
    "timedelta": PLAN_TIMEDELTA, "fields": PLAN_FIELDS, "syntax": PLAN_SYNTAX, "complex": PLAN_COMPLEX,
    "members": PLAN_MEMBERS, "parts": PLAN_PARTS, "text": PLAN_TEXT, "uuid": PLAN_UUID,
    "ordereddict": PLAN_ORDEREDDICT, "defaultdict": PLAN_DEFAULTDICT, "counter": PLAN_COUNTER, "deque": PLAN_DEQUE,
    "array": PLAN_ARRAY, "scalar": PLAN_SCALAR,
}


cdef inline Plan *plan_for(Emission *e, PyTypeObject *t) except? NULL:
    """The plan for instances of t, or NULL where each object must be asked."""
    cdef Plan *plan = plans[plan_place(t)]
    if plan == NULL or CYP_UNLIKELY(e.odd & ODD_GENERAL):
        return NULL
    if CYP_UNLIKELY(plan.type != t):
        plan = plans[plan_place_for(t)]
    if plan == NULL or plan.type != t or plan.kind == PLAN_NONE:
        return NULL
    if CYP_LIKELY(plan.epoch == e.epoch):
        return plan
    return plan_renew(e, plan)


cdef inline size_t plan_place(PyTypeObject *t) noexcept:
    """Where the plan for t is, unless another type was there first."""
    return (<size_t>t >> 5) & (PLAN_TABLE - 1)


cdef size_t plan_place_for(PyTypeObject *t) noexcept:
    """Where the plan for t is, or else is to be: at a free place, or in turn at one that is taken."""
    cdef size_t first = plan_place(t)
    cdef size_t way
    for way in range(<size_t>PLAN_WAYS):
        if plans[first ^ way] == NULL or plans[first ^ way].type == t:
            return first ^ way
    return first ^ (plans_replaced & (PLAN_WAYS - 1))


cdef Plan *plan_renew(Emission *e, Plan *plan) except? NULL:
    """Is the plan still right?  The type, and the dispatch tables, may have changed since it was last used."""
    if plan.tag != cyp_type_tag(plan.type) or may_be_dispatched(e, plan):
        return NULL
    plan.epoch = e.epoch
    if plan.generation != e.memo.generation:
        plan.generation = e.memo.generation
        plan.class_index = -1
        cyp_clear(plan.names, sizeof(plan.names))
        cyp_clear(plan.gets, sizeof(plan.gets))
    return plan


cdef bint still_planned(Emission *e, Plan *plan, PyObject *o, int kind) except -1:
    """User code has run: the plan is still for objects like o, and right."""
    return plan.type == Py_TYPE(o) and plan.kind == kind and plan_renew(e, plan) != NULL


cdef bint may_be_dispatched(Emission *e, Plan *plan) noexcept:
    """The dispatch table in force has another entry than was planned with, or looking for one might run user code."""
    cdef PyObject *t = <PyObject *>plan.type
    cdef PyObject *planned = <PyObject *>copyreg_complex if plan.kind == PLAN_COMPLEX else NULL
    cdef PyObject *table = e.dispatch_table
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t pos = 0
    if table == NULL:
        table = <PyObject *>copyreg_table
    if Py_TYPE(table) != &PyDict_Type or not cyp_plain_key(t):
        return True
    if cyp_lacks_class(table, t):
        return planned != NULL
    while cyp_dict_next(table, &pos, &key, &value):
        if not cyp_plain_key(key):
            return True
        if key == t:
            return value != planned
    return planned != NULL


cdef bint is_default_newobj(object reduced) except -1:
    """copyreg.__newobj__ with the class alone, and no items: what is left is the state."""
    cdef PyObject *value = <PyObject *>reduced
    return (well_formed(value) and PyTuple_GET_ITEM(value, 0) == <PyObject *>copyreg_newobj
            and PyTuple_GET_SIZE(PyTuple_GET_ITEM(value, 1)) == 1
            and part(value, 3) == NULL and part(value, 4) == NULL and part(value, 5) == NULL)


cdef int learn_plan(object obj, object reduced, int proto) except -1:
    """Plan for the type of obj when the first of its instances has been reduced.

    reduced: its reduce value.  It is looked at because only the real call knows whether instances can be reduced at
    all, and with what.
    """
    cdef PyTypeObject *t = Py_TYPE(<PyObject *>obj)
    cdef size_t slot = plan_place_for(t)
    cdef unsigned int tag = cyp_type_tag(t)
    cdef Plan *plan = plans[slot]
    cdef int kind = PLAN_NONE
    cdef Py_ssize_t i
    cdef Py_ssize_t offsets[PLAN_NAMES]
    cdef tuple names = ()
    cdef object constant = None
    cdef PyObject *old_slots
    cdef PyObject *old_constant
    global plans_replaced
    if tag == 0 or proto < 2 or (plan != NULL and (plan.pins or (plan.type == t and plan.tag == tag))):
        return 0
    if cyp_default_getattr(t):
        found = _reduce.plan_kind(<object><PyObject *>t, obj, reduced, PLAN_NAMES)
        kind = plan_kinds.get(found, PLAN_NONE)
    if kind == PLAN_TEXT and cyp_knows_decimal(t) < 0 or kind == PLAN_ORDEREDDICT and cyp_knows_ordereddict(t) < 0:
        return 0  # for want of memory: ask again
    if (kind == PLAN_ATTRIBUTES or kind == PLAN_SLOTS or kind == PLAN_GETSTATE) and not is_default_newobj(reduced):
        kind = PLAN_NONE
    if kind == PLAN_REDUCE and cyp_dict_is_made_on_demand() and t.tp_dictoffset != 0:
        kind = PLAN_NONE  # looking for shadowed hooks would make a dictionary, and the reducer may mind
    if kind != PLAN_NONE:
        members, constant = _reduce.plan_members(<object><PyObject *>t, found)
        if len(members) > PLAN_NAMES or kind == PLAN_FIELDS and type(constant) is not dict:
            kind = PLAN_NONE
            members = ()
        names = tuple([name for name, _ in members])
        for i, (_, descriptor) in enumerate(members):
            offsets[i] = cyp_slot_offset(t, <PyObject *>descriptor, kind != PLAN_SLOTS and kind != PLAN_FIELDS)
            if offsets[i] < 0:
                kind = PLAN_NONE
    # Python code has run: look again.
    slot = plan_place_for(t)
    plan = plans[slot]
    if tag != cyp_type_tag(t) or (plan != NULL and plan.pins):
        return 0
    if PLAN_DATE <= kind <= PLAN_TIMEDELTA and not cyp_is_temporal_type(t, kind - PLAN_DATE):
        kind = PLAN_NONE
    if plan == NULL:
        plan = <Plan *>PyMem_Calloc(1, sizeof(Plan))
        if plan == NULL:
            raise MemoryError()
        plans[slot] = plan
    plans_replaced += plan.type != NULL and plan.type != t
    old_slots = plan.slots
    old_constant = plan.constant
    memcpy(plan.slot_offsets, offsets, sizeof(offsets))
    plan.slots = new_ref(<PyObject *>names)
    plan.constant = new_ref(<PyObject *>constant)
    plan.type = t
    plan.tag = cyp_type_tag(t)
    plan.kind = kind
    plan.bare = t.tp_dictoffset == 0
    plan.checked_names = 0
    plan.epoch = 0
    plan.generation = 0
    Py_XDECREF(old_slots)
    Py_XDECREF(old_constant)  # whose finalizers may come here again
    return 0


cdef inline bint is_hook_name(PyObject *name) noexcept:
    """An attribute of this name on the instance itself would be found before the type's."""
    if CYP_UNLIKELY(Py_TYPE(name) != &PyUnicode_Type or not PyUnicode_IS_COMPACT_ASCII(name)):
        return Py_TYPE(name) != &PyUnicode_Type
    if CYP_LIKELY((<const char *>PyUnicode_DATA(name))[0] != b"_"):
        return False
    if PyUnicode_GET_LENGTH(name) == 10:
        return memcmp(PyUnicode_DATA(name), b"__reduce__", 10) == 0
    if PyUnicode_GET_LENGTH(name) == 13:
        return memcmp(PyUnicode_DATA(name), b"__reduce_ex__", 13) == 0
    return PyUnicode_GET_LENGTH(name) == 12 and memcmp(PyUnicode_DATA(name), b"__getstate__", 12) == 0


cdef inline bint shadows_hooks(Plan *plan, PyObject *o) except -1:
    """The instance has an attribute with the name of a hook, or one that is not named by a str."""
    cdef Py_ssize_t count = 0, pos = 0
    cdef PyObject *name
    cdef PyObject *value
    cdef PyObject *dictionary
    if plan.bare:
        return False
    if cyp_attrs_len(o) < 0:
        dictionary = cyp_instance_dict(o)
        if dictionary == NULL:
            return False
        if not cyp_shares_names(plan.type, dictionary):
            if not cyp_keys_are_plain(dictionary):
                while cyp_dict_next(dictionary, &pos, &name, &value):
                    if is_hook_name(name):
                        return True
            return False
    name = cyp_shared_name(plan.type, plan.checked_names, &count)
    while CYP_UNLIKELY(plan.checked_names < count):
        if is_hook_name(name):
            return True
        plan.checked_names += 1
        name = cyp_shared_name(plan.type, plan.checked_names, &count)
    return False


cdef Py_ssize_t attrs_size(PyObject *o) except -1:
    """Attributes of an instance that had no dictionary when it was opened."""
    cdef Py_ssize_t n = cyp_attrs_len(o)
    cdef PyObject *dictionary
    if n < 0:
        dictionary = cyp_instance_dict(o)
        n = PyDict_GET_SIZE(dictionary) if dictionary != NULL else 0
    return n


cdef object attributes_of(PyObject *o):
    """The __dict__ of an instance, None where it is empty: what object.__getstate__ would return."""
    cdef PyObject *dictionary
    cdef Py_ssize_t n = cyp_attrs_len(o)
    if n > 0:
        return own(PyObject_GenericGetDict(o, NULL))
    if n < 0:
        dictionary = cyp_instance_dict(o)
        if dictionary != NULL and PyDict_GET_SIZE(dictionary) > 0:
            return <object>dictionary
    return None


cdef enum:
    # Steps of KIND_INSTANCE beside those of the dict that its attributes are written as
    STEP_CLASS = 10   # the class comes next
    STEP_NEWOBJ = 11  # the class is saved
    STEP_BUILD = 12   # the dictionary is saved


cdef inline int open_instance(Emission *e, PyObject *o, bint uniq, Plan *plan, Level *lv) noexcept:
    """An instance of a class with the default reducer: class, EMPTY_TUPLE, NEWOBJ, attributes, BUILD."""
    level_init(e, lv, KIND_INSTANCE, o, uniq)
    lv.plan = plan
    plan.pins += 1
    lv.step = STEP_CLASS
    return NEXT


cdef inline int walk_instance(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    cdef PyObject *cls
    if lv.step == STEP_CLASS:
        lv.step = STEP_NEWOBJ
        at_boundary(e)
        if CYP_LIKELY(has_class_index(e, lv)):
            put_get(e, lv.plan.class_index)
        else:
            cls = <PyObject *>Py_TYPE(lv.obj)
            if save_leaf(e, cls, uniq) == NOT_LEAF:
                child[0] = cls
                return NEXT
    if lv.step == STEP_NEWOBJ:
        make_instance(e, lv)
        if start_state(e, lv, child, uniq) == NEXT:
            return NEXT
        if lv.step == STEP_NEWOBJ:
            return DONE
    if lv.step < STEP_CLASS and walk_dict(e, lv, child, uniq, True) == NEXT:
        return NEXT
    ensure(&e.out)
    put_op(&e.out, OP_BUILD)
    return DONE


cdef inline bint has_class_index(Emission *e, Level *lv) noexcept:
    """The plan knows where the object's class is in the memo.  User code may have given it another class."""
    cdef Plan *plan = lv.plan
    return plan.class_index >= 0 and plan.generation == e.memo.generation and plan.type == Py_TYPE(lv.obj)


cdef inline int learn_class_index(Emission *e, Level *lv) except -1:
    """The class has just been saved: the plan notes its memo index."""
    cdef Plan *plan = lv.plan
    if CYP_UNLIKELY(not has_class_index(e, lv)):
        if plan.generation == e.memo.generation and plan.type == Py_TYPE(lv.obj):
            plan.class_index = memo_get(e.memo, <PyObject *>plan.type)
    return 0


cdef inline int make_instance(Emission *e, Level *lv) except -1:
    """EMPTY_TUPLE, NEWOBJ and the memo index; the class is on the stack."""
    learn_class_index(e, lv)
    ensure(&e.out)
    at_boundary(e)
    put_op(&e.out, OP_EMPTY_TUPLE)
    put_op(&e.out, OP_NEWOBJ)
    return memoize_late(e, lv)


cdef inline int start_state(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Begin the attributes.  NEXT: they are in a dictionary, to be saved as such; the step stays where there are none.

    Attributes without a dictionary are written as the one that would be made for them.  It has a memo index, and
    memo_secure makes it before anyone can ask for it.
    """
    cdef Py_ssize_t n = cyp_attrs_len(lv.obj)
    cdef PyObject *dictionary
    if CYP_LIKELY(n > 0):
        at_boundary(e)
        n = cyp_attrs_len(lv.obj)
    if CYP_LIKELY(n > 0):
        put_op(&e.out, OP_EMPTY_DICT)
        lv.state = e.memo.n
        lv.generation = e.memo.generation
        memo_log(e.memo, <PyObject *>(<size_t>lv.obj | 1))
        put_op(&e.out, OP_MEMOIZE)
        lv.n = n
        lv.step = STEP_BATCH
        return DONE
    if n == 0:
        return DONE
    if cyp_dict_is_made_on_demand():
        before_user_code(e)
    dictionary = cyp_instance_dict(lv.obj)
    if dictionary == NULL or PyDict_GET_SIZE(dictionary) == 0:
        return DONE
    lv.step = STEP_BUILD
    if save_leaf(e, dictionary, uniq) == NOT_LEAF:
        child[0] = dictionary
        return NEXT
    return DONE


cdef inline int save_name(Emission *e, Plan *plan, Py_ssize_t at, PyObject *name, bint *uniq) except -1:
    """save_leaf for an attribute name: the same name at the same place costs no look-up."""
    cdef unsigned char *end
    if CYP_LIKELY(e.out.p <= e.out.lim and e.odd == 0 and plan.generation == e.memo.generation):
        end = put_name(e, e.out.p, name, &plan.names[at], &plan.name_indices[at], False)
        if end != NULL:
            e.out.p = end
            return WRITTEN
    return save_leaf_any(e, name, uniq)
