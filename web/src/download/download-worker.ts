/** Makes downloads of what the page sends piece by piece: nothing is ever held but the piece on its way. */

/** What is used of a service worker's surroundings. */
interface Surroundings {
  skipWaiting: () => Promise<void>;
  readonly clients: { claim: () => Promise<void> };
  addEventListener: <Kind extends keyof Events>(kind: Kind, listener: (event: Events[Kind]) => void) => void;
}

interface Events {
  readonly install: { waitUntil: (promise: Promise<unknown>) => void };
  readonly activate: { waitUntil: (promise: Promise<unknown>) => void };
  readonly message: MessageEvent<FileMessage | { readonly kind: 'alive' }>;
  readonly fetch: { readonly request: Request; respondWith: (response: Response) => void };
}

/** A file that the page is about to ask for. */
interface FileMessage {
  readonly kind: 'file';
  readonly path: string;
  readonly name: string;
  readonly size: number | undefined;
}

/** What comes through a file's port. */
type PieceMessage =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'abort'; readonly reason: string };

const worker = self as unknown as Surroundings;
const files = new Map<string, { readonly file: FileMessage; readonly port: MessagePort }>();

worker.addEventListener('install', (event) => {
  event.waitUntil(worker.skipWaiting());
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(worker.clients.claim());
});

worker.addEventListener('message', ({ data, ports }) => {
  const [port] = ports;
  if (data.kind === 'file' && port !== undefined) files.set(data.path, { file: data, port });
});

worker.addEventListener('fetch', (event) => {
  const { pathname } = new URL(event.request.url);
  const found = files.get(pathname);
  if (found === undefined) return;
  files.delete(pathname);
  const { file, port } = found;
  const headers = new Headers({
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
  });
  if (file.size !== undefined) headers.set('content-length', String(file.size));
  event.respondWith(new Response(streamOf(port), { headers }));
});

/** A stream that asks the page for each piece when there is room for it. */
function streamOf(port: MessagePort): ReadableStream<Uint8Array> {
  let taken: () => void = () => undefined;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      port.onmessage = ({ data }: MessageEvent<PieceMessage>) => {
        if (data.kind === 'data') controller.enqueue(data.data);
        else if (data.kind === 'end') controller.close();
        else controller.error(new Error(data.reason));
        taken();
      };
    },
    pull() {
      const asked = new Promise<void>((resolve) => {
        taken = resolve;
      });
      port.postMessage('pull');
      return asked;
    },
    cancel() {
      port.postMessage('cancel');
    },
  });
}
