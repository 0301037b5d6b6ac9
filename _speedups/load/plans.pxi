# What is known about a class: whether its instances may be made and filled without asking it.
#
# A plan is good for one version tag of the class.  The class itself is not kept alive: a new class at the same
# address has another tag.  Tag 0 means that nothing may be remembered; such a plan is made anew each time.

cdef enum:
    PLANS = 512         # classes remembered, by address; a power of two
    PLAN_WAYS = 4       # places that a class's plan may be at; beyond that classes replace each other
    PLAN_NAMES = 24     # attributes remembered for each
    NAMES = 1024        # interned attribute names remembered, by their bytes
    NAME_BYTES = 32     # of the longest of them
    MAX_SETTLED = 16    # times that closed states had to be built before none is left out any more
    MAX_WIDTH = 64      # items of a named tuple that we know
    MOST_FORGOTTEN = 64 # functions that are kept alive though no plan is about them
    MAX_OFFSET = 0x40000000  # bytes; of a slot that a plan has room for

cdef struct Plan:
    PyTypeObject *tp                # borrowed, see above
    unsigned int tag
    bint makes                      # object.__new__() without arguments makes an instance
    Py_ssize_t body                 # which cyp_instance_new() does, -1: only that does
    bint stores                     # BUILD only writes the instance dictionary
    bint asks                       # BUILD calls __setstate__(), which instances do not shadow
    bint extends                    # a list whose extend() is list's own
    PyObject *extend                # extend() of a class whose instances have no dictionary, borrowed, or NULL
    bint slotted                    # there is neither an instance dictionary nor __setstate__()
    bint keeps                      # slotted, and setattr() is object's
    bint lists                      # __setstate__() is that of a slotted dataclass, and the names are its fields
    int native                      # NATIVE_*: instances can be made without calling it
    bint tuples                     # a named tuple whose __new__() is that of collections.namedtuple()
    Py_ssize_t width                # how many items it has
    bint packed                     # and nothing else
    PyObject *init                  # __init__() in Python, where calling the class does nothing else; borrowed
    PyObject *setstate              # __setstate__() in Python, borrowed
    bint dictless                   # instances have no dictionary
    bint quiet                      # calling the class without arguments runs no code of the user's
    bint is_uuid                    # __setstate__() is that of uuid.UUID
    int nfields                     # how many fields `lists` is about
    PyObject *function              # what such a flag is about; owned, as the three below: see plan_forget()
    PyObject *code                  # of that function when it was looked at
    PyObject *helper                # another function that `native` is about
    PyObject *helper_code
    PyObject *fields                # its __dataclass_fields__, a dict, borrowed from the class
    PyObject *layout                # tuple of the first names, owned, or NULL
    PyObject *names[PLAN_NAMES]     # the i-th name as the stream gave it: owned, or NULL; of UUID, is_safe is the third
    int distinct                    # so many of the names have slots of which no two are one
    int slots[PLAN_NAMES]           # its place among the inline values, or of a slot in the instance, in bytes

cdef Plan plans[PLANS]
cdef size_t plans_replaced = 0
cdef Plan no_plan                   # of free-threaded builds: nothing is known about any class
cdef PyObject *names[NAMES]         # owned
cdef list forgotten = []            # by plans
cdef object name_of_dict = "__dict__"
cdef object name_of_setstate = "__setstate__"
cdef object name_of_extend = "extend"
cdef object name_of_init = "__init__"
cdef object init_of_object = vars(object)["__init__"]
cdef tuple names_of_uuid = ("object", "__setattr__", "SafeUUID", "unknown")
cdef tuple names_of_update = ("isinstance", "_collections_abc", "Mapping", "super", "update", "_count_elements")
cdef tuple names_of_fraction = ("_numerator", "_denominator", "numbers", "ZeroDivisionError", "gcd", "__new__")
cdef object name_of_new = "__new__"
cdef object new_of_tuple = tuple.__new__
cdef dict model_of_new = {}  # width of a named tuple: the code of its __new__()
cdef object name_of_fields = "__dataclass_fields__"
cdef tuple names_of_setstate = ("zip", "fields", "object", "__setattr__", "name")
cdef object sets_itself = type("C", (), {"__setattr__": None})  # a class that says so in Python
cdef object extend_of_list = vars(list)["extend"]
cdef object dict_of_class = vars(sets_itself)["__dict__"]  # what any class gets


