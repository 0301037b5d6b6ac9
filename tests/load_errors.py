"""Streams that must be refused, by name: (bytes, keyword arguments of loads). The C pickle refuses them all.

LENIENT holds streams which look wrong and which the C pickle accepts.
"""

import struct

import dump_errors
from oracle import Table

CASES = Table()
LENIENT = Table()
HERE = __name__.encode()


class Plain:
    pass


class Slotted:
    __slots__ = ("one",)


class NeedsArguments:
    def __new__(cls, one):
        return object.__new__(cls)


class SetStateRaises:
    def __setstate__(self, state):
        raise ZeroDivisionError("setstate")


class SetStateArity:
    def __setstate__(self):
        return None


class SetStateNone:
    __setstate__ = None


class GetattrRaises:
    def __getattr__(self, name):
        raise ZeroDivisionError(name)


class AppendRaises:
    def append(self, item):
        raise ZeroDivisionError("append")

    add = append


class ExtendRaises(AppendRaises):
    def extend(self, items):
        raise ZeroDivisionError("extend")


class SetItemRaises:
    def __setitem__(self, key, value):
        raise ZeroDivisionError("setitem")


class Unhashable:
    __hash__ = None


class HashRaises:
    def __hash__(self):
        raise ZeroDivisionError("hash")


class ReadOnlyDict:
    @property
    def __dict__(self):
        raise ZeroDivisionError("dict")


class NoDict:
    __slots__ = ()


class DictIsInt:
    __dict__ = 5


class RaisingIterable:
    def __iter__(self):
        return map(raises, [1])


def raises(*args):
    raise ZeroDivisionError(len(args))


def instance(cls, *, opcode=b"\x81"):
    """Opcodes that push an instance of the class of this module."""
    return b"c" + HERE + b"\n" + cls.__name__.encode() + b"\n)" + opcode


def add(name, data, **options):
    CASES.add(name, (data, options))


add("empty", b"")
for name, data in {
    "none": b"N",
    "proto": b"\x80\x04",
    "proto_argument": b"\x80",
    "binint": b"J\0\0\0",
    "binint1": b"K",
    "binint2": b"M\0",
    "int": b"I5",
    "long": b"L5L",
    "long1": b"\x8a",
    "long1_payload": b"\x8a\x05abc",
    "long4": b"\x8b\0\0",
    "long4_payload": b"\x8b\x05\0\0\0abc",
    "float": b"F1.5",
    "binfloat": b"G\0\0\0\0\0\0\0",
    "string": b"S'abc'",
    "binstring": b"T\x05\0\0\0abc",
    "short_binstring": b"U\x05abc",
    "unicode": b"Vabc",
    "binunicode": b"X\x05\0\0\0abc",
    "short_binunicode": b"\x8c\x05abc",
    "binunicode8": b"\x8d\x05\0\0\0\0\0\0\0abc",
    "binbytes": b"B\x05\0\0\0abc",
    "short_binbytes": b"C\x05abc",
    "binbytes8": b"\x8e\x05\0\0\0\0\0\0\0abc",
    "bytearray8": b"\x96\x05\0\0\0\0\0\0\0abc",
    "get": b"g0",
    "binget": b"h",
    "long_binget": b"j\0\0\0",
    "put": b"Np0",
    "binput": b"Nq",
    "long_binput": b"Nr\0",
    "global_module": b"cbuiltins",
    "global_name": b"cbuiltins\nint",
    "inst": b"(ibuiltins\nint",
    "ext1": b"\x82",
    "ext2": b"\x83\0",
    "ext4": b"\x84\0\0\0",
    "frame": b"\x80\x04\x95\0\0\0",
    "frame_payload": b"\x80\x04\x95\x10\0\0\0\0\0\0\0N.",
    "persid": b"Pabc",
}.items():
    add(f"truncated_{name}", data)

