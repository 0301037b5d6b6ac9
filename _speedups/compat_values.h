/* The part of compat.h that knows where CPython keeps the attributes of an instance: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback. */
#ifndef CYPICKLE_COMPAT_VALUES_H
#define CYPICKLE_COMPAT_VALUES_H

/* Whether an exact dict has its keys in common with others, as those of instances and their copies have: then one
   reference to a key stands for all of them.  1: or nobody knows. */
static inline int cyp_shares_keys(PyObject *o)
{
#if PY_VERSION_HEX < 0x03100000
    return ((PyDictObject *)o)->ma_values != NULL;
#else
    (void)o;
    return 1;
#endif
}

/* ---- instance attributes without a dictionary -------------------------------------------

   CPython keeps the attributes of an ordinary instance in an array beside it, under keys shared by the
   type, until somebody asks for __dict__.  Layout: one for 3.11 (Include/internal/pycore_dict.h), one for
   3.12, one since 3.13; unknown versions take the fallback, which says "there is a dictionary". */
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000
#define CYP_INLINE_VALUES 1
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"  /* in CPython's own headers, as the next */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#define CYP_UNDEF_BUILD_CORE 1
#endif
#ifdef _PyGC_FINALIZED
#undef _PyGC_FINALIZED  /* 3.12: a macro outside, a function inside */
#endif
#include "internal/pycore_dict.h"
#if PY_VERSION_HEX >= 0x030D0000
#include "internal/pycore_object.h"
#endif
#ifdef CYP_UNDEF_BUILD_CORE
#undef Py_BUILD_CORE
#undef CYP_UNDEF_BUILD_CORE
#endif
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic pop
#endif

typedef PyDictValues CypValues;

/* The values of an instance that has no dictionary yet; NULL when it has one, or cannot do without. */
static inline CypValues *cyp_inline_values(PyObject *o)
{
    PyTypeObject *tp = Py_TYPE(o);
#if PY_VERSION_HEX >= 0x030D0000
    if (!(tp->tp_flags & Py_TPFLAGS_INLINE_VALUES) || _PyObject_GetManagedDict(o) != NULL) return NULL;
    PyDictValues *values = _PyObject_InlineValues(o);
    return values->valid ? values : NULL;
#else
    if (!(tp->tp_flags & Py_TPFLAGS_MANAGED_DICT)) return NULL;
#if PY_VERSION_HEX >= 0x030C0000
    char *values = ((char **)o)[-3];  /* odd: one below the values; even: the dictionary */
    return ((uintptr_t)values & 1) ? (PyDictValues *)(values + 1) : NULL;
#else
    return ((PyDictValues **)o)[-4];
#endif
#endif
}
static inline Py_ssize_t cyp_values_size(CypValues *values)
{
#if PY_VERSION_HEX >= 0x030D0000
    return values->size;
#else
    return ((uint8_t *)values)[-2];
#endif
}
/* The slot of the pos-th attribute in order of insertion. */
static inline int cyp_values_slot(CypValues *values, Py_ssize_t pos)
{
#if PY_VERSION_HEX >= 0x030D0000
    return ((uint8_t *)&values->values[values->capacity])[pos];
#else
    return ((uint8_t *)values)[-3 - pos];
#endif
}
static inline PyObject *cyp_managed_dict(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyObject *)_PyObject_GetManagedDict(o);
#else
    Py_ssize_t offset = Py_TYPE(o)->tp_dictoffset;
    if (CYP_LIKELY(offset > 0)) return *(PyObject **)((char *)o + offset);
    PyObject **dict = _PyObject_GetDictPtr(o);
    return dict ? *dict : NULL;
