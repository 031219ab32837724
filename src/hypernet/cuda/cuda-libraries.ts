/**
 * What ONNX Runtime's CUDA provider needs beside a GPU: its own two files, and CUDA's libraries. The Node.js binding says
 * no more than "Failed to load shared library" of any of them.
 */

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { neededLibraries } from './needed-libraries';

const PROVIDER = 'libonnxruntime_providers_cuda.so';
const PROVIDERS_SHARED = 'libonnxruntime_providers_shared.so';

/** What the provider of ONNX Runtime 1.30 names as needed, for where it is not there to be asked. */
export const EXPECTED_LIBRARIES: readonly string[] = [
  'libcublasLt.so.13',
  'libcublas.so.13',
  'libcurand.so.10',
  'libcudart.so.13',
  'libcuda.so.1',
];

/** How a fault begins that says no more than that a file is not there. */
const NOT_FOUND = 'not found';

/** It loads these only when it computes, so it does not name them. */
const LOADED_LATE: readonly string[] = ['libcudnn.so.9'];

/** A library that the provider needs. */
export interface CudaLibrary {
  readonly name: string;
  /** What to install, mount or run to have it. */
  readonly from: string;
  /** Why it does not load, in the loader's words; undefined: it loads. */
  readonly fault: string | undefined;
}

/** Packages by the beginning of the name: of PyPI, and of NVIDIA's repository for Debian and Ubuntu. */
const PACKAGES: readonly (readonly [prefix: string, from: string])[] = [
  ['libcublas', 'nvidia-cublas (PyPI) or libcublas-13-0 (NVIDIA)'],
  ['libcudart', 'nvidia-cuda-runtime (PyPI) or cuda-cudart-13-0 (NVIDIA)'],
  ['libcurand', 'nvidia-curand (PyPI) or libcurand-13-0 (NVIDIA)'],
  ['libcufft', 'nvidia-cufft (PyPI) or libcufft-13-0 (NVIDIA)'],
  ['libnvrtc', 'nvidia-cuda-nvrtc (PyPI) or cuda-nvrtc-13-0 (NVIDIA)'],
  ['libnvJitLink', 'nvidia-nvjitlink (PyPI) or libnvjitlink-13-0 (NVIDIA)'],
  ['libcudnn', 'nvidia-cudnn-cu13 (PyPI) or libcudnn9-cuda-13 (NVIDIA)'],
  ['libcuda.so', 'the NVIDIA driver, which a container gets from the NVIDIA Container Toolkit'],
  ['libonnxruntime_', 'onnxruntime-gpu (PyPI), from where scripts/cuda-provider.sh takes it'],
];

/** Directory of the Node.js binding's own library, where the provider has to lie. */
export function bindingDirectory(): string {
  const root = dirname(createRequire(__filename).resolve('onnxruntime-node/package.json'));
  const bin = join(root, 'bin');
  const napi = readdirSync(bin).find((name) => name.startsWith('napi-')) ?? 'napi-v6';
  return join(bin, napi, process.platform, process.arch);
}

/** Every library that the provider in `directory` needs, each tried by itself. */
export async function cudaLibraries(directory: string = bindingDirectory()): Promise<readonly CudaLibrary[]> {
  const provider = join(directory, PROVIDER);
  const own = [PROVIDERS_SHARED, PROVIDER].map((name) => ({
    name,
    from: packageOf(name),
    fault: existsSync(join(directory, name)) ? undefined : `${NOT_FOUND} in ${directory}`,
  }));
  const named = existsSync(provider) ? await neededLibraries(provider) : EXPECTED_LIBRARIES;
  // The dynamic loader itself is loaded as long as there is a process.
  const others = [...named, ...LOADED_LATE].filter((name) => !name.startsWith('ld-'));
  return [...own, ...others.map((name) => ({ name, from: packageOf(name), fault: loadFault(name) }))];
}

/** What is missing, by what has it; undefined where nothing is. */
export async function missingCudaLibraries(directory?: string): Promise<string | undefined> {
  const byPackage = new Map<string, string[]>();
  for (const { name, from, fault } of await cudaLibraries(directory)) {
    if (fault === undefined) continue;
    // Anything but that it is not there is worth reading.
    const entry = fault.startsWith(NOT_FOUND) ? name : `${name} (${fault})`;
    byPackage.set(from, [...(byPackage.get(from) ?? []), entry]);
  }
  if (byPackage.size === 0) return undefined;
  return [...byPackage].map(([from, names]) => `${names.join(' and ')} of ${from}`).join('; ');
}

function packageOf(name: string): string {
  return PACKAGES.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'the operating system';
}

/** Asks the dynamic loader, with the paths that this process has. What loads is let go of at once. */
function loadFault(name: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, name);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It was loaded, and found to be no module of Node.js.
    if (message.includes('did not self-register')) return undefined;
    return message.startsWith(`${name}: cannot open shared object file`) ? NOT_FOUND : message;
  }
  return undefined;
}
