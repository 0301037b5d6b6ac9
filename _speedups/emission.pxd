"""What one dump() knows while it runs: Emission, and Level for each object that is being written.

Both are per-call C structs.  Borrowed members are kept alive by the entry point (dumps, Emitter.dump).
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint64_t

from _speedups.memo cimport Memo
from _speedups.outbuf cimport OutBuf

cdef enum:
    KEY_POSITIONS = 32   # positions in a dict whose key's memo index is remembered
    OPEN_TUPLES = 48     # tuples under way that are looked through when another one begins
    PLAN_NAMES = 32      # attributes of a type whose memo index is remembered
    RECURSE_LEVELS = 48  # levels on the C stack; deeper ones are on the heap
    NESTED_LEVELS = 4    # the same for a dump that a hook of another one has started

cdef enum Odd:
    ODD_PERSISTENT = 1   # persistent_id must be asked about each object
    ODD_PROTOCOL = 2     # other opcodes: protocol 0 to 3, or Pickler.bin says otherwise than the protocol
    ODD_FAST = 4         # Pickler.fast: nothing is memoised
    ODD_LATE = 8         # user code has run while the object to be memoised next was at hand
    ODD_GENERAL = 16     # no plans, no short cuts: see take_general_way

cdef enum Saved:
    NOT_LEAF = 0         # go on with open_level
    WRITTEN = 1          # complete
    GO = 2               # from the boundary: nothing written yet, go on

cdef enum PlanKind:
    PLAN_NONE = 0        # ask the object each time
    PLAN_ATTRIBUTES = 1  # NEWOBJ without arguments, then the attributes: object.__reduce_ex__ without overrides
    PLAN_REDUCE = 2      # object.__reduce_ex__ would only call the type's __reduce__
    PLAN_SLOTS = 3       # like PLAN_ATTRIBUTES, for __slots__ without a dictionary
    PLAN_NAMEDTUPLE = 4
    PLAN_DATE = 5        # from here on: _datetime's own types
    PLAN_DATETIME = 6
    PLAN_TIME = 7
    PLAN_TIMEDELTA = 8
    PLAN_GETSTATE = 9    # object.__reduce_ex__ would only call the type's __getstate__
    PLAN_FIELDS = 10     # PLAN_GETSTATE with the one of frozen dataclasses with slots: a list of the fields
    PLAN_SYNTAX = 11     # PLAN_REDUCE of ast.AST: called with nothing, or None for some fields, then the attributes
    PLAN_COMPLEX = 12    # from here on: types of the standard library, see emit/stdlib.pxi
    PLAN_MEMBERS = 13    # called with the values of some slots
    PLAN_PARTS = 14      # called with the items of the list in a slot
    PLAN_TEXT = 15       # called with its str()
    PLAN_UUID = 16
    PLAN_ORDEREDDICT = 17
    PLAN_DEFAULTDICT = 18
    PLAN_COUNTER = 19
    PLAN_DEQUE = 20
    PLAN_ARRAY = 21      # from here on: numpy's, see emit/arrays.pxi
    PLAN_SCALAR = 22

cdef struct Plan:
    # How the instances of one type are written, and what this dump has already found out about it.
    PyTypeObject *type        # not owned: the tag tells whether it is still the type that was looked at
    unsigned int tag          # cyp_type_tag when the plan was made
    int kind                  # a PlanKind
    bint bare                 # instances have no dictionary
    int pins                  # levels that go by this plan: it is not given to another type
    Py_ssize_t checked_names  # so many of the shared attribute names are known not to shadow a hook
    uint64_t epoch            # Emission.epoch in which the type was last seen to be as planned
    uint64_t generation       # Memo.generation to which the indices below belong
    Py_ssize_t class_index    # memo index of the class, -1: not written yet
    PyObject *slots                      # owned or NULL: the tuple of the names of slots
    PyObject *constant                   # owned or NULL: PLAN_UUID, the is_safe that is not written; PLAN_FIELDS,
                                         # the exact dict __dataclass_fields__; PLAN_SYNTAX, the exact tuple of the
                                         # fields that its class may be called with; PLAN_ARRAY, PLAN_SCALAR, a tuple
                                         # of the function to be called, and of what is in the memo: see _numpy_constant
    Py_ssize_t slot_offsets[PLAN_NAMES]  # bytes from the object's address
    PyObject *names[PLAN_NAMES]          # not owned: attribute names in the memo
    Py_ssize_t name_indices[PLAN_NAMES]
    uint64_t gets[PLAN_NAMES]            # by slot of the names that instances share: what fetches that name from the memo,
                                         # first byte lowest, and in the highest byte its length; 0 where it is not known

cdef enum Kind:
    KIND_LIST, KIND_DICT, KIND_INSTANCE, KIND_TUPLE, KIND_SET, KIND_NAMEDTUPLE, KIND_TEMPORAL
    # from here on the level may hold more than its object
    KIND_SLOTS, KIND_FIELDS, KIND_SET_COPY, KIND_FROZENSET
    KIND_REDUCE, KIND_GLOBAL, KIND_CHAIN, KIND_PERSISTENT

cdef struct Level:
    int kind
    int step              # where to go on, by kind
    bint uniq             # met by its only reference: cannot be met again without user code
    bint single           # the batch is one item without MARK
    bint internal         # KIND_REDUCE: the reduce value is ours, not the object's
    bint shared_open      # counted in Emission.shared_open; of a tuple, or what is made of one, in n_open_tuples
    PyObject *obj         # owned
    uint64_t epoch        # Emission.epoch when opened
    Py_ssize_t i          # items done
    Py_ssize_t n          # items when the level was opened
    Py_ssize_t pos        # of PyDict_Next and its like
    Py_ssize_t stop       # end of the batch
    Plan *plan            # NULL, or what the instance is written by; counted in Plan.pins
    PyObject *value       # owned or NULL: the reduce value; the names of a global
    PyObject *item        # owned or NULL: being written
    PyObject *ahead       # owned or NULL: fetched from an iterator, not written yet
    Py_ssize_t state      # memo index of the attributes of an instance that had no dictionary
    uint64_t generation   # Memo.generation to which it belongs
    PyObject **values     # NULL, or KIND_SLOTS: owned values of the slots from before user code could change them

cdef struct Emission:
    OutBuf out
    Memo *memo
    int *under_way           # how many dumps are, on this thread
    int proto
    bint bin
    bint fix_imports
    int odd
    bint guard               # boundaries may run user code: a file, or persistent ids
    PyObject *held           # owned or NULL: the object at the last such boundary
    bint moved               # user code may have moved it, to be met by an only reference: the memo is to own it first
    int shared_open          # open objects that are memoised only when complete and may be met again below themselves,
                             # but for tuples, of which it can be told when they are
    PyObject *open_tuples[OPEN_TUPLES]  # not owned: such as are open, outermost first, as far as there is room
    Py_ssize_t n_open_tuples # with those for which there is none
    Py_ssize_t again         # the first of them that was met again, counted in shared_open; OPEN_TUPLES where none was
    int status               # -1 where what plain.pxi has written last has failed; GO where it has not begun
    Py_ssize_t depth         # open levels
    Py_ssize_t recurse       # levels that go on the C stack
    Py_ssize_t max_depth     # where policy is asked again
    uint64_t epoch           # changes whenever user code may have run
    bint interrupted         # SIGINT waits for its handler: see note_interrupt
    Py_ssize_t usual_recurse # what `recurse` was before
    PyObject *write             # borrowed or NULL: the file's write method
    PyObject *persistent_id     # borrowed or NULL
    PyObject *reducer_override  # borrowed or NULL
    PyObject *override_types    # borrowed or NULL: a tuple of types; it is asked about instances of these only
    PyObject *dispatch_table    # borrowed or NULL: the private one
    PyObject *buffer_callback   # borrowed or NULL
    PyObject *pid               # owned or NULL: given by persistent_id for the object at hand
    bint skip_persistent        # the next object is a persistent id itself
    Py_ssize_t fast_nesting     # lists and dicts open in fast mode
    PyObject *fast_seen         # owned set of their ids, or NULL
    uint64_t key_generation     # Memo.generation to which the three below belong
    Py_ssize_t n_keys           # positions that have one
    PyObject *keys[KEY_POSITIONS]  # not owned: memoised keys by position
    Py_ssize_t key_indices[KEY_POSITIONS]
