# What an ExtensibleUnpickler does by itself for one opcode.  Source: pickle._Unpickler.load_*.
#
# Each function returns False, having changed nothing, where there is more to it than it does: an argument that is not
# whole in the window, a stack too short, a type that runs code of its own.  Then the pure method is called, which also
# raises the error if there is one.

cdef enum Kind:
    CALLED = 0     # always by the pure method
    CONSTANT, NUMBER, COUNTED, LINE, MEMO, TOP, MARKED, OBJECT

cdef unsigned char kinds[256]


cdef int fill_kinds() except -1:
    cdef dict groups = {
        CONSTANT: (OP_NONE, OP_NEWTRUE, OP_NEWFALSE, OP_EMPTY_LIST, OP_EMPTY_DICT, OP_EMPTY_TUPLE, OP_EMPTY_SET, OP_MARK),
        NUMBER: (OP_BININT, OP_BININT1, OP_BININT2, OP_BINFLOAT),
        COUNTED: (OP_SHORT_BINUNICODE, OP_BINUNICODE, OP_BINUNICODE8, OP_SHORT_BINBYTES, OP_BINBYTES, OP_BINBYTES8,
                  OP_BYTEARRAY8, OP_LONG1),
        LINE: (OP_INT, OP_LONG, OP_FLOAT, OP_UNICODE, OP_GET, OP_PUT),
        MEMO: (OP_MEMOIZE, OP_BINPUT, OP_LONG_BINPUT, OP_BINGET, OP_LONG_BINGET),
        TOP: (OP_TUPLE1, OP_TUPLE2, OP_TUPLE3, OP_APPEND, OP_SETITEM, OP_STOP),
        MARKED: (OP_TUPLE, OP_LIST, OP_DICT, OP_APPENDS, OP_SETITEMS, OP_ADDITEMS, OP_FROZENSET),
        OBJECT: (OP_REDUCE, OP_NEWOBJ, OP_BUILD, OP_BINPERSID),
    }
    for kind, opcodes in groups.items():
        for op in opcodes:
            kinds[<int>op] = <int>kind
    return 0


cdef bint run_one(Loader r, int op) except -1:
    cdef int kind = kinds[op]
    if kind == MEMO:
        return load_memo(r, op)
    if kind == COUNTED:
        return load_counted(r, op)
    if kind == NUMBER:
        return load_number(r, op)
    if kind == CONSTANT:
        return load_constant(r, op)
    if kind == MARKED:
        return load_marked(r, op)
    if kind == TOP:
        return load_top(r, op)
    if kind == OBJECT:
        return load_object(r, op)
    return kind == LINE and load_line(r, op)


cdef bint load_constant(Loader r, int op) except -1:
    cdef object value
    if op == OP_MARK:
        r.metastack.append(r.stack)
        r.stack = []
        r.moved = True
        return True
    if op == OP_NONE:
        value = None
    elif op == OP_NEWTRUE:
        value = True
    elif op == OP_NEWFALSE:
        value = False
    elif op == OP_EMPTY_LIST:
        value = []
    elif op == OP_EMPTY_DICT:
        value = {}
    elif op == OP_EMPTY_TUPLE:
        value = ()
    else:
        value = set()
    r.stack.append(value)
    return True


cdef bint load_number(Loader r, int op) except -1:
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t left = r.end - p
    cdef object value
    if op == OP_BININT1:
        if left < 1:
            return False
        value = <long>p[0]
        r.p += 1
    elif op == OP_BININT2:
        if left < 2:
            return False
        value = <long>cyp_read_u16(p)
        r.p += 2
    elif op == OP_BININT:
        if left < 4:
            return False
        value = <long><int32_t>cyp_read_u32(p)
        r.p += 4
    else:
        if left < 8:
            return False
        value = cyp_read_double_be(p)
        r.p += 8
    r.stack.append(value)
    return True


