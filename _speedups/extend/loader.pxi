# Loader: one load() under way, and where its bytes come from.

cdef enum Source:
    UNKNOWN      # no window: each read is the pure one's
    MEMORY       # the window is all that a BytesIO has: the frame's, or the file
    PEEKED       # the window is what a BufferedReader has in its buffer


cdef object pure_loaders = PureUnpickler.dispatch.copy()
cdef dict own_loaders = {}  # filled when the class is there
cdef object type_of_builtin = type(len)
cdef object type_of_getset = type(PurePickler.__dict__["__dict__"])
cdef object pure_pop_mark = PureUnpickler.pop_mark
cdef object bytesio_tell = BytesIO.tell
cdef object bytesio_seek = BytesIO.seek
cdef object bytesio_getvalue = BytesIO.getvalue
cdef object reader_tell = BufferedReader.tell
cdef object reader_peek = BufferedReader.peek
cdef object reader_read = BufferedReader.read


@cython.final
@cython.internal
cdef class Loader:
    """Runs opcodes on the stack and the memo that the unpickler itself has.

    Opcodes whose argument is whole in the window, and that do no more than what is written here, run here; all others
    are called, with everything as pickle._Unpickler would have it by then: see settle.
    """

    cdef object owner            # the unpickler
    cdef object dispatch
    cdef bint plain_dispatch     # it is a dict
    cdef list handlers           # opcode -> what dispatch had in the epoch
    cdef uint64_t epochs[256]    # opcode -> the epoch of that
    cdef bint native[256]        # opcode -> whether it may run here in that epoch
    cdef uint64_t epoch          # changes whenever Python code may have run
    cdef object unframer, read, readline, readinto, append  # as set when the load began; append: of the stack, when last seen
    cdef list stack, metastack
    cdef dict memo               # None where the unpickler has something else
    cdef bint usual              # stack, metastack, append and pop_mark are what they are without a subclass
    cdef bint moved              # the unpickler does not know the stack yet
    cdef bint reads              # nobody has replaced the unpickler's read(), readline() and readinto()
    cdef object builds_like_base # UNSET, or the class's declaration
    cdef dict builds             # type -> what it said
    cdef bint asks               # BUILD is overridden, and there is such a declaration
    cdef object file             # a BytesIO or BufferedReader that self._file_read is of, or None
    cdef object file_read, file_readline
    cdef Source source
    cdef object window_file      # what the window is of
    cdef bytes data              # the window
    cdef const unsigned char *p  # the next byte
    cdef const unsigned char *settled  # where the file stands
    cdef const unsigned char *end
    cdef object stand            # PEEKED: tell() at `settled`, or None where nobody knows

    def __cinit__(self, owner):
        self.owner = owner
        self.handlers = [None] * 256
        self.epoch = 1
        self.clear_window()

    cdef int clear_window(self) except -1:
        self.source = UNKNOWN
        self.window_file = None
        self.data = b""
        self.p = self.settled = self.end = PyBytes_AS_STRING(<PyObject *>self.data)
        return 0

    cdef int open(self) except -1:
        """What pickle._Unpickler.load does before the first opcode."""
        cdef object owner = self.owner
        self.file_read = owner._file_read
        self.file_readline = owner._file_readline
        self.unframer = PureUnframer(self.file_read, self.file_readline)
        owner._unframer = self.unframer
        owner.read = self.read = self.unframer.read
        owner.readinto = self.readinto = self.unframer.readinto
        owner.readline = self.readline = self.unframer.readline
        owner.metastack = []
        owner.stack = []
        owner.append = owner.stack.append
        owner.proto = 0
        self.dispatch = owner.dispatch
        self.plain_dispatch = type(self.dispatch) is dict
        self.builds_like_base = getattr(owner, "builds_like_base", UNSET)
        self.builds = {}
        self.file = file_behind(self.file_read, self.file_readline)
        return self.look_again()

    # ---- before and after Python code

    cdef int settle(self) except -1:
        """Give the unpickler its stack, and the file its position."""
        cdef dict attributes
        if self.moved:
            attributes = self.owner.__dict__
            self.append = self.stack.append
            attributes["stack"] = self.stack
            attributes["append"] = self.append
            self.moved = False
        if self.p != self.settled:
            return self.settle_file()
        return 0

    cdef int settle_file(self) except -1:
        cdef Py_ssize_t nbytes = self.p - self.settled
        self.settled = self.p
        if self.source == MEMORY:
            bytesio_seek(self.window_file, self.p - PyBytes_AS_STRING(<PyObject *>self.data))
        else:
            reader_read(self.window_file, nbytes)
            if self.stand is not None:
                self.stand += nbytes
        return 0

    cdef int look_again(self) except -1:
        """After Python code has run: it may have replaced anything, and read from the file."""
        cdef dict attributes = self.owner.__dict__
        cdef object stack = attributes.get("stack")
        cdef object metastack = attributes.get("metastack")
        cdef object append = attributes.get("append")
        cdef object memo = attributes.get("memo")
        self.epoch += 1
        self.usual = type(stack) is list and type(metastack) is list
        if self.usual:
            if append is not self.append or stack is not self.stack:
                self.usual = type(append) is type_of_builtin and append == stack.append
                self.append = append if self.usual else UNSET
            self.stack = stack
            self.metastack = metastack
            self.usual = self.usual and "pop_mark" not in attributes and type(self.owner).pop_mark is pure_pop_mark
        self.moved = False
        self.memo = memo if type(memo) is dict else None
        self.reads = (
            attributes.get("read") is self.read and attributes.get("readline") is self.readline
            and attributes.get("readinto") is self.readinto
        )
        return self.look_at_file()

    cdef int look_at_file(self) except -1:
        """The window as it is now; a file that would have to be read for one has none."""
        cdef object frame = getattr(self.unframer, "current_frame", UNSET)
        if frame is None:
            if (
                self.file is None or self.unframer.file_read is not self.file_read
                or self.unframer.file_readline is not self.file_readline
            ):
                return self.clear_window()
            if type(self.file) is BytesIO:
                return self.look_at_memory(self.file)
            if self.source == PEEKED and self.stand is not None and reader_position(self.file) == self.stand:
                return 0
            self.clear_window()
            self.source = PEEKED
            self.window_file = self.file
            return 0
        return self.look_at_memory(frame) if type(frame) is BytesIO else self.clear_window()

    cdef int look_at_memory(self, object file) except -1:
        cdef object data
        cdef Py_ssize_t at
        try:
            data = bytesio_getvalue(file)
            at = bytesio_tell(file)
            if data is not self.data and bytesio_seek(file, 0, 2) != len(data):
                data = None  # longer than what the file has: somebody holds its buffer
            if data is not self.data:
                bytesio_seek(file, at)
        except ValueError:
            return self.clear_window()
        if data is None:
            return self.clear_window()
        self.source = MEMORY
        self.window_file = file
        self.data = data
        self.p = PyBytes_AS_STRING(<PyObject *>self.data)
        self.end = self.p + PyBytes_GET_SIZE(<PyObject *>self.data)
        self.p += min(at, <Py_ssize_t>len(<bytes>data))
        self.settled = self.p
        return 0

    cdef int peek(self) except -1:
        """Fill the window from a BufferedReader, of which a byte is about to be read."""
        if self.window_file.closed:
            return 0
        data = reader_peek(self.window_file, 1)
        self.stand = reader_position(self.window_file)
        self.data = data
        self.p = self.settled = PyBytes_AS_STRING(<PyObject *>self.data)
        self.end = self.p + PyBytes_GET_SIZE(<PyObject *>self.data)
        return 0

    # ---- the loop

    cdef int call(self, object handler) except -1:
        self.settle()
        handler(self.owner)
        return self.look_again()

    cdef int next_key(self) except -2:
        """The next opcode, where the window has none; -1 if it is done already."""
        cdef object key
        self.settle()
        if self.source == PEEKED:
            self.peek()
            if self.p != self.end:
                self.p += 1
                return (self.p - 1)[0]
        key = self.read(1)
        self.look_again()
        return self.checked_key(key)

    cdef int checked_key(self, object key) except -2:
        if not key:
            raise EOFError
        if not isinstance(key, (bytes, bytearray)) and not sys.flags.optimize:
            raise AssertionError
        key = key[0]
        if type(key) is int and 0 <= key <= 255 and self.plain_dispatch:
            return key
        self.call(self.dispatch[key])
        return -1

    cdef int run_unseen(self) except -1:
        """The loop of pickle._Unpickler.load as it is, until there may be a window."""
        cdef object read = self.read
        cdef object owner = self.owner
        cdef object key
        self.settle()
        while True:
            key = read(1)
            if not key:
                raise EOFError
            if not isinstance(key, (bytes, bytearray)) and not sys.flags.optimize:
                raise AssertionError
            self.dispatch[key[0]](owner)
            if self.plain_dispatch and type(getattr(self.unframer, "current_frame", None)) is BytesIO:
                return self.look_again()

    cdef int look_up(self, int op) except -1:
        """What dispatch has for an opcode now."""
        cdef object handler = self.dispatch[op]
        self.handlers[op] = handler
        cdef bint own = handler is pure_loaders.get(op) or handler is own_loaders.get(op, UNSET)
        if op == OP_BUILD:
            self.asks = not own and self.builds_like_base is not UNSET
            own = own or self.asks
        self.native[op] = own and self.usual and self.reads and kinds[op] != CALLED
        self.epochs[op] = self.epoch
        return 0

    cdef object run(self):
        """The object that the pickle holds."""
        cdef int op
        while True:
            if self.p != self.end and self.plain_dispatch:
                op = self.p[0]
                self.p += 1
            elif self.source == UNKNOWN or not self.plain_dispatch:
                self.run_unseen()
                continue
            else:
                op = self.next_key()
                if op < 0:
                    continue
            if self.epochs[op] != self.epoch:
                self.look_up(op)
            if self.native[op]:
                if op == OP_STOP and PyList_GET_SIZE(self.stack):
                    return self.stack.pop()
                if run_one(self, op):
                    continue
            self.call(self.handlers[op])


