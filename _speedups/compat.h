/* The only place that knows CPython's versions and compilers' dialects: this header and its parts
   compat_threads.h (what several threads know), compat_values.h (instance attributes), compat_decimal.h and
   compat_datetime.h (such objects), compat_make.h (new objects), compat_dict.h (dictionaries), compat_emit.h and
   compat_load.h (one for each direction).

   Everything here is `static inline`, named cyp_* or CYP_*, with a public-API fallback for whatever
   reaches into CPython's internals.  CYPICKLE_NO_INTERNALS selects the fallbacks everywhere, and so do
   free-threaded builds. */
#ifndef CYPICKLE_COMPAT_H
#define CYPICKLE_COMPAT_H

#include <Python.h>
#if SIZEOF_SIZE_T < 8
#error "cypickle needs a 64-bit platform: lengths of 32 bits are kept in a Py_ssize_t"
#endif
#include <datetime.h>
#include <structmember.h>
#include <stdint.h>
#include <string.h>
#if defined(Py_GIL_DISABLED) && !defined(CYPICKLE_NO_INTERNALS)
#define CYPICKLE_NO_INTERNALS 1
#endif

/* ---- compiler ---------------------------------------------------------------------------------- */

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  /* Cython names the type slots that it knows */
#define CYP_LIKELY(x) __builtin_expect(!!(x), 1)
#define CYP_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CYP_COLD __attribute__((noinline, cold))
#else
#define CYP_LIKELY(x) (x)
#define CYP_UNLIKELY(x) (x)
#define CYP_COLD
#endif

#if defined(_MSC_VER)
#define CYP_THREAD_LOCAL __declspec(thread)
#elif defined(__GNUC__) || defined(__clang__)
#define CYP_THREAD_LOCAL __thread
#else
#define CYP_THREAD_LOCAL _Thread_local
#endif

/* A function, for a call that is not to be built into the caller: what is rare, or large, stays out of its loop. */
static inline void *cyp_apart(void *function)
{
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(function));
#endif
    return function;
}

/* ---- the C stack ------------------------------------------------------------------------------- */

/* Whether this thread has little C stack left, for what user code starts inside a dump or a load: less than 64 KB, or
   than half of a small one.  Where the bounds of the stack cannot be had, or code runs on another one, it is not low. */
#if defined(__linux__)
#include <pthread.h>
#define CYP_STACK_MARGIN 65536
static inline int cyp_stack_is_below(unsigned quarters)
{
    static CYP_THREAD_LOCAL char *base;
    static CYP_THREAD_LOCAL size_t margin;
    char *here = (char *)__builtin_frame_address(0);
    if (CYP_UNLIKELY(margin == 0)) {
        pthread_attr_t attributes;
        void *lowest;
        size_t size;
        margin = 4;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
                base = (char *)lowest;
                margin = size / 2 < CYP_STACK_MARGIN ? size / 2 : CYP_STACK_MARGIN;
            }
            pthread_attr_destroy(&attributes);
        }
    }
    return here >= base && (size_t)(here - base) < margin / 4 * quarters;
}
#else
static inline int cyp_stack_is_below(unsigned quarters) { (void)quarters; return 0; }
#endif
static inline int cyp_stack_is_low(void) { return cyp_stack_is_below(4); }
/* There is still some for what may be done about it. */
static inline int cyp_stack_gets_low(void) { return cyp_stack_is_below(6); }

/* memset to 0 of a few hundred bytes.  Of a size that they know, compilers make a string instruction of it, which takes
   longer to start than the library takes in all. */
static inline void cyp_clear(void *start, size_t nbytes)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(nbytes));
#endif
    memset(start, 0, nbytes);
}

/* ---- bytes: the pickle stream is little-endian, BINFLOAT is big-endian -------------------------- */

/* Py_EnterRecursiveCall as the C API's other functions tell of an error: -1.  It returns 1 itself. */
static inline int cyp_enter_recursive_call(const char *where) { return Py_EnterRecursiveCall(where) ? -1 : 0; }

