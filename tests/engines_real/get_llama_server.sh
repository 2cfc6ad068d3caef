#!/usr/bin/env bash
# get_llama_server.sh DIR: a real llama-server, as DIR/llama-server, from the packages of Debian's next release.
# They are unpacked into DIR and run with their own C library: nothing of this machine's packages is touched.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../next_debian.sh"
here=$(realpath -m "$1")
next_debian "$here" llama.cpp-tools || { echo "get_llama_server: put llama-server on the path instead" >&2; exit 1; }

libraries=$here/root/usr/lib/x86_64-linux-gnu cpu=x64
if grep -qw avx2 /proc/cpuinfo; then cpu=haswell; fi
cat >"$here/llama-server" <<END
#!/usr/bin/env bash
export GGML_BACKEND_PATH=\${GGML_BACKEND_PATH:-$libraries/ggml/backends0/libggml-cpu-$cpu.so}
exec "$here/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/llama" "$here/root/usr/bin/llama-server" "\$@"
END
chmod +x "$here/llama-server"
"$here/llama-server" --version 2>&1 | sed -n 1p
