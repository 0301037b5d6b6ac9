"""Memo of the emitter: which objects have been written, and under which memo index.

A log of pointers (position = memo index) and an open-addressing table of uint32 positions into it.
Ownership is deferred: what has been logged since the last `memo_secure` is kept alive by the object graph
itself, because nothing but user code can change the graph.  Before any user code runs, memo_secure takes a
reference to each such object and enters it into the table, so that user code that hands one out again, or
drops it, finds the memo complete.  An object whose only reference is the container's edge cannot be met
again before that, so it is logged without being hashed.
"""

from cpython.object cimport PyObject
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from _speedups.cpythonx cimport (
    CYP_LIKELY, CYP_UNLIKELY, PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc, PyObject_GenericGetDict,
    Py_DECREF, Py_INCREF, cyp_clear, cyp_is_free_threaded,
)

cdef enum:
    SMALL_LOG = 64      # entries in the struct itself
    SMALL_TABLE = 128   # slots in the struct itself; a power of two
    SMALL_SHIFT = 57    # 64 - log2(SMALL_TABLE)
    SMALL_ROOM = 64     # entries that it takes
    LARGE_LOG = 4096    # entries from which on it grows by a quarter
    HUGE_LOG = 16384    # entries from which on it grows by an eighth
    LARGE_TABLE = 16384 # slots from which on it doubles
    HUGE_TABLE = 131072 # slots above which the processor's caches do not hold them

cdef struct Memo:
    PyObject **log        # by memo index; an odd pointer p stands for the dictionary of instance p - 1, not made yet;
                          # NULL for what nobody can meet again
    Py_ssize_t n          # entries in the log
    Py_ssize_t cap
    Py_ssize_t secured    # log[:secured] are in the table and hold a reference
    Py_ssize_t listed     # the references of log[:listed] are in a list of the Pickler's, where the collector sees them
    uint32_t *table       # position + 1, 0 where free
    size_t mask
    size_t used
    size_t room           # entries that the table takes before it grows
    int shift
    bint dense            # space counts for more than a second look: hooks are asked about objects
    uint64_t generation   # changes whenever indices become invalid: caches of indices compare it
    Py_ssize_t *alias     # indices of the first n_alias entries where an assigned memo has others, or NULL
    Py_ssize_t n_alias
    PyObject *small_log[SMALL_LOG]
    uint32_t small_table[SMALL_TABLE]


cdef inline void memo_init(Memo *m, uint64_t generation) noexcept:
    """Empty."""
    m.log = m.small_log
    m.n = 0
    m.cap = SMALL_LOG
    m.secured = 0
    m.listed = 0
    m.table = m.small_table
    m.mask = SMALL_TABLE - 1
    m.used = 0
    m.room = SMALL_ROOM
    m.shift = SMALL_SHIFT
    m.dense = False
    m.generation = generation
    m.alias = NULL
    m.n_alias = 0
    cyp_clear(m.small_table, sizeof(m.small_table))


cdef inline size_t memo_slot_by(PyObject *o, int shift) noexcept:
    """First slot to look at: multiplicative hash of the address, which is a multiple of 16."""
    return <size_t>((<uint64_t><size_t>o >> 4) * <uint64_t>0x9E3779B97F4A7C15 >> shift)


cdef inline size_t memo_slot(Memo *m, PyObject *o) noexcept:
    return memo_slot_by(o, m.shift)


cdef inline Py_ssize_t memo_get(Memo *m, PyObject *o) noexcept:
    """Memo index of o, or -1."""
    cdef size_t slot = memo_slot(m, o)
    cdef uint32_t entry
    while True:
        entry = m.table[slot]
        if entry == 0:
            return -1
        if m.log[entry - 1] == o:
            return <Py_ssize_t>entry - 1
        slot = (slot + 1) & m.mask


cdef inline Py_ssize_t memo_find(Memo *m, PyObject *o, size_t *free) noexcept:
    """memo_get; where it is -1, *free is the slot for memo_fill."""
    cdef size_t slot = memo_slot(m, o)
    cdef uint32_t entry
    while True:
        entry = m.table[slot]
        if entry == 0:
            free[0] = slot
            return -1
        if m.log[entry - 1] == o:
            return <Py_ssize_t>entry - 1
        slot = (slot + 1) & m.mask


