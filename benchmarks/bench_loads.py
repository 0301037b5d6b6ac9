"""Time `loads` of every workload; its result is compared with the stdlib's in the same run."""

import pickle

from cypickle.bench.isomorphism import isomorphic


def test_loads(benchmark, workload, module, graph):
    benchmark.group = f"loads {workload.name}"
    pickled = workload.dumping(pickle, graph).once()
    call = workload.loading(module, pickled)
    loaded = benchmark(call.function, *call.args)
    assert isomorphic(loaded, workload.loading(pickle, pickled).once())
