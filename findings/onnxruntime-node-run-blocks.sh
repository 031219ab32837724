#!/usr/bin/env bash
# `await session.run()` of onnxruntime-node computes on the calling thread, and takes no tensor in shared memory.
#
# Guess: run returns a promise since it computes on a thread of the pool, as fs and crypto do; a server goes on answering. And a
#        tensor over a SharedArrayBuffer spares the copy between threads.
# Seen:  no timer fires between the call and its end: the promise is one setImmediate around a synchronous call. A tensor over
#        shared memory is refused when it is run. So inference belongs into a worker, and the results are copied out of it.
# With:  onnxruntime-node 1.30.0, onnx 1.23.2, Node.js 20 and later
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
python3 -m venv venv
venv/bin/pip install -q onnx==1.23.2
venv/bin/python - <<'PYTHON'
from onnx import TensorProto, helper, save

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in ("x", "y")]
chain = ["x", *(f"t{step}" for step in range(40)), "y"]
nodes = [helper.make_node("MatMul", [first, "x"], [second]) for first, second in zip(chain, chain[1:])]
graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "chain.onnx")
PYTHON
cat >probe.cjs <<'NODE'
const { InferenceSession, Tensor } = require('onnxruntime-node');

async function main() {
  const session = await InferenceSession.create('chain.onnx', { intraOpNumThreads: 1 });
  const size = 700;
  const x = new Tensor('float32', new Float32Array(size * size), [size, size]);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const start = performance.now();
  await session.run({ x });
  const ms = performance.now() - start;
  clearInterval(timer);
  console.log(`a run of ${ms.toFixed(0)} ms: a timer of 1 ms fired ${ticks} times`);

  const shared = new Tensor('float32', new Float32Array(new SharedArrayBuffer(16)), [2, 2]);
  const refusal = await session.run({ x: shared }).then(
    () => 'taken',
    (error) => `refused: ${error.message}`,
  );
  console.log(`a tensor in shared memory is ${refusal}`);
  process.exit(ms > 50 && ticks <= 2 && refusal.startsWith('refused') ? 0 : 1);
}

main();
NODE
node probe.cjs