cdef bint load_counted(Loader r, int op) except -1:
    """str, bytes, bytearray and int behind their length."""
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t left = r.end - p
    cdef Py_ssize_t width = 1
    cdef uint64_t nbytes
    cdef PyObject *made
    if op == OP_BINUNICODE or op == OP_BINBYTES:
        width = 4
    elif op == OP_BINUNICODE8 or op == OP_BINBYTES8 or op == OP_BYTEARRAY8:
        width = 8
    if left < width:
        return False
    nbytes = p[0] if width == 1 else cyp_read_u32(p) if width == 4 else cyp_read_u64(p)
    left -= width
    if nbytes > <uint64_t>left:
        return False
    p += width
    r.p = p + nbytes
    if op == OP_SHORT_BINUNICODE or op == OP_BINUNICODE or op == OP_BINUNICODE8:
        made = PyUnicode_DecodeUTF8(<const char *>p, nbytes, "surrogatepass")
    elif op == OP_LONG1:
        made = cyp_int_from_le(p, nbytes)
    elif op == OP_BYTEARRAY8:
        made = PyByteArray_FromStringAndSize(p, nbytes)
    else:
        made = PyBytes_FromStringAndSize(p, nbytes)
    value = <object>made
    Py_DECREF(made)
    r.stack.append(value)
    return True


cdef bint load_line(Loader r, int op) except -1:
    """What has its argument as text: decimal numbers in the form that they are written in, and str."""
    cdef const unsigned char *p = r.p
    cdef const unsigned char *newline = <const unsigned char *>memchr(p, 10, r.end - p)
    cdef int64_t number = 0
    cdef PyObject *made
    if newline == NULL:
        return False
    if op == OP_UNICODE:
        r.p = newline + 1
        made = PyUnicode_DecodeRawUnicodeEscape(<const char *>p, newline - p, NULL)
        value = <object>made
        Py_DECREF(made)
        r.stack.append(value)
        return True
    if op == OP_FLOAT:
        try:
            value = float((<const char *>p)[:newline - p])
        except ValueError:
            return False
        r.p = newline + 1
        r.stack.append(value)
        return True
    if not decimal(p, newline - (1 if op == OP_LONG and newline != p and (newline - 1)[0] == 76 else 0), &number):
        return False
    if op == OP_GET or op == OP_PUT:
        if number < 0 or not use_memo(r, op == OP_PUT, number):
            return False
    else:
        r.stack.append(number)
    r.p = newline + 1
    return True


cdef bint decimal(const unsigned char *p, const unsigned char *end, int64_t *number) noexcept:
    """Whether this is a number below 10 ** 18 as str() writes it."""
    cdef bint negative = p != end and p[0] == 45
    cdef const unsigned char *first
    p += negative
    first = p
    if p == end or end - p > 18 or (p[0] == 48 and (end - p > 1 or negative)):
        return False
    while p != end:
        if not 48 <= p[0] <= 57:
            return False
        number[0] = number[0] * 10 + (p[0] - 48)
        p += 1
    if negative:
        number[0] = -number[0]
    return p != first


# ---- the memo

cdef bint use_memo(Loader r, bint put, object index) except -1:
    """Store the top of the stack, or push what was stored."""
    cdef PyObject *found
    if r.memo is None:
        return False
    if put:
        if PyList_GET_SIZE(r.stack) == 0:
            return False
        r.memo[index] = r.stack[PyList_GET_SIZE(r.stack) - 1]
        return True
    found = PyDict_GetItemWithError(r.memo, index)
    if found == NULL:
        return False
    r.stack.append(<object>found)
    return True


cdef bint load_memo(Loader r, int op) except -1:
    cdef const unsigned char *p = r.p
    cdef Py_ssize_t left = r.end - p
    cdef Py_ssize_t width = 1
    cdef int64_t index
    if op == OP_MEMOIZE:
        return r.memo is not None and use_memo(r, True, len(r.memo))
    if op == OP_LONG_BINGET or op == OP_LONG_BINPUT:
        width = 4
    if left < width:
        return False
    index = p[0] if width == 1 else <int64_t>cyp_read_u32(p)
    if not use_memo(r, op == OP_BINPUT or op == OP_LONG_BINPUT, index):
        return False
    r.p += width
    return True


