# ExtensibleUnpickler itself.

class ExtensibleUnpickler(PureUnpickler):
    """pickle._Unpickler at compiled speed, for subclasses that override its methods and its dispatch.

    Arguments, attributes, methods and what is loaded are those of pickle._Unpickler of the running version, from which
    it derives.  What a subclass overrides is called as that class would call it, and finds `stack`, `metastack`,
    `memo`, `append` and the file as they would be by then; what it does not override, and is frequent, runs compiled.

    A subclass whose entry for BUILD does something for a few types only can say so, and is then called for these, and
    for what runs code of its own when its state is set:

    builds_like_base(cls): whether the entry does no more than the base's for every instance of exactly this type.

    It is asked once a load for each type.  Source: pickle._Unpickler.
    """

    __module__ = "cypickle"
    dispatch = pure_loaders.copy()

    def load(self):
        """Read a pickled object representation from the open file.

        Returns: the object.
        Raises: as pickle._Unpickler.load.
        """
        cdef Loader loader
        if cyp_is_free_threaded():
            return run_alone(PureUnpickler.load, self, ())
        if "_file_read" not in self.__dict__ or not keeps_attributes(self):
            return PureUnpickler.load(self)
        loader = Loader.__new__(Loader, self)
        loader.open()
        try:
            result = loader.run()
        except Stop as stop:
            result = stop.value
        except BaseException:
            try:
                loader.settle()
            except Exception:  # of a file that is gone, say: what went wrong first is told
                pass
            raise
        loader.settle()
        return result

    def load_build(self):
        """Set the state of the object below it on the stack."""
        cdef object stack = None if cyp_is_free_threaded() else self.__dict__.get("stack")
        if type(stack) is not list or not build_plainly(stack):
            PureUnpickler.load_build(self)

    def load_bytearray8(self):
        """Push a bytearray; what it claims to be long is not allocated before it is there."""
        size, = struct.unpack("<Q", self.read(8))
        if size > sys.maxsize:
            raise pickle.UnpicklingError("BYTEARRAY8 exceeds system's maximum size of %d bytes" % sys.maxsize)
        if size <= FRAME_TARGET or getattr(self.readinto, "__func__", None) is not PureUnframer.readinto:
            made = bytearray(size)
            self.readinto(made)
        else:
            made = bytearray()
            made[:] = self.read(size)
        self.append(made)


own_loaders[OP_BUILD] = ExtensibleUnpickler.load_build
if not hasattr(pickle, "_MIN_READ_BUF_SIZE"):  # else the pure one takes care itself
    own_loaders[OP_BYTEARRAY8] = ExtensibleUnpickler.load_bytearray8
ExtensibleUnpickler.dispatch.update(own_loaders)
