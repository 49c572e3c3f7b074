# The image of one service's worker: docker build -f deploy/docker/worker.Dockerfile --build-arg SERVICE=credit .
# deploy/README.md says how the images are built, checked and run.

# Pin it by digest where images are built for production.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ARG SERVICE
WORKDIR /build
COPY requirements/${SERVICE}.txt requirements.txt
COPY deploy/docker/install-packages.sh .
RUN ["sh", "install-packages.sh", "requirements.txt", "/opt/doko"]
COPY shared /app/shared
COPY services/__init__.py /app/services/__init__.py
COPY services/${SERVICE} /app/services/${SERVICE}
RUN ["python3", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "/app"]

FROM ${PYTHON_IMAGE}
COPY deploy/docker/strip-base.sh /tmp/strip-base.sh
RUN ["sh", "/tmp/strip-base.sh"]
COPY --from=packages /opt/doko /opt/doko
COPY --from=packages /app /app

ENV PATH=/opt/doko/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/var/lib/doko \
    LOG_DIR= \
    HOST=0.0.0.0 \
    METRICS_PORT=9191
WORKDIR /app
USER 10001:10001
EXPOSE 9191
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python3", "-m", "shared.probe", "http://127.0.0.1:9191/healthz"]
CMD ["python3", "-m", "shared.worker_command"]

ARG SERVICE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="doko-worker-${SERVICE}" \
      org.opencontainers.image.description="Doko: worker of the ${SERVICE} service" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
