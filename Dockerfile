# Tracer in a container: `docker build -t tracer .`, then see deploy/compose.yaml.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN python -m venv /opt/tracer \
    && /opt/tracer/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint constraints.txt '.[server]' \
    && /opt/tracer/bin/python -m compileall -q /opt/tracer/lib

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/tracer --create-home tracer
COPY --from=build /opt/tracer /opt/tracer
ENV PATH=/opt/tracer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACER_HOST=0.0.0.0 \
    TRACER_DATA_DIR=/var/lib/tracer
USER 10001
VOLUME /var/lib/tracer
EXPOSE 4318
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:4318/ready', timeout=4)"]
ENTRYPOINT ["tracer"]
CMD ["serve"]
