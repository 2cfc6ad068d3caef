#!/usr/bin/env bash
# get_llama_server.sh DIR: a real llama-server, as DIR/llama-server, from the packages of Debian's next release.
# They are unpacked into DIR and run with their own C library: nothing of this machine's packages is touched.
set -euo pipefail
die() { echo "get_llama_server: $*" >&2; exit 1; }
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "only for Debian and its kin on amd64; elsewhere put llama-server on the path"
here=$(realpath -m "$1")
mkdir -p "$here"/apt/{lists,cache/archives}/partial
archive=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || :; } | sed '/^#/d' | grep -Eo 'https?://[^ ]*/debian/?( |$)' | sed -n 1p) || :
[ -n "$archive" ] || die "no Debian archive among apt's sources"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $archive forky main" >"$here/apt/sources.list"
: >"$here/apt/status"
of_its_own=(
    -qq -o Dir::Etc::sourcelist="$here/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$here/apt/lists" -o Dir::State::status="$here/apt/status"
    -o Dir::Cache="$here/apt/cache" -o APT::Install-Recommends=false -o APT::Sandbox::User=root
)
apt-get "${of_its_own[@]}" update
apt-get "${of_its_own[@]}" -y --download-only install llama.cpp-tools >/dev/null
rm -rf "$here/root"
mkdir "$here/root"
for package in "$here"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$here/root"; done
rm -rf "$here/apt"

libraries=$here/root/usr/lib/x86_64-linux-gnu cpu=x64
if grep -qw avx2 /proc/cpuinfo; then cpu=haswell; fi
cat >"$here/llama-server" <<END
#!/usr/bin/env bash
export GGML_BACKEND_PATH=\${GGML_BACKEND_PATH:-$libraries/ggml/backends0/libggml-cpu-$cpu.so}
exec "$here/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/llama" "$here/root/usr/bin/llama-server" "\$@"
END
chmod +x "$here/llama-server"
"$here/llama-server" --version 2>&1 | sed -n 1p
