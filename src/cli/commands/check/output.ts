/** The report of `logah check` for people. */

import { formatBytes } from '../../output/format';
import { left, renderTable, right } from '../../output/table';
import { LARGEST_ERROR } from './comparison';
import type { CheckReport } from './report';

/** Several tables, and a last line that says whether all is right. */
export function checkText(report: CheckReport): string {
  return [machineText(report), librariesText(report), speedText(report), errorText(report)]
    .filter((part) => part !== '')
    .join('\n');
}

function machineText({ machine, gpus, driver, precision, withoutCuda, libraries }: CheckReport): string {
  // The table of libraries says the same of them.
  const isIncomplete = libraries.some(({ fault }) => fault !== undefined);
  const rows = [
    ['logah', machine.logah],
    ['Node.js', machine.node],
    ['ONNX Runtime', machine.onnxRuntime],
    ['platform', machine.platform],
    ['processor', `${machine.processor}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}`],
    ['NVIDIA driver', driver ?? 'none'],
    ...gpus.map(({ index, name, memoryBytes, usedMemoryBytes }) => [
      `GPU ${index}`,
      `${name}, ${formatBytes(memoryBytes)}, ${formatBytes(usedMemoryBytes)} in use`,
    ]),
    ['TF32', precision.isExact ? 'off' : `as CUDA likes (NVIDIA_TF32_OVERRIDE=${precision.override})`],
    ['CUDA', withoutCuda === null ? 'checked' : isIncomplete ? 'libraries are missing' : withoutCuda],
  ];
  return rows.map(([name = '', value = '']) => `${name.padEnd(14)}${value}\n`).join('');
}

function librariesText({ libraries }: CheckReport): string {
  if (libraries.length === 0) return '';
  return renderTable(
    [left('library'), left('state'), left('comes with')],
    libraries.map(({ name, from, fault }) => [name, fault ?? 'loads', from]),
  );
}

function speedText({ speeds }: CheckReport): string {
  return renderTable(
    [left('ViT-Base on'), right('MB/s'), right('server peak')],
    speeds.map(({ on, bytesPerSecond, peakMemoryBytes }) => [
      on,
      (bytesPerSecond / 1e6).toFixed(1),
      formatBytes(peakMemoryBytes),
    ]),
  );
}

function errorText({ comparisons, uncompared, largestError, isRight }: CheckReport): string {
  const table =
    comparisons.length === 0
      ? ''
      : renderTable(
          [
            left('model'),
            left('network'),
            left('on'),
            left('against'),
            left('kind'),
            right('tensors'),
            right('largest error'),
            left('of'),
          ],
          comparisons.flatMap(({ model, network, on, against, kinds }) =>
            kinds.map(({ kind, tensors, relativeError, tensor }) => [
              model,
              network,
              on,
              against,
              kind,
              String(tensors),
              relativeError.toExponential(1),
              tensor,
            ]),
          ),
        );
  const gaps = uncompared.map(
    ({ model, network, on }) => `${network} of ${model} on ${on}: nothing is recorded to compare with\n`,
  );
  const verdict =
    comparisons.length === 0
      ? 'nothing was compared'
      : `${isRight ? 'right' : 'WRONG'}: the largest relative error is ${largestError.toExponential(1)}, ${LARGEST_ERROR} is allowed`;
  return `${table}${gaps.join('')}${verdict}\n`;
}
