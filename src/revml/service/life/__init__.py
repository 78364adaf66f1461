"""The life of a running service: which models serve, how a new one takes over, how a worker ends.

trial.py       a bundle loaded and checked in a process of its own, before a worker touches it
verdicts.py    which bundles passed, so that nobody tries them again
soundness.py   whether a loaded bundle scores here as it did where it was trained
champions.py   the models that serve, swapped by one assignment
watch.py       the thread that looks at the pointers, asks the registry and tells the other workers
following.py   the child that fetches MLflow's champion; the only part that knows MLflow
board.py       what the workers of a service tell each other
drain.py       the end of a worker: readyz first, then new connections, then itself
"""