#endif
}
/* How many attributes an instance without a dictionary has; -1: it has, or must be given, a dictionary. */
static inline Py_ssize_t cyp_attrs_len(PyObject *o)
{
    CypValues *values = cyp_inline_values(o);
    return values ? cyp_values_size(values) : -1;
}
/* cyp_dict_next() where not all keys are strs. */
static inline int cyp_general_next(PyDictKeysObject *keys, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    const PyDictKeyEntry *entries = DK_ENTRIES(keys);
    Py_ssize_t i = *pos;
    while (i < keys->dk_nentries && entries[i].me_value == NULL) i++;
    if (i >= keys->dk_nentries) return 0;
    *pos = i + 1;
    *key = entries[i].me_key;
    *value = entries[i].me_value;
    return 1;
}
/* PyDict_Next of an exact dict, and as it counts. */
static inline int cyp_dict_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    PyDictKeysObject *keys = ((PyDictObject *)o)->ma_keys;
    CypValues *values = ((PyDictObject *)o)->ma_values;
    if (values != NULL) {  /* of an instance: in the order of its insertions, as below */
        if (*pos >= ((PyDictObject *)o)->ma_used) return 0;
        int slot = cyp_values_slot(values, (*pos)++);
        *key = DK_UNICODE_ENTRIES(keys)[slot].me_key;
        *value = values->values[slot];
        return 1;
    }
    if (CYP_UNLIKELY(keys->dk_kind == DICT_KEYS_GENERAL)) return cyp_general_next(keys, pos, key, value);
    const PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    Py_ssize_t i = *pos;
    while (i < keys->dk_nentries && entries[i].me_value == NULL) i++;
    if (i >= keys->dk_nentries) return 0;
    *pos = i + 1;
    *key = entries[i].me_key;
    *value = entries[i].me_value;
    return 1;
}
/* The entries of an exact dict whose keys are strs: a key and a value each, borrowed, the value NULL where there is none.
   NULL where it has other keys, where the values are not beside them, or where nobody may look. */
