# Classes and functions: by the module and the qualified name that they are found under.

cdef int open_global(Emission *e, PyObject *o, object name, Level *lv) except -1:
    """Begin a global.  name: the string that was its reduce value, or None.  Source: _pickle.c save_global."""
    cdef tuple names
    cdef object code
    Py_INCREF(o)
    try:
        before_user_code(e)
        names = find_global(<object>o, name, e.proto)
        if e.proto >= 2 and extension_registry:
            code = _reduce.extension_code(<object>o, name, names, e.proto)
            if code:
                put_extension(e, code)
                return DONE
        if e.proto < 4:
            return open_global_line(e, o, name, names, lv)
        level_init(e, lv, KIND_GLOBAL, o, False)
        lv.value = new_ref(<PyObject *>names)
        return NEXT
    finally:
        Py_DECREF(o)


cdef tuple find_global(object obj, object name, int proto):
    """(module name, qualified name), checked: looking them up gives obj.  The wrapper does all but the plain case."""
    cdef object module_name, module, qualified = name
    if name is None:
        qualified = getattr(obj, "__qualname__", None)
    module_name = getattr(obj, "__module__", None)
    if (type(qualified) is str and type(module_name) is str and "." not in <str>qualified
            and not (<str>qualified).startswith("__")):
        module = get_module(module_name)
        if type(module) is ModuleType and entry(<dict>module.__dict__, qualified) is obj:
            return module_name, qualified
    return _reduce.find_global(obj, name, proto)


cdef unsigned char *put_new_class(Emission *e, Plan *plan, Py_ssize_t more) noexcept:
    """What put_class leaves over: a class that is not in the memo yet, as far as looking for it runs no user code.

    Room is left for HEAD bytes and `more`, and in the memo for what an instance needs.  NULL: nothing is written.
    """
    cdef Memo *m = e.memo
    cdef PyTypeObject *t = plan.type
    cdef PyObject *names[2]
    cdef PyObject *module = NULL
    cdef Py_ssize_t nbytes
    cdef size_t slot = 0
    cdef unsigned char *p = e.out.p
    if e.odd or m.n_alias or e.reducer_override != NULL or plan.class_index >= 0 or plan.generation != m.generation:
        return NULL
    if Py_TYPE(<PyObject *>extension_registry) != &PyDict_Type or PyDict_GET_SIZE(<PyObject *>extension_registry):
        return NULL
    names[1] = cyp_class_qualname(t)
    if names[1] == NULL:
        return NULL
    names[0] = cyp_class_entry(t, <PyObject *>"__module__")
    if not is_short_text(names[0]) or not is_short_text(names[1]):
        return NULL
    nbytes = PyUnicode_GET_LENGTH(names[1])
    if memchr(PyUnicode_DATA(names[1]), c".", <size_t>nbytes) != NULL or cyp_is_finalizing():
        return NULL
    if nbytes > 2 and memcmp(PyUnicode_DATA(names[1]), b"__", 2) == 0:
        return NULL  # all modules have such attributes by their type, whatever is in their dictionary
    nbytes += PyUnicode_GET_LENGTH(names[0])
    if e.out.lim - p < 2 * HEAD + nbytes + more or m.cap - m.n < 8 or m.used + 8 > m.room:
        return NULL
    module = cyp_text_entry(PyImport_GetModuleDict(), names[0])
    if module == NULL or not PyModule_CheckExact(module):
        return NULL
    if cyp_text_entry(PyModule_GetDict(module), names[1]) != <PyObject *>t:
        return NULL
    p = put_str(e, p, names[0])
    p = put_str(e, p, names[1])
    p[0] = OP_STACK_GLOBAL
    p[1] = OP_MEMOIZE
    plan.class_index = m.n
    memo_find(m, <PyObject *>t, &slot)
    memo_fill(m, slot, m.n)
    m.log[m.n] = <PyObject *>t
    m.n += 1
    return p + 2


cdef inline bint is_short_text(PyObject *name) noexcept:
    """A str that put_str writes whenever there is room.  NULL is none."""
    return (name != NULL and Py_TYPE(name) == &PyUnicode_Type and PyUnicode_IS_COMPACT_ASCII(name)
            and PyUnicode_GET_LENGTH(name) <= SHORT_TEXT)


