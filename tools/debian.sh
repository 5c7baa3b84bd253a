# What scripts share that install packages of Debian or Ubuntu. Sourced.

as_root() {
    if (($(id -u) == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'needs root or sudo to run: %s\n' "$*" >&2
        exit 1
    fi
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# Those of the packages that are not installed yet.
missing_packages() {
    local package
    for package in "$@"; do
        # pkg-config is a virtual package of pkgconf on newer systems: what counts there is the command.
        [[ $package == pkg-config ]] && command -v pkg-config >/dev/null && continue
        installed "$package" || echo "$package"
    done
}

# What to install is told by a command, which is asked again when the lists of packages are fresh: by then it may know
# better. Says what it installs. apt_options may say more to apt-get.
apt_options=()
install_what() {
    local missing
    mapfile -t missing < <(missing_packages $("$@"))
    ((${#missing[@]} > 0)) || return 0
    as_root apt-get update -qq
    mapfile -t missing < <(missing_packages $("$@"))
    printf 'installing: %s\n' "${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ${apt_options[@]+"${apt_options[@]}"} \
        "${missing[@]}"
}
