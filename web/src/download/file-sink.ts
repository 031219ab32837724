/** A file that is written as its bytes come: by the browser's own dialogue, or as a download by way of a service worker. */

/** What takes a file's bytes. */
export interface FileSink {
  /** Resolves when more can be taken. */
  readonly write: (data: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
  /** What was written is of no use; rejects never. */
  readonly abort: (reason: string) => Promise<void>;
}

/** What of the File System Access API is used; not every browser has it. */
declare global {
  interface Window {
    showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
  }
}

/** Milliseconds between signs of life to the service worker, which would otherwise be ended amid a long download. */
const SIGN_MS = 5000;

/** Opens a file by name. Rejects with an AbortError where the visitor thinks better of it. */
export async function openSink(name: string, size: () => number | undefined): Promise<FileSink> {
  if (window.showSaveFilePicker !== undefined)
    return pickedFile(await window.showSaveFilePicker({ suggestedName: name }));
  if (!('serviceWorker' in navigator)) {
    throw new Error('this browser writes files only where the page has HTTPS, or lies on this machine');
  }
  return downloadedFile(name, size);
}

async function pickedFile(handle: FileSystemFileHandle): Promise<FileSink> {
  const file = await handle.createWritable();
  return {
    write: (data) => file.write(data.slice()),
    close: () => file.close(),
    abort: () => file.abort().catch(() => undefined),
  };
}

/** The first bytes open the download, so that its size is known by then. */
async function downloadedFile(name: string, size: () => number | undefined): Promise<FileSink> {
  await navigator.serviceWorker.register('/download-worker.js', { type: 'module' });
  const { active } = await navigator.serviceWorker.ready;
  if (active === null) throw new Error('the service worker for downloads does not start');
  await controlled();
  const { port1: port, port2 } = new MessageChannel();
  let isCancelled = false;
  let asked = new Signal();
  port.onmessage = ({ data }: MessageEvent<'pull' | 'cancel'>) => {
    if (data === 'cancel') isCancelled = true;
    asked.resolve();
  };
  const signs = setInterval(() => {
    active.postMessage({ kind: 'alive' });
  }, SIGN_MS);
  let frame: HTMLIFrameElement | undefined;
  const open = (): void => {
    const path = `/download/${crypto.randomUUID()}/${encodeURIComponent(name)}`;
    active.postMessage({ kind: 'file', path, name, size: size() }, [port2]);
    frame = document.createElement('iframe');
    frame.hidden = true;
    frame.title = 'Download';
    frame.src = path;
    document.body.append(frame);
  };
  const end = (message: { readonly kind: 'end' | 'abort'; readonly reason?: string }): void => {
    clearInterval(signs);
    port.postMessage(message);
  };
  return {
    write: async (data) => {
      if (frame === undefined) open();
      await asked.given;
      if (isCancelled) throw new DOMException('the download was cancelled', 'AbortError');
      asked = new Signal();
      const copy = data.slice();
      port.postMessage({ kind: 'data', data: copy }, [copy.buffer]);
    },
    close: () => {
      end({ kind: 'end' });
      return Promise.resolve();
    },
    abort: (reason) => {
      end({ kind: 'abort', reason });
      return Promise.resolve();
    },
  };
}

/** Something that happens once and is waited for. */
class Signal {
  readonly given: Promise<void>;
  resolve: () => void = () => undefined;

  constructor() {
    this.given = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** A page that was there before its first service worker is taken over by it. */
async function controlled(): Promise<void> {
  if (navigator.serviceWorker.controller !== null) return;
  await new Promise<void>((resolve) => {
    navigator.serviceWorker.addEventListener(
      'controllerchange',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