cdef object file_behind(object read, object readline):
    """The BytesIO, or the BufferedReader of a file of the system, whose methods these are; else None."""
    cdef object file
    if type(read) is not type_of_builtin:
        return None
    file = read.__self__
    if type(file) is not BytesIO and (type(file) is not BufferedReader or type(file.raw) is not FileIO):
        return None
    return file if read == file.read and readline == file.readline else None


cdef object reader_position(object file):
    """tell(), or None where there is none."""
    try:
        return reader_tell(file)
    except (OSError, ValueError):
        return None


cdef bint is_replaced(object cls, str name) except -1:
    """Whether assigning this attribute of an instance does something of the class's own."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return hasattr(type(base.__dict__[name]), "__set__")
    return False


cdef bint keeps_attributes(object unpickler) except -1:
    """Whether the attributes of an unpickler are what its dict has."""
    cdef object cls = type(unpickler)
    if cls.__getattribute__ is not object.__getattribute__ or cls.__setattr__ is not object.__setattr__:
        return False
    for name in ("stack", "metastack", "append", "memo", "read", "readinto", "readline", "_unframer", "proto"):
        if is_replaced(cls, name):
            return False
    for base in cls.__mro__:
        if "__dict__" in base.__dict__:
            return type(base.__dict__["__dict__"]) is type_of_getset
    return False
