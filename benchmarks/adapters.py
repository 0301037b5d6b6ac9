"""Time what stores, caches and queues take to put 2,000 dataclasses away and get them back: pickle beside cypickle.

    python benchmarks/adapters.py [--rounds 10]

Each figure is the fastest of the rounds; the two take turns, and what comes back must be equal.  Hosts that are not
installed are left out, and so is the way to a server and back: what would go there is encoded and decoded.
"""

import asyncio
import copy
import io
import logging.handlers
import pickle
import random
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter

import cypickle
from common import document, finish, options, turns, versions
from cypickle.bench import shapes
from cypickle.bench.records import four_fields

# ---- each takes pickle or cypickle and a folder; returns a function that puts an object away and gets it back


def sqlalchemy(module, folder):
    import sqlalchemy as sql

    column = sql.Column("data", sql.PickleType(pickler=module))
    table = sql.Table("t", sql.MetaData(), sql.Column("id", sql.Integer, primary_key=True), column)
    engine = sql.create_engine(f"sqlite:///{folder}/file.db", poolclass=sql.NullPool)
    table.metadata.create_all(engine)

    def there_and_back(obj):
        with engine.begin() as connection:
            key = connection.execute(table.insert().values(data=obj)).inserted_primary_key[0]
            return connection.execute(sql.select(column).where(table.c.id == key)).scalar()

    return there_and_back


def kombu(module, folder):
    from kombu import serialization

    from cypickle.integrations.kombu import register

    register()
    name = module.__name__

    def there_and_back(obj):
        content_type, encoding, payload = serialization.dumps(obj, serializer=name)
        return serialization.loads(payload, content_type, encoding, accept=[content_type])

    return there_and_back


def rq(module, folder):
    from rq.serializers import resolve_serializer

    serializer = resolve_serializer(None if module is pickle else module)
    return lambda obj: serializer.loads(serializer.dumps(obj))


def shelve(module, folder):
    if module is cypickle:
        from cypickle.integrations import shelve
    else:
        import shelve

    def there_and_back(obj):
        with shelve.open(f"{folder}/shelf") as shelf:
            shelf["key"] = obj
            return shelf["key"]

    return there_and_back


def diskcache(module, folder):
    from diskcache import Cache, Disk

    from cypickle.integrations.diskcache import Disk as Ours

    cache = Cache(folder, disk=Ours if module is cypickle else Disk)

    def there_and_back(obj):
        cache["key"] = obj
        return cache["key"]

    return there_and_back


def dogpile(module, folder):
    from dogpile.cache import make_region

    region = make_region(serializer=module.dumps, deserializer=module.loads)
    region.configure("dogpile.cache.dbm", arguments={"filename": f"{folder}/cache.dbm"})

    def there_and_back(obj):
        region.set("key", obj)
        return region.get("key")

    return there_and_back


def aiocache(module, folder):
    from aiocache import SimpleMemoryCache
    from aiocache.serializers import BaseSerializer, PickleSerializer

    class Serializer(BaseSerializer):
        DEFAULT_ENCODING = None
        dumps = staticmethod(cypickle.dumps)
        loads = staticmethod(cypickle.loads)

    cache = SimpleMemoryCache(serializer=Serializer() if module is cypickle else PickleSerializer())
    loop = asyncio.new_event_loop()

    async def both(obj):
        await cache.set("key", obj)
        return await cache.get("key")

    return lambda obj: loop.run_until_complete(both(obj))


def pymemcache(module, folder):
    from pymemcache.serde import pickle_serde

    class Serde:
        def serialize(self, key, value):
            return cypickle.dumps(value), 1

        def deserialize(self, key, value, flags):
            return cypickle.loads(value)

    serde = Serde() if module is cypickle else pickle_serde
    return lambda obj: serde.deserialize("key", *serde.serialize("key", obj))


def torch(module, folder):
    import torch

    def there_and_back(obj):
        file = io.BytesIO()
        torch.save(obj, file, pickle_module=module)
        file.seek(0)
        return torch.load(file, pickle_module=module, weights_only=False)

    return there_and_back


def loky(module, folder):
    from joblib import Parallel, delayed
    from joblib.externals.loky import set_loky_pickler

    name = "cypickle" if module is cypickle else "cloudpickle"

    def there_and_back(obj):
        set_loky_pickler(name)
        (result,) = Parallel(n_jobs=2)([delayed(copy.copy)(obj)])
        return result

    return there_and_back


