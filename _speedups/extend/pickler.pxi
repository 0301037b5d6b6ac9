# ExtensiblePickler itself: the methods by which Python code comes in.

class ExtensiblePickler(PurePickler):
    """pickle._Pickler at compiled speed, for subclasses that override its methods and its dispatch.

    Arguments, attributes, methods and bytes are those of pickle._Pickler of the running version, from which it
    derives.  What a subclass overrides is called as that class would call it; what it does not override, and is
    frequent, runs compiled: None, bool, int, float, str, bytes, list, tuple, dict, set, frozenset, and reduce values
    of classes and functions, from protocol 2 on.  What is overridden is looked up when dump() begins; before protocol 2
    the methods of the running dump are attributes of the pickler.

    A subclass whose save() or memoize() does something for a few types only can say so, and is then called for
    instances of these only:

    saves_like_base(cls): whether save() does no more than the base's for every instance of exactly this type.
    memoizes(cls): for each instance of exactly this type: true if memoize() does what the base's does, false if it
        does nothing.
    dict_exceptions(): (handler, key, other), if handler, being what the dispatch has for dict, does what save_dict() does
        for dicts without that key that do not equal the dict `other`; or None.  Asked again whenever Python code has run.
    sorts_items: a true attribute says that _batch_setitems() writes the items of a dict in sorted order; it is called
        for dicts whose items cannot be sorted.
    writes_late: a true attribute says that nobody looks at the file, or writes to it, before the end of a dump.

    saves_like_base() and memoizes() are asked once a dump for each type.  Source: pickle._Pickler.
    """

    __module__ = "cypickle"

    def __init__(self, file, protocol=None, *, fix_imports=True, buffer_callback=None):
        PurePickler.__init__(self, file, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback)
        if not cyp_is_free_threaded():
            replace_framer(self)

    def dump(self, obj):
        """Write a pickled representation of obj to the open file.

        Raises: as pickle._Pickler.dump.
        """
        cdef dict attributes
        cdef object outer
        if cyp_is_free_threaded():
            run_alone(PurePickler.dump, self, (obj,))
            return
        attributes = self.__dict__
        outer = attributes.get(SURFACE)
        if hasattr(self, "_file_write"):
            attributes[SURFACE] = look_at(self)
        try:
            PurePickler.dump(self, obj)
        except BaseException:
            if type(getattr(self, "framer", None)) is Framer and not (<Framer>self.framer).framing:
                (<Framer>self.framer).flush()
            raise
        finally:
            if outer is None:
                attributes.pop(SURFACE, None)
            else:
                attributes[SURFACE] = outer

    def save(self, obj, save_persistent_id=True):
        """Write obj, by its memo index if it has one."""
        cdef Surface s = surface_of(self)
        if not s.usable:
            save_pure(self, obj, save_persistent_id)
            return
        try:
            save_base(s, self, obj, route_of(s, type(obj)), save_persistent_id)
        finally:
            s.framer.sync()

    def memoize(self, obj):
        """Give obj the next memo index."""
        cdef Surface s = surface_of(self)
        if not s.usable:
            PurePickler.memoize(self, obj)
            return
        try:
            memoize_base(s, self, obj)
        finally:
            s.framer.sync()

    def save_reduce(self, *args, obj=None, **named):
        """Write what a reduce value says."""
        cdef Surface s = surface_of(self)
        try:
            if named or not 2 <= len(args) <= 6 or not s.usable or not save_parts(s, self, args, obj):
                PurePickler.save_reduce(self, *args, obj=obj, **named)
        finally:
            if s.usable:
                s.framer.sync()

    def save_list(self, obj):
        """Write a list."""
        cdef Surface s = surface_of(self)
        if not s.usable:
            PurePickler.save_list(self, obj)
            return
        try:
            save_list(s, self, obj)
        finally:
            s.framer.sync()

    def save_dict(self, obj):
        """Write a dict."""
        cdef Surface s = surface_of(self)
        if not s.usable:
            PurePickler.save_dict(self, obj)
            return
        try:
            save_dict(s, self, obj)
        finally:
            s.framer.sync()

    def _batch_appends(self, items, *args):
        cdef Surface s = surface_of(self)
        if not s.usable:
            PurePickler._batch_appends(self, items, *args)
            return
        try:
            batch_appends(s, self, items, args[0] if args else items)
        finally:
            s.framer.sync()

    def _batch_setitems(self, items, *args):
        cdef Surface s = surface_of(self)
        if not s.usable:
            PurePickler._batch_setitems(self, items, *args)
            return
        try:
            batch_setitems(s, self, items, args[0] if args else items)
        finally:
            s.framer.sync()


if cyp_is_free_threaded():
    # What several threads do with one pickler is left to the pure methods, which have no memory of their own to spoil.
    for name in ("save", "memoize", "save_reduce", "save_list", "save_dict", "_batch_appends", "_batch_setitems"):
        delattr(ExtensiblePickler, name)
    del name
    ExtensiblePickler.save = _nesting.looking_after_the_stack(PurePickler.save, has_little_stack)
else:
    own_handlers.update({list: ExtensiblePickler.save_list, dict: ExtensiblePickler.save_dict})
