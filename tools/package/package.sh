#!/bin/sh
# package.sh: the source as one archive, and packages for Debian made of it. The archive of a commit
# is the same bytes wherever it is made. Knows the repository and Debian's tools, no source file.
#
# package.sh dist|deb FOLDER VERSION
# package.sh symbols FOLDER VERSION    writes what the libraries in FOLDER show into the lists that
#                                      `deb` holds them to; a symbol keeps its first version
set -u

what=${1:?dist or deb}
folder=${2:?a folder}
version=${3:?a version}
name=slotq-$version
here=$(pwd)
mkdir -p "$folder" || exit 1
folder=$(cd "$folder" && pwd)

refuse() {
    echo "package.sh: $1" >&2
    exit 1
}

dist() {
    [ -d .git ] || [ -f .git ] ||
        refuse "the archive is made of a commit: this is not a git checkout"
    git diff --quiet HEAD -- || echo "what is not committed is not in the archive" >&2
    git archive --format=tar --prefix="$name/" HEAD | gzip -9 -n >"$folder/$name.tar.gz" ||
        refuse "git archive failed"
    echo "$folder/$name.tar.gz"
}

# In a separate folder: a build of Debian wants debian/ beside the sources.
deb() {
    command -v dh >/dev/null || refuse "make deb needs debhelper: apt-get install debhelper"
    rm -rf "${folder:?}/$name" "$folder"/*.deb
    mkdir -p "$folder/$name" || exit 1
    tar -xzf "$folder/$name.tar.gz" -C "$folder" || exit 1
    cp "$folder/$name.tar.gz" "$folder/slotq_$version.orig.tar.gz" || exit 1
    cp -R "$here/tools/package/debian" "$folder/$name/debian" || exit 1
    cd "$folder/$name" || exit 1
    # the packager's environment is not the developer's
    if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u WERROR \
        dpkg-buildpackage -b -us -uc >"$folder/build.log" 2>&1; then
        tail -n 30 "$folder/build.log" >&2
        ! grep -q 'new symbols appeared' "$folder/build.log" ||
            refuse "there are new public functions: make deb-symbols, then commit the lists"
        refuse "the packages could not be built: $folder/build.log"
    fi
    rm -rf "${folder:?}/$name"
    ls "$folder"/*.deb
}

symbols() {
    case $version in 0.*) abi=${version%.*} ;; *) abi=${version%%.*} ;; esac
    cd "$here/tools/package/debian" || exit 1
    for library in slotq slotq_redis slotq_worker; do
        package=lib$(echo "$library" | tr _ -)$abi
        shown=$(nm -D --defined-only "$folder/lib$library.so.$abi" | awk '{ print $3 }' | sort)
        [ -n "$shown" ] || refuse "no library in $folder"
        echo "$shown" | awk -v head="lib$library.so.$abi $package #MINVER#" -v version="$version" '
            BEGIN { print head }
            FNR == NR { if (NF == 2) since[$1] = $2; next }
            { print " " $1 "@Base", ($1 "@Base" in since) ? since[$1 "@Base"] : version }
        ' "$package.symbols" - >"$package.symbols.new" && mv "$package.symbols.new" \
            "$package.symbols" || exit 1
    done
}

case $what in
symbols) symbols ;;
dist) dist ;;
deb) dist >/dev/null && deb ;;
*) refuse "$what: must be dist, deb or symbols" ;;
esac
