import { ReceivedRequest } from '../../../src/server/admission/received-request';

it('whoever takes the bytes of a request takes them along', () => {
  const request = new ReceivedRequest(Buffer.from('bytes'));
  expect(request.take().toString()).toBe('bytes');
  expect(() => request.take()).toThrow('the request was taken before');
});