cdef inline void memo_fill(Memo *m, size_t free, Py_ssize_t index) noexcept:
    """Enter position `index` where memo_find found room for it."""
    m.table[free] = <uint32_t>(index + 1)
    m.used += 1


cdef inline void memo_insert(Memo *m, PyObject *o, Py_ssize_t index) noexcept:
    """Enter position `index`; the table has room and o is not in it."""
    cdef size_t slot = memo_slot(m, o)
    while m.table[slot]:
        slot = (slot + 1) & m.mask
    m.table[slot] = <uint32_t>(index + 1)
    m.used += 1


cdef inline size_t table_room(Memo *m, size_t slots) noexcept:
    """Entries that a table of so many slots takes.

    What is not found at the first look costs a mispredicted branch, hence a small table is sparse; and where the caches
    do not hold the log, each further look is a miss.  Between the two, space counts.
    """
    if slots > HUGE_TABLE:
        return slots >> 1
    return slots >> 2 if slots <= LARGE_TABLE and not m.dense else (slots >> 3) * 5


cdef inline int memo_resize(Memo *m, int shift) except -1:
    """Rebuild the table with 2**(64 - shift) slots.  MemoryError leaves the memo as it was."""
    cdef size_t slots = <size_t>1 << (64 - shift)
    cdef uint32_t *old = m.table
    cdef size_t old_slots = m.mask + 1
    cdef size_t i
    cdef uint32_t *table = <uint32_t *>PyMem_Calloc(slots, sizeof(uint32_t))
    if table == NULL:
        raise MemoryError()
    m.table = table
    m.mask = slots - 1
    m.room = table_room(m, slots)
    m.shift = shift
    m.used = 0
    for i in range(old_slots):
        if old[i]:
            memo_insert(m, m.log[old[i] - 1], <Py_ssize_t>old[i] - 1)
    if old != m.small_table:
        PyMem_Free(old)
    return 0


cdef inline int memo_grow_log(Memo *m) except -1:
    """Room for more entries; MemoryError leaves the memo as it was."""
    cdef PyObject **log
    cdef Py_ssize_t cap = m.cap + (m.cap if m.cap < LARGE_LOG else m.cap >> 2 if m.cap < HUGE_LOG else m.cap >> 3)
    if <size_t>m.n >= <size_t>0xFFFFFFFE:
        raise OverflowError("more than 4294967294 objects in the memo of one pickle")
    if m.log == m.small_log:
        log = <PyObject **>PyMem_Malloc(<size_t>cap * sizeof(PyObject *))
        if log != NULL:
            memcpy(log, m.log, <size_t>m.n * sizeof(PyObject *))
    else:
        log = <PyObject **>PyMem_Realloc(m.log, <size_t>cap * sizeof(PyObject *))
    if log == NULL:
        raise MemoryError()
    m.log = log
    m.cap = cap
    return 0


cdef inline int memo_log(Memo *m, PyObject *o) except -1:
    """Give o the next memo index without entering it into the table; o stays borrowed until memo_secure."""
    if CYP_UNLIKELY(m.n == m.cap):
        memo_grow_log(m)
    m.log[m.n] = o
    m.n += 1
    return 0


cdef inline int memo_grow_table(Memo *m) except -1:
    """Room for more in the table; MemoryError leaves the memo as it was."""
    return memo_resize(m, m.shift - (2 if m.mask < LARGE_TABLE and not m.dense else 1))


cdef inline int memo_reserve(Memo *m) except -1:
    """Room for one more in the table."""
    if CYP_UNLIKELY(m.used >= m.room):
        memo_grow_table(m)
    return 0


cdef inline int memo_spread(Memo *m) except -1:
    """Before many look-ups: a table that the cache holds becomes so sparse that few take a second look."""
    if m.used > m.mask >> 3 and m.mask < LARGE_TABLE and not m.dense:
        memo_grow_table(m)
    return 0


cdef inline int memo_make_room(Memo *m, Py_ssize_t n) except -1:
    """Room for n more in the log and in the table."""
    while m.cap - m.n < n:
        memo_grow_log(m)
    while m.used + <size_t>n > m.room:
        memo_grow_table(m)
    return 0


cdef inline int memo_enter(Memo *m, PyObject *o) except -1:
    """Give o the next memo index; o stays borrowed until memo_secure."""
    memo_reserve(m)
    memo_log(m, o)
    memo_insert(m, o, m.n - 1)
    return 0


