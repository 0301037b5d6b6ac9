"""Time `dumps` of every workload; its bytes are compared with the stdlib's in the same run."""

import pickle


def test_dumps(benchmark, workload, module, graph):
    benchmark.group = f"dumps {workload.name}"
    call = workload.dumping(module, graph)
    pickled = benchmark(call.function, *call.args)
    assert workload.parts(pickled) == workload.parts(workload.dumping(pickle, graph).once())
