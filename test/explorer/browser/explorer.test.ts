/** The explorer in Chromium, before a real server. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { connect } from '../../../src/client';
import { predictAll } from '../../support/predicted';
import { startServer, type ServerProcess } from '../../support/server-process';
import { startExplorer, type ExplorerProcess } from './explorer-process';
import { accessibilityViolations, openBrowser, visit, type Visit } from './visitor';

const ROOT = join(__dirname, '../../..');
const C_ATTN = 'transformer.h.0.attn.c_attn.weight';

let browser: Browser;
let server: ServerProcess;
let explorer: ExplorerProcess;
let open: Visit[] = [];

beforeAll(async () => {
  server = await startServer({ models: join(ROOT, 'models'), flags: ['--metrics-address', '127.0.0.1:0'] });
  explorer = await startExplorer(['--server', server.address]);
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
  await explorer.stop();
  await server.stop();
});

afterEach(async () => {
  const visits = open;
  open = [];
  for (const { complaints, close } of visits) {
    await close();
    expect(complaints).toEqual([]);
  }
});

async function look(hash: string, options = {}): Promise<Visit> {
  const opened = await visit(browser, explorer.url, hash, options);
  open.push(opened);
  return opened;
}

describe('the explorer', () => {
  it('offers examples, and opens one at a click', async () => {
    const { page } = await look('');
    await page.getByRole('button', { name: 'gpt2 gpt2', exact: true }).click();
    await page.getByRole('button', { name: /wte\s*conv 50257 × 768/ }).waitFor();
    expect(page.url()).toContain('#example=gpt2&view=graph');
  });

  it('offers copies of networks alone that are made of them', async () => {
    const { page } = await look('#example=gpt2&view=compare');
    const copies = page.getByRole('spinbutton', { name: 'Copies' });
    const comparison = page.getByRole('option', { name: 'as copies, and as it is' });
    await copies.waitFor();
    await comparison.waitFor({ state: 'attached' });
    const other = await look('#example=architectures/bloom-560m&view=compare');
    await other.page.getByRole('spinbutton', { name: 'Lift' }).waitFor();
    await other.page.getByRole('option', { name: 'two networks' }).waitFor({ state: 'attached' });
    expect(await other.page.getByRole('spinbutton', { name: 'Copies' }).count()).toBe(0);
    expect(await other.page.getByRole('option', { name: 'as copies, and as it is' }).count()).toBe(0);
  });

  it('collapses equal blocks, and opens them at a click or a key', async () => {
    const { page } = await look('#example=gpt2&view=graph');
    await page.getByRole('button', { name: /h × 12\s*12 equal blocks/ }).click();
    const block = page.getByRole('button', { name: /(?<!\d)5\s*13 nodes/ });
    await block.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Close 5' }).waitFor();
    await page.getByRole('button', { name: /ln_1\s*ln 768/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'transformer.h.5.ln_1.weight' }).waitFor();
    expect(page.url()).toContain('select=tensor%3Atransformer.h.5.ln_1.weight');
  });

  it('finds a node by name, and opens what it lies in', async () => {
    const { page } = await look('#example=gpt2&view=graph');
    await page.getByRole('combobox', { name: 'Find a node by name' }).fill('h.7.mlp.c_fc.weight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'transformer.h.7.mlp.c_fc.weight' }).waitFor();
    await page.getByRole('button', { name: /c_fc\s*conv 768 × 3072/, pressed: true }).waitFor();
  });

  it('shows the same selection in the graph, the plan and the weights, and in its address', async () => {
    const { page } = await look(`#example=gpt2&view=plan&select=tensor:${C_ATTN}`);
    await page
      .getByRole('row', { name: /c_attn\.weight|weight 768 × 2304/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Look closer' }).click();
    await page.getByRole('heading', { name: C_ATTN, level: 2 }).waitFor();
    await page.getByRole('button', { name: 'Next tensor' }).click();
    await page.getByRole('heading', { name: 'transformer.h.0.attn.c_attn.bias', level: 2 }).waitFor();
    await page.getByRole('button', { name: 'Plan' }).click();
    await page.getByRole('heading', { name: 'transformer.h.0.attn.c_attn.bias' }).waitFor();
    expect(page.url()).toContain('select=tensor%3Atransformer.h.0.attn.c_attn.bias');
  });

  it('sorts the plan, and has the bytes of each representation', async () => {
    const { page } = await look('#example=gpt2&view=plan');
    await page.getByRole('button', { name: 'Elements' }).click();
    const first = page.getByRole('row').nth(1);
    await first.getByText('transformer.wte.weight').waitFor();
    await first.getByText('154 MB').waitFor();
    await first.getByText('156 kB').waitFor();
  });

  it('shows what cores take where noise is added, which has no factors', async () => {
    const { page } = await look('#example=gpt2&view=plan&strength=0.3&base=1');
    await page.getByRole('button', { name: 'Elements' }).click();
    const first = page.getByRole('row').nth(1);
    await first.getByText('transformer.wte.weight').waitFor();
    await first.getByText('664 B').waitFor();
    // Dense, and as factors.
    expect(await first.getByText('154 MB').count()).toBe(2);
  });

  it('draws a tensor: elements, distribution, singular values and the cosines of its layers', async () => {
    const { page } = await look(`#example=gpt2&view=weights&select=tensor:${C_ATTN}`);
    await page
      .getByRole('img', { name: `Heat map of ${C_ATTN}; the table below has the same numbers` })
      .waitFor();
    await page.getByRole('img', { name: `Histogram of ${C_ATTN}` }).waitFor();
    await page.getByRole('img', { name: `Singular values of ${C_ATTN}` }).waitFor();
    await page.getByRole('img', { name: /^Cosines between 12 tensors/ }).waitFor();
    await page.getByText('As a table').first().click();
    await page.getByText(`Means of ${C_ATTN} by row and column`, { exact: false }).waitFor();
  });

  it('zooms to single elements, which are those that a prediction has', async () => {
    const client = connect(server.address);
    const config = await readFile(join(ROOT, 'examples/vit-fashion/config.json'));
    const name = 'classifier.bias';
    const { tensor } = await predictAll(client, {
      architecture: { transformersConfig: config },
      selection: { patterns: [name] },
    });
    client.close();
    const values = new Float32Array(Uint8Array.from(tensor(name)).buffer);
    const { page } = await look(`#example=vit-fashion&view=weights&select=tensor:${name}`);
    await page
      .getByRole('img', { name: `Elements of ${name} by index; the table below has the same numbers` })
      .waitFor();
    const smallest = page.locator('dl.statistics div', { hasText: 'smallest' }).locator('dd').first();
    expect(Number(await smallest.textContent())).toBeCloseTo(Math.min(...values), 3);
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await page
      .locator('dl.statistics div', { hasText: 'elements' })
      .locator('dd', { hasText: /^5$/ })
      .waitFor();
  });

  it('does not fetch what it has', async () => {
    const { page } = await look(`#example=gpt2&view=weights&select=tensor:${C_ATTN}`);
    const picture = page.getByRole('img', {
      name: `Heat map of ${C_ATTN}; the table below has the same numbers`,
    });
    await picture.waitFor();
    await page.getByRole('img', { name: `Singular values of ${C_ATTN}` }).waitFor();
    await page.getByRole('img', { name: /^Cosines between 12 tensors/ }).waitFor();
    let calls = 0;
    page.on('request', (request) => {
      if (request.url().includes('LogahService')) calls++;
    });
    await page.getByRole('button', { name: 'Graph' }).click();
    await page.getByRole('button', { name: /wte\s*conv/ }).waitFor();
    await page.getByRole('button', { name: 'Weights' }).click();
    await picture.waitFor();
    // The side panel's small picture is the only one that was not there.
    expect(calls).toBeLessThanOrEqual(1);
  });

  it('compares a prediction with and without a lift', async () => {
    const { page } = await look(`#example=gpt2-kjv&view=compare&select=tensor:${C_ATTN}`);
    await page.getByRole('img', { name: `Difference: heat map of ${C_ATTN}` }).waitFor();
    await page.getByText(/^Means of cells differ by up to/).waitFor();
  });

  it('compares a prediction with 0.3 of it on a base, and has both in its address', async () => {
    const { page } = await look(`#example=gpt2-kjv&view=compare&select=tensor:${C_ATTN}`);
    await page.getByRole('combobox', { name: 'Compare' }).selectOption('base');
    await page.getByRole('row', { name: 'strength 1 0.3' }).waitFor();
    await page.getByRole('row', { name: 'base 0 1' }).waitFor();
    await page.getByText(/^Means of cells differ by up to/).waitFor();
    const fingerprint = page.getByRole('row', { name: /^fingerprint/ }).locator('td');
    const [plain, weak] = await fingerprint.allTextContents();
    expect(weak).not.toBe(plain);

    await page.getByRole('spinbutton', { name: 'Strength' }).fill('0.3');
    await page.getByRole('spinbutton', { name: 'Strength' }).press('Enter');
    await page.getByRole('spinbutton', { name: 'Base' }).fill('1');
    await page.getByRole('spinbutton', { name: 'Base' }).press('Enter');
    await page.getByRole('row', { name: 'strength 0.3 1' }).waitFor();
    await page.getByRole('row', { name: `fingerprint ${weak ?? ''} ${plain ?? ''}` }).waitFor();
    expect(page.url()).toContain('strength=0.3&base=1');
    const again = await look(page.url().slice(explorer.url.length));
    await again.page.getByRole('row', { name: 'strength 0.3 0.3' }).waitFor();
  });

  it('plans again as sizes are changed, and says beside the field what is wrong with it', async () => {
    const { page } = await look('#example=gpt2&view=size');
    await page.getByText('124,439,808').waitFor();
    await page.getByRole('spinbutton', { name: 'n_layer' }).fill('6');
    await page.getByText('81,912,576').waitFor();
    await page.getByRole('spinbutton', { name: 'n_head' }).fill('7');
    await page.locator('.size-field.is-wrong', { hasText: 'n_head' }).waitFor();
  });

  it('takes a file that is dropped, and names the fields that are wrong in one', async () => {
    const { page } = await look('');
    const drop = async (name: string, text: string): Promise<void> => {
      const transfer = await page.evaluateHandle(
        `(() => { const transfer = new DataTransfer(); transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)})); return transfer; })()`,
      );
      await page.dispatchEvent('.drop-target', 'drop', { dataTransfer: transfer });
    };
    await drop('config.json', JSON.stringify({ model_type: 'gpt2', n_embd: 96, n_layer: 2, n_head: 5 }));
    await page
      .getByRole('alert')
      .getByText(/n_head/)
      .waitFor();
    await drop('notes.txt', 'no network');
    await page.getByText('notes.txt is not JSON', { exact: false }).waitFor();
    await drop('config.json', JSON.stringify({ model_type: 'gpt2', n_embd: 96, n_layer: 2, n_head: 3 }));
    await page.getByRole('button', { name: /wte\s*conv 50257 × 96/ }).waitFor();
    expect(page.url()).toContain('#config=');
  });

  it('opens its own address again, with a configuration that no server has', async () => {
    const first = await look('');
    await first.page.setInputFiles('input[type=file]', {
      name: 'config.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify({ model_type: 'gpt2', n_embd: 64, n_layer: 1, n_head: 2 })),
    });
    await first.page.getByRole('button', { name: /wte\s*conv 50257 × 64/ }).waitFor();
    const second = await look(first.page.url().slice(explorer.url.length));
    await second.page.getByRole('button', { name: /wte\s*conv 50257 × 64/ }).waitFor();
  });

  it('cuts the weights off an ONNX file before it sends it', async () => {
    const { page } = await look('');
    let sent = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/Plan')) sent = Math.max(sent, request.postDataBuffer()?.length ?? 0);
    });
    const path = join(ROOT, 'examples/vit-fashion/forward.onnx');
    await page.setInputFiles('input[type=file]', path);
    await page.getByRole('button', { name: /input\s*input/ }).waitFor();
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(0.5 * (await readFile(path)).length + 200_000);
  });

  it('saves the very file that a client gets, as it comes', async () => {
    const client = connect(server.address);
    const config = await readFile(join(ROOT, 'examples/vit-fashion/config.json'));
    const { data } = await predictAll(client, { architecture: { transformersConfig: config } });
    client.close();
    const { page } = await look('#example=vit-fashion&view=download');
    await page.evaluate('delete window.showSaveFilePicker');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save model.safetensors' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('model.safetensors');
    await page.getByText(/the digests of all \d+ tensors are right/).waitFor();
    const file = await readFile(await download.path());
    const header = 8 + Number(file.readBigUInt64LE());
    expect(file.subarray(header).equals(data)).toBe(true);
    expect(JSON.parse(file.subarray(8, header).toString())).toHaveProperty(
      ['classifier.bias', 'shape'],
      [10],
    );
  });

  it('saves a state dict by the browser’s own dialogue, which torch reads', async () => {
    const client = connect(server.address);
    const config = await readFile(join(ROOT, 'examples/vit-fashion/config.json'));
    const { tensor } = await predictAll(client, { architecture: { transformersConfig: config } });
    client.close();
    const { page } = await look('#example=vit-fashion&view=download');
    // No dialogue opens without a screen: the file lies in the page's own store, and is written in the same way.
    await page.evaluate(
      'window.showSaveFilePicker = async ({ suggestedName }) => (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })',
    );
    await page.getByText('PyTorch state dict').click();
    await page.getByRole('button', { name: 'Save pytorch_model.bin' }).click();
    await page.getByText(/the digests of all \d+ tensors are right/).waitFor();
    const base64 = await page.evaluate<string>(`(async () => {
      const file = await (await (await navigator.storage.getDirectory()).getFileHandle('pytorch_model.bin')).getFile();
      const reader = new FileReader();
      return new Promise((resolve) => {
        reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
        reader.readAsDataURL(file);
      });
    })()`);
    const file = Buffer.from(base64, 'base64');
    expect(file.subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004');
    expect(file.includes(tensor('classifier.weight'))).toBe(true);
    const python = process.env.LOGAH_PYTHON;
    if (python === undefined) return;
    const directory = await mkdtemp(join(tmpdir(), 'logah-saved-'));
    const path = join(directory, 'pytorch_model.bin');
    await writeFile(path, file);
    const code =
      'import sys, torch; w = torch.load(sys.argv[1], weights_only=True)["classifier.weight"]; sys.stdout.buffer.write(w.numpy().tobytes())';
    expect(execFileSync(python, ['-c', code, path]).equals(tensor('classifier.weight'))).toBe(true);
    await rm(directory, { recursive: true });
  });

  it('compares with a file, side by side where shapes differ', async () => {
    const { page } = await look(
      '#example=gpt2-kjv&view=compare&select=tensor:transformer.h.0.attn.c_attn.weight',
    );
    await page.locator('.compare select').first().selectOption('network');
    await page.locator('.compare input[type=file]').setInputFiles({
      name: 'narrow.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify({ model_type: 'gpt2', n_embd: 64, n_layer: 1, n_head: 2 })),
    });
    await page.getByRole('cell', { name: 'narrow.json' }).waitFor();
    await page.getByRole('heading', { name: 'The other, of 64 × 192' }).waitFor();
    await page.getByText('Their shapes differ', { exact: false }).waitFor();
    await page.locator('.compare input[type=file]').setInputFiles({
      name: 'broken.json',
      mimeType: 'application/json',
      buffer: Buffer.from('no JSON'),
    });
    await page.getByText('broken.json is not JSON', { exact: false }).waitFor();
  });

  it('moves what the keyboard comes to into sight', async () => {
    const { page } = await look(
      `#example=gpt2&view=graph&open=transformer,transformer.h[0-11],transformer.h.0`,
    );
    const last = page.locator('.box').last();
    await last.waitFor();
    for (let index = 0; index < 5; index++) await page.getByRole('button', { name: 'Larger' }).click();
    await page.getByRole('button', { name: 'Close all' }).focus();
    const boxes = await page.locator('[data-box]').count();
    for (let index = 0; index < boxes; index++) {
      await page.keyboard.press('Tab');
      const isInSight = await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => {
        const { left, top, right, bottom } = document.querySelector('.canvas').getBoundingClientRect();
        const box = document.activeElement.querySelector('rect').getBoundingClientRect();
        resolve(box.left >= left && box.top >= top && box.left < right && box.top < bottom);
      }))`);
      expect(isInSight).toBe(true);
    }
  });

  it('has the singular values of kernels', async () => {
    const { page } = await look(
      '#example=vit-fashion&view=weights&select=tensor:vit.embeddings.patch_embeddings.projection.weight',
    );
    await page
      .getByRole('img', { name: 'Singular values of vit.embeddings.patch_embeddings.projection.weight' })
      .waitFor();
  });

  it('shows what the server does, as it does it', async () => {
    const { page } = await look('#example=vit-fashion&view=live');
    const figure = page.locator('.live dl div', { hasText: 'workers busy' }).locator('dd');
    await figure.getByText(/^\d+ of \d+$/).waitFor();
    await page.getByRole('img', { name: 'Bytes a second over time' }).waitFor();
    await page.getByRole('row', { name: /^decode/ }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    expect(await page.getByRole('button', { name: 'Pause' }).getAttribute('aria-pressed')).toBe('true');
  });

  it.each([
    ['the welcome', ''],
    ['the graph', `#example=gpt2&view=graph&select=tensor:${C_ATTN}`],
    ['the plan', '#example=gpt2&view=plan'],
    ['the weights', `#example=gpt2&view=weights&select=tensor:${C_ATTN}`],
    ['a comparison', `#example=gpt2-kjv&view=compare&select=tensor:${C_ATTN}`],
    ['sizes', '#example=gpt2&view=size'],
    ['a download', '#example=gpt2&view=download'],
    ['what the server does', '#example=gpt2&view=live'],
  ])('has nothing that axe-core objects to in %s, light or dark, wide or narrow', async (_, hash) => {
    for (const options of [
      { colorScheme: 'light' },
      { colorScheme: 'dark', viewport: { width: 390, height: 800 }, reducedMotion: 'reduce' },
    ]) {
      const { page } = await look(hash, options);
      await page.locator('main[aria-busy=false]').waitFor();
      await page.waitForLoadState('networkidle');
      expect(await accessibilityViolations(page)).toEqual([]);
    }
  });
});