ctypedef int (*memo_status)(Memo *) noexcept


cdef inline int memo_secure(Memo *m) except -1:
    """Own and hash everything logged, so that user code may run; then make the dictionaries that stood for themselves.

    MemoryError leaves NULL for what it does not own yet: the dump is over, and the log is shortened when it ends.
    Making one may run the collector, hence user code: by then all else is secured, the instances included.
    """
    cdef Py_ssize_t first = m.secured
    cdef Py_ssize_t i, pending = 0
    cdef uint64_t generation = m.generation
    cdef PyObject *o
    while m.secured < m.n:
        o = m.log[m.secured]
        if <size_t>o & 1:
            pending += 1
        elif o != NULL:
            if memo_get(m, o) < 0:
                if CYP_UNLIKELY(m.used >= m.room) and (<memo_status>memo_grow_table)(m) < 0:
                    # What is dropped on the way out must not be found here by the next who tries.
                    memset(m.log + m.secured, 0, <size_t>(m.n - m.secured) * sizeof(PyObject *))
                    return -1
                memo_insert(m, o, m.secured)
            Py_INCREF(o)
        m.secured += 1
    if pending:
        for i in range(first, m.secured):
            if i >= m.n or m.generation != generation:
                return 0  # the collector has run code that cleared the memo
            o = m.log[i]
            if <size_t>o & 1:
                memo_reserve(m)
                o = PyObject_GenericGetDict(<PyObject *>(<size_t>o - 1), NULL)
                if i >= m.n or m.generation != generation:
                    Py_DECREF(o)
                    return 0
                m.log[i] = o
                memo_insert(m, o, i)
    return 0


cdef inline int memo_add(Memo *m, PyObject *o) except -1:
    """memo_enter; on free-threaded builds the memo owns o at once, as nothing else keeps it alive for long."""
    memo_enter(m, o)
    if cyp_is_free_threaded():
        memo_secure(m)
    return 0


cdef inline void memo_release(PyObject *entry) noexcept:
    """Give back the reference of a secured entry."""
    if entry != NULL and not <size_t>entry & 1:
        Py_DECREF(entry)


cdef inline void memo_truncate(Memo *m, Py_ssize_t n, uint64_t generation) noexcept:
    """Forget the entries from n on.  Runs finalizers of what only the memo held; they may even change the memo."""
    cdef PyObject *dropped[SMALL_LOG]
    cdef Py_ssize_t i, count, owned
    if n == 0 and m.alias != NULL:
        PyMem_Free(m.alias)
        m.alias = NULL
        m.n_alias = 0
    if n >= m.n:
        return
    m.generation = generation
    memset(m.table, 0, (m.mask + 1) * sizeof(uint32_t))
    m.used = 0
    for i in range(n):
        if m.log[i] != NULL and not <size_t>m.log[i] & 1 and memo_get(m, m.log[i]) < 0:
            memo_insert(m, m.log[i], i)
    if m.n_alias > n:
        m.n_alias = n
    while m.n > n and m.generation == generation:
        count = m.n - n if m.n - n < SMALL_LOG else SMALL_LOG
        m.n -= count
        owned = 0
        for i in range(m.n, m.n + count):
            if m.listed <= i < m.secured:
                dropped[owned] = m.log[i]
                owned += 1
        if m.secured > m.n:
            m.secured = m.n
        if m.listed > m.n:
            m.listed = m.n
        for i in range(owned):
            memo_release(dropped[i])


cdef inline void memo_free(Memo *m) noexcept:
    """Release everything; the memo must be initialised again before use."""
    cdef Py_ssize_t i
    cdef Py_ssize_t secured = m.secured, listed = m.listed
    cdef PyObject **log = m.log
    m.secured = 0
    m.listed = 0
    m.n = 0
    for i in range(listed, secured):
        memo_release(log[i])
    if log != m.small_log:
        PyMem_Free(log)
    if m.table != m.small_table:
        PyMem_Free(m.table)
    if m.alias != NULL:
        PyMem_Free(m.alias)


cdef inline Py_ssize_t memo_wire_index(Memo *m, Py_ssize_t index) noexcept:
    """The index as the stream names it."""
    if CYP_UNLIKELY(index < m.n_alias):
        return m.alias[index]
    return index
