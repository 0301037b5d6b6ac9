# The attributes persistent_id and persistent_load, as the running version's Pickler and Unpickler have them.
#
# Up to 3.12 such an attribute is absent until set, and captured by __init__.  From 3.13 on it is a method that is
# looked up by each dump() or load(), which instances can replace since a patch release of 3.13.


@cython.final
@cython.internal
cdef class Hook:
    """A data descriptor over what the compiled base class keeps."""

    cdef str name
    cdef object get
    cdef object set
    cdef object default  # the method that it is unless the instance has been given something else; None: absent

    def __cinit__(self, str name, get, set_, default):
        self.name = name
        self.get = get
        self.set = set_
        self.default = default

    def __get__(self, instance, owner):
        if instance is None:
            return self if self.default is None else self.default
        cdef object hook = self.get(instance)
        if hook is not UNSET:
            return hook
        if self.default is None:
            raise AttributeError(self.name)
        return MethodType(self.default, instance)

    def __set__(self, instance, hook):
        if self.default is None and not callable(hook):
            raise TypeError(f"{self.name} must be a callable taking one argument")
        self.set(instance, hook, False)

    def __delete__(self, instance):
        if self.default is None:
            raise TypeError("attribute deletion is not supported")
        self.set(instance, UNSET, False)


@cython.binding(False)
def is_captured(stdlib_class, name):
    """Whether the running version's class captures the hook in __init__."""
    return isinstance(vars(stdlib_class).get(name), GetSetDescriptorType)


@cython.binding(False)
def hook_attribute(stdlib_class, name, default, get, set_):
    """Return the class attribute `name` that behaves as on stdlib_class."""
    if is_captured(stdlib_class, name):
        return Hook(name, get, set_, None)
    if "__setattr__" in vars(stdlib_class):
        return Hook(name, get, set_, default)
    return default


cdef bint has_attribute_by(object instance, str name, object descriptor) noexcept:
    """The attribute is sure to be looked up by a data descriptor of this class, and by nothing else."""
    cdef PyTypeObject *t = Py_TYPE(<PyObject *>instance)
    cdef PyObject *found
    if not cyp_default_getattr(t):
        return False
    found = cyp_type_find(t, <PyObject *>name)
    return found != NULL and Py_TYPE(found) == <PyTypeObject *>descriptor


@cython.binding(False)
def capture_hook(instance, name, set_):
    """Keep a subclass's hook, without a cycle where it is a method of this very object.

    Where nothing but the base class's own attribute can be found, that stays as it is.
    """
    cdef object hook
    if has_attribute_by(instance, name, Hook):
        return
    hook = getattr(instance, name, UNSET)
    if isinstance(hook, MethodType) and hook.__self__ is instance:
        set_(instance, hook.__func__, True)
    else:
        set_(instance, hook, False)
