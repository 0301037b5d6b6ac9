"""Real object graphs: syntax trees of the standard library, an email message, a tree of objects."""

import ast
import email
import email.policy
import random
import tokenize
from importlib.util import find_spec
from typing import Any

from cypickle.bench import shapes
from cypickle.bench.data import TEXTS
from cypickle.bench.records import word
from cypickle.bench.registry import Unavailable, workload


def syntax_tree(module: str) -> ast.Module:
    """Return the syntax tree of an installed module's source.

    Raises:
        Unavailable: The module comes without source here.
    """
    spec = find_spec(module)
    try:
        with tokenize.open(spec.origin if spec and spec.origin else "") as file:
            return ast.parse(file.read())
    except OSError:
        raise Unavailable(f"the source of the module {module} is not installed") from None


@workload("real graphs", main=True)
def syntax_trees(rng: random.Random) -> Any:
    """Syntax trees of four stdlib modules: heapq, shlex, textwrap, json.decoder."""
    return {name: syntax_tree(name) for name in ("heapq", "shlex", "textwrap", "json.decoder")}


@workload("real graphs")
def syntax_tree_large(rng: random.Random) -> Any:
    """The syntax tree of a large stdlib module: inspect."""
    return syntax_tree("inspect")


@workload("real graphs", main=True)
def object_tree(rng: random.Random) -> Any:
    """A tree of 1365 objects, each with its children and its parent."""

    def grow(parent: shapes.Folder | None, depth: int) -> shapes.Folder:
        folder = shapes.Folder(f"{word(rng)}.{depth}", parent)
        folder.size = rng.randrange(10**9)
        if depth:
            folder.children = [grow(folder, depth - 1) for _ in range(4)]
        return folder

    return grow(None, 5)


def paragraph(rng: random.Random) -> str:
    """Return a line of text in and outside ASCII."""
    return " ".join(rng.choice(TEXTS) if rng.random() < 0.1 else word(rng) for _ in range(12))


@workload("real graphs", main=True)
def email_message(rng: random.Random) -> Any:
    """One parsed EmailMessage: 20 headers, a text in two forms and 8 attachments."""
    headers = [
        "From: Ada Lovelace <ada@example.org>",
        "To: " + ", ".join(f"{word(rng)} <{word(rng)}@example.org>" for _ in range(5)),
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from " + word(rng),
        "Date: Mon, 03 Jun 2024 10:00:00 +0000",
        "MIME-Version: 1.0",
        *(f"Received: from {word(rng)}.example.org by {word(rng)}.example.org; {n}" for n in range(14)),
        'Content-Type: multipart/mixed; boundary="edge"',
    ]
    parts = [
        f'Content-Type: text/{form}; charset="utf-8"\n\n' + "\n".join(paragraph(rng) for _ in range(20))
        for form in ("plain", "html")
    ]
    parts += [
        f'Content-Type: text/csv\nContent-Disposition: attachment; filename="{word(rng)}.csv"\n\n'
        + "\n".join(f"{n},{rng.random()}" for n in range(50))
        for _ in range(8)
    ]
    text = "\n".join(headers) + "\n\n--edge\n" + "\n--edge\n".join(parts) + "\n--edge--\n"
    return email.message_from_string(text, policy=email.policy.default)
