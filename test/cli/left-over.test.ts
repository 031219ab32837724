import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PartialFile } from '../../src/client/files/partial-file';

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-left-over-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** The number of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('files that killed runs have left', () => {
  it('are removed when the file is written again, and no others', async () => {
    const path = join(directory, 'model.safetensors');
    const killed = `${path}.${HOST}-${endedProcess()}-00000001.partial`;
    const mine = `${path}.${HOST}-${process.pid}-00000002.partial`;
    const stays = [
      `${path}.${HOST}-${process.ppid}-00000003.partial`,
      `${path}.ffffffff-1-00000004.partial`,
      `${path}.txt.partial`,
      join(directory, `other.${HOST}-1000000-00000005.partial`),
    ];
    for (const name of [killed, mine, ...stays]) await writeFile(name, '');
    const first = await PartialFile.create(path);
    const second = await PartialFile.create(path);
    const left = (await readdir(directory)).map((name) => join(directory, name));
    expect(left).toEqual(expect.arrayContaining(stays));
    expect(left).not.toContain(killed);
    expect(left).not.toContain(mine);
    // Both of this process are at work.
    expect(left).toHaveLength(stays.length + 2);
    await first.discard();
    await second.discard();
  });

  it('are gone on with where they were written in order since the machine started, the newest of them, by one alone', async () => {
    const path = join(directory, 'model.safetensors');
    // A name with this machine's start in it, of a process that has ended.
    const begun = await PartialFile.adopt(path);
    await begun.write(Buffer.from('killed while it wrote'));
    const [name = ''] = await readdir(directory);
    const mine = join(directory, name.replace(`-${process.pid}-`, `-${endedProcess()}-`));
    await rename(join(directory, name), mine);
    await begun.discard();
    const boot = mine.slice(-'00000000.partial'.length);
    const older = `${path}.${HOST}-${endedProcess()}-00000001-${boot}`;
    const before = `${path}.${HOST}-${endedProcess()}-00000002-ffffffff.partial`;
    const elsewhere = `${path}.ffffffff-1-00000003-${boot}`;
    const plain = `${path}.${HOST}-${endedProcess()}-00000004.partial`;
    for (const name of [older, before, elsewhere, plain]) await writeFile(name, 'another');
    await utimes(older, 1, 1);
    const file = await PartialFile.adopt(path);
    expect((await file.read(100)).toString()).toBe('killed while it wrote');
    const second = await PartialFile.adopt(path);
    expect(await second.size()).toBe(0);
    expect(await readdir(directory)).toHaveLength(3);
    expect(await readdir(directory)).toContain(basename(elsewhere));
    await second.discard();
    await file.discard();
  });

  it('are removed after a day where they are of another machine', async () => {
    const path = join(directory, 'model.safetensors');
    const old = [`${path}.ffffffff-1-00000001.partial`, `${path}.0123abcd.partial`];
    for (const name of old) {
      await writeFile(name, '');
      await utimes(name, 0, 0);
    }
    await (await PartialFile.create(path)).discard();
    expect(await readdir(directory)).toEqual([]);
  });
});
