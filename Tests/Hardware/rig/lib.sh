# Sourced by the rig's scripts.

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${INTERRUPTSYNC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/interruptsync}
guest_packages=(systemd systemd-container systemd-sysv udev kmod dbus pciutils procps libstdc++6 python3)

die() {
    echo "$(basename "$0"): $*" >&2
    exit 125
}

# version PACKAGE...: the version apt would install of each, one a line.
version() {
    LC_ALL=C apt-cache policy "$@" | sed -n 's/^  Candidate: //p'
}

# know_packages_of ARCHITECTURE: from here on apt knows that architecture's packages beside the machine's, with lists
# and a cache of the rig's own: what the machine's apt knows stays as it is.
know_packages_of() {
    local state=$cache/apt-$1
    [ "$1" != amd64 ] && [ "${APT_CONFIG:-}" != "$state/apt.conf" ] || return 0
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    {
        [ -z "${APT_CONFIG:-}" ] || cat "$APT_CONFIG"
        echo "#clear APT::Architectures;"
        printf '%s "%s";\n' APT::Architectures:: amd64 APT::Architectures:: "$1" Dir::State::Lists "$state/lists" \
            Dir::State::Status /dev/null Dir::Cache "$state/cache" APT::Sandbox::User root
    } >"$state/apt.conf.$$"
    mv "$state/apt.conf.$$" "$state/apt.conf"
    export APT_CONFIG=$state/apt.conf
}

# image_packages SERIES ARCHITECTURE: the Debian kernels of that series that apt knows, newest first.
image_packages() {
    local pattern
    case $1 in
        6.1) pattern='^linux-image-6\.1\.0-[0-9]+' ;;
        6.12) pattern='^linux-image-6\.12\.[0-9]+\+deb12' ;;
        *) die "no kernel series $1: 6.1 or 6.12" ;;
    esac
    apt-cache pkgnames "linux-image-$1" | grep -E "$pattern-$2\$" | sort -rV
}

# parts_of IMAGE SERIES ARCHITECTURE: what the rig takes of a kernel, as PACKAGE=VERSION lines, in the versions that
# apt's resolver chooses: each as its dependants accept it. The archive moves packages one by one, so they need not be of
# one version. Resolved as on an empty system, or what this machine has installed would be missing. The source apart: it
# asks for binutils of this machine, the headers for a compiler of the kernel's architecture.
parts_of() {
    local release=${1#linux-image-}
    parts "$1:$3" "linux-headers-$release:$3" && parts "linux-source-$2"
}

# parts PACKAGE...
parts() {
    LC_ALL=C apt-get -s -qq install --no-install-recommends -o Dir::State::status=/dev/null "$@" |
        sed -nE 's/^Inst (linux-(image|headers|kbuild|source)-[^ ]+) \(([^ ]+) .*/\1=\3/p'
}

# kernel_packages SERIES [ARCHITECTURE]: the parts of the newest kernel of that series that is complete in the archive.
kernel_packages() {
    local image parts
    for image in $(image_packages "$1" "${2:-amd64}"); do
        parts=$(set -o pipefail; parts_of "$image" "$1" "${2:-amd64}" 2>/dev/null) || continue
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
        -o -name 'trixie-*' -o -name 'prometheus-*' -o -name 'openssh-server-*' \) \
        -mtime +30 -exec rm -rf {} +
}

# root_key ARCHITECTURE: names the guest's root file system by its packages and their versions.
root_key() {
    case $1 in
        amd64) key "$rig/make-root" "${guest_packages[@]}" "$(version "${guest_packages[@]}")" ;;
        *) key "$rig/make-busybox" "$(version "busybox-static:$1")" ;;
    esac
}

# guest_root ARCHITECTURE: the directory with root.tar, the guest's Debian, also for tests that need a tree and no
# kernel; BusyBox alone where this machine cannot run the packages' scripts.
guest_root() {
    case $1 in
        amd64) cached root "$(root_key "$1")" "$rig/make-root" ;;
        *) cached "root-$1" "$(root_key "$1")" "$rig/make-busybox" "$1" ;;
    esac
}

# trixie_root: Debian 13's tree, for tools that Debian 12 is too old for. Made again each month.
trixie_root() {
    local entry
    entry=$(cached trixie "$(key "$rig/make-trixie" "$(date +%Y-%m)")" "$rig/make-trixie") && echo "$entry/root"
}

# unpacked PACKAGE...: the directory with the files of packages that are not to be installed: servers that would start.
unpacked() {
    local unpack=$rig/../../Tools/unpack
    cached "$1" "$(key "$unpack" "$@" "$(version "$@")")" "$unpack" "$@"
}
