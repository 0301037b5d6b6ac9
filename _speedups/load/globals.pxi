# Globals by name, by extension code and by persistent id.


cdef object find_global(int proto, bint fix_imports, object module_name, object global_name):
    """What Unpickler.find_class() does when nobody overrides it."""
    PySys_Audit("pickle.find_class", "OO", <PyObject *>module_name, <PyObject *>global_name)
    if proto < 3 and fix_imports:
        module_name, global_name = python3_name(module_name, global_name)
    module = import_module(module_name)
    if proto >= 4 and is_dotted(global_name):
        return resolve_path(module, module_name, global_name)
    found = own_name(module, global_name)
    if found is not memo_hole:
        return found
    if habits.old_getattr:
        return old_getattr(module, global_name)
    return getattr(module, global_name)


cdef object own_name(object module, object name):
    """module.name, straight from the dictionary of an ordinary module; memo_hole where that is not all to be done."""
    if type(module) is not module_type or type(name) is not str or is_dunder(name):
        return memo_hole
    return entry(cyp_module_dict(<PyObject *>module), name)


cdef inline bint is_dotted(object name) except -1:
    """`"." in name`"""
    cdef PyObject *text = <PyObject *>name
    if CYP_LIKELY(type(name) is str and PyUnicode_IS_COMPACT_ASCII(text)):
        return memchr(PyUnicode_DATA(text), b".", PyUnicode_GET_LENGTH(text)) != NULL
    return "." in name


cdef inline bint is_dunder(object name) except -1:
    """name.startswith("__") of an exact str"""
    cdef PyObject *text = <PyObject *>name
    if CYP_LIKELY(PyUnicode_IS_COMPACT_ASCII(text)):
        return PyUnicode_GET_LENGTH(text) >= 2 and memcmp(PyUnicode_DATA(text), b"__", 2) == 0
    return (<str>name).startswith("__")


cdef inline object entry(PyObject *table, object key):
    """table[key] of an exact dict, or memo_hole."""
    cdef PyObject *found = cyp_dict_get(table, <PyObject *>key)
    return memo_hole if found == NULL else steal(found)


cdef object import_module(object name):
    """__import__(name), without the call where it would only find the module in sys.modules.

    A module that is still being imported has to be waited for, a missing package of a dotted name is imported, and a
    replaced builtins.__import__ is called.
    """
    if type(name) is str and entry(<PyObject *>builtin_names, name_of_import) is builtin_import:
        module = find_module(name)
        if module is not None:
            top = top_of(name)
            if top is name or find_module(top) is not None:
                return module
    return steal(PyImport_Import(<PyObject *>name))


cdef object top_of(object name):
    """The package of a dotted name, or the name; the last answer is at hand."""
    global named_last, top_of_last
    if not is_dotted(name):
        return name
    if cyp_is_free_threaded():
        return name.partition(".")[0]
    if name is not named_last and name != named_last:
        top_of_last = name.partition(".")[0]
        named_last = name
    return top_of_last


cdef object find_module(object name):
    """The module of this name in sys.modules; None where that is not all to be done: it is none, or not yet whole.

    The dictionary is the one that imports go by, whatever has been assigned to sys.modules since.
    """
    module = entry(<PyObject *>sys_modules, name)
    if type(module) is not module_type:
        return None
    spec = entry(cyp_module_dict(<PyObject *>module), name_of_spec)
    if spec is None or type(spec) is spec_type and getattr(spec, "_initializing", False) is False:
        return module
    return None


cdef inline object steal(PyObject *o):
    """A new raw reference as an object."""
    found = <object>o
    Py_DECREF(o)
    return found


cdef object old_getattr(object module, object name):
    """Up to 3.13 the message of a missing attribute is pickle's own."""
    found = getattr(module, name, memo_hole)
    if found is memo_hole:
        raise AttributeError(f"Can't get attribute {name!r} on {module!r}")
    return found


cdef object resolve_path(object module, object module_name, object path):
    """Follow a dotted name, protocol 4's way to nested classes and methods."""
    if habits.old_getattr:
        return old_resolve_path(module, path)
    found = module
    try:
        for name in path.split("."):
            found = getattr(found, name)
    except BaseException:
        raise AttributeError(f"Can't resolve path {path!r} on module {module_name!r}")
    return found


cdef object old_resolve_path(object module, object path):
    found = module
    names = path.split(".")
    if "<locals>" in names:
        raise AttributeError(f"Can't {habits.local_verb} local attribute {path!r} on {module!r}")
    for name in names:
        found = getattr(found, name, memo_hole)
        if found is memo_hole:
            raise AttributeError(f"Can't get attribute {path!r} on {module!r}")
    return found


cdef tuple python3_name(object module_name, object global_name):
    """Where Python 3 keeps what Python 2 called so."""
    import _compat_pickle

    pair = _compat_pickle.NAME_MAPPING.get((module_name, global_name))
    if pair is not None:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise RuntimeError("_compat_pickle.NAME_MAPPING values should be 2-tuples, "
                               f"not {type(pair).__name__:.200}")
        if not isinstance(pair[0], str) or not isinstance(pair[1], str):
            raise RuntimeError("_compat_pickle.NAME_MAPPING values should be pairs of str, "
                               f"not ({type(pair[0]).__name__:.200}, {type(pair[1]).__name__:.200})")
        return pair
    renamed = _compat_pickle.IMPORT_MAPPING.get(module_name)
    if renamed is not None:
        if not isinstance(renamed, str):
            raise RuntimeError("_compat_pickle.IMPORT_MAPPING values should be strings, "
                               f"not {type(renamed).__name__:.200}")
        module_name = renamed
    return module_name, global_name


