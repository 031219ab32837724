#!/usr/bin/env bash
# prom-client's MetricType is an enumeration of numbers that its types export and its code does not: kinds are texts.
#
# Guess: `metric.type === MetricType.Counter` tells the kind of what `getMetricsAsJSON` has, as the types say.
# Seen:  it compiles, and throws at run time, since the module has no MetricType; `type` is "counter", not 0. Who compares
#        with the numbers instead drops every metric without a word.
# With:  prom-client 15.1.3, TypeScript 5.9.3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts prom-client@15.1.3 typescript@5.9.3
cat >probe.ts <<'TS'
import * as prom from 'prom-client';

async function main(): Promise<number> {
  new prom.Counter({ name: 'calls_total', help: 'Calls.' });
  const [metric] = await prom.register.getMetricsAsJSON();
  const kind: unknown = metric?.type;
  let compared: string;
  try {
    compared = String(metric?.type === prom.MetricType.Counter);
  } catch (error) {
    compared = String(error);
  }
  console.log(`type is ${JSON.stringify(kind)}; type === MetricType.Counter: ${compared}`);
  return kind === 'counter' && compared.startsWith('TypeError') ? 0 : 1;
}

main().then((code) => {
  (globalThis as unknown as { process: { exitCode: number } }).process.exitCode = code;
});
TS
# No error here is the miss.
node_modules/.bin/tsc --strict --skipLibCheck --lib es2022,dom --module commonjs --target es2022 probe.ts
node probe.js
