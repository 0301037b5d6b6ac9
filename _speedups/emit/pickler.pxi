# Emitter, the compiled base class of Pickler: options and hooks, the memo between dumps, dump().

def default_persistent_id(self, obj, /):
    """Overridden by subclasses: a value other than None is written instead of obj."""
    return None


cdef class Emitter


@cython.final
@cython.internal
cdef class TableMember:
    """The attribute dispatch_table.

    It passes for a member descriptor, as that of pickle.Pickler is one: loky looks for such among the base classes of
    its picklers, to set the table of those that inherit a class attribute of this name.
    """

    __name__ = "dispatch_table"

    @property
    def __class__(self):
        return StdlibMember

    @property
    def __objclass__(self):
        return Emitter

    def __reduce__(self):
        return builtin_getattr, (Emitter, "dispatch_table")

    def __get__(self, Emitter pickler, owner):
        cdef object table
        if pickler is None:
            return self
        table = pickler.exchange_table(NULL)
        if table is UNSET:
            raise AttributeError(f"'{type(pickler).__name__}' object has no attribute 'dispatch_table'")
        return table

    def __set__(self, Emitter pickler not None, value):
        pickler.exchange_table(<PyObject *>value)

    def __delete__(self, Emitter pickler not None):
        if pickler.exchange_table(<PyObject *>UNSET) is UNSET:
            raise AttributeError("dispatch_table")