cdef inline Plan *plan_of(PyTypeObject *tp) noexcept:
    cdef size_t place = ((<size_t>tp >> 5) ^ (<size_t>tp >> 14)) % PLANS
    if cyp_is_free_threaded():
        return &no_plan  # another thread may change the class while we go by what it was
    if CYP_LIKELY(plans[place].tp == tp and plans[place].tag != 0 and plans[place].tag == cyp_type_tag(tp)):
        return &plans[place]
    return plan_find(tp, place)


cdef Plan *plan_find(PyTypeObject *tp, size_t place) noexcept:
    """The plan that is not at its first place: at another, or to be made, where need be instead of another type's."""
    cdef Plan *plan
    cdef Plan *free = NULL
    cdef size_t way
    global plans_replaced
    for way in range(<size_t>PLAN_WAYS):
        plan = &plans[place ^ way]
        if plan.tp == tp:
            if plan.tag == 0 or plan.tag != cyp_type_tag(tp):
                plan_fill(plan, tp)
            return plan
        if free == NULL and plan.tp == NULL:
            free = plan
    if free == NULL:
        free = &plans[place ^ (plans_replaced & (PLAN_WAYS - 1))]
        plans_replaced += 1
    plan_fill(free, tp)
    return free


cdef void plan_fill(Plan *plan, PyTypeObject *tp) noexcept:
    """Look the class over.  Python code runs meanwhile, and user code may: it may fill the same place, or change the class."""
    cdef Plan made
    cdef Plan old
    memset(&made, 0, sizeof(Plan))
    made.tp = tp
    made.tag = cyp_type_tag_new(tp)  # first, so that a change afterwards is noticed
    made.makes = cyp_default_new(tp)
    made.body = cyp_instance_body(tp)
    look_over(&made, tp)
    if made.tag and made.tag != cyp_type_tag(tp):
        plan_forget(&made)
        memset(&made, 0, sizeof(Plan))  # this time the general way
        made.tp = tp
        made.body = -1
    old = plan[0]
    plan[0] = made
    plan_forget(&old)


cdef void look_over(Plan *plan, PyTypeObject *tp) noexcept:
    """What REDUCE, NEWOBJ and BUILD do."""
    cdef PyObject *descriptor
    plan.native = native_of(tp)
    if plan.native < 0:
        plan.native = 0
        plan.tag = 0  # ask again
    plan.quiet = cyp_is_ast(tp)
    if plan.makes and cyp_calls_plainly(tp):
        descriptor = cyp_type_find(tp, <PyObject *>name_of_init)
        if descriptor != NULL and Py_TYPE(descriptor) == &PyFunction_Type:
            plan.init = descriptor
    if plan.tag:  # else this is done for each instance: too much, and the general way is right
        recognise(plan, tp)
    if not cyp_default_getattr(tp):
        return
    plan.dictless = not cyp_has_dict(tp)
    descriptor = cyp_type_find(tp, <PyObject *>name_of_extend)
    plan.extends = PyType_IsSubtype(tp, &PyList_Type) and descriptor == <PyObject *>extend_of_list
    if plan.dictless and descriptor != NULL and cyp_is_method(descriptor):
        plan.extend = descriptor
    descriptor = cyp_type_find(tp, <PyObject *>name_of_setstate)
    if descriptor != NULL:
        plan.asks = cyp_is_method(descriptor)
        if Py_TYPE(descriptor) == &PyFunction_Type:
            plan.setstate = descriptor
            if plan.dictless and plan.tag:
                try:
                    fill_fields(plan, <object>descriptor)
                    fill_uuid(plan, <object>descriptor)
                except Exception:
                    plan.lists = plan.is_uuid = False
        return
    plan.slotted = plan.dictless
    if plan.slotted:
        plan.keeps = cyp_default_setattr(tp)
        return
    descriptor = cyp_type_find(tp, <PyObject *>name_of_dict)
    plan.stores = (descriptor != NULL and Py_TYPE(descriptor) == &PyGetSetDescr_Type
                   and PyType_IsSubtype(tp, PyDescr_TYPE(descriptor))
                   and cyp_plain_dict(descriptor, <PyObject *>dict_of_class))


cdef void recognise(Plan *plan, PyTypeObject *tp) noexcept:
    """Named tuples, and classes of the standard library that are written in Python."""
    if cyp_is_tuple_class(tp):
        try:
            fill_named_tuple(plan, tp)
        except Exception:
            plan.tuples = False
    try:
        fill_known(plan, tp)
    except Exception:
        plan.native = 0


