"""Named workloads, and the measurements that `python -m cypickle bench` and `benchmarks/` make with them.

Nothing here is imported by `import cypickle`. Read `registry`, then `workloads`, `measure` and `command`.
"""
