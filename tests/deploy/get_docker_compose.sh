#!/usr/bin/env bash
# get_docker_compose.sh DIR: docker-compose, which checks a compose file without a daemon, as DIR/docker-compose.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../next_debian.sh"
next_debian "$1" docker-compose || { echo "get_docker_compose: put docker-compose on the path instead" >&2; exit 1; }
ln -sf root/usr/libexec/docker/cli-plugins/docker-compose "$1/docker-compose"
"$1/docker-compose" version
