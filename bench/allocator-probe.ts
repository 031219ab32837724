/** What glibc's allocator holds in another process, and what is resident when it has given back what is free (allocator-probe.c). */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const SOURCE = join(__dirname, 'allocator-probe.c');

/** Bytes that programs were handed, of which some are mappings of their own. */
export interface Allocated {
  readonly inUse: number;
  readonly mapped: number;
}

export interface AllocatorProbe {
  /** For the process that is to be asked. */
  readonly environment: Readonly<Record<string, string>>;
  /** Afterwards, the process holds no page that is free. */
  readonly trim: () => Promise<Allocated>;
}

/** Compiles the probe; needs a C compiler and glibc. */
export function allocatorProbe(): AllocatorProbe {
  const directory = mkdtempSync(join(tmpdir(), 'logah-probe-'));
  process.once('exit', () => {
    rmSync(directory, { recursive: true, force: true });
  });
  const library = join(directory, 'probe.so');
  const socket = join(directory, 'socket');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-pthread', '-o', library, SOURCE], { stdio: 'inherit' });
  return {
    environment: { LD_PRELOAD: library, LOGAH_ALLOCATOR_SOCKET: socket },
    trim: async () => {
      const asking = connect(socket);
      await once(asking, 'connect');
      return JSON.parse(await text(asking)) as Allocated;
    },
  };
}