cdef void plan_forget(Plan *plan) noexcept:
    """Drop what a plan holds that is no longer used; functions later, as that may run user code."""
    cdef PyObject *held[4]
    cdef int i
    held[0] = plan.function
    held[1] = plan.code
    held[2] = plan.helper
    held[3] = plan.helper_code
    plan_forget_names(plan)
    for i in range(4):
        if held[i] != NULL:
            try:
                forgotten.append(<object>held[i])
            except MemoryError:
                continue  # it is kept for good
            Py_DECREF(held[i])


cdef int drop_forgotten() except -1:
    """Call this where user code may run."""
    global forgotten
    if len(forgotten) > MOST_FORGOTTEN:
        forgotten = []
    return 0


cdef int plan_is_about(Plan *plan, object function) except -1:
    """The plan's flag holds as long as the function has this code."""
    plan.function = <PyObject *>function
    plan.code = cyp_function_code(plan.function)
    Py_INCREF(plan.function)
    Py_INCREF(plan.code)
    return 0


cdef inline bint has_its_code(Plan *plan) noexcept:
    """What may change without changing the class is as it was."""
    return cyp_function_code(plan.function) == plan.code


cdef void plan_forget_names(Plan *plan) noexcept:
    cdef int i
    for i in range(PLAN_NAMES):
        Py_XDECREF(plan.names[i])
        plan.names[i] = NULL
    Py_XDECREF(plan.layout)
    plan.layout = NULL


cdef int fill_fields(Plan *plan, object setstate) except -1:
    """Recognise the __setstate__() that dataclasses gives classes with frozen=True and slots=True.

    It says object.__setattr__(self, field.name, value) for each field, which is to be an ordinary slot, and value.
    """
    cdef PyObject *fields
    cdef Py_ssize_t offset
    cdef int n = 0
    module = sys_modules.get("dataclasses")
    if type(module) is not module_type:
        return 0
    names = module.__dict__
    if names.get("_dataclass_setstate") is not setstate or setstate.__globals__ is not names \
            or setstate.__code__.co_names != names_of_setstate or not cyp_sets_by_class(plan.tp, <PyObject *>sets_itself):
        return 0
    fields = cyp_type_find(plan.tp, <PyObject *>name_of_fields)
    if fields == NULL or not PyDict_CheckExact(fields):
        return 0
    for name, field in (<dict>fields).items():
        if type(field) is not names["Field"] or n == PLAN_NAMES or field._field_type is not names["_FIELD"] \
                or field.name is not name:
            return 0
        offset = slot_of_class(plan.tp, name) if type(name) is str else -1
        if offset < 0:
            return 0
        remember_name(plan, n, <PyObject *>name, <int>offset)
        n += 1
    plan.nfields = n
    plan.fields = fields
    plan_is_about(plan, setstate)
    plan.lists = all_differ(plan, n)
    return 0


cdef int fill_uuid(Plan *plan, object setstate) except -1:
    """Recognise the __setstate__() of uuid.UUID: it sets the slots int and is_safe."""
    cdef Py_ssize_t offset
    module = sys_modules.get("uuid")
    if type(module) is not module_type or setstate.__globals__ is not module.__dict__:
        return 0
    names = module.__dict__
    uuid = names.get("UUID")
    if type(uuid) is not type or vars(uuid).get("__setstate__") is not setstate \
            or setstate.__code__.co_names != names_of_uuid or not cyp_sets_by_class(plan.tp, <PyObject *>sets_itself):
        return 0
    for i, name in enumerate(("int", "is_safe")):
        offset = slot_of_class(plan.tp, name)
        if offset < 0:
            return 0
        remember_name(plan, i, <PyObject *>name, <int>offset)
    unknown = names["SafeUUID"].unknown
    remember_name(plan, 2, <PyObject *>unknown, 0)
    plan_is_about(plan, setstate)
    plan.is_uuid = True
    return 0


cdef int fill_known(Plan *plan, PyTypeObject *tp) except -1:
    """Recognise collections.Counter, by what its functions refer to, and fractions.Fraction."""
    cdef PyObject *init
    module = sys_modules.get("collections")
    if type(module) is not module_type or module.__dict__.get("Counter") is not <object>tp:
        return fill_fraction(plan, tp)
    init = cyp_type_find(tp, <PyObject *>name_of_init)
    update = vars(<object>tp).get("update")
    if init != NULL and Py_TYPE(init) == &PyFunction_Type and Py_TYPE(<PyObject *>update) == &PyFunction_Type \
            and (<object>init).__globals__ is module.__dict__ and update.__globals__ is module.__dict__ \
            and (<object>init).__code__.co_names == ("super", "__init__", "update") \
            and set(names_of_update) <= set(update.__code__.co_names) and cyp_calls_plainly(tp) \
            and cyp_same_new(tp, &PyDict_Type):
        plan_is_about(plan, <object>init)
        plan.helper = <PyObject *>update
        plan.helper_code = cyp_function_code(plan.helper)
        Py_INCREF(plan.helper)
        Py_INCREF(plan.helper_code)
        plan.native = NATIVE_COUNTER
    return 0