cdef class Emitter:
    """Emitter(file, protocol=None, fix_imports=True, buffer_callback=None)
--

The compiled part of Pickler, which adds its hooks and says what they and the arguments are."""

    cdef Memo memo_table
    cdef list kept               # references to what the memo names, between dumps
    cdef object write            # the file's method; UNSET before __init__
    cdef object table            # the private dispatch table, or UNSET
    cdef object buffer_callback
    cdef int proto
    cdef bint fix_imports
    cdef bint running
    cdef int binary              # the attribute bin
    cdef int fast_mode           # the attribute fast
    cdef object hook             # persistent_id: UNSET, or what was assigned or captured
    cdef bint hook_bound         # ... to be bound to this Pickler: no cycle keeps it alive
    cdef CypOwner owner          # the thread that uses it

    def __cinit__(self):
        memo_init(&self.memo_table, next_epoch())
        self.kept = []
        self.table = UNSET
        self.hook = UNSET
        self.write = UNSET

    def __init__(self, file, protocol=None, fix_imports=True, buffer_callback=None):
        cdef int number = 0
        cdef object write = check_arguments(file, protocol, buffer_callback, &number)
        configure(self, write, number, fix_imports, buffer_callback)
        if cyp_captures_hooks() and type(self) is not plain_pickler:
            capture_hook(self, "persistent_id", set_hook)

    def __dealloc__(self):
        memo_free(&self.memo_table)

    cdef inline int take(self) except -1:
        """It is this thread's until give(); so is everything below."""
        if not cyp_own(&self.owner):
            raise RuntimeError("Pickler object is already used")
        return 0

    cdef inline int give(self) except -1:
        cyp_disown(&self.owner)
        return 0

    cdef inline int begin(self) except -1:
        """take() for what cannot be done while a dump is under way."""
        self.take()
        if self.running:
            self.give()
            raise RuntimeError("Pickler object is already used")
        return 0

    def dump(self, obj, /):
        """Write a pickled representation of obj to the open file.

        Raises: as dumps(), and what the file's write() raises.  After an error the Pickler can be used again; its
        memo is as it was before the call, and bytes may have been written.
        """
        cdef Emission e
        cdef Py_ssize_t before
        cdef uint64_t generation
        cdef object write, table, callback, persistent_id, reducer_override
        cdef tuple override_types
        self.begin()
        self.running = True
        before = self.memo_table.n
        generation = self.memo_table.generation
        emission_init(&e, &self.memo_table, self.proto, self.fix_imports, None)
        try:
            if self.write is UNSET:
                raise PicklingError("Pickler.__init__() was not called by %s.__init__()" % type(self).__name__)
            write = self.write  # kept here: a hook may call __init__ again
            table = self.table
            callback = self.buffer_callback
            e.buffer_callback = or_null(callback)
            persistent_id = self.persistent_id_hook()
            reducer_override = UNSET if type(self) is plain_pickler else getattr(self, "reducer_override", UNSET)
            e.bin = self.binary != 0
            e.odd |= ODD_PROTOCOL if e.bin != (self.proto > 0) else 0
            e.write = <PyObject *>write
            e.persistent_id = or_null(persistent_id)
            e.reducer_override = NULL if reducer_override is UNSET else <PyObject *>reducer_override
            override_types = self.declared_types() if reducer_override is not UNSET else None
            e.override_types = or_null(override_types)
            e.dispatch_table = NULL if table is UNSET else <PyObject *>table
            e.guard = True
            e.memo.dense = persistent_id is not None or reducer_override is not UNSET or table is not UNSET
            e.odd |= (ODD_PERSISTENT if persistent_id is not None else 0) | (ODD_FAST if self.fast_mode else 0)
            emit(&e, obj)
            flush(&e)
            before = self.memo_table.n
            generation = self.memo_table.generation
        finally:
            try:
                emission_free(&e)
                if generation != self.memo_table.generation:
                    before = 0  # a hook has cleared or replaced the memo
                self.keep(before)
            finally:
                self.running = False
                self.give()

    cdef tuple declared_types(self):
        """The types that the class declares its reducer_override to be for, in `reducer_override_types`; or None."""
        cdef object types = getattr(type(self), "reducer_override_types", None)
        if types is None:
            return None
        if type(types) is not tuple or not all([isinstance(item, type) for item in types]):
            raise TypeError("reducer_override_types must be a tuple of classes")
        return types

    cdef object persistent_id_hook(self):
        """What dump() asks about each object, or None."""
        cdef object hook
        if cyp_captures_hooks() or type(self) is plain_pickler:
            hook = get_hook(self)
            return None if hook is UNSET else hook
        hook = self.persistent_id
        if type(hook) is MethodType and hook.__func__ is default_persistent_id:
            return None
        return hook

    cdef int keep(self, Py_ssize_t n) except -1:
        """After a dump: the first n entries stay, owned by the list that the collector sees."""
        memo_truncate(&self.memo_table, n, next_epoch())
        return self.own_all()

    cdef int show_placeholders(self) except -1:
        """The memo as an attribute shows an object for each index, also where only the reducer would have seen one."""
        cdef Memo *m = &self.memo_table
        cdef Py_ssize_t i
        cdef object placeholder
        memo_secure(m)
        for i in range(m.listed, m.n):
            if m.log[i] == NULL:
                placeholder = object()
                memo_reserve(m)
                m.log[i] = new_ref(<PyObject *>placeholder)
                memo_insert(m, m.log[i], i)
        return 0

    cdef int own_all(self) except -1:
        """Pass each reference of the memo's to the list that the collector sees; afterwards the memo can go silently."""
        cdef Memo *m = &self.memo_table
        if len(self.kept) > m.listed:
            del self.kept[m.listed:]
        self.show_placeholders()
        while m.listed < m.n:
            self.kept.append(<object>m.log[m.listed])
            Py_DECREF(m.log[m.listed])
            m.listed += 1
        return 0

    cdef list exchange_kept(self, list kept):
        """Empty the memo, without running a finalizer: what it named is in the list that is returned."""
        cdef list old
        self.own_all()
        old = self.kept
        memo_truncate(&self.memo_table, 0, next_epoch())
        self.kept = kept
        return old

    def clear_memo(self, /):
        """Forget which objects have been written, so that the next dump() writes them anew."""
        self.take()
        try:
            self.exchange_kept([])
        finally:
            self.give()

    cdef dict memo_items(self):
        """id -> (memo index, object)"""
        cdef Memo *m = &self.memo_table
        cdef Py_ssize_t i
        cdef dict items = {}
        cdef list kept
        cdef uint64_t generation
        self.take()
        try:
            self.own_all()
            kept = self.kept  # the collector may run code that clears the memo
            generation = m.generation
            for i in range(len(kept)):
                if m.generation != generation:
                    break
                items[<size_t><PyObject *>kept[i]] = (memo_wire_index(m, i), kept[i])
            return items
        finally:
            self.give()

    cdef int assign_memo(self, object items) except -1:
        """Replace the memo by a dict, or an instance of a subclass, as memo_items gives it."""
        cdef Memo *m = &self.memo_table
        cdef dict by_id = {}
        cdef list entries, objects, dropped
        cdef Py_ssize_t i, n
        cdef Py_ssize_t *alias
        cdef object value, obj
        for value in list(dict.values(items)):
            if not isinstance(value, tuple) or len(value) != 2:
                raise TypeError("'memo' values must be 2-item tuples")
            obj = value[0]
            by_id[id(value[1])] = (PyLong_AsSsize_t(<PyObject *>obj), value[1])
        entries = sorted(by_id.values(), key=itemgetter(0))
        objects = [obj for _, obj in entries]
        n = len(entries)
        alias = <Py_ssize_t *>PyMem_Calloc(<size_t>n + 1, sizeof(Py_ssize_t))
        if alias == NULL:
            raise MemoryError()
        for i in range(n):
            alias[i] = (<tuple>entries[i])[0]
        self.take()
        try:
            dropped = self.exchange_kept(objects)
            m.alias = alias
            alias = NULL
            for i in range(n):
                memo_enter(m, <PyObject *>objects[i])
                m.secured = m.listed = m.n_alias = m.n
        finally:
            self.give()
            PyMem_Free(alias)
        return 0

    @property
    def memo(self):
        return PicklerMemoProxy(self)

    @memo.setter
    def memo(self, value):
        if isinstance(value, PicklerMemoProxy):
            self.assign_memo((<PicklerMemoProxy>value).pickler.memo_items())
        elif isinstance(value, dict):
            self.assign_memo(value)
        else:
            raise TypeError("'memo' attribute must be a PicklerMemoProxy object or dict, not %.200s"
                            % type(value).__name__)

    @memo.deleter
    def memo(self):
        raise TypeError("attribute deletion is not supported")

    @property
    def bin(self):
        """Whether the protocol is a binary one; what it is set to decides between text and binary opcodes."""
        return self.binary

    @bin.setter
    def bin(self, int value):
        self.binary = value

    @bin.deleter
    def bin(self):
        raise TypeError("can't delete numeric/char attribute")

    @property
    def fast(self):
        """If true, nothing is memoised, and objects that contain themselves cannot be pickled."""
        return self.fast_mode

    @fast.setter
    def fast(self, int value):
        self.fast_mode = value

    @fast.deleter
    def fast(self):
        raise TypeError("can't delete numeric/char attribute")

    dispatch_table = TableMember()

    cdef object exchange_table(self, PyObject *table):
        """The private dispatch table, or UNSET; from now on it is `table`, unless that is NULL."""
        cdef object old
        self.take()
        old = self.table  # which may have a finalizer
        if table != NULL:
            self.table = <object>table
        self.give()
        return old