for name, opcode in {
    "stop": b".",
    "pop": b"0",
    "pop_mark": b"1",
    "dup": b"2",
    "append": b"a",
    "appends": b"e",
    "additems": b"\x90",
    "frozenset": b"\x91",
    "setitem": b"s",
    "setitems": b"u",
    "build": b"b",
    "reduce": b"R",
    "newobj": b"\x81",
    "newobj_ex": b"\x92",
    "stack_global": b"\x93",
    "memoize": b"\x94",
    "put": b"p0\n",
    "binput": b"q\0",
    "long_binput": b"r\0\0\0\0",
    "tuple": b"t",
    "tuple1": b"\x85",
    "tuple2": b"\x86",
    "tuple3": b"\x87",
    "list": b"l",
    "dict": b"d",
    "obj": b"o",
    "inst": b"ibuiltins\nint\n",
    "binpersid": b"Q",
    "readonly_buffer": b"\x98",
}.items():
    add(f"underflow_{name}", opcode + b".")
    add(f"underflow_{name}_after_proto", b"\x80\x04" + opcode + b".")
    if name not in ("pop_mark", "tuple", "list", "dict", "frozenset", "pop"):
        add(f"mark_{name}", b"(" + opcode + b".")
    if name not in ("pop", "pop_mark", "tuple", "list", "dict", "frozenset", "inst", "obj", "stop"):
        add(f"none_mark_{name}", b"N(" + opcode + b"N.")
for name, data in {
    "append_one": b"Na.",
    "append_list_only": b"]a.",
    "setitem_two": b"}Ns.",
    "setitem_dict_only": b"}s.",
    "build_one": b"Nb.",
    "reduce_one": b"cbuiltins\nint\nR.",
    "newobj_one": b")\x81.",
    "newobj_ex_two": b"})\x92.",
    "tuple2_one": b"N\x86.",
    "tuple3_two": b"NN\x87.",
    "stack_global_one": b"\x8c\x01a\x93.",
    "setitems_odd": b"}(NNNu.",
    "dict_odd": b"(NNNd.",
    "dict_one": b"(Nd.",
    "obj_empty": b"(o.",
    "stop_after_mark": b"N(.",
    "dup_empty": b"(2.",
    "stop_under_mark": b"(.",
    "mark_popped": b"(0.",
    "pop_mark_twice": b"((11.",
}.items():
    add(f"operands_{name}", data)

for name, data in {
    "unknown": b"\xff.",
    "unknown_text": b"z.",
    "nul": b"\0.",
    "newline": b"\n.",
    "letter": b"hello world\n.",
    "quote": b"'.",
    "backslash": b"\\.",
    "high": b"\x99.",
}.items():
    add(f"key_{name}", data)
    add(f"key_{name}_after_none", b"N" + data)

for number in (6, 7, 127, 128, 255):
    add(f"proto_{number}", bytes([0x80, number]) + b"N.")

for name, data in {
    "int_letters": b"Iabc\n.",
    "int_empty": b"I\n.",
    "int_spaces": b"I \n.",
    "int_float": b"I1.5\n.",
    "int_nul": b"I1\x002\n.",
    "int_non_ascii": b"I\xff\n.",
    "int_hex": b"I0x10\n.",
    "long_letters": b"LabcL\n.",
    "long_empty": b"L\n.",
    "long_only_l": b"LL\n.",
    "long_non_ascii": b"L\xff\xffL\n.",
    "long_digits": b"L" + b"1" * 5000 + b"L\n.",
    "int_digits": b"I" + b"1" * 5000 + b"\n.",
    "float_letters": b"Fabc\n.",
    "float_empty": b"F\n.",
    "float_nul": b"F1\x002\n.",
    "float_comma": b"F1,5\n.",
    "float_space": b"F 1.5\n.",
    "float_non_ascii": b"F\xff\n.",
    "string_bare": b"Sabc\n.",
    "string_empty": b"S\n.",
    "string_one_quote": b"S'\n.",
    "string_open": b"S'abc\n.",
    "string_mixed": b"S'abc\"\n.",
    "string_escape": b"S'\\x1'\n.",
    "string_backslash": b"S'abc\\'\n.",
    "string_space": b"S'abc' \n.",
    "string_non_ascii": b"S'\xff'\n.",
    "string_escaped_non_ascii": b"S'\\xff'\n.",
    "unicode_escape": b"V\\u12\n.",
    "unicode_long_escape": b"V\\U12345678\n.",
    "binstring_negative": b"T\xff\xff\xff\xff.",
    "binstring_non_ascii": b"T\x01\0\0\0\xff.",
    "short_binstring_non_ascii": b"U\x01\xff.",
    "binunicode_bad": b"X\x01\0\0\0\xff.",
    "short_binunicode_bad": b"\x8c\x02\xc3\x28.",
    "binunicode8_bad": b"\x8d\x01\0\0\0\0\0\0\0\xff.",
    "binunicode8_huge": b"\x8d" + b"\xff" * 8 + b"abc.",
    "binbytes8_huge": b"\x8e" + b"\xff" * 8 + b"abc.",
    "bytearray8_huge": b"\x96" + b"\xff" * 8 + b"abc.",
    "frame_huge": b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
    "long4_negative": b"\x8b\xff\xff\xff\xff.",
    "long4_most_negative": b"\x8b\0\0\0\x80.",
}.items():
    add(f"argument_{name}", data)

