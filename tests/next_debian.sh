# Sourced: packages of Debian's next release, for programs that this one has not, or not new enough.
# They are unpacked into a folder: nothing of this machine's own packages is touched.

next_debian() { # next_debian DIR PACKAGE ...: the packages and what they need, unpacked into DIR/root.
    local here archive keys=/usr/share/keyrings/debian-archive-keyring.gpg package of_its_own
    here=$(realpath -m "$1")
    shift
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || { echo "only for Debian and its kin on amd64" >&2; return 1; }
    mkdir -p "$here"/apt/{lists,cache/archives}/partial
    archive=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || :; } | sed '/^#/d' | grep -Eo 'https?://[^ ]*/debian/?( |$)' | sed -n 1p) || :
    [ -n "$archive" ] || { echo "no Debian archive among apt's sources" >&2; return 1; }
    echo "deb [signed-by=$keys] $archive forky main" >"$here/apt/sources.list"
    : >"$here/apt/status"
    of_its_own=(
        -qq -o Dir::Etc::sourcelist="$here/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$here/apt/lists" -o Dir::State::status="$here/apt/status"
        -o Dir::Cache="$here/apt/cache" -o APT::Install-Recommends=false -o APT::Sandbox::User=root
    )
    apt-get "${of_its_own[@]}" update
    apt-get "${of_its_own[@]}" -y --download-only install "$@" >/dev/null
    rm -rf "$here/root"
    mkdir "$here/root"
    for package in "$here"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$here/root"; done
    rm -rf "$here/apt"
}
