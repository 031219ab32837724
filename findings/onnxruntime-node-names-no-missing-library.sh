#!/usr/bin/env bash
# onnxruntime-node says the same of every reason why its CUDA provider does not load, and its install script would fetch another one.
#
# Guess: where a library of CUDA is missing, the error of InferenceSession.create names it; and the provider that belongs to
#        the npm package is built for the CUDA version that its install script is told of, cuda12.
# Seen:  "Failed to load shared library", alike without the provider and with it but without CUDA. PyPI's onnxruntime-gpu of
#        the same version has a provider that the npm package takes, and that needs CUDA 13 (libcublasLt.so.13). What is
#        missing can be asked of the dynamic loader by process.dlopen, whose error for a library that is there is "did not
#        self-register".
# With:  onnxruntime-node 1.30.0, onnxruntime-gpu 1.30.0, x86-64 Linux, Python 3.11 or later for pip
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
python3 -m pip download --quiet --no-deps --only-binary :all: --platform manylinux_2_28_x86_64 --python-version 3.11 \
  --implementation cp --abi cp311 --dest . onnxruntime-gpu==1.30.0 2>/dev/null
python3 -c '
import glob, zipfile
zipfile.ZipFile(glob.glob("*.whl")[0]).extractall(".", [f"onnxruntime/capi/libonnxruntime_providers_{name}.so" for name in ("shared", "cuda")])'
cat >probe.cjs <<'NODE'
process.env.ORT_DISABLE_TELEMETRY = '1';
const ort = require('onnxruntime-node');
ort.env.logLevel = 'fatal';
// An identity of one float, as protobuf.
const model = Buffer.from('080912037465733a2d0a100a01781201791a084964656e74697479120174' +
  '5a0b0a0178120612040801120062' + '0b0a01791206120408011200' + '42021014', 'hex');
ort.InferenceSession.create(model, { executionProviders: ['cuda'], logSeverityLevel: 4 }).then(
  () => console.log('loaded'),
  (error) => console.log(error.message),
);
NODE
without=$(node probe.cjs)
cp onnxruntime/capi/*.so node_modules/onnxruntime-node/bin/napi-v6/linux/x64/
with=$(node probe.cjs)
loader=$(node -e 'try { process.dlopen({ exports: {} }, "libcublasLt.so.13"); } catch (error) { console.log(error.message); }')
printf 'without the provider: %s\nwith it:              %s\nthe loader says:      %s\n' "$without" "$with" "$loader"
if [[ $loader == *self-register* ]]; then
  echo 'CUDA 13 is installed here: nothing is missing'
  exit 0
fi
[[ $without == *'Failed to load shared library'* && $with == "$without" && $loader == 'libcublasLt.so.13: '* ]]