for name, opcode, sizes in (("binunicode", b"X", "<I"), ("binbytes", b"B", "<I"), ("binstring", b"T", "<i")):
    add(f"claims_2g_{name}", opcode + struct.pack(sizes, 2**31 - 1) + b"abc.")
add("claims_1m_binbytes8", b"\x8e" + struct.pack("<Q", 2**20) + b"abc.")
add("claims_1m_bytearray8", b"\x96" + struct.pack("<Q", 2**20) + b"abc.")

for name, data in {
    "get_missing": b"g0\n.",
    "get_negative": b"g-1\n.",
    "get_letters": b"gabc\n.",
    "get_empty": b"g\n.",
    "get_huge": b"g99999999999999999999999\n.",
    "binget_missing": b"h\x05.",
    "long_binget_missing": b"j\x05\0\0\0.",
    "long_binget_huge": b"j\xff\xff\xff\xff.",
    "put_negative": b"Np-1\n.",
    "put_letters": b"Npabc\n.",
    "put_empty": b"Np\n.",
    "put_huge": b"Np99999999999999999999999\n.",
    "get_between": b"Nq\x05h\x03.",
}.items():
    add(f"memo_{name}", data)

for name, data in {
    "no_module": b"cno_such_module_anywhere\nname\n.",
    "no_name": b"cbuiltins\nno_such_name\n.",
    "empty_module": b"c\nname\n.",
    "empty_name": b"cbuiltins\n\n.",
    "empty_both": b"c\n\n.",
    "dotted_at_0": b"cbuiltins\nint.from_bytes\n.",
    "relative": b"c.relative\nname\n.",
    "non_utf8_module": b"c\xff\nname\n.",
    "non_utf8_name": b"cbuiltins\n\xff\n.",
    "nul_module": b"ca\0b\nname\n.",
    "stack_no_module": b"\x80\x04\x8c\x17no_such_module_anywhere\x8c\x04name\x93.",
    "stack_no_name": b"\x80\x04\x8c\x08builtins\x8c\x0cno_such_name\x93.",
    "stack_dotted_missing": b"\x80\x04\x8c\x08builtins\x8c\x08int.nope\x93.",
    "stack_dotted_deep": b"\x80\x04\x8c\x08builtins\x8c\x08a.b.c.d.\x93.",
    "stack_locals": b"\x80\x04\x8c\x08builtins\x8c\x0aa.<locals>\x93.",
    "stack_int_module": b"\x80\x04K\x01\x8c\x04name\x93.",
    "stack_int_name": b"\x80\x04\x8c\x08builtinsK\x01\x93.",
    "stack_bytes_both": b"\x80\x04C\x01aC\x01b\x93.",
    "stack_none_both": b"\x80\x04NN\x93.",
    "inst_no_module": b"(ino_such_module_anywhere\nname\n.",
    "inst_no_name": b"(ibuiltins\nno_such_name\n.",
    "inst_non_utf8": b"(i\xff\nname\n.",
    "module_raises": b"c" + dump_errors.RAISING_MODULE.encode() + b"\nname\n.",
}.items():
    add(f"global_{name}", data)