cdef int fill_fraction(Plan *plan, PyTypeObject *tp) except -1:
    """Recognise fractions.Fraction, by what its __new__() refers to."""
    cdef PyObject *descriptor
    cdef Py_ssize_t offset
    module = sys_modules.get("fractions")
    if type(module) is not module_type or module.__dict__.get("Fraction") is not <object>tp \
            or not cyp_calls_plainly(tp) or cyp_has_dict(tp) or not cyp_default_setattr(tp):
        return 0
    descriptor = cyp_type_find(tp, <PyObject *>name_of_new)
    if descriptor == NULL or type(<object>descriptor) is not staticmethod:
        return 0
    function = (<object>descriptor).__func__
    if Py_TYPE(<PyObject *>function) != &PyFunction_Type or function.__globals__ is not module.__dict__ \
            or not set(names_of_fraction) <= set(function.__code__.co_names) \
            or cyp_type_find(tp, <PyObject *>name_of_init) != <PyObject *>init_of_object:
        return 0
    for i, name in enumerate(("_numerator", "_denominator")):
        offset = slot_of_class(tp, name)
        if offset < 0:
            return 0
        remember_name(plan, i, <PyObject *>name, <int>offset)
    plan_is_about(plan, function)
    plan.native = NATIVE_FRACTION
    return 0


cdef int fill_named_tuple(Plan *plan, PyTypeObject *tp) except -1:
    """Recognise the __new__() of named tuples: `lambda _cls, x, y: _tuple_new(_cls, (x, y))`."""
    cdef PyObject *descriptor = cyp_type_find(tp, <PyObject *>name_of_new)
    if descriptor == NULL or type(<object>descriptor) is not staticmethod:
        return 0
    function = (<object>descriptor).__func__
    if Py_TYPE(<PyObject *>function) != &PyFunction_Type or function.__closure__ is not None:
        return 0
    code = function.__code__
    width = code.co_argcount - 1
    if code.co_names != ("_tuple_new",) or function.__globals__.get("_tuple_new") is not new_of_tuple \
            or not 0 < width <= MAX_WIDTH:
        return 0
    model = model_of_new.get(width)
    if model is None:
        names = ", ".join([f"_{i}" for i in range(width)])
        model = model_of_new[width] = eval(f"lambda _cls, {names}: _tuple_new(_cls, ({names},))").__code__
    if (code.co_code, code.co_consts, code.co_flags, code.co_nlocals, code.co_kwonlyargcount) != (
            model.co_code, model.co_consts, model.co_flags, model.co_nlocals, model.co_kwonlyargcount):
        return 0
    plan.width = width
    plan.packed = cyp_is_packed(plan.tp)
    plan_is_about(plan, function)
    plan.tuples = True
    return 0


cdef inline bint same_fields(Plan *plan) noexcept:
    """What may change without changing the class is as it was: __setstate__(), and the fields."""
    cdef Py_ssize_t pos = 0
    cdef PyObject *name
    cdef PyObject *field
    cdef int i
    if not has_its_code(plan) or PyDict_GET_SIZE(plan.fields) != plan.nfields:
        return False
    for i in range(plan.nfields):
        if not cyp_dict_next(plan.fields, &pos, &name, &field) or name != plan.names[i]:
            return False
    return True


cdef PyObject *name_new(const unsigned char *p, Py_ssize_t nbytes) except NULL:
    """An attribute name as an interned str, new reference: from a cache if it is short and ASCII."""
    cdef PyObject **slot
    cdef PyObject *name
    if nbytes < 2 or nbytes > NAME_BYTES or cyp_is_free_threaded():
        return cyp_str_new(p, nbytes)
    slot = &names[cyp_mix_bytes(p, nbytes) >> 54]
    name = slot[0]
    if name != NULL and PyUnicode_GET_LENGTH(name) == nbytes and memcmp(PyUnicode_DATA(name), p, nbytes) == 0:
        Py_INCREF(name)
        return name
    name = cyp_str_new(p, nbytes)
    if PyUnicode_IS_COMPACT_ASCII(name):
        PyUnicode_InternInPlace(&name)
        Py_XDECREF(slot[0])
        Py_INCREF(name)
        slot[0] = name
    return name