cdef object get_module(object name):
    """The module from sys.modules, or None."""
    cdef PyObject *module = PyImport_GetModule(<PyObject *>name)
    return None if module == NULL else own(module)


cdef int put_extension(Emission *e, unsigned int code) except -1:
    """EXT1, EXT2 or EXT4; such an object has no memo index."""
    ensure(&e.out)
    if code <= 0xFF:
        put_op_u8(&e.out, OP_EXT1, code)
    elif code <= 0xFFFF:
        put_op(&e.out, OP_EXT2)
        cyp_write_u16(e.out.p, code)
        e.out.p += 2
    else:
        put_op_u32(&e.out, OP_EXT4, code)
    return 0


cdef int walk_global(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """Protocol 4 and later: both names, STACK_GLOBAL."""
    while lv.step < 2:
        lv.step += 1
        if save_leaf(e, PyTuple_GET_ITEM(lv.value, lv.step - 1), uniq) == NOT_LEAF:
            child[0] = PyTuple_GET_ITEM(lv.value, lv.step - 1)
            return NEXT
    ensure(&e.out)
    put_op(&e.out, OP_STACK_GLOBAL)
    e.odd |= ODD_LATE
    memoize(e, lv.obj, False)
    return DONE


cdef int open_global_line(Emission *e, PyObject *o, object name, tuple names, Level *lv) except -1:
    """Protocols 0 to 3: GLOBAL, and for nested names getattr applied to what it gives."""
    cdef bytes line
    cdef tuple parts
    cdef list path = (<str>names[1]).split(".")
    if len(path) == 1:
        line = _reduce.global_line(<object>o, name, names[0], names[1], e.proto, e.fix_imports)
        ensure(&e.out)
        put_raw(&e.out, PyBytes_AS_STRING(<PyObject *>line), len(line))
        e.odd |= ODD_LATE
        memoize(e, o, False)
        return DONE
    if not cyp_getattr_chain():
        return open_internal(e, o, _reduce.nested_by_getattr(names), lv)
    parts = tuple(path)
    line = _reduce.global_line(<object>o, name, names[0], path[0], e.proto, e.fix_imports)
    level_init(e, lv, KIND_CHAIN, o, False)
    lv.n = len(path) - 1
    lv.value = new_ref(<PyObject *>parts)
    lv.item = new_ref(<PyObject *>line)
    return NEXT


cdef int walk_chain(Emission *e, Level *lv, PyObject **child, bint *uniq) except -1:
    """n times getattr, the GLOBAL, then each attribute name with the opcodes that apply one getattr."""
    cdef PyObject *part
    while lv.i < lv.n:
        if lv.step == 1:
            lv.step = 0
            lv.i += 1
            put_mark_odd(e)
            continue
        lv.step = 1
        if save_leaf(e, <PyObject *>builtin_getattr, uniq) == NOT_LEAF:
            child[0] = <PyObject *>builtin_getattr
            return NEXT
    if lv.step == 0:
        ensure(&e.out)
        put_raw(&e.out, PyBytes_AS_STRING(lv.item), PyBytes_GET_SIZE(lv.item))
        lv.step = 2
    while lv.i < 2 * lv.n or lv.step == 3:
        if lv.step == 3:
            lv.step = 2
            ensure(&e.out)
            put_op(&e.out, OP_TUPLE2 if e.proto >= 2 else OP_TUPLE)
            put_op(&e.out, OP_REDUCE)
            continue
        lv.step = 3
        lv.i += 1
        part = PyTuple_GET_ITEM(lv.value, lv.i - lv.n)
        if save_leaf(e, part, uniq) == NOT_LEAF:
            child[0] = part
            return NEXT
    ensure(&e.out)
    e.odd |= ODD_LATE
    memoize(e, lv.obj, False)
    return DONE


cdef int put_mark_odd(Emission *e) except -1:
    """Below protocol 2 a tuple of two needs its MARK."""
    ensure(&e.out)
    if e.proto < 2:
        put_op(&e.out, OP_MARK)
    return 0
