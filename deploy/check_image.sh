#!/usr/bin/env bash
# deploy/check_image.sh [DIR]: builds the image, starts it as its own user, plays a recording at it, and
# ends it: to be done before each release. It prints the image's size and how long the answer took, and
# fails where the image is too big, is not well, does not understand or does not end when it is told to.
#
# With Docker by that. Without, by buildah (apt-get install buildah mmdebstrap; as root), which asks no
# image registry: the base is then a Debian from its own archive, a little bigger than the registry's.
# DIR is buildah's own (.cache/image); what is in it is used again.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
most_mb=900
recording=tests/recordings/phone_weasels.wav
die() { echo "check_image: $*" >&2; exit 1; }

dir=$(realpath -m "${1:-.cache/image}")
base=python:$(sed -n 's/^ARG PYTHON=//p' Dockerfile)
buildah() { command buildah --root "$dir/root" --runroot "$dir/run" "$@"; }

debian_as_base() { # Debian's own Python, under the name that the Dockerfile asks for.
    local made
    mmdebstrap --mode=root --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates,passwd \
        "${base##*-}" "$dir/base.tar"
    made=$(buildah from --signature-policy "$dir/policy.json" scratch)
    buildah add "$made" "$dir/base.tar" / >/dev/null
    buildah run --isolation chroot "$made" -- ln -sf python3 /usr/bin/python
    buildah commit --signature-policy "$dir/policy.json" "$made" "docker.io/library/$base" >/dev/null
    buildah rm "$made" >/dev/null
    rm "$dir/base.tar"
}

build() {
    local shared=() file
    if [ "$by" = docker ]; then docker build -t halfsecond .; return; fi
    export STORAGE_DRIVER=vfs CONTAINERS_REGISTRIES_CONF=$dir/registries.conf
    mkdir -p "$dir"
    echo 'unqualified-search-registries=["docker.io"]' >"$dir/registries.conf"
    echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$dir/policy.json"
    buildah images -q "docker.io/library/$base" >/dev/null 2>&1 || debian_as_base
    # pip's way to its packages is this machine's.
    for file in /etc/pip.conf /etc/xdg/pip /etc/ssl/certs /opt/wheels; do
        if [ -e "$file" ]; then shared+=(-v "$file:$file:ro"); fi
    done
    buildah bud --signature-policy "$dir/policy.json" --isolation chroot --pull-never --format docker \
        --target bot -t halfsecond ${shared[@]+"${shared[@]}"} .
}

size_mb() {
    if [ "$by" = docker ]; then docker image inspect -f '{{.Size}} B' halfsecond; else buildah images --format '{{.Size}}' halfsecond; fi |
        awk 'NR == 1 { print int($1 * ($2 == "GB" ? 1000 : $2 == "B" ? 1e-6 : 1)) }'
}

start() { # In the background, on a port of this machine.
    if [ "$by" = docker ]; then
        container=$(docker run -d --rm -e PORT="$port" -e ACCESS_TOKEN="$token" -p "127.0.0.1:$port:$port" halfsecond)
    else
        container=$(buildah from --pull-never --signature-policy "$dir/policy.json" localhost/halfsecond)
        inside python -P -m bot serve >"$log" 2>&1 &
        started=$!
    fi
}

inside() {
    if [ "$by" = docker ]; then docker exec "$container" "$@"
    else buildah run --isolation chroot --env PORT="$port" --env ACCESS_TOKEN="$token" "$container" -- "$@"; fi
}

server_pid() { # The first descendant that is a Python: buildah's own processes are above it.
    local pid=$1
    until [[ $(readlink "/proc/$pid/exe") = */python* ]]; do
        read -r pid _ < <(cat "/proc/$pid"/task/*/children 2>/dev/null | tr '\n' ' ') || [ -n "$pid" ] || return
    done
    echo "$pid"
}

user() {
    if [ "$by" = docker ]; then docker exec "$container" cat /proc/1/status
    else cat "/proc/$(server_pid "$started")/status"; fi | awk '/^Uid:/ { print $2 }'
}

stop() { # By SIGTERM, to the server itself; its exit code is 0.
    if [ "$by" = docker ]; then
        docker stop -t 45 "$container" >/dev/null
        return
    fi
    kill -TERM "$(server_pid "$started")"
    wait "$started"
}

clear_away() {
    if [ "$by" = docker ]; then docker rm -f "${container:-}" >/dev/null 2>&1 || :
    elif [ -n "${container:-}" ]; then
        kill -TERM "$(server_pid "$started")" 2>/dev/null && wait "$started"
        buildah rm "$container" >/dev/null
    fi
    rm -f "$log"
}

by=buildah
if docker info >/dev/null 2>&1; then by=docker; fi
command -v "$by" >/dev/null || die 'there is neither Docker nor buildah here'
[ "$by" = docker ] || command -v mmdebstrap >/dev/null || die 'there is no mmdebstrap here'
build
size=$(size_mb)
echo "check_image: $size MB, built by $by"
[ "$size" -lt "$most_mb" ] || die "that is over $most_mb MB"

port=$(.venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
log=$(mktemp)
trap clear_away EXIT
start
# Twice, and once is enough: the first call after a start finds nothing warm.
calls=$(.venv/bin/python -P -m bot call "$recording" "$recording" --separate --json \
    --url "http://127.0.0.1:$port" --token "$token") || [ -n "$calls" ] || die "the call failed: $(tail -n 5 "$log")"
.venv/bin/python - "$calls" <<'END' || die 'the recording was not understood, or not answered'
import json, sys
turns = json.loads(sys.argv[1])["turns"]
for turn in turns:
    print(f"check_image: {turn['transcript']!r} is answered after {1000 * turn['voice_to_voice_s']:.0f} ms")
sys.exit(not any("weasels have eaten" in turn["answer"].lower() for turn in turns))
END
uid=$(user)
[ "$uid" = 10001 ] || die "the server runs as $uid"
health=$(sed -n '/^HEALTHCHECK/,/^[^ ]*CMD/s/^ *CMD //p' Dockerfile | head -n 1)
mapfile -t words < <(.venv/bin/python -c 'import json, sys; print(*json.loads(sys.argv[1]), sep="\n")' "$health")
inside "${words[@]}" || die 'its health check fails'
stop || die "it ended with $? after SIGTERM"
echo "check_image: user $uid, healthy, ended by SIGTERM"
