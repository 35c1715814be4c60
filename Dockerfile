# The packages of the lock, hashes checked, wheels only: nothing is built, here or in the image.
FROM python:3.11-slim AS packages
COPY requirements.lock /
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r /requirements.lock

FROM python:3.11-slim
RUN groupadd --gid 10001 scenewatch \
    && useradd --uid 10001 --gid scenewatch --no-create-home --home-dir /data scenewatch \
    && install -d -o scenewatch -g scenewatch -m 0700 /data
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SCENEWATCH_DATA_DIR=/data
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY telemetry telemetry
COPY history history
COPY templates templates
COPY static static
RUN python -m compileall -q /app
USER scenewatch
EXPOSE 8000
# docker-compose.yml starts the other processes from the same image.
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "--proxy-headers", "--ping-interval", "20", "--ping-timeout", "30", "--no-server-name", "-v", "0", "config.asgi:application"]
