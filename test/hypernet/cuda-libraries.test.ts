import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EXPECTED_LIBRARIES, type CudaLibrary } from '../../src/hypernet/cuda/cuda-libraries';
import { neededLibraries } from '../../src/hypernet/cuda/needed-libraries';
import { DIST } from '../support/server-process';
import { sharedObject } from '../support/shared-object';

const SHARED = 'libonnxruntime_providers_shared.so';
const PROVIDER = 'libonnxruntime_providers_cuda.so';
const LOADED = [...EXPECTED_LIBRARIES, 'libcudnn.so.9'];

let root: string;
/** Where the binding lies, and where the loader looks. */
let binding: string;
let libraries: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'logah-cuda-'));
  [binding, libraries] = [join(root, 'binding'), join(root, 'lib')];
  await mkdir(binding);
  await mkdir(libraries);
  await writeFile(join(binding, SHARED), sharedObject(SHARED));
  await writeFile(join(binding, PROVIDER), sharedObject(PROVIDER, [...EXPECTED_LIBRARIES, 'libc.so.6']));
  for (const name of LOADED) await writeFile(join(libraries, name), sharedObject(name));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

/** What a process finds that has its libraries from `libraries` first. */
async function inProcess<Result>(call: string): Promise<Result> {
  const file = join(DIST, 'hypernet', 'cuda', 'cuda-libraries.js');
  const script = `require(${JSON.stringify(file)}).${call}(${JSON.stringify(binding)}).then((found) =>
    process.stdout.write(JSON.stringify(found ?? null)))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  return JSON.parse(stdout) as Result;
}

describe('the libraries of CUDA', () => {
  it('all load where all are there, those that the provider names and cuDNN', async () => {
    const found = await inProcess<CudaLibrary[]>('cudaLibraries');
    expect(found.map(({ name }) => name)).toEqual([
      SHARED,
      PROVIDER,
      ...EXPECTED_LIBRARIES,
      'libc.so.6',
      'libcudnn.so.9',
    ]);
    expect(found.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(await inProcess('missingCudaLibraries')).toBeNull();
  });

  it.each([
    [SHARED, /onnxruntime-gpu \(PyPI\), from where scripts\/cuda-provider\.sh takes it$/],
    [PROVIDER, /onnxruntime-gpu \(PyPI\), from where scripts\/cuda-provider\.sh takes it$/],
    ['libcublasLt.so.13', /nvidia-cublas \(PyPI\) or libcublas-13-0 \(NVIDIA\)$/],
    ['libcublas.so.13', /nvidia-cublas \(PyPI\) or libcublas-13-0 \(NVIDIA\)$/],
    ['libcurand.so.10', /nvidia-curand \(PyPI\) or libcurand-13-0 \(NVIDIA\)$/],
    ['libcudart.so.13', /nvidia-cuda-runtime \(PyPI\) or cuda-cudart-13-0 \(NVIDIA\)$/],
    ['libcuda.so.1', /the NVIDIA driver, which a container gets from the NVIDIA Container Toolkit$/],
    ['libcudnn.so.9', /nvidia-cudnn-cu13 \(PyPI\) or libcudnn9-cuda-13 \(NVIDIA\)$/],
  ])('where %s alone is broken, it alone is named, with what has it', async (name, from) => {
    const isOwn = name.startsWith('libonnxruntime_');
    // An operating system may have its own: a file that is no library stands before it.
    if (isOwn) await rm(join(binding, name));
    else await writeFile(join(libraries, name), 'no library');
    const missing = await inProcess<string>('missingCudaLibraries');
    expect(missing).toMatch(from);
    expect(
      missing.match(/lib\w+\.so[.\d]*/g)?.filter((found, index, all) => all.indexOf(found) === index),
    ).toEqual([name]);
  });

  it('are those of a later provider where that names others', async () => {
    await writeFile(join(binding, PROVIDER), sharedObject(PROVIDER, ['libcublas.so.14', 'libnew.so.1']));
    expect(await inProcess('missingCudaLibraries')).toBe(
      'libcublas.so.14 of nvidia-cublas (PyPI) or libcublas-13-0 (NVIDIA); libnew.so.1 of the operating system',
    );
  });
});

describe('needed libraries', () => {
  it('are those that a library names, in order, whatever it is', async () => {
    expect(await neededLibraries(join(binding, PROVIDER))).toEqual([...EXPECTED_LIBRARIES, 'libc.so.6']);
    expect(await neededLibraries(join(binding, SHARED))).toEqual([]);
    // Node.js itself, as the system's linker wrote it.
    expect(await neededLibraries(process.execPath)).toContain('libc.so.6');
  });

  it('are refused where the file is no such library, or ends early', async () => {
    const path = join(root, 'broken.so');
    await writeFile(path, 'a text that is longer than the header of an ELF file, which has sixty-four bytes');
    await expect(neededLibraries(path)).rejects.toThrow('is no 64-bit little-endian ELF file');
    await writeFile(path, sharedObject('libx.so', ['liby.so']).subarray(0, 250));
    await expect(neededLibraries(path)).rejects.toThrow('ends early');
  });
});
