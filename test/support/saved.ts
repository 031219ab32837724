import { mkdtemp, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readSafetensorsHeader } from '../../src/client';
import { runCli } from '../cli/run-cli';

/**
 * The data of the tensors that `logah predict` saves beside `file`: it is a process of its own, since ONNX Runtime does not
 * work within a test.
 */
export async function savedData(file: string, flags: readonly string[]): Promise<Buffer> {
  const out = await mkdtemp(join(dirname(file), 'out-'));
  const { code, stderr } = await runCli('predict', file, '--out', out, '--quiet', ...flags);
  if (code !== 0) throw new Error(`logah predict ended with ${String(code)}: ${stderr}`);
  const path = join(out, 'model.safetensors');
  const { dataStart } = await readSafetensorsHeader(path);
  return (await readFile(path)).subarray(dataStart);
}