def pyspark(module, folder):
    from pyspark.serializers import AutoBatchedSerializer, CPickleSerializer, FramedSerializer

    class Serializer(FramedSerializer):
        dumps = staticmethod(cypickle.dumps)
        loads = staticmethod(cypickle.loads)

    stream = AutoBatchedSerializer(CPickleSerializer() if module is pickle else Serializer())

    def there_and_back(obj):
        file = io.BytesIO()
        stream.dump_stream(iter(obj), file)
        file.seek(0)
        return list(stream.load_stream(file))

    return there_and_back


# ---- what calls pickle by its name: install() decides


def ray(module, folder):
    import ray

    if not ray.is_initialized():
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    return lambda obj: ray.get(ray.put(obj))


def cachelib(module, folder):
    from cachelib import FileSystemCache

    cache = FileSystemCache(folder)

    def there_and_back(obj):
        cache.set("key", obj)
        return cache.get("key")

    return there_and_back


def django(module, folder):
    from django.core.cache.backends.redis import RedisSerializer

    serializer = RedisSerializer()
    return lambda obj: serializer.loads(serializer.dumps(obj))


def pandas(module, folder):
    import pandas

    def there_and_back(obj):
        pandas.Series(obj, dtype=object).to_pickle(f"{folder}/series.pkl")
        return list(pandas.read_pickle(f"{folder}/series.pkl"))

    return there_and_back


def logging_over_a_socket(module, folder):
    """Each record is the message of a log record of its own."""
    handler = logging.handlers.SocketHandler("127.0.0.1", 0)

    def there_and_back(obj):
        logged = [logging.makeLogRecord({"msg": str(item), "created": 0.0}) for item in obj]
        return [pickle.loads(handler.makePickle(item)[4:])["msg"] for item in logged]

    return there_and_back


#: The function that adopts cypickle, the distribution to name, and whether install() is what switches.
HOSTS = {
    "SQLAlchemy": (sqlalchemy, "sqlalchemy", False),
    "Celery, kombu": (kombu, "kombu", False),
    "rq": (rq, "rq", False),
    "shelve": (shelve, "", False),
    "diskcache": (diskcache, "diskcache", False),
    "dogpile.cache": (dogpile, "dogpile.cache", False),
    "aiocache": (aiocache, "aiocache", False),
    "pymemcache": (pymemcache, "pymemcache", False),
    "PyTorch": (torch, "torch", False),
    "loky, joblib.Parallel": (loky, "joblib", False),
    "PySpark": (pyspark, "pyspark", False),
    "Ray": (ray, "ray", True),
    "cachelib": (cachelib, "cachelib", True),
    "Django": (django, "django", True),
    "pandas": (pandas, "pandas", True),
    "logging": (logging_over_a_socket, "", True),
}
SIDES = {"by itself": pickle, "with cypickle": cypickle}


def measure(host, records, rounds):
    """Return the seconds of each side, or None where the host is missing."""
    adopt, _, by_install = HOSTS[host]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        calls = {}
        for side, module in SIDES.items():
            own = Path(folder, side)
            own.mkdir()
            try:
                calls[side] = adopt(module, str(own))
            except ImportError as missing:
                print(f"{host} is left out: {missing}", file=sys.stderr)
                return None
        seconds, results = dict.fromkeys(calls, float("inf")), {}
        for _ in range(rounds):
            for side, call in calls.items():
                with cypickle.installed() if by_install and side == "with cypickle" else nullcontext():
                    begin = perf_counter()
                    results[side] = call(records)
                    seconds[side] = min(seconds[side], perf_counter() - begin)
    if results["by itself"] != results["with cypickle"]:
        raise RuntimeError(f"{host}: what comes back differs")
    return seconds


def markdown(made):
    """Return the table of a document."""
    return turns(made, "Stores, caches and queues: elapsed time there and back, the fastest round.")


def main():
    parser = options(__doc__, "adapters")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--host", action="append", choices=list(HOSTS), help="repeatable (default: all)")
    given = parser.parse_args()
    records = four_fields(shapes.Record, random.Random("adapters"))
    rows = []
    for host in given.host or HOSTS:
        seconds = measure(host, records, given.rounds)
        if seconds:
            rows.append({"name": host, **seconds})
    names = [distribution for _, distribution, _ in HOSTS.values() if distribution]
    made = document("adapters", rows, label=given.label, rounds=given.rounds, versions=versions(*names))
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
