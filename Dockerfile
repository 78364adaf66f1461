# The service of a workspace, as a small image that runs as nobody in particular on a read-only root file system.
#   docker build -t revml .
#   docker run --read-only --tmpfs /tmp -v shop:/workspace -p 127.0.0.1:3000:3000 revml
# The image holds no workspace, no model and no secret: they are mounted, or come from the environment when it runs.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/revml
WORKDIR /build
COPY requirements.lock ./
# The lock names the development's packages too: it only fixes the versions of what the wheel itself asks for.
RUN sed -E '/^ +--hash=/d; /^ *#/d; s/ *\\$//' requirements.lock > constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/revml/bin/pip install --constraint constraints.txt ".[postgres,s3]"

FROM python:3.11-slim-bookworm
# LightGBM's library needs OpenMP's.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 revml \
    && useradd --system --uid 10001 --gid revml --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin revml \
    && install -d -o revml -g revml /workspace /mlflow /var/cache/revml
COPY --from=build /opt/revml /opt/revml
ENV PATH=/opt/revml/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/var/cache/revml \
    BENTOML_HOME=/tmp/bentoml \
    BENTOML_DO_NOT_TRACK=True \
    FORWARDED_ALLOW_IPS= \
    OMP_NUM_THREADS=1 \
    REVML_WORKSPACE=/workspace/revml.yaml
USER 10001:10001
# Compiled here for the processor it is built on, and kept in the image; another processor compiles anew at the first start.
RUN python -m revml.explanations.warm
WORKDIR /workspace
VOLUME /workspace
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import sys, urllib.request as u; sys.exit(u.urlopen('http://127.0.0.1:3000/readyz', timeout=4).status != 200)"]
CMD ["bentoml", "serve", "revml.service.app:RevmlService", "--host", "0.0.0.0", "--port", "3000"]
