import { dirname, join } from 'node:path';
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

interface ReflectionResponse {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
}

type ReflectionMethod = MethodDefinition<{ listServices: string }, ReflectionResponse>;

const PROTO = join(dirname(require.resolve('@grpc/reflection/package.json')), 'build', 'proto');

/** The services that a server lists by reflection of the version given. */
export async function reflectedServices(address: string, version: 'v1' | 'v1alpha'): Promise<string[]> {
  const definition = loadSync(`grpc/reflection/${version}/reflection.proto`, { includeDirs: [PROTO] });
  const service = definition[`grpc.reflection.${version}.ServerReflection`] as unknown as Record<
    'ServerReflectionInfo',
    ReflectionMethod
  >;
  const { path, requestSerialize, responseDeserialize } = service.ServerReflectionInfo;
  const client = new Client(address, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.write({ listServices: '' });
  const response = await new Promise<ReflectionResponse>((resolve, reject) => {
    call.once('data', resolve);
    call.once('error', reject);
  });
  call.end();
  client.close();
  return (response.listServicesResponse?.service ?? []).map(({ name }) => name).sort();
}
