# Ints and floats, one by one and in runs: the runs' loops have everything in registers.

cdef enum:
    NUMBER = 5  # bytes of a small int at most: BININT
    FLOAT = 9   # bytes of BINFLOAT
    MANY = 16   # items that are worth a look at what most of them are, or a loop of their own


cdef inline unsigned char *put_int(unsigned char *p, PyObject *o) noexcept:
    """An int of at most 64 bits in a protocol that has LONG1, at p; NULL for a longer one."""
    cdef int number
    if CYP_LIKELY(cyp_one_digit(o, &number)):
        return put_number(p, number)
    return put_wide_int(p, o)


cdef inline unsigned char *put_wide_int(unsigned char *p, PyObject *o) noexcept:
    """put_int for one that has more than one digit."""
    cdef int fits = 0
    cdef int64_t value = cyp_int_as_i64(o, &fits)
    cdef unsigned int nbytes
    if CYP_LIKELY(fits and -0x80000000 <= value <= 0x7FFFFFFF):
        return put_number(p, <int>value)
    if not fits:
        return NULL
    nbytes = cyp_signed_bytes(value)
    p[0] = OP_LONG1
    p[1] = <unsigned char>nbytes
    cyp_write_u64(p + 2, <uint64_t>value)
    return p + 2 + nbytes


cdef inline unsigned char *put_number(unsigned char *p, int value) noexcept:
    """BININT1, BININT2 or BININT at p, chosen without a branch, for sizes come in any order."""
    cdef unsigned int size = (<unsigned int>value > 0xFF) + (<unsigned int>value > 0xFFFF)
    cyp_write_u32(p + 1, <uint32_t>value)
    p[0] = cyp_number_op(size)
    return p + cyp_number_bytes(size)


cdef inline unsigned char *put_usual_number(unsigned char *p, int value) noexcept:
    """put_number where most are of one size: a branch is foreseen, and nothing waits for the size."""
    if <unsigned int>value <= 0xFF:
        p[0] = OP_BININT1
        p[1] = <unsigned char>value
        return p + 2
    cyp_write_u32(p + 1, <uint32_t>value)
    if <unsigned int>value > 0xFFFF:
        p[0] = OP_BININT
        return p + 5
    p[0] = OP_BININT2
    return p + 3


cdef Py_ssize_t put_floats(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """Floats from items[i] on and before items[stop], up to the first of another kind or a boundary; where that is."""
    cdef unsigned char *p = e.out.p
    cdef PyObject **item = items + i
    cdef PyObject **end = item
    if p <= e.out.lim:
        end += min(stop - i, (e.out.lim - p) // FLOAT + 1)
    while item < end and Py_TYPE(item[0]) == &PyFloat_Type:
        p[0] = OP_BINFLOAT
        cyp_write_double_be(p + 1, PyFloat_AS_DOUBLE(item[0]))
        p += FLOAT
        item += 1
    e.out.p = p
    return item - items


cdef Py_ssize_t put_ints(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """Ints of at most 64 bits, as put_floats does it."""
    i = put_byte_ints(e, items, i, stop)
    if stop - i >= MANY and sizes_differ(items, i, stop):
        return put_sized_ints(e, items, i, stop, True)
    return put_sized_ints(e, items, i, stop, False)


cdef inline Py_ssize_t put_byte_ints(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """put_ints for ints from 0 to 255, known by their addresses."""
    cdef unsigned char *p = e.out.p
    cdef PyObject **item = items + i
    cdef PyObject **end = item
    if p <= e.out.lim:
        end += min(stop - i, ((e.out.lim - p) >> 1) + 1)
    p = put_byte_ints_at(p, &item, end)
    e.out.p = p
    return item - items


cdef inline unsigned char *put_byte_ints_at(unsigned char *p, PyObject ***items, PyObject **end) noexcept:
    """BININT1 for each int from items[0][0] on that has a known address, *items steps over them; there is room for all."""
    cdef PyObject **item = items[0]
    cdef size_t start = cyp_byte_ints.first, nbytes = cyp_byte_ints.nbytes, place
    while item < end:
        place = <size_t>item[0] - start
        if place >= nbytes:
            break
        cyp_write_u16(p, <uint32_t>(OP_BININT1 | place >> CYP_BYTE_INT_SHIFT << 8))
        p += 2
        item += 1
    items[0] = item
    return p


cdef inline Py_ssize_t put_sized_ints(Emission *e, PyObject **items, Py_ssize_t i, Py_ssize_t stop,
                                      bint mixed) noexcept:
    """put_ints for any.  mixed: one takes another opcode than the next."""
    cdef unsigned char *p = e.out.p
    cdef unsigned char *lim = e.out.lim
    cdef unsigned char *end
    cdef PyObject **item = items + i
    cdef PyObject **after = items + stop
    cdef int number
    while item < after and p <= lim and Py_TYPE(item[0]) == &PyLong_Type:
        if CYP_LIKELY(cyp_one_digit(item[0], &number)):
            p = put_number(p, number) if mixed else put_usual_number(p, number)
        else:
            end = put_wide_int(p, item[0])
            if CYP_UNLIKELY(end == NULL):
                break
            p = end
        item += 1
    e.out.p = p
    return item - items


cdef bint sizes_differ(PyObject **items, Py_ssize_t i, Py_ssize_t stop) noexcept:
    """Whether ints among items[i:stop] take several opcodes, by a sample: then no branch foresees which."""
    cdef Py_ssize_t step = (stop - i) >> 2
    cdef int number
    cdef unsigned int first = 3, size
    while i < stop:
        if Py_TYPE(items[i]) != &PyLong_Type:
            return False
        if not cyp_one_digit(items[i], &number):
            return True
        size = (<unsigned int>number > 0xFF) + (<unsigned int>number > 0xFFFF)
        if first != 3 and size != first:
            return True
        first = size
        i += step
    return False


cdef inline unsigned char *put_numbers(unsigned char *p, PyObject **items, Py_ssize_t *done, Py_ssize_t n) noexcept:
    """Small ints among the n items, *done of them, up to the first of another kind; there is room for all."""
    cdef PyObject **item = items
    cdef Py_ssize_t i
    cdef int number
    p = put_byte_ints_at(p, &item, items + n)
    i = item - items
    while i < n:
        if CYP_UNLIKELY(Py_TYPE(items[i]) != &PyLong_Type or not cyp_one_digit(items[i], &number)):
            break
        p = put_usual_number(p, number)
        i += 1
    done[0] = i
    return p
