# The image of the gateway; scheduler and migration run it with another command: doko scheduler, doko migrate.
# docker build -f deploy/docker/gateway.Dockerfile .

# Pin it by digest where images are built for production.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY requirements/gateway.txt requirements.txt
COPY deploy/docker/install-packages.sh .
RUN ["sh", "install-packages.sh", "requirements.txt", "/opt/doko"]
COPY deploy/docker/doko /opt/doko/bin/doko
COPY shared /app/shared
COPY gateway /app/gateway
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
    PORT=3000
WORKDIR /app
USER 10001:10001
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python3", "-m", "shared.probe", "http://127.0.0.1:3000/healthz"]
CMD ["doko", "gateway"]

ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="doko-gateway" \
      org.opencontainers.image.description="Doko: gateway, scheduler and migration" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
