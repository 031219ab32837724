/** A browser that looks at the explorer, and notes what no visitor should ever meet. */

import { readFileSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const CHROMIUM = process.env.LOGAH_CHROMIUM ?? '/usr/bin/chromium';

/** Milliseconds that the page may take for anything, on a machine that does much else. */
const PATIENCE_MS = 60_000;

/** Starts the browser. */
export function openBrowser(): Promise<Browser> {
  // In a container, Chromium has no sandbox of its own.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A page, and what went wrong on it. */
export interface Visit {
  readonly page: Page;
  /** Console errors, exceptions and requests to anywhere else. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens an address of the explorer at `origin`. */
export async function visit(
  browser: Browser,
  origin: string,
  hash = '',
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(?:data|blob):/.test(url)) complaints.push(`a request to ${url}`);
  });
  await page.goto(`${origin}${hash}`);
  return { page, complaints, close: () => context.close() };
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong on the page as it is. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(
    'axe.run().then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary}`)))',
  );
  return found as readonly string[];
}
