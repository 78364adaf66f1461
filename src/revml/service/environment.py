"""The variables by which `revml serve`, BentoML and a worker understand each other."""

WORKSPACE = "REVML_WORKSPACE"  # the workspace file, or the folder that holds it
WORKERS = "REVML_WORKERS"  # how many workers were started
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the folder that the workers of a service share; BentoML names it to them
