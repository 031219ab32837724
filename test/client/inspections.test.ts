/** What tensors look like, by the client library. */

import { status } from '@grpc/grpc-js';
import { connect, LogahError, RemoteError, type TensorInspection } from '../../src/client';
import { proxyError, startFakeServer, statusError, type Answers } from './fake-server';

const REQUEST = { request: { architecture: { transformersConfig: Buffer.from('{}') } }, histogramBins: 3 };

async function inspected(
  inspect: NonNullable<Answers['inspect']>,
  signal?: AbortSignal,
): Promise<readonly TensorInspection[]> {
  const server = await startFakeServer({ inspect });
  const client = connect(server.address, { patienceMs: 5000 });
  try {
    const tensors: TensorInspection[] = [];
    for await (const tensor of client.inspect(REQUEST, signal ? { signal } : {})) tensors.push(tensor);
    return tensors;
  } finally {
    client.close();
    server.stop();
  }
}

describe('inspect', () => {
  it('gives each tensor as the contract has it', async () => {
    const tensors = await inspected((call) => {
      expect(call.request.histogramBins).toBe(3);
      call.write({ tensor: { name: 'a', shape: [2, 3], elements: 6, minimum: -1 } });
      call.write({ tensor: { name: 'b', shape: [], elements: 1 } });
      call.end();
    });
    expect(tensors).toMatchObject([
      { name: 'a', shape: [2, 3], elements: 6, minimum: -1, histogram: null },
      { name: 'b', elements: 1 },
    ]);
  });

  it('goes on where a stream breaks off, and gives no tensor twice', async () => {
    let calls = 0;
    const tensors = await inspected((call) => {
      call.write({ tensor: { name: 'a' } });
      if (++calls === 1) {
        call.emit('error', proxyError(status.UNAVAILABLE));
        return;
      }
      call.write({ tensor: { name: 'b' } });
      call.end();
    });
    expect([calls, tensors.map(({ name }) => name)]).toEqual([2, ['a', 'b']]);
  });

  it('begins anew where a stream ends cleanly with fewer tensors than the answer has, or with none', async () => {
    let calls = 0;
    const tensors = await inspected((call) => {
      if (++calls > 1) call.write({ tensor: { name: 'a' }, tensors: 2 });
      if (calls > 2) call.write({ tensor: { name: 'b' }, tensors: 2 });
      call.end();
    });
    expect([calls, tensors.map(({ name }) => name)]).toEqual([3, ['a', 'b']]);
  });

  it('needs no status behind the last tensor', async () => {
    const tensors = await inspected((call) => {
      call.write({ tensor: { name: 'a' }, tensors: 1 });
      call.emit('error', proxyError(status.UNAVAILABLE));
    });
    expect(tensors.map(({ name }) => name)).toEqual(['a']);
  });

  it('waits no longer than for a status where the stream stays open behind the last tensor', async () => {
    const tensors = await inspected((call) => {
      call.write({ tensor: { name: 'a' }, tensors: 1 });
    });
    expect(tensors.map(({ name }) => name)).toEqual(['a']);
  });

  it.each([
    ['fewer', 3, 'number of tensors is 2, expected 3'],
    ['more', 1, 'number of tensors is 2, expected 1'],
  ])('throws where the answer has %s tensors than it says, again and again', async (_, tensors, message) => {
    await expect(
      inspected((call) => {
        call.write({ tensor: { name: 'a' }, tensors });
        call.write({ tensor: { name: 'b' }, tensors });
        call.end();
      }),
    ).rejects.toThrow(message);
  });

  it('throws what the service says, and what contradicts the contract', async () => {
    const wrong = statusError({ code: status.INVALID_ARGUMENT, message: 'selection is missing' });
    await expect(inspected((call) => call.emit('error', wrong))).rejects.toThrow(RemoteError);
    await expect(
      inspected((call) => {
        call.write({});
        call.end();
      }),
    ).rejects.toThrow('tensor is missing, expected present in every message');
  });

  it('ends when it is called off', async () => {
    const controller = new AbortController();
    const ended = inspected(() => {
      controller.abort();
    }, controller.signal);
    await expect(ended).rejects.toThrow(LogahError);
    await expect(ended).rejects.toMatchObject({ kind: 'cancelled' });
  });
});