static inline void cyp_write_u16(unsigned char *p, uint32_t v) { p[0] = (unsigned char)v; p[1] = (unsigned char)(v >> 8); }
static inline void cyp_write_u32(unsigned char *p, uint32_t v)
{
#if PY_LITTLE_ENDIAN
    memcpy(p, &v, 4);
#else
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (8 * i));
#endif
}
static inline void cyp_write_u64(unsigned char *p, uint64_t v)
{
#if PY_LITTLE_ENDIAN
    memcpy(p, &v, 8);
#else
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
#endif
}
static inline uint32_t cyp_read_u16(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t cyp_read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t cyp_read_u64(const unsigned char *p)
{
    return (uint64_t)cyp_read_u32(p) | (uint64_t)cyp_read_u32(p + 4) << 32;
}
/* What has the bytes of u in memory, most significant first.  Compilers know this form, and not that of eight stores in
   every loop. */
static inline uint64_t cyp_big_endian(uint64_t u)
{
#if PY_LITTLE_ENDIAN
    u = (u >> 8 & 0x00FF00FF00FF00FFu) | (u & 0x00FF00FF00FF00FFu) << 8;
    u = (u >> 16 & 0x0000FFFF0000FFFFu) | (u & 0x0000FFFF0000FFFFu) << 16;
    u = u >> 32 | u << 32;
#endif
    return u;
}
static inline void cyp_write_double_be(unsigned char *p, double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    u = cyp_big_endian(u);
    memcpy(p, &u, 8);
}
static inline double cyp_read_double_be(const unsigned char *p)
{
    uint64_t u;
    double d;
    memcpy(&u, p, 8);
    u = cyp_big_endian(u);
    memcpy(&d, &u, 8);
    return d;
}

/* Copies exactly n bytes; overlapping words beat a call to memcpy for short strings. */
static inline void cyp_copy_exact(unsigned char *dst, const unsigned char *src, Py_ssize_t n)
{
    if (n > 64) memcpy(dst, src, (size_t)n);
    else if (n >= 16) {
        unsigned char head[16], tail[16], second[16], third[16];
        memcpy(head, src, 16);
        memcpy(tail, src + n - 16, 16);
        if (n > 32) {
            memcpy(second, src + 16, 16);
            memcpy(third, src + n - 32, 16);
            memcpy(dst + 16, second, 16);
            memcpy(dst + n - 32, third, 16);
        }
        memcpy(dst, head, 16);
        memcpy(dst + n - 16, tail, 16);
    }
    else if (n >= 8) {
        uint64_t head, tail;
        memcpy(&head, src, 8);
        memcpy(&tail, src + n - 8, 8);
        memcpy(dst, &head, 8);
        memcpy(dst + n - 8, &tail, 8);
    }
    else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, src, 4);
        memcpy(&tail, src + n - 4, 4);
        memcpy(dst, &head, 4);
        memcpy(dst + n - 4, &tail, 4);
    }
    else if (n > 0) {
        dst[0] = src[0];
        dst[n >> 1] = src[n >> 1];
        dst[n - 1] = src[n - 1];
    }
}

/* ---- bytes objects hold unsigned bytes, to us ---------------------------------------------------- */

static inline unsigned char *cyp_bytes_data(PyObject *o) { return (unsigned char *)PyBytes_AS_STRING(o); }
static inline PyObject *cyp_bytes_new(const unsigned char *data, Py_ssize_t nbytes)
{
    return PyBytes_FromStringAndSize((const char *)data, nbytes);
}

/* ---- types ---------------------------------------------------------------------------------------- */

/* The version tag of a type: changes when the type or a base changes; 0 means: cache nothing. */
static inline unsigned int cyp_type_tag(PyTypeObject *tp)
{
#if defined(Py_GIL_DISABLED)
    (void)tp;
    return 0;
#else
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(tp, Py_TPFLAGS_VALID_VERSION_TAG)) return 0;
#endif
    return tp->tp_version_tag;
#endif
}

/* Like cyp_type_tag(), but asks for a tag where the type has none yet. */
static inline unsigned int cyp_type_tag_new(PyTypeObject *tp)
{
#if !defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030C0000
    PyUnstable_Type_AssignVersionTag(tp);
#elif !defined(Py_GIL_DISABLED)
    PyObject *name = PyUnicode_FromString("__dict__");
    if (name != NULL) {
        _PyType_Lookup(tp, name);  /* up to 3.11 a lookup is what assigns the tag */
        Py_DECREF(name);
    }
    PyErr_Clear();
#endif
    return cyp_type_tag(tp);
}

#include "compat_threads.h"
#include "compat_values.h"
#include "compat_decimal.h"
#include "compat_emit.h"
#include "compat_datetime.h"
#include "compat_make.h"
#include "compat_dict.h"
#include "compat_load.h"

/* ---- what Cython generates -------------------------------------------------------------------------- */

/* Py_DECREF by that name, for code of ours.  From here on Py_DECREF itself is what Cython's own code calls: the end of
   an `except` clause drops a traceback that is not there if memory ran out just as it was to be made. */
static inline void cyp_decref(PyObject *o) { Py_DECREF(o); }
#undef Py_DECREF
#define Py_DECREF(o) Py_XDECREF(o)

/* CPython 3.12 and later lose an exception where its traceback cannot be allocated, and a Python function then gives NULL
   without one; the interpreter itself says SystemError there, PyTraceBack_Here() crashes. */
static inline int cyp_traceback_here(PyFrameObject *frame)
{
    if (CYP_UNLIKELY(!PyErr_Occurred())) PyErr_NoMemory();
    return PyTraceBack_Here(frame);
}
#define PyTraceBack_Here cyp_traceback_here

#endif
