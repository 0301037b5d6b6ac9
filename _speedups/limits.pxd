"""Limits and growth constants, each with its unit and source."""

cdef enum:
    HIGHEST_PROTOCOL = 5     # pickle.HIGHEST_PROTOCOL of every CPython we build for
    BATCH_ITEMS = 1000       # items per APPENDS/SETITEMS/ADDITEMS; _pickle.c BATCHSIZE
    FRAME_TARGET = 65536     # bytes of frame payload after which a frame is closed; PEP 3154, _pickle.c FRAME_SIZE_TARGET
    FRAME_MIN = 4            # bytes; a shorter payload is written without FRAME; _pickle.c FRAME_SIZE_MIN
    FRAME_HEADER = 9         # bytes of FRAME opcode and its length
    SHORT_TEXT = 64          # bytes of ASCII that are copied inline
    FAST_NESTING = 50        # containers before fast mode looks for cycles; _pickle.c FAST_NESTING_LIMIT
    MOST_NESTED = 700        # dumps, and loads, that hooks start inside one another: they fit in 8 MB of C stack
    MOST_LEVELS = 400        # of ExtensiblePickler that go on the C stack: a third of 1 MB
    PREFETCH = 131072        # bytes asked from peek(); _pickle.c PREFETCH
    READ_CHUNK = 1048576     # bytes; first read of a claimed length, then doubling; _pickle.c MIN_READ_BUF_SIZE
    FIRST_PIECE = 16777216   # bytes; room for bytes or bytearray of a claimed length before any has come, then doubling
