# syntax=docker/dockerfile:1
# docker build -t halfsecond .                             the bot: ears and voice on the CPU
# docker build -t halfsecond:cuda --target bot-cuda .      its ears on an NVIDIA GPU
# docker build -t you/halfsecond:pod --target pod .        with vLLM beside it (runpod/pod.json)

ARG PYTHON=3.11-slim-bookworm
ARG VLLM=v0.27.1

# ---- what it needs, from the lock and nothing else ----
FROM python:${PYTHON} AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/venv
RUN /opt/venv/bin/python -m pip install --no-cache-dir --no-compile --require-hashes -r requirements.lock

# ---- the ears on a GPU: what CTranslate2 asks of CUDA 12 ----
FROM build AS build-cuda
COPY requirements-cuda.lock ./
RUN /opt/venv/bin/python -m pip install --no-cache-dir --no-compile --require-hashes -r requirements-cuda.lock

# ---- the same, without what is not needed to run: a fifth of it ----
FROM build AS lean
# pipecat-ai asks for them, for a resampler that is not used here; and nothing is installed any more.
RUN /opt/venv/bin/python -m pip uninstall -y numba llvmlite resampy setuptools pip
# CTranslate2's wheel carries 67 MB of debug symbols.
RUN apt-get update && apt-get install -y --no-install-recommends binutils
RUN strip --strip-debug /opt/venv/lib/python3.*/site-packages/ctranslate2/_ext.*.so
# Of Twilio's services a call needs one: the others are 17 MB.
RUN find /opt/venv/lib/python3.*/site-packages/twilio/rest -mindepth 1 -maxdepth 1 -type d ! -name api -exec rm -r {} +
# Better the build fails for want of something than the start, which also finds the byte code made here.
RUN /opt/venv/bin/python -c "import ctranslate2, faster_whisper, moonshine_voice, num2words, onnxruntime, openai, pipecat.audio.utils, pipecat.pipeline.pipeline, prometheus_client, pydantic_settings, rich, sentencex, soundfile, soxr, structlog, twilio.rest.api.v2010, typer, uvicorn, websockets"

# ---- the bot ----
FROM python:${PYTHON} AS bot
RUN useradd --uid 10001 --create-home halfsecond && install -d -o 10001 /home/halfsecond/.cache
COPY --from=lean /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE NOTICE pyproject.toml .env.example ./
COPY pipelines/ pipelines/
COPY client/ client/
COPY replay/ replay/
COPY bot/ bot/
COPY halfsecond/ halfsecond/
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=7860
USER 10001
WORKDIR /home/halfsecond
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request; tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); tls.check_hostname = False; tls.verify_mode = ssl.CERT_NONE; urllib.request.urlopen(f'http{\"s\" if os.environ.get(\"TLS_CERT\") else \"\"}://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=2, context=tls)"]
# As it stands, so that it is the first process and the one that hears SIGTERM.
CMD ["python", "-P", "-m", "bot", "serve"]

# ---- the bot, its ears on a GPU ----
FROM bot AS bot-cuda
COPY --from=build-cuda /opt/venv/lib/python3.11/site-packages/nvidia /opt/venv/lib/python3.11/site-packages/nvidia
ENV LD_LIBRARY_PATH=/opt/venv/lib/python3.11/site-packages/nvidia/cublas/lib:/opt/venv/lib/python3.11/site-packages/nvidia/cudnn/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    STT_DEVICE=cuda

# ---- vLLM and the bot side by side, for a pod ----
FROM vllm/vllm-openai:${VLLM} AS pod
WORKDIR /build
COPY requirements.lock ./
RUN python3 -m venv /opt/venv
RUN /opt/venv/bin/python -m pip install --no-cache-dir --no-compile --require-hashes -r requirements.lock
WORKDIR /app
COPY LICENSE NOTICE pyproject.toml .env.example ./
COPY pipelines/ pipelines/
COPY client/ client/
COPY replay/ replay/
COPY bot/ bot/
COPY halfsecond/ halfsecond/
COPY runpod/start.sh runpod/
ENV PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    BOT_PYTHON=/opt/venv/bin/python
EXPOSE 7860
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/runpod/start.sh"]

# ---- llama.cpp's server, for compose.yaml: Debian's own package of it ----
FROM debian:forky-slim AS llamacpp
RUN apt-get update && apt-get install -y --no-install-recommends curl llama.cpp-tools && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home llama
USER 10001
EXPOSE 8000
ENTRYPOINT ["llama-server"]

# ---- what `docker build .` makes ----
FROM bot
