#!/usr/bin/env bash
# Puts ONNX Runtime's CUDA provider beside the library of onnxruntime-node, from PyPI's onnxruntime-gpu of the same
# version, and with --libraries CUDA's own libraries and cuDNN as well, from PyPI too.
#
#   scripts/cuda-provider.sh [--libraries DIRECTORY] [PROJECT]
#
# PROJECT is the directory that holds node_modules (default: this repository). With --libraries, DIRECTORY/lib holds what
# LD_LIBRARY_PATH or /etc/ld.so.conf.d has to name. Needs Python 3.11 or later with pip, x86-64 Linux.
set -euo pipefail

libraries=
if [[ ${1:-} == --libraries ]]; then
  libraries=${2:?--libraries needs a directory}
  shift 2
fi
project=${1:-$(dirname "$0")/..}
package=$project/node_modules/onnxruntime-node
python=${PYTHON:-python3}

# The provider and the library that loads it are of one build: the version is asked for, never repeated here.
version=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$package/package.json")
target=$(echo "$package"/bin/napi-v*/linux/x64)
test -f "$target/libonnxruntime.so.1"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --platform manylinux_2_28_x86_64 --python-version 3.11 --implementation cp --abi cp311 \
  --dest "$work" "onnxruntime-gpu==$version"
"$python" - "$work" "$target" <<'PYTHON'
import pathlib, sys, zipfile

work, target = map(pathlib.Path, sys.argv[1:])
(wheel,) = work.glob("onnxruntime_gpu-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in ("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"):
        (target / name).write_bytes(archive.read(f"onnxruntime/capi/{name}"))
        print(target / name)
PYTHON

if [[ -n $libraries ]]; then
  # As the wheel's extras "cuda" and "cudnn" name them, and cuBLAS, which those bring along.
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target "$work/site" \
    'nvidia-cuda-runtime~=13.0' 'nvidia-cublas~=13.0' 'nvidia-cufft~=12.0' 'nvidia-curand~=10.0' \
    'nvidia-cuda-nvrtc~=13.0' 'nvidia-nvjitlink~=13.0' 'nvidia-cudnn-cu13~=9.0'
  mkdir -p "$libraries/lib"
  find "$work/site/nvidia" -name '*.so*' -type f -exec mv -t "$libraries/lib" {} +
  echo "$libraries/lib"
fi
