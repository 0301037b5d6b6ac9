# The memo of an ExtensiblePickler: a mapping from id(obj) to (index, obj), kept as a table of addresses.

cdef uint64_t generations = 0


cdef inline uint64_t next_generation() noexcept:
    global generations
    generations += 1
    return generations


cdef class AddressMemo:
    """Which objects have been written: id -> (memo index, object), as the dict of pickle._Pickler.

    As long as each index is the number of those before it, and none is taken out, a table of addresses holds them;
    then a mapping does, which may be one that somebody has assigned to the pickler.
    """

    cdef Memo table
    cdef list kept     # the objects by memo index: what the table refers to
    cdef object plain  # everything, where the table does not hold it; else None

    def __cinit__(self):
        memo_init(&self.table, next_generation())
        self.kept = []

    def __dealloc__(self):
        memo_free(&self.table)

    cdef inline Py_ssize_t find(self, object obj) except -2:
        """Index of an object, or -1."""
        cdef object entry
        if self.plain is None:
            return memo_get(&self.table, <PyObject *>obj)
        entry = self.plain.get(PyLong_FromVoidPtr(<void *>obj))
        return -1 if entry is None else <Py_ssize_t>entry[0]

    cdef inline int add(self, object obj) except -1:
        """Give an object that has none the next index."""
        if self.plain is not None:
            self.plain[PyLong_FromVoidPtr(<void *>obj)] = (len(self.plain), obj)
            return 0
        memo_enter(&self.table, <PyObject *>obj)
        try:
            self.kept.append(obj)
        except BaseException:
            memo_truncate(&self.table, PyList_GET_SIZE(self.kept), next_generation())
            raise
        return 0

    cdef inline Py_ssize_t size(self) except -1:
        return self.table.n if self.plain is None else len(self.plain)

    cdef dict as_dict(self):
        cdef dict result = {}
        if self.plain is not None:
            return dict(self.plain)
        for index, obj in enumerate(self.kept):
            result[id(obj)] = (index, obj)
        return result

    cdef int become_plain(self) except -1:
        if self.plain is None:
            self.plain = self.as_dict()
        return 0

    cdef Py_ssize_t position(self, object key) except -2:
        """Index of the object with this id, or -1.  The table is in force."""
        cdef size_t address
        if type(key) is not int or not 0 < key <= <size_t>-1:
            return -1
        address = key
        return memo_get(&self.table, <PyObject *>address)

    def __len__(self):
        return self.size()

    def __iter__(self):
        return iter(self.as_dict())

    def __contains__(self, key):
        return self.position(key) >= 0 if self.plain is None else key in self.plain

    def __getitem__(self, key):
        cdef Py_ssize_t index
        if self.plain is not None:
            return self.plain[key]
        index = self.position(key)
        if index < 0:
            raise KeyError(key)
        return index, self.kept[index]

    def get(self, key, default=None):
        """(memo index, object) for an id, or the default."""
        cdef Py_ssize_t index
        if self.plain is not None:
            return self.plain.get(key, default)
        index = self.position(key)
        return default if index < 0 else (index, self.kept[index])

    def __setitem__(self, key, value):
        if (
            self.plain is None and type(value) is tuple and len(value) == 2 and value[0] == len(self.kept)
            and id(value[1]) == key and self.find(value[1]) < 0
        ):
            self.add(value[1])
            return
        self.become_plain()
        self.plain[key] = value

    def __delitem__(self, key):
        self.become_plain()
        del self.plain[key]

    def clear(self):
        """Forget everything."""
        cdef list dropped = self.kept
        memo_truncate(&self.table, 0, next_generation())
        self.kept = []
        self.plain = None
        dropped.clear()

    def copy(self):
        """A dict of the same items."""
        return self.as_dict()

    def keys(self):
        """The ids, as they are now."""
        return self.as_dict().keys()

    def values(self):
        """(memo index, object) of each, as they are now."""
        return self.as_dict().values()

    def items(self):
        """(id, (memo index, object)) of each, as they are now."""
        return self.as_dict().items()

    def pop(self, key, *default):
        """Take out an id and return its (memo index, object)."""
        self.become_plain()
        return self.plain.pop(key, *default)

    def popitem(self):
        """Take out the last id and return it with its (memo index, object)."""
        self.become_plain()
        return self.plain.popitem()

    def setdefault(self, key, default=None):
        """What the id has; if it has nothing, the default from now on."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others, **named):
        """Take over the items of a mapping."""
        for key, value in dict(*others, **named).items():
            self[key] = value

    def __eq__(self, other):
        if isinstance(other, AddressMemo):
            other = (<AddressMemo>other).as_dict()
        return self.as_dict() == other

    __hash__ = None

    def __repr__(self):
        return repr(self.as_dict())
