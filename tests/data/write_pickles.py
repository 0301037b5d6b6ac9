"""Write the pickles of this interpreter to pickles-X.Y.json: python write_pickles.py [FOLDER]

Runs on CPython 2.7 (where it also writes those of cPickle) and 3.x. Each object of old_shapes.py is dumped at
every protocol that the interpreter has. The file maps object name -> protocol -> base64 of zlib.
"""

from __future__ import print_function, unicode_literals

import base64
import io
import json
import os
import pickle
import sys
import zlib

try:
    import cPickle
except ImportError:
    cPickle = None

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import old_shapes  # noqa: E402


def dump(module, item, protocol):
    out = io.BytesIO()
    module.Pickler(out, protocol).dump(item)
    return out.getvalue()


def write(module, folder, suffix):
    version = "%d.%d" % sys.version_info[:2]
    result = {"python": "%d.%d.%d" % sys.version_info[:3], "pickles": {}}
    for name in sorted(old_shapes.OBJECTS):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                data = dump(module, old_shapes.OBJECTS[name](), protocol)
            except (TypeError, AttributeError, module.PicklingError):
                continue  # nested classes and slots, which old protocols do not take
            entry = result["pickles"].setdefault(name, {})
            entry[str(protocol)] = base64.b64encode(zlib.compress(data, 9)).decode("ascii")
    path = os.path.join(folder, "pickles-%s%s.json" % (version, suffix))
    with io.open(path, "w", encoding="ascii", newline="\n") as file:
        text = json.dumps(result, indent=0, sort_keys=True, separators=(",", ": "))
        file.write(text if isinstance(text, type("")) else text.decode("ascii"))
        file.write("\n")
    print(path, len(result["pickles"]))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    write(pickle, folder, "")
    if cPickle is not None:
        write(cPickle, folder, "-cPickle")


if __name__ == "__main__":
    main()