# ---- containers

cdef bint load_top(Loader r, int op) except -1:
    """What takes a fixed number of objects from the stack."""
    cdef list stack = r.stack
    cdef Py_ssize_t n = PyList_GET_SIZE(stack)
    cdef object value, key
    if op == OP_APPEND:
        if n < 2 or type(stack[n - 2]) is not list:
            return False
        value = stack.pop()
        (<list>stack[n - 2]).append(value)
    elif op == OP_SETITEM:
        if n < 3 or type(stack[n - 3]) is not dict or not is_plain(stack[n - 2]):
            return False
        if not compares_plainly(stack[n - 3]):
            return False
        value = stack.pop()
        key = stack.pop()
        (<dict>stack[n - 3])[key] = value
    elif op == OP_TUPLE1:
        if n < 1:
            return False
        stack[n - 1] = (stack[n - 1],)
    elif op == OP_TUPLE2:
        if n < 2:
            return False
        value = (stack[n - 2], stack[n - 1])
        stack.pop()
        stack[n - 2] = value
    elif op == OP_TUPLE3:
        if n < 3:
            return False
        value = (stack[n - 3], stack[n - 2], stack[n - 1])
        stack.pop()
        stack.pop()
        stack[n - 3] = value
    else:
        return False
    return True


cdef inline bint is_plain(object key) noexcept:
    """Whether hashing and comparing it with its like runs no code."""
    cdef object cls = type(key)
    return cls is str or cls is int or cls is float or cls is bytes or key is None


cdef inline bint compares_plainly(dict target) noexcept:
    """Whether looking up a plain key in it runs no code: there is nothing but str to compare it with."""
    return len(target) == 0 or cyp_dict_is_text(<PyObject *>target)


cdef bint are_plain(list items, Py_ssize_t step) except -1:
    cdef Py_ssize_t i = 0
    while i < PyList_GET_SIZE(items):
        if not is_plain(items[i]):
            return False
        i += step
    return True


cdef bint load_marked(Loader r, int op) except -1:
    """What takes everything above the last mark."""
    cdef Py_ssize_t depth = PyList_GET_SIZE(r.metastack)
    cdef list items = r.stack
    cdef list below
    cdef object made
    if depth == 0 or type(r.metastack[depth - 1]) is not list:
        return False
    below = <list>r.metastack[depth - 1]
    if op == OP_TUPLE:
        made = tuple(items)
    elif op == OP_LIST:
        made = items
    elif op == OP_FROZENSET:
        if not are_plain(items, 1):
            return False
        made = frozenset(items)
    elif op == OP_DICT:
        if PyList_GET_SIZE(items) & 1 or not are_plain(items, 2):
            return False
        made = {}
        store_items(made, items)
    else:
        if PyList_GET_SIZE(below) == 0:
            return False
        return add_items(r, op, below[PyList_GET_SIZE(below) - 1], items)
    pop_mark(r)
    r.stack.append(made)
    return True


cdef int pop_mark(Loader r) except -1:
    r.stack = r.metastack.pop()
    r.moved = True
    return 0


cdef bint add_items(Loader r, int op, object target, list items) except -1:
    """APPENDS, SETITEMS and ADDITEMS to what is of exactly their type."""
    if op == OP_APPENDS:
        if type(target) is not list:
            return False
        pop_mark(r)
        (<list>target).extend(items)
    elif op == OP_SETITEMS:
        if type(target) is not dict or PyList_GET_SIZE(items) & 1 or not are_plain(items, 2):
            return False
        if not compares_plainly(target):
            return False
        pop_mark(r)
        store_items(target, items)
    else:
        if type(target) is not set or len(<set>target) != 0 or not are_plain(items, 1):
            return False
        pop_mark(r)
        (<set>target).update(items)
    return True


