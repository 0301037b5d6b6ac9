/* The part of compat.h that makes dates, times and differences of what pickles hold: included by it, never directly.

   Like there: `static inline`, cyp_*, and a public-API fallback. */
#ifndef CYPICKLE_COMPAT_DATETIME_H
#define CYPICKLE_COMPAT_DATETIME_H

/* Which type of datetime it is, as cyp_is_temporal_type() counts; -1 for another.  Imports nothing that is not there. */
static inline int cyp_temporal_which(PyTypeObject *tp)
{
    if (strncmp(tp->tp_name, "datetime.", 9) == 0) {
        for (int which = 0; which < 4; which++) {
            if (cyp_is_temporal_type(tp, which)) return which;
        }
    }
    return -1;
}
#if !defined(CYPICKLE_NO_INTERNALS) && PY_VERSION_HEX < 0x03100000
/* date, datetime or time (0 to 2, as above) of its pickled state; tzinfo may be NULL.  NULL without an exception if
   anything is unusual.  What is looked at, and what is filled in, is as in *_from_pickle_state() of _datetimemodule.c,
   3.11 to 3.15. */
static inline PyObject *cyp_temporal_new(int which, const unsigned char *p, Py_ssize_t nbytes, PyObject *tzinfo)
{
    PyTypeObject *tp;
    PyObject *made;
    if (tzinfo != NULL && (which == 0 || !PyTZInfo_Check(tzinfo))) return NULL;
    if (which == 0 ? nbytes != 4 || p[2] - 1U > 11
        : which == 1 ? nbytes != 10 || (p[2] & 0x7f) - 1U > 11
        : nbytes != 6 || (p[0] & 0x7f) > 23) return NULL;
    tp = which == 0 ? PyDateTimeAPI->DateType : which == 1 ? PyDateTimeAPI->DateTimeType : PyDateTimeAPI->TimeType;
    made = tp->tp_alloc(tp, tzinfo != NULL);
    if (CYP_UNLIKELY(made == NULL)) {
        PyErr_Clear();
        return NULL;
    }
    if (which == 0) {
        PyDateTime_Date *date = (PyDateTime_Date *)made;
        memcpy(date->data, p, 4);
        date->hashcode = -1;
    }
    else if (which == 1) {
        PyDateTime_DateTime *moment = (PyDateTime_DateTime *)made;
        memcpy(moment->data, p, 10);
        moment->data[2] &= 0x7f;
        moment->fold = p[2] >> 7;
        moment->hashcode = -1;
        moment->hastzinfo = tzinfo != NULL;
        if (tzinfo != NULL) moment->tzinfo = Py_NewRef(tzinfo);
    }
    else {
        PyDateTime_Time *time = (PyDateTime_Time *)made;
        memcpy(time->data, p, 6);
        time->data[0] &= 0x7f;
        time->fold = p[0] >> 7;
        time->hashcode = -1;
        time->hastzinfo = tzinfo != NULL;
        if (tzinfo != NULL) time->tzinfo = Py_NewRef(tzinfo);
    }
    return made;
}
#else
static inline int cyp_time_is_sane(int hour, const unsigned char *rest)
{
    return hour < 24 && rest[0] < 60 && rest[1] < 60 && (rest[2] << 16 | rest[3] << 8 | rest[4]) < 1000000;
}
static inline int cyp_date_is_sane(const unsigned char *p, int month)
{
    static const unsigned char days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = p[0] << 8 | p[1];
    if (year < 1 || year > 9999 || month < 1 || month > 12 || p[3] < 1) return 0;
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return p[3] <= days[month] + leap;
}
/* The same by way of the C API, which takes less. */
static inline PyObject *cyp_temporal_new(int which, const unsigned char *p, Py_ssize_t nbytes, PyObject *tzinfo)
{
    PyObject *made = NULL;
    if (tzinfo != NULL && (which == 0 || !PyTZInfo_Check(tzinfo))) return NULL;
    if (tzinfo == NULL) tzinfo = Py_None;
    if (which == 0) {
        if (nbytes == 4 && cyp_date_is_sane(p, p[2]))
            made = PyDateTimeAPI->Date_FromDate(p[0] << 8 | p[1], p[2], p[3], PyDateTimeAPI->DateType);
    }
    else if (which == 1) {
        if (nbytes == 10 && cyp_date_is_sane(p, p[2] & 0x7f) && cyp_time_is_sane(p[4], p + 5))
            made = PyDateTimeAPI->DateTime_FromDateAndTimeAndFold(
                p[0] << 8 | p[1], p[2] & 0x7f, p[3], p[4], p[5], p[6], p[7] << 16 | p[8] << 8 | p[9], tzinfo, p[2] >> 7,
                PyDateTimeAPI->DateTimeType);
    }
    else if (nbytes == 6 && cyp_time_is_sane(p[0] & 0x7f, p + 1)) {
        made = PyDateTimeAPI->Time_FromTimeAndFold(
            p[0] & 0x7f, p[1], p[2], p[3] << 16 | p[4] << 8 | p[5], tzinfo, p[0] >> 7, PyDateTimeAPI->TimeType);
    }
    if (made == NULL) PyErr_Clear();
    return made;
}
#endif
/* The values of three exact ints that need no more than 62 bits; 0 where that is not what the items are. */
static inline int cyp_three_ints(PyObject **items, int64_t *values)
{
    for (int i = 0; i < 3; i++) {
        int fits = 0;
        if (!PyLong_CheckExact(items[i])) return 0;
        values[i] = cyp_int_as_i64(items[i], &fits);
        if (!fits || values[i] > INT64_MAX / 4 || values[i] < -(INT64_MAX / 4)) return 0;
    }
    return 1;
}
/* timedelta of the three ints that its reducer gives; NULL as above. */
static inline PyObject *cyp_timedelta_new(PyObject **items, Py_ssize_t n)
{
    int64_t fields[3];
    if (n != 3 || !cyp_three_ints(items, fields)) return NULL;
    if (fields[0] < -999999999 || fields[0] > 999999999 || fields[1] < 0 || fields[1] >= 86400 || fields[2] < 0
        || fields[2] >= 1000000)
        return NULL;
    PyObject *made = PyDateTimeAPI->Delta_FromDelta(
        (int)fields[0], (int)fields[1], (int)fields[2], 0, PyDateTimeAPI->DeltaType);
    if (made == NULL) PyErr_Clear();
    return made;
}

#endif