static inline PyObject **cyp_named_pairs(PyObject *o)
{
    PyDictKeysObject *keys = ((PyDictObject *)o)->ma_keys;
    if (CYP_UNLIKELY(keys->dk_kind == DICT_KEYS_GENERAL || cyp_shares_keys(o))) return NULL;
    return &DK_UNICODE_ENTRIES(keys)->me_key;
}
/* A walk over the pairs of an exact dict that nobody changes meanwhile, and whose values are beside its keys. */
typedef struct {
    char *at, *end, *start;  /* entries, from their keys on */
    size_t step;
} CypPairs;
static inline void cyp_pairs_begin(CypPairs *pairs, PyObject *o)
{
    PyDictKeysObject *keys = ((PyDictObject *)o)->ma_keys;
    if (keys->dk_kind == DICT_KEYS_GENERAL) {
        pairs->start = (char *)&DK_ENTRIES(keys)->me_key;
        pairs->step = sizeof(PyDictKeyEntry);
    }
    else {
        pairs->start = (char *)&DK_UNICODE_ENTRIES(keys)->me_key;
        pairs->step = sizeof(PyDictUnicodeEntry);
    }
    pairs->at = pairs->start;
    pairs->end = pairs->at + (size_t)keys->dk_nentries * pairs->step;
}
/* The next pair, borrowed. */
static inline int cyp_pairs_next(CypPairs *pairs, PyObject **key, PyObject **value)
{
    while (pairs->at < pairs->end) {
        PyObject **entry = (PyObject **)pairs->at;
        pairs->at += pairs->step;
        if (CYP_LIKELY(entry[1] != NULL)) {
            *key = entry[0];
            *value = entry[1];
            return 1;
        }
    }
    return 0;
}
/* The place as PyDict_Next counts it; also if the dict has changed. */
static inline Py_ssize_t cyp_pairs_pos(const CypPairs *pairs)
{
    return (Py_ssize_t)((size_t)(pairs->at - pairs->start) / pairs->step);
}
/* Whether all keys of an exact dict are ASCII strs that do not begin with two underscores.  0: or nobody knows. */
static inline int cyp_keys_are_plain(PyObject *o)
{
    PyDictKeysObject *keys = ((PyDictObject *)o)->ma_keys;
    if (((PyDictObject *)o)->ma_values != NULL || keys->dk_kind == DICT_KEYS_GENERAL) return 0;
    PyDictUnicodeEntry *entry = DK_UNICODE_ENTRIES(keys), *end = entry + keys->dk_nentries;
    for (; entry < end; entry++) {
        PyObject *key = entry->me_key;
        if (key == NULL) continue;
        if (!PyUnicode_IS_COMPACT_ASCII(key)) return 0;
        const char *text = (const char *)((PyASCIIObject *)key + 1);
        if (text[0] == '_' && text[1] == '_') return 0;
    }
    return 1;
}
/* Whether an exact dict has only plain classes for keys, and not this one among them.  0: or nobody knows. */
static inline int cyp_lacks_class(PyObject *o, PyObject *cls)
{
    PyDictKeysObject *keys = ((PyDictObject *)o)->ma_keys;
    if (keys->dk_kind != DICT_KEYS_GENERAL) return 0;
    PyDictKeyEntry *entry = DK_ENTRIES(keys), *end = entry + keys->dk_nentries;
    for (; entry < end; entry++) {
        if (entry->me_value == NULL) continue;
        if (Py_TYPE(entry->me_key) != &PyType_Type || entry->me_key == cls) return 0;
    }
    return 1;
}
/* Like PyDict_Next over the attributes; goes on in the dictionary if one was made meanwhile. */
static inline int cyp_attrs_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    CypValues *values = cyp_inline_values(o);
    if (CYP_LIKELY(values != NULL)) {
        if (*pos >= cyp_values_size(values)) return 0;
        int slot = cyp_values_slot(values, (*pos)++);
        *key = DK_UNICODE_ENTRIES(((PyHeapTypeObject *)Py_TYPE(o))->ht_cached_keys)[slot].me_key;
        *value = values->values[slot];
        return 1;
    }
    PyObject *dict = cyp_managed_dict(o);
    return dict != NULL && PyDict_Next(dict, pos, key, value);
}
/* Whether the names in a dictionary are among those that instances of tp share. */
static inline int cyp_shares_names(PyTypeObject *tp, PyObject *dict)
{
    return PyDict_CheckExact(dict) && ((PyDictObject *)dict)->ma_values != NULL
        && ((PyDictObject *)dict)->ma_keys == ((PyHeapTypeObject *)tp)->ht_cached_keys;
}
/* The names that instances of tp share; *count of them.  Names are only ever added. */
static inline PyObject *cyp_shared_name(PyTypeObject *tp, Py_ssize_t index, Py_ssize_t *count)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)tp)->ht_cached_keys;
    *count = keys->dk_nentries;
    return index < *count ? DK_UNICODE_ENTRIES(keys)[index].me_key : NULL;
}
/* The slot of an interned name among the names that instances of tp share, or -1.  A slot stays valid: names
   are only added, and a type never has room for fewer than it has names. */
