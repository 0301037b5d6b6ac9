"""Byte strings that a loader must survive: a pickle of each opcode, and generators of broken ones."""

import pickle
import pickletools
import random

from corpus import CORPUS, SMALL

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
CODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]

# opcode name -> (pickle, what it loads as); classes are those of shapes.py.
HAND_WRITTEN = {
    "INT": (b"(I01\nI00\nI-5\nI99999999999\nt.", (True, False, -5, 99999999999)),
    "BININT": (b"J\xfe\xff\xff\xff.", -2),
    "BININT1": (b"K\xff.", 255),
    "BININT2": (b"M\xff\xfe.", 0xFEFF),
    "LONG": (b"L-12345678901234567890L\n.", -12345678901234567890),
    "LONG1": (b"\x80\x02(\x8a\x00\x8a\x01\x80\x8a\x02\xff\x00t.", (0, -128, 255)),
    "LONG4": (b"\x80\x02\x8b\x03\x00\x00\x00\x01\x02\x03.", 0x030201),
    "STRING": (b"S'a\\x41\\'b'\n.", "aA'b"),
    "BINSTRING": (b"T\x03\x00\x00\x00abc.", "abc"),
    "SHORT_BINSTRING": (b"U\x02hi.", "hi"),
    "BINBYTES": (b"\x80\x03B\x02\x00\x00\x00\x00\xff.", b"\x00\xff"),
    "SHORT_BINBYTES": (b"\x80\x03C\x01\xfe.", b"\xfe"),
    "BINBYTES8": (b"\x80\x04\x8e\x01\x00\x00\x00\x00\x00\x00\x00x.", b"x"),
    "BYTEARRAY8": (b"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00xy.", bytearray(b"xy")),
    "NONE": (b"N.", None),
    "NEWTRUE": (b"\x80\x02\x88.", True),
    "NEWFALSE": (b"\x80\x02\x89.", False),
    "UNICODE": (b"V\\u20ac\\U0001f600\xe9\n.", "\u20ac\U0001f600\xe9"),
    "SHORT_BINUNICODE": (b"\x80\x04\x8c\x02\xc3\xa9.", "\xe9"),
    "BINUNICODE": (b"X\x03\x00\x00\x00\xed\xa0\x80.", "\ud800"),
    "BINUNICODE8": (b"\x80\x04\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.", "a"),
    "FLOAT": (b"F-1.5e3\n.", -1500.0),
    "BINFLOAT": (b"G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5),
    "EMPTY_LIST": (b"].", []),
    "APPEND": (b"]K\x01a.", [1]),
    "APPENDS": (b"](K\x01K\x02e.", [1, 2]),
    "LIST": (b"(K\x01K\x02l.", [1, 2]),
    "EMPTY_TUPLE": (b").", ()),
    "TUPLE": (b"(K\x01K\x02K\x03K\x04t.", (1, 2, 3, 4)),
    "TUPLE1": (b"\x80\x02K\x01\x85.", (1,)),
    "TUPLE2": (b"\x80\x02K\x01K\x02\x86.", (1, 2)),
    "TUPLE3": (b"\x80\x02K\x01K\x02K\x03\x87.", (1, 2, 3)),
    "EMPTY_DICT": (b"}.", {}),
    "DICT": (b"(K\x01K\x02K\x03K\x04d.", {1: 2, 3: 4}),
    "SETITEM": (b"}K\x01K\x02s.", {1: 2}),
    "SETITEMS": (b"}(K\x01K\x02K\x03K\x04u.", {1: 2, 3: 4}),
    "EMPTY_SET": (b"\x80\x04\x8f.", set()),
    "ADDITEMS": (b"\x80\x04\x8f(K\x01K\x02\x90.", {1, 2}),
    "FROZENSET": (b"\x80\x04(K\x01\x91.", frozenset([1])),
    "POP": (b"K\x01K\x020.", 1),
    "DUP": (b"]2a.", None),  # a list that holds itself
    "MARK": (b"K\x01(.", None),  # refused
    "POP_MARK": (b"K\x01(K\x02K\x031.", 1),
    "GET": (b"]p5\n0g5\n.", []),
    "BINGET": (b"]q\x050h\x05.", []),
    "LONG_BINGET": (b"]r\x05\x00\x00\x000j\x05\x00\x00\x00.", []),
    "PUT": (b"(]p300\ng300\nt.", ([], [])),
    "BINPUT": (b"(]q\x01h\x01t.", ([], [])),
    "LONG_BINPUT": (b"(]r\x01\x01\x00\x00j\x01\x01\x00\x00t.", ([], [])),
    "MEMOIZE": (b"\x80\x04(]\x94h\x00t.", ([], [])),
    "EXT1": (b"\x80\x02\x82\x11.", None),  # no such code
    "EXT2": (b"\x80\x02\x83\x11\x22.", None),
    "EXT4": (b"\x80\x02\x84\x11\x22\x33\x44.", None),
    "GLOBAL": (b"c__builtin__\nint\n.", int),
    "STACK_GLOBAL": (b"\x80\x04\x8c\x08builtins\x8c\x03int\x93.", int),
    "REDUCE": (b"cbuiltins\nint\n(X\x02\x00\x00\x0042tR.", 42),
    "BUILD": (b"cshapes\nPlain\n)R}X\x01\x00\x00\x00aK\x01sb.", None),  # an instance
    "INST": (b"(K\x05ishapes\nReduced\n.", None),
    "OBJ": (b"(cshapes\nReduced\nK\x05o.", None),
    "NEWOBJ": (b"\x80\x02cshapes\nPlain\n)\x81.", None),
    "NEWOBJ_EX": (b"\x80\x04cshapes\nNewArgsEx\n(K\x01t}X\x03\x00\x00\x00keyK\x02s\x92.", None),
    "PROTO": (b"\x80\x05N.", None),
    "STOP": (b"K\x07.", 7),
    "FRAME": (b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x08.", 8),
    "PERSID": (b"Pname\n.", None),  # refused without persistent_load
    "BINPERSID": (b"K\x01Q.", None),
    "NEXT_BUFFER": (b"\x80\x05\x97.", None),  # no buffers
    "READONLY_BUFFER": (b"\x80\x05C\x01a\x98.", None),
}


def corpus_pickles():
    """(name, pickle) of each small object at each protocol that takes it."""
    found = []
    for name in SMALL:
        for protocol in PROTOCOLS:
            try:
                found.append((f"{name}-p{protocol}", pickle.dumps(CORPUS[name](), protocol)))
            except (TypeError, pickle.PicklingError):
                continue  # slots, buffers, names outside ASCII: not at this protocol
    found += [(f"hand-{name}", data) for name, (data, _) in HAND_WRITTEN.items()]
    return [(name, data) for name, data in found if len(data) < 2000]


def prefixes():
    """Every proper prefix of every small pickle."""
    seen = set()
    for _, data in corpus_pickles():
        seen.update(data[:length] for length in range(len(data)))
    return sorted(seen)


def single_opcodes():
    """Each opcode alone, short of operands and of arguments, behind a MARK, and on each kind of value."""
    befores = (
        b"",
        b"N",
        b"(",
        b"(N",
        b"NN",
        b"](",
        b"}(NN",
        b"K\x01",
        b"]",
        b"}",
        b")",
        b"X\x01\x00\x00\x00a",
        b"cshapes\nPlain\n)",
    )
    arguments = (
        b"",
        b"\n",
        b"0\n",
        b"-1\n",
        b"a\nb\n",
        b"\x00",
        b"\x01",
        b"\xff" * 2,
        b"\x00" * 4,
        b"\xff" * 4,
        b"\x00" * 8,
        b"\xff" * 8,
    )
    result = []
    for code in CODES:
        for before in befores:
            for argument in arguments:
                for after in (b".", b"", b"N."):
                    result.append(before + code + argument + after)
    return sorted(set(result))


def mutated(rng, data, other):
    """`data` after one to three random changes."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[at - 1] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = bytes([rng.randrange(256)])
        elif kind == 2:
            del data[at : at + rng.randrange(1, 5)]
        elif kind == 3 and data:
            data[at - 1 : at] = rng.choice(CODES)
        elif kind == 4:
            data[at:at] = rng.choice(CODES)
        elif kind == 5:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + rng.randrange(12)]
        elif kind == 6:
            data[at:] = other[rng.randrange(len(other)) :]
        else:
            data[at : at + 1] = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"\n", b"(", b"."))
    return bytes(data)


def mutations(count, seed=0):
    rng = random.Random(f"mutations {seed}")
    pickles = [data for _, data in corpus_pickles()]
    return [mutated(rng, rng.choice(pickles), rng.choice(pickles)) for _ in range(count)]


PARTS = (
    *(
        b"N",
        b"\x88",
        b"K\x01",
        b"K\x02",
        b"M\x01\x02",
        b"]",
        b"}",
        b")",
        b"\x8f",
        b"(",
        b"(",
        b"(",
        b"0",
        b"1",
        b"2",
    ),
    *(
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x90",
        b"\x91",
        b"t",
        b"l",
        b"d",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x94",
        b"\x94",
    ),
    *(b"h\x00", b"h\x01", b"q\x00", b"q\x01", b"g0\n", b"p1\n", b"j\x02\x00\x00\x00", b"r\x02\x00\x00\x00"),
    *(
        b"\x8c\x01a",
        b"\x8c\x02aa",
        b"X\x01\x00\x00\x00b",
        b"C\x01c",
        b"U\x01d",
        b"cshapes\nPlain\n",
        b"R",
        b"b",
        b"\x81",
    ),
    *(
        b"cshapes\nReduced\n",
        b"cshapes\nListSub\n",
        b"cshapes\nDictSub\n",
        b"cshapes\nSlottedState\n",
        b"\x92",
        b"o",
    ),
    *(
        b"cshapes\nRecord\n",
        b"cshapes\nReducedItems\n",
        b"cbuiltins\nint\n",
        b"cshapes\nTupleSub\n",
        b"ishapes\nPlain\n",
    ),
    *(
        b"\x8c\x06shapes",
        b"\x8c\x05Plain",
        b"\x93",
        b"G" + bytes(8),
        b"\x8a\x01\x05",
        b"I5\n",
        b"V\\u0041\n",
        b"\x98",
    ),
    *(
        b"\x80\x04",
        b"\x95\x04\x00\x00\x00\x00\x00\x00\x00",
        b"\x96\x01\x00\x00\x00\x00\x00\x00\x00z",
        b"cshapes\nNewArgs\n",
    ),
)


def programs(count, seed=0):
    """Random sequences of well-formed opcodes: broken in the use of stack, marks and memo alone."""
    rng = random.Random(f"programs {seed}")
    return [b"".join(rng.choices(PARTS, k=rng.randrange(1, 25))) + b"." for _ in range(count)]
