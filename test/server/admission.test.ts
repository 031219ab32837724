import { Admission } from '../../src/server/admission';
import { refusalOf } from '../support/refusal';

function held(): { done: Promise<void>; finish: () => void } {
  let finish: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (finish = resolve));
  return { done, finish };
}

describe('admission', () => {
  it('refuses what exceeds the limit, with both numbers, the setting and a time to come again', async () => {
    const admission = new Admission(2);
    const first = held();
    const running = [admission.admit(() => first.done), admission.admit(() => first.done)];
    const error = await refusalOf(() => admission.admit(() => Promise.resolve()));
    expect(error).toMatchObject({
      kind: 'resource_exhausted',
      message: '2 streams are in flight; this server allows 2 (--max-streams)',
      retryAfterMs: 1000,
    });
    expect(admission.active).toBe(2);
    first.finish();
    await Promise.all(running);
    expect(admission.active).toBe(0);
    expect(await admission.admit(() => Promise.resolve('done'))).toBe('done');
  });

  it('has room again after a stream has failed', async () => {
    const admission = new Admission(1);
    const failing = (): Promise<void> => Promise.reject(new Error('no'));
    await expect(admission.admit(failing)).rejects.toThrow('no');
    await expect(
      admission.admit(() => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
    expect(admission.active).toBe(0);
  });
});