static inline int cyp_values_slot_of(PyTypeObject *tp, PyObject *name)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)tp)->ht_cached_keys;
    if (keys == NULL || keys->dk_kind == DICT_KEYS_GENERAL) return -1;
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        if (DK_UNICODE_ENTRIES(keys)[i].me_key == name) return (int)i;
    }
    return -1;
}
static inline PyObject *cyp_values_at(CypValues *values, int slot) { return values->values[slot]; }
/* Takes the reference to value; returns what was there before, NULL as a rule. */
static inline PyObject *cyp_values_put(CypValues *values, int slot, PyObject *value)
{
    PyObject *old = values->values[slot];
    values->values[slot] = value;
    if (CYP_LIKELY(old == NULL)) _PyDictValues_AddToInsertionOrder(values, slot);
    return old;
}
/* cyp_values_put() of n values into slots of which no two are one, of an instance that has no attributes. */
static inline void cyp_values_fill(CypValues *values, const int *slots, PyObject **items, Py_ssize_t n)
{
#if PY_VERSION_HEX >= 0x030D0000
    uint8_t *order = (uint8_t *)&values->values[values->capacity];
    values->size = (uint8_t)n;
#else
    uint8_t *order = (uint8_t *)values - 3;  /* downwards */
    order[1] = (uint8_t)n;
#endif
    for (Py_ssize_t i = 0; i < n; i++) {
        int slot = slots[i];
        values->values[slot] = items[i];
#if PY_VERSION_HEX >= 0x030D0000
        order[i] = (uint8_t)slot;
#else
        order[-i] = (uint8_t)slot;
#endif
    }
}
#else
typedef struct { int unused; } CypValues;
static inline CypValues *cyp_inline_values(PyObject *o) { (void)o; return NULL; }
static inline Py_ssize_t cyp_values_size(CypValues *values) { (void)values; return 0; }
static inline int cyp_keys_are_plain(PyObject *o) { (void)o; return 0; }
static inline int cyp_lacks_class(PyObject *o, PyObject *cls) { (void)o; (void)cls; return 0; }
static inline int cyp_dict_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    return PyDict_Next(o, pos, key, value);
}
static inline PyObject **cyp_named_pairs(PyObject *o) { (void)o; return NULL; }
typedef struct {
    PyObject *dict;
    Py_ssize_t pos;
} CypPairs;
static inline void cyp_pairs_begin(CypPairs *pairs, PyObject *o)
{
    pairs->dict = o;
    pairs->pos = 0;
}
static inline int cyp_pairs_next(CypPairs *pairs, PyObject **key, PyObject **value)
{
    return PyDict_Next(pairs->dict, &pairs->pos, key, value);
}
static inline Py_ssize_t cyp_pairs_pos(const CypPairs *pairs) { return pairs->pos; }
static inline int cyp_shares_names(PyTypeObject *tp, PyObject *dict) { (void)tp; (void)dict; return 0; }
static inline int cyp_values_slot(CypValues *values, Py_ssize_t pos) { (void)values; (void)pos; return 0; }
static inline int cyp_values_slot_of(PyTypeObject *tp, PyObject *name) { (void)tp; (void)name; return -1; }
static inline PyObject *cyp_values_at(CypValues *values, int slot) { (void)values; (void)slot; return NULL; }
static inline PyObject *cyp_values_put(CypValues *values, int slot, PyObject *value)
{
    (void)values; (void)slot;
    return value;
}
static inline void cyp_values_fill(CypValues *values, const int *slots, PyObject **items, Py_ssize_t n)
{
    (void)values; (void)slots; (void)items; (void)n;
}
static inline Py_ssize_t cyp_attrs_len(PyObject *o) { (void)o; return -1; }
static inline int cyp_attrs_next(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    (void)o; (void)pos; (void)key; (void)value;
    return 0;
}
static inline PyObject *cyp_shared_name(PyTypeObject *tp, Py_ssize_t index, Py_ssize_t *count)
{
    (void)tp; (void)index;
    *count = 0;
    return NULL;
}
#endif

#ifndef Py_GIL_DISABLED
/* See compat_threads.h. */
static inline int cyp_dict_next_kept(PyObject *o, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    return cyp_dict_next(o, pos, key, value);
}
#endif

/* The dictionary of an instance, borrowed; NULL, without an exception, where it has none or an empty one that
   nobody made.  Call it where cyp_attrs_len() is -1. */
static inline PyObject *cyp_instance_dict(PyObject *o)
{
#ifdef CYPICKLE_NO_INTERNALS
    if (Py_TYPE(o)->tp_dictoffset == 0) return NULL;
    PyObject *dict = PyObject_GenericGetDict(o, NULL);
    Py_XDECREF(dict);  /* the instance holds it */
    return dict;
#else
    Py_ssize_t offset = Py_TYPE(o)->tp_dictoffset;
    if (CYP_LIKELY(offset > 0)) return *(PyObject **)((char *)o + offset);
    PyObject **dict = _PyObject_GetDictPtr(o);
    return dict ? *dict : NULL;
#endif
}
/* cyp_instance_dict may make one, which is a tracked object. */
static inline int cyp_dict_is_made_on_demand(void)
{
#if defined(CYPICKLE_NO_INTERNALS)
    return 1;
#else
    return 0;
#endif
}

#endif
