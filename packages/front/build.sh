#!/bin/sh
# Builds the front for each architecture into dist/front/linux-<arch>/argoexec of the repository: static, without
# symbols, and the same bytes wherever it is built. Go's cache makes it cheap when nothing has changed.
#
#   sh packages/front/build.sh [arch…]     amd64 and arm64 unless others are named
#
# SKEIN_FRONT_DIST names another directory than dist/front.
# What `argoexec version` says comes from the environment: SKEIN_VERSION (else the version in package.json),
# SKEIN_BUILD_DATE, SKEIN_GIT_COMMIT, SKEIN_GIT_TAG, SKEIN_GIT_TREE_STATE.
set -eu

cd "$(dirname "$0")"
out=${SKEIN_FRONT_DIST:-../../dist/front}
version=${SKEIN_VERSION:-$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' package.json)}

flags="-s -w -X main.version=$version"
[ -z "${SKEIN_BUILD_DATE:-}" ] || flags="$flags -X main.buildDate=$SKEIN_BUILD_DATE"
[ -z "${SKEIN_GIT_COMMIT:-}" ] || flags="$flags -X main.gitCommit=$SKEIN_GIT_COMMIT"
[ -z "${SKEIN_GIT_TAG:-}" ] || flags="$flags -X main.gitTag=$SKEIN_GIT_TAG"
[ -z "${SKEIN_GIT_TREE_STATE:-}" ] || flags="$flags -X main.gitTreeState=$SKEIN_GIT_TREE_STATE"

[ $# -gt 0 ] || set -- amd64 arm64
for arch; do
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch \
		go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out/linux-$arch/argoexec" ./cmd/argoexec
done
