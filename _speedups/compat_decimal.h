/* The part of compat.h that knows how the C implementation of decimal keeps a number: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback.  The type's own way from text to number and back costs
   thousands of instructions, most of them for what a pickled text never has. */
#ifndef CYPICKLE_COMPAT_DECIMAL_H
#define CYPICKLE_COMPAT_DECIMAL_H

/* What is read and written here: a sign, one to 38 significant digits, and places behind the point.  Exponents,
   infinities and NaNs are the type's. */
#define CYP_DECIMAL_DIGITS 38
#define CYP_DECIMAL_WRITTEN 46  /* bytes of text at most: -0.00000 and the digits */
#define CYP_DECIMAL_READ 64     /* zeros in front and behind may make it longer than we would write it */

#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000
#define CYP_DECIMAL_WORD 19  /* digits in a word of the coefficient */
#define CYP_DECIMAL_TOP UINT64_C(1000000000000000000)  /* what the first of them counts */
#define CYP_DECIMAL_SIGN 1
#define CYP_DECIMAL_SPECIAL 14  /* infinities and NaNs */
#define CYP_DECIMAL_INSIDE 48   /* the number and its words are part of the object */

/* Modules/_decimal/_decimal.c, PyDecObject, and libmpdec's mpd_t within it; 3.3 to 3.15 with words of 64 bits */
typedef struct {
    PyObject_HEAD
    Py_hash_t hash;
    uint8_t flags;
    Py_ssize_t exponent, digits, length, allocated;
    uint64_t *data;
    uint64_t words[4];
} CypDecimal;

/* decimal.Decimal, if its instances look as we think; owned. */
static PyTypeObject *cyp_decimal_type = NULL;

/* The number that an ASCII text of n bytes stands for; NULL without an exception where it is not a plain one. */
static inline PyObject *cyp_decimal_make(PyTypeObject *tp, const unsigned char *p, Py_ssize_t n)
{
    uint64_t words[2] = {0, 0};
    const unsigned char *end = p + n, *point = NULL;
    Py_ssize_t digits = 0;
    int negative = n > 0 && *p == '-';
    p += negative;
    if (n > CYP_DECIMAL_READ || p == end || *p == '.' || end[-1] == '.') return NULL;
    for (; p < end; p++) {
        unsigned digit = (unsigned)*p - '0';
        if (*p == '.' && point == NULL) {
            point = p;
            continue;
        }
        if (digit > 9 || digits == CYP_DECIMAL_DIGITS) return NULL;
        if (digits == 0 && digit == 0) continue;
        if (digits >= CYP_DECIMAL_WORD) {  /* the highest digit of the lower word moves up */
            words[1] = words[1] * 10 + words[0] / CYP_DECIMAL_TOP;
            words[0] %= CYP_DECIMAL_TOP;
        }
        words[0] = words[0] * 10 + digit;
        digits++;
    }
    CypDecimal *made = (CypDecimal *)tp->tp_alloc(tp, 0);
    if (made == NULL) {
        PyErr_Clear();
        return NULL;
    }
    made->hash = -1;
    made->flags = (uint8_t)(CYP_DECIMAL_INSIDE | (negative ? CYP_DECIMAL_SIGN : 0));
    made->exponent = point == NULL ? 0 : point + 1 - end;
    made->digits = digits ? digits : 1;
    made->length = digits > CYP_DECIMAL_WORD ? 2 : 1;
    made->allocated = 4;
    made->data = made->words;
    made->words[0] = words[0];
    made->words[1] = words[1];
    return (PyObject *)made;
}
/* Writes str() of the number, CYP_DECIMAL_WRITTEN bytes at most; how many, or 0 where it is not a plain one. */
static inline Py_ssize_t cyp_decimal_write(const CypDecimal *number, unsigned char *p)
{
    unsigned char *start = p;
    if (number->flags & CYP_DECIMAL_SPECIAL || number->digits > CYP_DECIMAL_DIGITS || number->exponent > 0
        || number->exponent + number->digits < -5)
        return 0;
    Py_ssize_t n = number->digits, before = n + number->exponent;  /* digits left of the point */
    unsigned char text[CYP_DECIMAL_DIGITS];
    uint64_t word = number->data[0];
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i == CYP_DECIMAL_WORD) word = number->data[1];
        text[n - 1 - i] = (unsigned char)('0' + word % 10);
        word /= 10;
    }
    if (number->flags & CYP_DECIMAL_SIGN) *p++ = '-';
    if (before <= 0) *p++ = '0';
    for (Py_ssize_t i = before < 0 ? before : 0; i < n; i++) {
        if (i == before) *p++ = '.';
        *p++ = i < 0 ? '0' : text[i];
    }
    return p - start;
}