for name, data in {
    "reduce_none": b"N)R.",
    "reduce_int": b"K\x05)R.",
    "reduce_args_list": b"cbuiltins\nint\n]R.",
    "reduce_args_none": b"cbuiltins\nint\nNR.",
    "reduce_raises": b"c" + HERE + b"\nraises\n(NNtR.",
    "reduce_arity": b"cbuiltins\nlen\n)R.",
    "inst_int_class": b"(N" + b"i" + HERE + b"\nHERE\n.",
    "inst_raises": b"(N" + b"i" + HERE + b"\nraises\n.",
    "inst_arity": b"(i" + HERE + b"\nNeedsArguments\n.",
    "obj_none": b"(No.",
    "obj_none_argument": b"(NNo.",
    "obj_raises": b"(c" + HERE + b"\nraises\nNo.",
    "obj_arity": b"(c" + HERE + b"\nNeedsArguments\no.",
    "newobj_none": b"N)\x81.",
    "newobj_int": b"K\x05)\x81.",
    "newobj_function": b"cbuiltins\nlen\n)\x81.",
    "newobj_args_list": b"cbuiltins\nint\n]\x81.",
    "newobj_args_none": b"cbuiltins\nint\nN\x81.",
    "newobj_arity": instance(NeedsArguments) + b".",
    "newobj_abstract": b"ccollections.abc\nMapping\n)\x81.",
    "newobj_generator": b"ctypes\nGeneratorType\n)\x81.",
    "newobj_instance": instance(Plain) + b")\x81.",
    "newobj_ex_none": b"N)}\x92.",
    "newobj_ex_function": b"cbuiltins\nlen\n)}\x92.",
    "newobj_ex_args_list": b"cbuiltins\nint\n]}\x92.",
    "newobj_ex_args_none": b"cbuiltins\nint\nN}\x92.",
    "newobj_ex_kwargs_list": b"cbuiltins\nint\n)]\x92.",
    "newobj_ex_kwargs_none": b"cbuiltins\nint\n)N\x92.",
    "newobj_ex_keyword": b"cbuiltins\nint\n)}\x8c\x01aNs\x92.",
    "newobj_ex_int_keyword": b"cbuiltins\nint\n)}K\x01Ns\x92.",
    "newobj_ex_arity": b"c" + HERE + b"\nNeedsArguments\n)}\x92.",
}.items():
    add(f"call_{name}", data)

STATES = {
    "none_pair": b"(NK\x05t",
    "int": b"K\x05",
    "list": b"]K\x01a",
    "str": b"\x8c\x01a",
    "pair_ints": b"K\x05K\x05\x86",
}
STATES |= {"triple": b"NNN\x87", "int_key_slots": b"N}K\x05K\x05s\x86", "none_key_slots": b"}}NNs\x86"}
for name, state in STATES.items():
    for target in (Plain, Slotted, NoDict):
        add(f"build_{target.__name__}_{name}", instance(target) + state + b"b.")
for name, data in {
    "none": b"N}\x8c\x01aNsb.",
    "int": b"K\x05}\x8c\x01aNsb.",
    "list": b"]}\x8c\x01aNsb.",
    "class_dict": b"c" + HERE + b"\nPlain\n}\x8c\x01aNsb.",
    "slotted": instance(Slotted) + b"}\x8c\x01aNsb.",
    "slot_unknown": instance(Slotted) + b"N}\x8c\x01aNs\x86b.",
    "setstate_raises": instance(SetStateRaises) + b"}b.",
    "setstate_arity": instance(SetStateArity) + b"}b.",
    "setstate_none": instance(SetStateNone) + b"}b.",
    "getattr_raises": instance(GetattrRaises) + b"}b.",
    "dict_raises": instance(ReadOnlyDict) + b"}\x8c\x01aNsb.",
    "dict_is_int": instance(DictIsInt) + b"}\x8c\x01aNsb.",
}.items():
    add(f"build_on_{name}", data)
add("build_unhashable_key_in_state", instance(Plain) + b"}" + instance(Unhashable) + b"Nsb.")

