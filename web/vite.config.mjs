// The explorer's page: everything of it lies in the package, and nothing is inlined that the page's policy forbids.
import { join } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // How long plugins take depends on what else the machine does.
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: ['index.html', 'src/download/download-worker.ts'].map((file) => join(import.meta.dirname, file)),
      output: {
        // A service worker is known by its address, and sees no more than what lies beside and below it.
        entryFileNames: ({ name }) => (name === 'download-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