cdef object plain_pickler = None


def set_pickler(cls, /):
    """Set the class whose instances have no hooks but such as were assigned to them."""
    global plain_pickler
    plain_pickler = cls


cdef object check_arguments(object file, object protocol, object buffer_callback, int *number):
    """The file's write; the protocol's number goes to *number.

    Raises:
        TypeError: file has no write attribute.
        ValueError: no such protocol, or buffer_callback below protocol 5.
    """
    cdef object write
    number[0] = protocol_number(protocol)
    try:
        write = file.write
    except AttributeError:
        raise TypeError("file must have a 'write' attribute") from None
    if buffer_callback is not None and number[0] < 5:
        raise ValueError("buffer_callback needs protocol >= 5")
    return write


@cython.binding(False)
def configure(Emitter pickler not None, write, int protocol, bint fix_imports, buffer_callback):
    """Pickler.__init__ after its checks: take the options, forget everything else."""
    pickler.begin()
    try:
        pickler.proto = protocol
        pickler.binary = protocol > 0
        pickler.fast_mode = 0
        pickler.fix_imports = fix_imports
        pickler.buffer_callback = buffer_callback
        pickler.clear_memo()
        pickler.write = write
        if pickler.table is UNSET and not has_attribute_by(pickler, "dispatch_table", TableMember):
            # A dispatch_table of a subclass becomes the Pickler's own here, and later changes of it go unnoticed.
            pickler.table = getattr(pickler, "dispatch_table", UNSET)
    finally:
        pickler.give()


def seal(type cls not None, /):
    """Make a class immutable, as the types of _pickle are."""
    cyp_make_immutable(<PyTypeObject *>cls)


@cython.binding(False)
def get_hook(Emitter pickler not None):
    """The persistent_id that was assigned or captured, or UNSET."""
    cdef object hook
    cdef bint bound
    pickler.take()
    hook = pickler.hook
    bound = pickler.hook_bound
    pickler.give()
    return MethodType(hook, pickler) if bound else hook


@cython.binding(False)
def set_hook(Emitter pickler not None, hook, bint bound):
    """Keep a persistent_id; if bound, it is the function of a method of this Pickler."""
    pickler.take()
    try:
        pickler.hook = hook
        pickler.hook_bound = bound
    finally:
        pickler.give()


@cython.final
cdef class PicklerMemoProxy:
    """The memo of a Pickler as an attribute: clear(), copy(), and what can be assigned to another Pickler's memo."""

    cdef Emitter pickler
    __hash__ = None

    def __cinit__(self, Emitter pickler not None):
        self.pickler = pickler

    def clear(self, /):
        """Forget which objects have been written."""
        self.pickler.clear_memo()

    def copy(self, /):
        """Return a dict: id of each object -> (memo index, object)."""
        return self.pickler.memo_items()

    def __reduce__(self, /):
        return dict, (self.pickler.memo_items(),)


seal(PicklerMemoProxy)