/* The same for any object. */
static inline Py_ssize_t cyp_decimal_text(PyObject *o, unsigned char *p)
{
    return Py_TYPE(o) == cyp_decimal_type ? cyp_decimal_write((CypDecimal *)o, p) : 0;
}

/* How we think that a number is kept, and written; no digits: one that we leave to its type. */
typedef struct {
    const char *text;
    uint64_t low, high;
    Py_ssize_t digits, exponent;
} CypDecimalProbe;

static inline int cyp_decimal_is_kept(const CypDecimal *number, const CypDecimalProbe *probe)
{
    unsigned char written[CYP_DECIMAL_WRITTEN];
    const size_t n = strlen(probe->text);
    return number->hash == -1 && number->flags == (CYP_DECIMAL_INSIDE | (*probe->text == '-' ? CYP_DECIMAL_SIGN : 0))
        && number->exponent == probe->exponent && number->digits == probe->digits && number->allocated == 4
        && number->data == number->words && number->length == (probe->digits > CYP_DECIMAL_WORD ? 2 : 1)
        && number->words[0] == probe->low && (number->length == 1 || number->words[1] == probe->high)
        && cyp_decimal_write(number, written) == (Py_ssize_t)n && memcmp(written, probe->text, n) == 0;
}
/* Whether tp, called with the text, makes what we think, and so do we; -1: there was no memory to find out. */
static inline int cyp_decimal_probe(PyTypeObject *tp, const CypDecimalProbe *probe)
{
    unsigned char written[CYP_DECIMAL_WRITTEN];
    PyObject *made = NULL, *theirs = PyObject_CallFunction((PyObject *)tp, "s", probe->text);
    int like = -1;
    if (theirs == NULL) PyErr_Clear();
    else if (Py_TYPE(theirs) != tp) like = 0;
    else if (probe->digits == 0) like = cyp_decimal_write((CypDecimal *)theirs, written) == 0;
    else if (!cyp_decimal_is_kept((CypDecimal *)theirs, probe)) like = 0;
    else {
        made = cyp_decimal_make(tp, (const unsigned char *)probe->text, (Py_ssize_t)strlen(probe->text));
        if (made != NULL)
            like = cyp_decimal_is_kept((CypDecimal *)made, probe)
                && PyObject_GC_IsTracked(theirs) == PyObject_GC_IsTracked(made);
    }
    Py_XDECREF(made);
    Py_XDECREF(theirs);
    return like;
}
/* Whether tp is decimal.Decimal, and its instances look as we think; -1 as above. */
static inline int cyp_knows_decimal(PyTypeObject *tp)
{
    static const CypDecimalProbe probes[] = {
        {"0", 0, 0, 1, 0},
        {"-0.000000", 0, 0, 1, -6},
        {"7", 7, 0, 1, 0},
        {"0.0000012", 12, 0, 2, -7},
        {"-9876543210987654321", UINT64_C(9876543210987654321), 0, 19, 0},
        {"12345678901234567890.5", UINT64_C(3456789012345678905), 12, 21, -1},
        {"-0.98765432109876543211234567890123456789", UINT64_C(1234567890123456789), UINT64_C(9876543210987654321), 38,
         -38},
        {"NaN", 0, 0, 0, 0}, {"sNaN1", 0, 0, 0, 0}, {"-Infinity", 0, 0, 0, 0}, {"1E+1", 0, 0, 0, 0},
    };
    if (tp == cyp_decimal_type) return 1;
    if (!PyType_HasFeature(tp, Py_TPFLAGS_IMMUTABLETYPE) || strcmp(tp->tp_name, "decimal.Decimal") != 0
        || tp->tp_basicsize != sizeof(CypDecimal) || tp->tp_itemsize != 0 || tp->tp_alloc != PyType_GenericAlloc)
        return 0;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        int like = cyp_decimal_probe(tp, &probes[i]);
        if (like <= 0) return like;
    }
    PyTypeObject *former = cyp_decimal_type;  /* which a collection meanwhile may have found */
    Py_INCREF(tp);
    cyp_decimal_type = tp;
    Py_XDECREF(former);
    return 1;
}
#else
static inline int cyp_knows_decimal(PyTypeObject *tp) { (void)tp; return 0; }
static inline PyObject *cyp_decimal_make(PyTypeObject *tp, const unsigned char *p, Py_ssize_t n)
{
    (void)tp; (void)p; (void)n;
    return NULL;
}
static inline Py_ssize_t cyp_decimal_text(PyObject *o, unsigned char *p) { (void)o; (void)p; return 0; }
#endif

#endif
