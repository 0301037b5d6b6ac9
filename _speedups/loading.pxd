"""One load: everything run() and the load_* functions share, in a struct that lives for that call.

`p` walks the window `start`..`end`.  With enforced frames the window ends where the frame does, and `stop` is
where the buffer does; otherwise both are the same.  A file's next piece of data replaces the window, so no
pointer into it survives a take_*() call.
"""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memset
from _speedups.cpythonx cimport CYP_LIKELY, PyMem_Free, Py_XDECREF
from _speedups.recall cimport Memo
from _speedups.stack cimport Stack, stack_free, stack_init

cdef enum:
    NAMES_MASK = 1
    NAMES_LISTED = 1    # the state is a list

cdef struct Closed:
    Py_ssize_t i        # memo index of the state of a built instance, or UNMEMOISED
    Py_ssize_t whole    # memo index of (None, state), or UNMEMOISED
    size_t names        # tuple of its slots in the order of the state, owned, tagged; 0: all of the dictionary

cdef enum:
    RUNNING = -1        # Loading.op: `base` leads to the opcode
    READING = 256       # Loading.op: the next opcode is being read
    PATIENCE = 4096     # opcodes
    OPCODE_BYTES = 8    # that an opcode takes with its argument, as a rule
    CLOSED_FIRST = 8    # states inside the struct
    SHAPES = 128        # kinds of dictionaries remembered in a load
    SHAPE_PAIRS = 30    # of the largest of them

cdef struct Shape:
    size_t mix          # of the addresses of all keys
    PyObject *like      # dictionary of these keys and None, owned, or NULL: seen once

cdef struct Loading:
    const unsigned char *p      # next byte
    const unsigned char *end    # of what may be read now
    const unsigned char *stop   # of the buffer
    const unsigned char *start  # of the buffer
    Py_ssize_t passed           # bytes of the stream before `start`
    Py_ssize_t prefetched       # offset in the buffer from which the file has not been advanced
    bint framed                 # `end` is that of a frame
    const unsigned char *base   # an opcode at or before `p`, in the window, see load/where.pxi
    int patience                # opcodes in load_op() and in frames until SIGINT is looked for
    int op                      # the opcode in load_op(), whose bytes may have left the window; RUNNING if in none
    Py_ssize_t at               # offset of `op` in the stream
    Stack stack
    Memo *memo
    Closed *closed              # states with TAG_CLOSED or TAG_KEPT, in the order of closing
    Py_ssize_t nclosed
    Py_ssize_t closed_size
    Py_ssize_t settled          # how often user code made us build closed states
    bint paused                 # the collector: see pause_collector()
    bint collects               # whether it was on
    PyObject *plain             # dict or set whose keys are all plain as long as plain_size and plain_until say so; owned, or NULL
    Py_ssize_t plain_size       # how many there were
    uint64_t plain_until        # user_code then
    uint64_t user_code          # how often user code may have run
    bint lasting                # the data stay where they are, unchanged: memo slots may say WRITTEN
    bint passing                # the memo ends with the load: its slots may say ITEMS
    Shape *shapes               # SHAPES of them, or NULL
    Closed first_closed[CLOSED_FIRST]
    int proto
    bint fix_imports
    bint keep_bytes             # encoding='bytes': 8-bit strings stay bytes
    const char *encoding        # borrowed from the caller's str, like errors
    const char *errors
    PyObject *buffers           # iterator, borrowed; NULL when none was given
    PyObject *host              # the Machine, borrowed; NULL in loads()
    char *line                  # the last text line, NUL-terminated
    Py_ssize_t line_size        # bytes allocated for it


cdef inline void loading_init(Loading *r, Memo *memo) noexcept:
    """An empty load over `memo`; the caller fills in the input and the options."""
    stack_init(&r.stack)
    r.memo = memo
    r.p = r.end = r.stop = r.start = NULL
    r.passed = r.prefetched = 0
    r.framed = False
    r.base = NULL
    r.patience = PATIENCE
    r.op = RUNNING
    r.at = 0
    r.closed = r.first_closed
    r.shapes = NULL
    r.nclosed = r.settled = 0
    r.closed_size = CLOSED_FIRST
    r.lasting = r.passing = False
    r.paused = r.collects = False
    r.plain = NULL
    r.plain_size = 0
    r.plain_until = 0
    r.user_code = 0
    r.proto = 0
    r.fix_imports = True
    r.keep_bytes = False
    r.encoding = r.errors = NULL
    r.buffers = r.host = NULL
    r.line = NULL
    r.line_size = 0


cdef inline void loading_free(Loading *r) noexcept:
    """Release what the load owns: the stacks and scratch memory, not the memo."""
    cdef int i
    stack_free(&r.stack)
    if r.shapes != NULL:
        for i in range(SHAPES):
            Py_XDECREF(r.shapes[i].like)
        PyMem_Free(r.shapes)
    while r.nclosed:
        r.nclosed -= 1
        Py_XDECREF(<PyObject *>(r.closed[r.nclosed].names & ~<size_t>NAMES_MASK))
    if r.closed != r.first_closed:
        PyMem_Free(r.closed)
    Py_XDECREF(r.plain)
    PyMem_Free(r.line)
