# Routes: how objects of a type are written, looked up again whenever Python code may have run.

cdef inline Route route_of(Surface s, object cls):
    """The up-to-date route of a type."""
    cdef Route route
    if cls is str:
        route = s.str_route
    elif cls is int:
        route = s.int_route
    elif cls is dict:
        route = s.dict_route
    elif cls is float:
        route = s.float_route
    elif cls is list:
        route = s.list_route
    else:
        route = find_route(s, cls)
    if route is None or route.epoch != s.epoch:
        return renewed_route(s, cls)
    return route


cdef Route find_route(Surface s, object cls):
    cdef PyObject *found = PyDict_GetItemWithError(s.routes, cls)
    return None if found == NULL else <Route>found


cdef Route renewed_route(Surface s, object cls):
    """A new route, or the old one with its handler looked up again."""
    cdef Route route = find_route(s, cls)
    cdef object handler
    cdef bint is_new = route is None
    if is_new:
        route = Route.__new__(Route)
        route.like_base = s.own_save or (s.saves_like_base is not UNSET and bool(s.saves_like_base(cls)))
        route.memoizing = MEMOIZE_BASE
        if not s.own_memoize:
            route.memoizing = MEMOIZE_CALL
            if s.memoizes is not UNSET:
                route.memoizing = MEMOIZE_BASE if s.memoizes(cls) else MEMOIZE_NOT
        s.routes[cls] = route
        if cls is str:
            s.str_route = route
        elif cls is int:
            s.int_route = route
        elif cls is dict:
            s.dict_route = route
        elif cls is float:
            s.float_route = route
        elif cls is list:
            s.list_route = route
    handler = handler_of(s, cls, route.like_base)
    if is_new or handler is not route.handler:
        route.handler = handler
        route.kind = kind_of(s, cls, handler)
        route.excepts = False
    if cls is dict and s.dict_exceptions is not UNSET and (route.excepts or route.kind == ASK):
        route.excepts = look_at_exceptions(s) and handler is s.except_handler and writes_dicts(s)
        route.kind = NODE_DICT if route.excepts else ASK
    route.epoch = s.epoch
    return route


cdef bint look_at_exceptions(Surface s) except -1:
    """Ask for which dicts the handler has to be called; False: for all."""
    cdef object said = s.dict_exceptions()
    if said is None:
        return False
    s.except_handler, s.except_key, s.except_like = said
    return True


cdef bint is_excepted(Surface s, dict obj) except -1:
    """Whether a dict may have the key, or equal the other dict.  Runs no code of the keys: where it had to, it may."""
    cdef object first
    if len(obj) == 0:
        return len(s.except_like) == 0
    if not has_text_keys(obj) or s.except_key in obj:
        return True
    if len(obj) != len(s.except_like):
        return False
    if not has_text_keys(s.except_like):
        return True
    for first in obj:
        break
    return first in s.except_like


cdef bint has_text_keys(dict obj) except -1:
    """Whether all keys are exact strs."""
    if cyp_dict_is_text(<PyObject *>obj):
        return True
    for key in obj:
        if type(key) is not str:
            return False
    return True


cdef object handler_of(Surface s, object cls, bint settled):
    """What dispatch.get(cls) gives.  settled: save() is not going to register the type."""
    cdef PyObject *found = PyDict_GetItemWithError(s.dispatch, cls)
    cdef object held = UNSET if found == NULL else <object>found
    cdef object known
    if s.plain_get:
        return None if held is UNSET else held
    known = s.checked.get(cls)
    if known is None or (<tuple>known)[0] is not held:
        known = (held, s.dispatch.get(cls))
        if settled:
            s.checked[cls] = known
    return (<tuple>known)[1]


cdef int kind_of(Surface s, object cls, object handler) except -1:
    """ASK, unless the handler is the one of the base class, or ours, for this very type."""
    cdef int kind
    kind = native_kinds.get(cls, ASK)
    if kind == ASK or (handler is not pure_handlers[cls] and handler is not own_handlers.get(cls)):
        return ASK
    if (kind == NODE_SET or kind == NODE_FROZENSET) and s.proto < 4:
        return ASK
    if (kind == LEAF_BYTES and s.proto < 3) or (kind == NODE_LIST and not s.own_appends):
        return ASK
    if kind == NODE_DICT and not writes_dicts(s):
        return ASK
    return kind


cdef inline bint writes_dicts(Surface s) noexcept:
    """Whether the items of dicts can be written here."""
    return s.own_setitems or s.sorts_items


cdef dict native_kinds = {
    type(None): ATOM_NONE, bool: ATOM_BOOL, int: ATOM_INT, float: ATOM_FLOAT, str: LEAF_STR, bytes: LEAF_BYTES,
    dict: NODE_DICT, list: NODE_LIST, tuple: NODE_TUPLE, set: NODE_SET, frozenset: NODE_FROZENSET,
}
cdef dict pure_handlers = {
    type(None): PurePickler.save_none, bool: PurePickler.save_bool, int: PurePickler.save_long,
    float: PurePickler.save_float, str: PurePickler.save_str, bytes: PurePickler.save_bytes,
    dict: PurePickler.save_dict, list: PurePickler.save_list, tuple: PurePickler.save_tuple,
    set: PurePickler.save_set, frozenset: PurePickler.save_frozenset,
}
cdef dict own_handlers = {}  # filled when the class is there
