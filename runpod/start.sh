#!/usr/bin/env bash
# One GPU, two processes: vLLM on loopback, and the bot in front of it. When either ends, so does the other.
set -uo pipefail

: "${MODEL_NAME:?which model vLLM is to load}"
: "${ACCESS_TOKEN:?the pod is reached from the internet: clients must show a token}"
vllm_port=${VLLM_PORT:-8000} patience_s=${VLLM_STARTUP_TIMEOUT:-1800}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'start.sh: %s\n' "$*" >&2; }

flags=(--host 127.0.0.1 --port "$vllm_port" --max-model-len "${MAX_MODEL_LEN:-8192}")
flags+=(--gpu-memory-utilization "${GPU_MEMORY_UTILIZATION:-0.88}" --dtype "${DTYPE:-bfloat16}")
flags+=(--tensor-parallel-size "${TENSOR_PARALLEL_SIZE:-1}")
[ -z "${QUANTIZATION:-}" ] || flags+=(--quantization "$QUANTIZATION")

vllm=0 bot=0
stop() { # Each gets the word, and the bot lets its calls finish (DRAIN_S).
    trap '' TERM INT
    for pid in $bot $vllm; do
        [ "$pid" = 0 ] || { kill -TERM "$pid" 2>/dev/null && wait "$pid"; }
    done
}
trap 'stop; exit 143' TERM INT

vllm serve "$MODEL_NAME" "${flags[@]}" & vllm=$!
say "vLLM loads $MODEL_NAME; the first time it downloads it, which takes minutes"
SECONDS=0
while :; do
    "${PYTHON:-python3}" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$vllm_port/health', timeout=2)" 2>/dev/null && break
    kill -0 "$vllm" 2>/dev/null || { wait "$vllm"; say "vLLM ended with $? before it was ready: its last lines say why"; exit 1; }
    ((SECONDS < patience_s)) || { say "vLLM was not ready within $patience_s s"; stop; exit 1; }
    sleep "${POLL_S:-2}" & wait $! # so that a signal is heard at once
done

export LLM_BASE_URL=http://127.0.0.1:$vllm_port/v1 LLM_MODEL=$MODEL_NAME HOST=${HOST:-0.0.0.0}
if [ -n "${RUNPOD_POD_ID:-}" ]; then export PUBLIC_BASE_URL=https://$RUNPOD_POD_ID-${PORT:-7860}.proxy.runpod.net; fi
say "vLLM is ready after $SECONDS s; now the bot"
(cd "$here" && exec "${BOT_PYTHON:-python3}" -P -m bot serve) & bot=$!

wait -n "$vllm" "$bot"
status=$?
kill -0 "$vllm" 2>/dev/null && say "the bot ended with $status" || say "vLLM ended with $status"
stop
exit "$status"
