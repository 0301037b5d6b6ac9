/* The part of compat.h for what several threads know: included by it, never directly.

   On ordinary builds the GIL keeps other threads out until Python code runs, and everything here is what it was
   without threads.  On free-threaded builds a container may change between any two of our steps. */
#ifndef CYPICKLE_COMPAT_THREADS_H
#define CYPICKLE_COMPAT_THREADS_H

#ifdef Py_GIL_DISABLED

static inline int cyp_is_free_threaded(void) { return 1; }

/* ---- references that outlive the next change of a container: "kept" -------------------------------- */

/* Item i of an exact list, kept; NULL without an exception where the list has become shorter. */
static inline PyObject *cyp_list_kept(PyObject *list, Py_ssize_t i)
{
    PyObject *item = PyList_GetItemRef(list, i);
    if (item == NULL) PyErr_Clear();
    return item;
}
/* PyDict_Next with key and value kept. */
static inline int cyp_dict_next_kept(PyObject *dict, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    int found;
    Py_BEGIN_CRITICAL_SECTION(dict);
    found = PyDict_Next(dict, pos, key, value);
    if (found) {
        Py_INCREF(*key);
        Py_INCREF(*value);
    }
    Py_END_CRITICAL_SECTION();
    return found;
}
static inline void cyp_drop_kept(PyObject *o) { Py_DECREF(o); }
static inline void cyp_keep(PyObject *o) { (void)o; }
/* dict[key], new; NULL with or without an exception. */
static inline PyObject *cyp_dict_get(PyObject *dict, PyObject *key)
{
    PyObject *found;
    (void)PyDict_GetItemRef(dict, key, &found);
    return found;
}

/* ---- objects that belong to one thread at a time ----------------------------------------------------- */

typedef struct {
    uintptr_t thread;  /* 0: nobody's */
    int times;
} CypOwner;

/* Make it this thread's, once more if it is already; 0 where it is another's. */
static inline int cyp_own(CypOwner *owner)
{
    uintptr_t here = (uintptr_t)PyThread_get_thread_ident(), nobody = 0;
    if (_Py_atomic_load_uintptr_relaxed(&owner->thread) != here
        && !_Py_atomic_compare_exchange_uintptr(&owner->thread, &nobody, here))
        return 0;
    owner->times++;
    return 1;
}
static inline void cyp_disown(CypOwner *owner)
{
    if (--owner->times == 0) _Py_atomic_store_uintptr_release(&owner->thread, 0);
}

/* The next number of a counter that all threads use. */
static inline uint64_t cyp_count(uint64_t *counter) { return _Py_atomic_add_uint64(counter, 1) + 1; }

#else

static inline int cyp_is_free_threaded(void) { return 0; }
static inline PyObject *cyp_list_kept(PyObject *list, Py_ssize_t i) { return PyList_GET_ITEM(list, i); }
static inline void cyp_drop_kept(PyObject *o) { (void)o; }
static inline void cyp_keep(PyObject *o) { Py_INCREF(o); }
static inline PyObject *cyp_dict_get(PyObject *dict, PyObject *key)
{
    return Py_XNewRef(PyDict_GetItemWithError(dict, key));
}

typedef struct {
    char unused;
} CypOwner;
static inline int cyp_own(CypOwner *owner) { (void)owner; return 1; }
static inline void cyp_disown(CypOwner *owner) { (void)owner; }
static inline uint64_t cyp_count(uint64_t *counter) { return ++*counter; }

#endif
#endif
