# Sourced by the rig's scripts.

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${INTERRUPTSYNC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/interruptsync}
guest_packages=(systemd systemd-sysv udev kmod dbus pciutils procps libstdc++6 python3)

die() {
    echo "$(basename "$0"): $*" >&2
    exit 125
}

# version PACKAGE...: the version apt would install of each, one a line.
version() {
    LC_ALL=C apt-cache policy "$@" | sed -n 's/^  Candidate: //p'
}

# image_packages SERIES: the Debian kernels of that series that apt knows, newest first.
image_packages() {
    local pattern
    case $1 in
        6.1) pattern='^linux-image-6\.1\.0-[0-9]+-amd64$' ;;
        6.12) pattern='^linux-image-6\.12\.[0-9]+\+deb12-amd64$' ;;
        *) die "no kernel series $1: 6.1 or 6.12" ;;
    esac
    apt-cache pkgnames "linux-image-$1" | grep -E "$pattern" | sort -rV
}

# parts_of IMAGE SERIES: what the rig takes of a kernel, as PACKAGE=VERSION lines, in the versions that apt's resolver
# chooses: each as its dependants accept it. The archive moves packages one by one, so they need not be of one version.
# Resolved as on an empty system, or what this machine has installed would be missing.
parts_of() {
    local release=${1#linux-image-}
    LC_ALL=C apt-get -s -qq install --no-install-recommends -o Dir::State::status=/dev/null \
        "$1" "linux-headers-$release" "linux-source-$2" |
        sed -nE 's/^Inst (linux-(image|headers|kbuild|source)-[^ ]+) \(([^ ]+) .*/\1=\3/p'
}

# kernel_packages SERIES: the parts of the newest kernel of that series that is complete in the archive.
kernel_packages() {
    local image parts
    for image in $(image_packages "$1"); do
        parts=$(parts_of "$image" "$1" 2>/dev/null) || continue
        [ -n "$parts" ] || continue
        echo "$parts"
        return
    done
    return 1
}

# refresh_lists: once in a run, when what apt knows has turned out to be missing or out of date.
refresh_lists() {
    [ -z "${refreshed:-}" ] || return 1
    refreshed=yes
    "$rig/../../Tools/apt" update >&2
}

# key FILE_OR_WORD...: a short name for the contents of the files and the words.
key() {
    local input
    for input; do
        if [ -f "$input" ]; then basename "$input" && cat "$input"; else echo "$input"; fi
    done | sha256sum | cut -c 1-16
}

# cached NAME KEY COMMAND...: prints the directory of the cache that COMMAND, called with
# a new directory as its last argument, has filled or now fills.
cached() {
    local entry=$cache/$1-$2 fresh lock
    shift 2
    mkdir -p "$cache"
    exec {lock}>"$entry.lock"
    flock "$lock"
    if [ ! -d "$entry" ]; then
        # Under the lock no other build runs here: leftovers belong to a build that was interrupted.
        rm -rf "$entry".new.*
        fresh=$(mktemp -d "$entry.new.XXXXXX")
        "$@" "$fresh" >"$fresh.log" 2>&1 || { tail -n 50 "$fresh.log" >&2; rm -rf "$fresh" "$fresh.log"; return 125; }
        rm "$fresh.log"
        mv -T "$fresh" "$entry"
    fi
    touch "$entry"
    exec {lock}>&-
    echo "$entry"
}

# forget_old: drops what no run has used for a month.
forget_old() {
    find "$cache" -mindepth 1 -maxdepth 1 \( -name 'kernel-*' -o -name 'root-*' -o -name 'image-*' \
        -o -name 'trixie-*' -o -name 'prometheus-*' \) \
        -mtime +30 -exec rm -rf {} +
}

# root_key: names the guest's Debian by its packages and their versions.
root_key() {
    key "$rig/make-root" "${guest_packages[@]}" "$(version "${guest_packages[@]}")"
}

# guest_root: the directory with root.tar, the guest's Debian, also for tests that need a tree and no kernel.
guest_root() {
    cached root "$(root_key)" "$rig/make-root"
}

# trixie_root: Debian 13's tree, for tools that Debian 12 is too old for. Made again each month.
trixie_root() {
    local entry
    entry=$(cached trixie "$(key "$rig/make-trixie" "$(date +%Y-%m)")" "$rig/make-trixie") && echo "$entry/root"
}
