/* The part of compat.h that knows how the C implementation of decimal keeps a number: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback.  The type's own way from text to number and back costs
   thousands of instructions, most of them for what a pickled text never has. */
#ifndef CYPICKLE_COMPAT_DECIMAL_H
#define CYPICKLE_COMPAT_DECIMAL_H

/* What is read and written here: a sign, one to 38 significant digits, and places behind the point.  Exponents,
   infinities and NaNs are the type's. */
#define CYP_DECIMAL_DIGITS 38
#define CYP_DECIMAL_TEXT 64  /* bytes that such a number takes at most: -0.00000 and the digits */

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
    if (n > CYP_DECIMAL_TEXT || p == end || *p == '.' || end[-1] == '.') return NULL;
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
/* Writes str(o), CYP_DECIMAL_TEXT bytes at most, and returns how many; 0 where it is not a plain one. */
static inline Py_ssize_t cyp_decimal_text(PyObject *o, unsigned char *p)
{
    CypDecimal *number = (CypDecimal *)o;
    unsigned char *start = p;
    if (Py_TYPE(o) != cyp_decimal_type || number->flags & CYP_DECIMAL_SPECIAL || number->digits > CYP_DECIMAL_DIGITS
        || number->exponent > 0 || number->exponent + number->digits < -5)
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

/* Whether a number that we make of a text, and the text that we write for it, are the type's own. */
static inline int cyp_decimal_is_like(PyTypeObject *tp, const char *text)
{
    unsigned char written[CYP_DECIMAL_TEXT];
    const Py_ssize_t n = (Py_ssize_t)strlen(text);
    CypDecimal *probe = (CypDecimal *)PyObject_CallFunction((PyObject *)tp, "s", text);
    CypDecimal *made = (CypDecimal *)cyp_decimal_make(tp, (const unsigned char *)text, n);
    int like = probe != NULL && made != NULL && Py_TYPE(probe) == tp && probe->hash == made->hash
        && probe->flags == made->flags && probe->exponent == made->exponent && probe->digits == made->digits
        && probe->length == made->length && probe->allocated == made->allocated && probe->data == probe->words
        && memcmp(probe->words, made->words, (size_t)made->length * sizeof(uint64_t)) == 0
        && PyObject_GC_IsTracked((PyObject *)probe) == PyObject_GC_IsTracked((PyObject *)made)
        && cyp_decimal_text((PyObject *)probe, written) == n && memcmp(written, text, (size_t)n) == 0;
    Py_XDECREF(probe);
    Py_XDECREF(made);
    PyErr_Clear();
    return like;
}
/* Whether tp is decimal.Decimal, and its instances look as we think. */
static inline int cyp_knows_decimal(PyTypeObject *tp)
{
    static const char *const texts[] = {
        "0", "-0.000000", "7", "-1234567890123456789", "99.99999999999999999", "12345678901234567890.1234567890123456",
    };
    if (tp == cyp_decimal_type) return 1;
    if (!PyType_HasFeature(tp, Py_TPFLAGS_IMMUTABLETYPE) || strcmp(tp->tp_name, "decimal.Decimal") != 0
        || tp->tp_basicsize != sizeof(CypDecimal) || tp->tp_itemsize != 0 || tp->tp_alloc != PyType_GenericAlloc)
        return 0;
    PyTypeObject *former = cyp_decimal_type;
    cyp_decimal_type = tp;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!cyp_decimal_is_like(tp, texts[i])) {
            cyp_decimal_type = former;
            return 0;
        }
    }
    Py_INCREF(tp);
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