cdef object find_class(Loading *r, object module_name, object global_name):
    """The global, by the host's find_class() if a subclass may have its own."""
    settle(r)
    if r.host == NULL or type(<Machine>r.host) is plain_unpickler or type(<Machine>r.host) is Machine:
        return find_global(r.proto, r.fix_imports, module_name, global_name)
    return (<object>r.host).find_class(module_name, global_name)


cdef int push_object(Loading *r, object o) except -1:
    return push_shared(r, <PyObject *>o)


cdef tuple take_names(Loading *r, bint ascii_only):
    """The two lines, module and name, of GLOBAL and INST."""
    cdef char *line
    cdef Py_ssize_t nbytes
    names = []
    for _ in range(2):
        nbytes = take_line(r, &line)
        if nbytes < 2:
            truncated()
        if ascii_only:
            names.append(<object>steal(PyUnicode_DecodeASCII(line, nbytes - 1, "strict")))
        else:
            names.append(<object>steal(PyUnicode_DecodeUTF8(line, nbytes - 1, "strict")))
    return tuple(names)


cdef int load_global(Loading *r) except -1:
    """GLOBAL."""
    module_name, global_name = take_names(r, False)
    return push_object(r, find_class(r, module_name, global_name))


cdef int load_stack_global(Loading *r) except -1:
    """STACK_GLOBAL: both names must be exact str."""
    cdef PyObject **names = operands(r, 2)
    module_name = <object>names[0]
    global_name = <object>names[1]
    if type(global_name) is not str or type(module_name) is not str:
        raise UnpicklingError("STACK_GLOBAL requires str")
    return replace_top(r, 2, find_class(r, module_name, global_name))


cdef bint load_by_names(Loading *r) except -1:
    """Two short strs, the first of which begins here, and STACK_GLOBAL: by names that have been here before.

    False, and nothing done, if that is not what follows.
    """
    cdef const unsigned char *module_name = r.p + 1
    cdef const unsigned char *name = module_name + r.p[0] + 3
    cdef Py_ssize_t left = r.end - name
    if left < 3 or left < (name - 1)[0] + 2 or name[(name - 1)[0]] != OP_MEMOIZE \
            or name[(name - 1)[0] + 1] != OP_STACK_GLOBAL or not memo_has_room(r.memo, r.memo.count) \
            or not memo_has_room(r.memo, r.memo.count + 1):
        return False
    r.p = name - 3
    push_name(r, module_name, r.p - module_name)
    r.p = name + (name - 1)[0]
    push_name(r, name, r.p - name)
    r.p += 2
    load_stack_global(r)
    return True


cdef int push_name(Loading *r, const unsigned char *p, Py_ssize_t nbytes) except -1:
    cdef PyObject *name = name_new(p, nbytes)
    memo_append(r.memo, name)
    return push_steal(&r.stack, name)


cdef int load_extension(Loading *r, int width) except -1:
    """EXT1, EXT2, EXT4: a global by its code in copyreg's registry."""
    cdef const unsigned char *p = take(r, width)
    cdef long code = p[0] if width == 1 else <long>cyp_read_u16(p) if width == 2 else signed32(p)
    if code <= 0:
        raise UnpicklingError("EXT specifies code <= 0")
    import copyreg

    settle(r)
    cached = copyreg._extension_cache.get(code, memo_hole)
    if cached is not memo_hole:
        return push_object(r, cached)
    pair = copyreg._inverted_registry.get(code, memo_hole)
    if pair is memo_hole:
        raise ValueError(f"unregistered extension code {code}")
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str) or not isinstance(pair[1], str):
        raise ValueError(f"_inverted_registry[{code}] isn't a 2-tuple of strings")
    found = find_class(r, pair[0], pair[1])
    copyreg._extension_cache[code] = found
    return push_object(r, found)


# ---- persistent ids ---------------------------------------------------------------------------------------------


cdef int no_persistent_load() except -1:
    raise UnpicklingError(habits.no_persistent_load)


cdef object persistent_load(Loading *r, object pid):
    cdef object hook = unset if r.host == NULL else (<Machine>r.host).persistent_now
    if hook is unset:
        no_persistent_load()
    settle(r)
    if (<Machine>r.host).persistent_bound:
        return hook(<object>r.host, pid)
    return hook(pid)


cdef int load_persid(Loading *r) except -1:
    """PERSID: the id is a line of ASCII text."""
    cdef char *line
    cdef Py_ssize_t nbytes
    if habits.persid_asks_first and (r.host == NULL or (<Machine>r.host).persistent_now is unset):
        no_persistent_load()
    nbytes = take_line(r, &line)
    pid = None
    try:
        pid = steal(PyUnicode_DecodeASCII(line, nbytes - 1, "strict"))
    except UnicodeDecodeError:
        pass
    if pid is None:
        raise UnpicklingError("persistent IDs in protocol 0 must be ASCII strings")
    return push_object(r, persistent_load(r, pid))


cdef int load_binpersid(Loading *r) except -1:
    """BINPERSID: the id is on the stack."""
    cdef PyObject **pid
    if habits.persid_asks_first and (r.host == NULL or (<Machine>r.host).persistent_now is unset):
        no_persistent_load()
    pid = operands(r, 1)
    return replace_top(r, 1, persistent_load(r, <object>pid[0]))