cdef int store_items(dict target, list items) except -1:
    """The list may be shorter in the end: what an item replaces may run code when it goes."""
    cdef Py_ssize_t i = 0
    cdef object key
    while i + 1 < PyList_GET_SIZE(items):
        key = items[i]
        target[key] = items[i + 1]
        i += 2
    return 0


# ---- objects

cdef bint load_object(Loader r, int op) except -1:
    cdef list stack = r.stack
    cdef Py_ssize_t n = PyList_GET_SIZE(stack)
    cdef object pid, value
    if op == OP_BUILD:
        return (not r.asks or may_build(r, stack)) and build_plainly(stack)
    if op == OP_BINPERSID:
        if n < 1:
            return False
        pid = stack.pop()
        r.settle()
        value = r.owner.persistent_load(pid)
        stack.append(value)
        r.look_again()
        return True
    if n < 2 or type(stack[n - 1]) is not tuple:
        return False
    return load_newobj(r, stack) if op == OP_NEWOBJ else load_reduce(r, stack)


cdef bint may_build(Loader r, list stack) except -1:
    """Whether the class declares that its BUILD does no more than the base's for what it would be called for."""
    cdef Py_ssize_t n = PyList_GET_SIZE(stack)
    cdef object cls, answer
    if n < 2:
        return False
    cls = type(stack[n - 2])
    answer = r.builds.get(cls)
    if answer is None:
        answer = bool(r.builds_like_base(cls))
        r.builds[cls] = answer
    return answer


cdef bint load_reduce(Loader r, list stack) except -1:
    cdef tuple args = stack.pop()
    cdef object function = stack[PyList_GET_SIZE(stack) - 1]
    r.settle()
    value = function(*args)
    if PyList_GET_SIZE(stack) == 0:
        raise IndexError("list assignment index out of range")
    stack[PyList_GET_SIZE(stack) - 1] = value
    r.look_again()
    return True


cdef bint load_newobj(Loader r, list stack) except -1:
    cdef tuple args = stack.pop()
    cdef object cls = stack.pop()
    if type(cls) is type and len(args) == 0 and cyp_default_new(<PyTypeObject *>cls):
        stack.append(cls.__new__(cls))
        return True
    r.settle()
    value = cls.__new__(cls, *args)
    r.look_again()
    if r.usual:
        r.stack.append(value)
    else:
        r.owner.append(value)
    return True


cdef bint build_plainly(list stack) except -1:
    """load_build for a state that is a dict of names, and an instance that keeps its attributes in one."""
    cdef Py_ssize_t n = PyList_GET_SIZE(stack)
    cdef object state, inst, attributes
    cdef PyTypeObject *tp
    cdef PyObject *descriptor
    if n < 2 or type(stack[n - 1]) is not dict:
        return False
    inst = stack[n - 2]
    tp = Py_TYPE(<PyObject *>inst)
    if not cyp_default_getattr(tp) or cyp_type_find(tp, <PyObject *>"__setstate__") != NULL:
        return False
    if cyp_type_find(tp, <PyObject *>"__getattr__") != NULL:
        return False
    descriptor = cyp_type_find(tp, <PyObject *>"__dict__")
    if descriptor == NULL or Py_TYPE(descriptor) != &PyGetSetDescr_Type or not cyp_plain_dict(
            descriptor, <PyObject *>dict_of_class):
        return False
    state = stack[n - 1]
    for key in <dict>state:
        if type(key) is not str:
            return False
    attributes = inst.__dict__
    if type(attributes) is not dict or "__setstate__" in <dict>attributes:
        return False
    stack.pop()
    for key, value in (<dict>state).items():
        (<dict>attributes)[intern_name(key)] = value
    return True


class _OfClass:
    pass


cdef object dict_of_class = _OfClass.__dict__["__dict__"]
cdef object intern_name = sys.intern

fill_kinds()