for name, data in {
    "append_none": b"NNa.",
    "append_int": b"K\x05Na.",
    "append_tuple": b")Na.",
    "append_raises": instance(AppendRaises) + b"Na.",
    "appends_none": b"N(Ne.",
    "appends_raises": instance(AppendRaises) + b"(NNe.",
    "appends_extend_raises": instance(ExtendRaises) + b"(NNe.",
    "setitem_none": b"NNNs.",
    "setitem_list": b"]NNs.",
    "setitem_raises": instance(SetItemRaises) + b"NNs.",
    "setitems_none": b"N(NNu.",
    "setitems_raises": instance(SetItemRaises) + b"(NNu.",
    "setitem_unhashable": b"}]Ns.",
    "setitems_unhashable": b"}(]Nu.",
    "setitem_hash_raises": b"}" + instance(HashRaises) + b"Ns.",
    "dict_unhashable": b"(]Nd.",
    "additems_none": b"N(N\x90.",
    "additems_list": b"](N\x90.",
    "additems_unhashable": b"\x8f(]\x90.",
    "additems_raises": instance(AppendRaises) + b"(N\x90.",
    "frozenset_unhashable": b"(]\x91.",
    "frozenset_hash_raises": b"(" + instance(HashRaises) + b"\x91.",
}.items():
    add(f"items_{name}", data)

add("ext1_zero", b"\x82\0.")
add("ext2_zero", b"\x83\0\0.")
add("ext4_zero", b"\x84\0\0\0\0.")
add("ext4_negative", b"\x84\xff\xff\xff\xff.")
add("ext1_unregistered", b"\x82\xf0.")
add("ext2_unregistered", b"\x83\xf0\xf0.")
add("ext4_unregistered", b"\x84\xf0\xf0\xf0\x70.")
add("persid_without_method", b"Pabc\n.")
add("binpersid_without_method", b"NQ.")
add("persid_non_ascii", b"P\xff\n.")
add("next_buffer_none_given", b"\x80\x05\x97.")
add("next_buffer_given_none", b"\x80\x05\x97.", buffers=None)
add("next_buffer_exhausted", b"\x80\x05\x97\x97\x86.", buffers=[b"one"])
add("next_buffer_empty", b"\x80\x05\x97.", buffers=[])
add("next_buffer_raises", b"\x80\x05\x97.", buffers=RaisingIterable())
add("readonly_buffer_of_none", b"\x80\x05N\x98.")
add("readonly_buffer_of_list", b"\x80\x05]\x98.")
add("string_utf8_strict", b"U\x01\xff.", encoding="utf-8")
add("string_escape_bytes", b"S'\\x1'\n.", encoding="bytes")
add("unknown_error_handler", b"U\x01\xff.", errors="no-such-handler")
add("frame_inside_frame", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x95\x02\0\0\0\0\0\0\0N")
add("nothing_after_frame", b"\x80\x04\x95\x01\0\0\0\0\0\0\0N")

for name, data in {
    "trailing_bytes": b"N.garbage",
    "frame_of_nothing": b"\x80\x04\x95\0\0\0\0\0\0\0\0N.",
    "frame_too_short": b"\x80\x04\x95\x01\0\0\0\0\0\0\0NN\x86.",
    "int_leading_space": b"I 5\n.",
    "int_underscore": b"L1_000L\n.",
    "long_without_l": b"L5\n.",
    "bool_00": b"I00\n.",
    "bool_01": b"I01\n.",
    "int_00_long": b"I000\n.",
    "proto_twice": b"\x80\x04\x80\x02N.",
    "stack_left_over": b"NNN.",
    "mark_left_over": b"(N.",
    "put_sparse": b"Np100\n0g100\n.",
    "put_overwritten": b"K\x01q\0K\x02q\0h\0.",
    "opcode_of_later_protocol": b"\x80\x02\x8c\x01a.",
    "append_to_nothing": b"](e.",
    "setitems_of_nothing": b"}(u.",
    "additems_of_nothing": b"\x8f(\x90.",
}.items():
    LENIENT.add(name, (data, {}))

# What some versions or all accept: compared all the same.
ACCEPTED = {"none_mark_appends", "none_mark_additems", "none_mark_setitems", "mark_inst"}
ACCEPTED |= {"argument_int_nul", "argument_int_hex", "argument_float_nul"}
