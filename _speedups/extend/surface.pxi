# Surface: what one pickler object has overridden, looked up when a dump begins.

cdef enum NativeKind:
    ASK = 0            # nothing frequent: call the handler, or the reducers if there is none
    ATOM_NONE, ATOM_BOOL, ATOM_INT, ATOM_FLOAT
    LEAF_STR, LEAF_BYTES
    NODE_DICT, NODE_LIST, NODE_TUPLE, NODE_SET, NODE_FROZENSET

cdef enum Memoizing:
    MEMOIZE_BASE = 0   # as the base class does
    MEMOIZE_NOT = 1
    MEMOIZE_CALL = 2   # by the method


@cython.final
@cython.internal
cdef class Route:
    """How objects of one exact type are written by one pickler."""

    cdef uint64_t epoch        # Surface.epoch in which the handler was looked up
    cdef int kind              # a NativeKind
    cdef bint excepts          # kind is NODE_DICT, but not for those dicts that dict_exceptions() tells of
    cdef object handler        # what dispatch.get() gives, or None
    cdef bint like_base        # save() is the base's, or said to do what that does
    cdef int memoizing         # a Memoizing
    cdef bint asked            # whether `plain` is known
    cdef unsigned int tag      # cyp_type_tag when it became known
    cdef bint plain            # object.__reduce_ex__ gives the class and the attributes, nothing on the class decides


cdef class Surface:
    """What of a pickler runs here, and the parts of it that are used all the time."""

    cdef bint usable             # a binary protocol from 2 on, our framer, and opcodes written by it alone
    cdef Framer framer
    cdef AddressMemo memo        # the pickler's own
    cdef uint64_t epoch          # changes whenever Python code may have run
    cdef bint fast
    cdef int proto
    cdef object dispatch         # a dict, perhaps of a subclass
    cdef bint plain_get          # its get() is dict's
    cdef dict checked            # else: type -> (what the dict holds, what get() returned)
    cdef object table            # the dispatch table in force
    cdef bint own_save
    cdef bint own_memoize
    cdef bint own_reduce
    cdef bint own_appends
    cdef bint own_setitems
    cdef bint persistent
    cdef object override         # reducer_override, or UNSET
    cdef object saves_like_base  # UNSET, or the class's declaration
    cdef object memoizes         # UNSET, or the class's declaration
    cdef object dict_exceptions  # UNSET, or the class's declaration
    cdef object except_handler   # what it has said, as of dict_route.epoch: the handler that dicts have,
    cdef str except_key          # the key of those that it is called for,
    cdef dict except_like        # and a dict that it looks for
    cdef bint sorts_items
    cdef Py_ssize_t depth        # levels of containers and reduce values that are open here
    cdef bint by_interpreter     # they go on as Python functions, see save_deep
    cdef dict routes             # type -> Route
    cdef Route str_route, int_route, float_route, dict_route, list_route  # of these types, or None

    cdef int refresh(self, object pickler) except -1:
        """After Python code has run: it may have replaced the memo, or set the fast mode."""
        cdef object memo = pickler.memo
        if memo is not self.memo and (self.memo is None or memo is not self.memo.plain):
            self.memo = address_memo(memo)
        self.fast = bool(pickler.fast)
        self.epoch = next_generation()
        return 0


cdef AddressMemo address_memo(object memo):
    """The memo of a pickler, or ours upon the mapping that has been assigned to it."""
    cdef AddressMemo ours
    if type(memo) is AddressMemo:
        return memo
    ours = AddressMemo()
    ours.plain = memo
    return ours


cdef bint is_own(object pickler, str name) except -1:
    """Neither the class nor the instance has another method of this name than ours, or the pure one."""
    cdef object found = getattr(type(pickler), name, None)
    if name in pickler.__dict__:
        return False
    return found is getattr(ExtensiblePickler, name) or found is getattr(PurePickler, name)


cdef Surface look_at(object pickler):
    """The surface of a pickler as it is now."""
    cdef Surface s = Surface.__new__(Surface)
    cdef object framer = pickler.framer
    if type(framer) is PureFramer and framer.current_frame is None:
        # The class has called pickle._Pickler.__init__ itself.
        replace_framer(pickler)
        framer = pickler.framer
    s.proto = pickler.proto
    s.dispatch = pickler.dispatch
    s.usable = (
        type(framer) is Framer and pickler.__dict__.get("write") == framer.write and s.proto >= 2
        and bool(pickler.bin) and isinstance(s.dispatch, dict)
        and is_own(pickler, "put") and is_own(pickler, "get") and pickler._BATCHSIZE == BATCH_ITEMS
    )
    if not s.usable:
        return s
    s.framer = framer
    s.framer.late = bool(getattr(pickler, "writes_late", False))
    s.plain_get = type(s.dispatch).get is dict.get
    s.checked = {}
    s.table = getattr(pickler, "dispatch_table", copyreg.dispatch_table)
    s.own_save = is_own(pickler, "save")
    s.own_memoize = is_own(pickler, "memoize")
    s.own_reduce = is_own(pickler, "save_reduce")
    s.own_appends = is_own(pickler, "_batch_appends")
    s.own_setitems = is_own(pickler, "_batch_setitems")
    s.persistent = not is_own(pickler, "persistent_id")
    s.override = getattr(pickler, "reducer_override", UNSET)
    if s.override is None:
        s.override = UNSET
    s.saves_like_base = getattr(pickler, "saves_like_base", UNSET)
    s.memoizes = getattr(pickler, "memoizes", UNSET)
    s.dict_exceptions = getattr(pickler, "dict_exceptions", UNSET)
    s.sorts_items = bool(getattr(pickler, "sorts_items", False))
    s.routes = {}
    s.refresh(pickler)
    return s


cdef int replace_framer(object pickler) except -1:
    """Give a pickler our framer in the place of the pure one, which has written nothing yet."""
    cdef Framer framer = Framer(pickler._file_write)
    pickler.memo = AddressMemo()
    pickler.framer = framer
    pickler.write = framer.write
    pickler._write_large_bytes = framer.write_large_bytes
    return 0


cdef str SURFACE = "_ExtensiblePickler__surface"  # the attribute that has it during a dump


cdef str OWNER = "_Extensible__owner"  # the attribute that has it, on free-threaded builds, during a dump or load


cdef object run_alone(object method, object self, tuple args):
    """Call a method of the pure class, of which free-threaded builds bear one thread at a time: frames are BytesIO.

    Raises:
        RuntimeError: another thread is at it.
    """
    cdef object attributes = self.__dict__
    cdef object owner = (get_ident(),)
    cdef object found = attributes.setdefault(OWNER, owner)
    if found != owner:
        raise RuntimeError(f"{type(self).__name__} object is already used")
    try:
        return method(self, *args)
    finally:
        if found is owner:
            attributes.pop(OWNER, None)


cdef inline Surface surface_of(object pickler):
    """The one of the dump under way, or a new one where there is none; up to date."""
    cdef PyObject *found
    cdef Surface s
    found = PyDict_GetItemWithError(pickler.__dict__, SURFACE)
    if found == NULL or type(<object>found) is not Surface:
        return look_at(pickler)
    s = <Surface>found
    if s.usable:
        s.refresh(pickler)
    return s
