/* The part of compat.h that fills dictionaries: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback for whatever reaches into CPython's internals. */
#ifndef CYPICKLE_COMPAT_DICT_H
#define CYPICKLE_COMPAT_DICT_H

/* A new dictionary of the n keys and values in items, where shape, an exact dictionary whose values are None, has the
   very same keys in the same order.  Takes the references of all items.  NULL without an exception, and nothing taken,
   if it has not. */
static inline PyObject *cyp_dict_like(PyObject *shape, PyObject **items, Py_ssize_t n)
{
#if defined(CYP_INLINE_VALUES)
    PyDictKeysObject *keys = ((PyDictObject *)shape)->ma_keys;
    if (keys->dk_kind != DICT_KEYS_UNICODE || keys->dk_nentries != n) return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (DK_UNICODE_ENTRIES(keys)[i].me_key != items[2 * i]) return NULL;
    }
    PyObject *made = PyDict_Copy(shape);
    if (made == NULL) {
        PyErr_Clear();
        return NULL;
    }
    keys = ((PyDictObject *)made)->ma_keys;
    if (((PyDictObject *)made)->ma_values != NULL || keys->dk_kind != DICT_KEYS_UNICODE || keys->dk_nentries != n) {
        Py_DECREF(made);
        return NULL;
    }
    int tracked = PyObject_GC_IsTracked(made);
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *value = items[2 * i + 1], *none = entries[i].me_value;
        entries[i].me_value = value;
        Py_DECREF(none);
        Py_DECREF(items[2 * i]);
        if (!tracked && PyObject_IS_GC(value)) {
            PyObject_GC_Track(made);
            tracked = 1;
        }
    }
    return made;
#else
    (void)shape; (void)items; (void)n;
    return NULL;
#endif
}
/* dict[key] = value for an exact dict, taking both references, on failure too. */
static inline int cyp_dict_set_steal(PyObject *dict, PyObject *key, PyObject *value)
{
#if defined(CYP_INLINE_VALUES) && PY_VERSION_HEX >= 0x030D0000
    return _PyDict_SetItem_Take2((PyDictObject *)dict, key, value);
#else
    int status = PyDict_SetItem(dict, key, value);
    Py_DECREF(key);
    Py_DECREF(value);
    return status;
#endif
}

/* Add a pair, and take both references; 1, and nothing done, where the key is there already. */
static inline int cyp_dict_add_steal(PyObject *dict, PyObject *key, PyObject *value)
{
#if PY_VERSION_HEX >= 0x030D0000
    int status = PyDict_SetDefaultRef(dict, key, value, NULL);
#else
    PyObject *found = PyDict_SetDefault(dict, key, value);
    int status = found == NULL ? -1 : found != value;
#endif
    if (status == 1) return 1;
    Py_DECREF(key);
    Py_DECREF(value);
    return status;
}
#if defined(CYP_INLINE_VALUES)
/* hash() of an exact str.  Names come again, as other objects: the hashes of the last short ones are kept. */
static inline Py_hash_t cyp_text_hash(PyObject *text)
{
    static struct {
        uint64_t head, tail;
        Py_ssize_t n;
        Py_hash_t hash;
    } known[256];
    PyASCIIObject *s = (PyASCIIObject *)text;
    const unsigned char *p = (const unsigned char *)(s + 1);
    Py_ssize_t n = s->length;
    uint64_t head = 0, tail = 0;
    if (s->hash != -1) return s->hash;
    if (!PyUnicode_IS_COMPACT_ASCII(text) || n < 1 || n > 16) return PyUnicode_Type.tp_hash(text);
    if (n >= 8) {
        memcpy(&head, p, 8);
        memcpy(&tail, p + n - 8, 8);
    }
    else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        head = (uint64_t)first << 32 | last;
    }
    else head = (uint64_t)p[0] | (uint64_t)p[n >> 1] << 8 | (uint64_t)p[n - 1] << 16;
    size_t i = (((head ^ tail * 0x9E3779B97F4A7C15ULL) + (uint64_t)n) * 0x9E3779B97F4A7C15ULL) >> 56;
    if (CYP_LIKELY(known[i].head == head && known[i].tail == tail && known[i].n == n)) return s->hash = known[i].hash;
    known[i].head = head;
    known[i].tail = tail;
    known[i].n = n;
    return known[i].hash = PyUnicode_Type.tp_hash(text);
}
#endif
/* Add pairs to an exact dict that nobody else knows, whose keys are exact strs, and take their references, which leaves
   NULLs in items; how many.  The rest is left where there is no room, where a key may be there already, or the dict is
   of another kind.  *is_new: the next key is not there, so that to add it runs no finalizer, and nobody knows the dict
   after that either.

   Objects/dictobject.c, insertdict() from 3.11 on, without asking again what is the same for each new pair. */
static inline Py_ssize_t cyp_dict_fill(PyObject *dict, PyObject **items, Py_ssize_t n, int *is_new)
{
    *is_new = 0;
#if defined(CYP_INLINE_VALUES)
    PyDictObject *self = (PyDictObject *)dict;
    PyDictKeysObject *keys = self->ma_keys;
    if (keys->dk_kind != DICT_KEYS_UNICODE || keys->dk_log2_size >= 8 || self->ma_values != NULL) return 0;
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    int8_t *places = (int8_t *)keys->dk_indices;
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    Py_ssize_t room = keys->dk_usable, used = keys->dk_nentries, done;
    int tracked = 0;
    for (done = 0; done < n; done++) {
        PyObject *key = items[2 * done], *value = items[2 * done + 1];
        Py_hash_t hash = cyp_text_hash(key);
        size_t perturb = (size_t)hash, place = perturb & mask;
        while (places[place] != DKIX_EMPTY) {
            if (places[place] < 0 || ((PyASCIIObject *)entries[places[place]].me_key)->hash == hash) goto end;
            perturb >>= 5;
            place = (place * 5 + perturb + 1) & mask;
        }
        if (done >= room) {
            *is_new = 1;
            break;
        }
        places[place] = (int8_t)used;
        entries[used].me_key = key;
        entries[used].me_value = value;
        used++;
        items[2 * done] = items[2 * done + 1] = NULL;
        if (!tracked && PyType_IS_GC(Py_TYPE(value)) && PyObject_IS_GC(value)
            && (!PyTuple_CheckExact(value) || PyObject_GC_IsTracked(value))) {
            tracked = 1;
            if (!PyObject_GC_IsTracked(dict)) PyObject_GC_Track(dict);
        }
    }
end:
    if (done == 0) return 0;  /* the keys of an empty dict are not its own */
    keys->dk_nentries = used;
    keys->dk_usable -= done;
    self->ma_used += done;
    return done;
#else
    (void)dict; (void)items; (void)n;
    return 0;
#endif
}
/* All keys of an exact dict are exact strs; 0 where it cannot be told without looking at each. */
static inline int cyp_dict_is_text(PyObject *dict)
{
#if defined(CYP_INLINE_VALUES)
    return ((PyDictObject *)dict)->ma_keys->dk_kind != DICT_KEYS_GENERAL;
#else
    return PyDict_GET_SIZE(dict) == 0;
#endif
}

#endif
