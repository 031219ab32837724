// Takes the pictures of docs/images/explorer-*.png: `npm run build && node scripts/explorer-screenshots.mjs`. Needs Chromium
// (LOGAH_CHROMIUM, or /usr/bin/chromium).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const executablePath = process.env.LOGAH_CHROMIUM ?? '/usr/bin/chromium';
const ATTENTION = 'transformer.h.0.attn.c_attn.weight';
const OPEN = 'transformer,transformer.h[0-11],transformer.h.0,transformer.h.0.attn';

/** A picture: its name, the address, and what must be there before it is taken. */
const PICTURES = [
  {
    name: 'graph',
    hash: `#example=gpt2&view=graph&open=${OPEN}&select=tensor:${ATTENTION}`,
    ready: ['.glance canvas', '.box.is-chosen'],
    height: 780,
  },
  {
    name: 'plan',
    hash: `#example=gpt2&view=plan&select=tensor:${ATTENTION}`,
    ready: ['.glance canvas'],
    text: '66.4 kB',
  },
  {
    name: 'weights',
    hash: '#example=gpt2&view=weights&select=tensor:transformer.h.3.attn.c_attn.weight',
    ready: ['.elements canvas', '.cosines canvas'],
    text: 'stable rank',
    height: 1000,
  },
  {
    name: 'compare',
    hash: `#example=gpt2-kjv&view=compare&select=tensor:${ATTENTION}`,
    ready: ['.three canvas'],
    dark: true,
  },
  { name: 'size', hash: '#example=gpt2&view=size', ready: ['.tried dl'], text: '124,439,808', height: 560 },
];

const explorer = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'explore'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [url] = await once(createInterface({ input: explorer.stdout }), 'line');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const { name, hash, ready, text, dark = false, height = 820 } of PICTURES) {
  const context = await browser.newContext({
    viewport: { width: 1280, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  await page.goto(`${url}${hash}`);
  for (const selector of ready) await page.locator(selector).first().waitFor();
  if (text !== undefined) await page.getByText(text).first().waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: join(root, `docs/images/explorer-${name}.png`) });
  await context.close();
}
await browser.close();
explorer.kill('SIGTERM');
await once(explorer, 'close');
