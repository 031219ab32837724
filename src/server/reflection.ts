/** Server reflection, whose library answers as fast as it is asked, whether or not anybody reads the answers. */

import type {
  Server,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

type ReflectionCall = ServerDuplexStream<unknown, unknown>;

const METHOD = 'ServerReflectionInfo';

/** Adds both versions of the service. */
export function addReflection(server: Server, definition: PackageDefinition): void {
  const registry = {
    addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
      const answer = handlers[METHOD] as (call: ReflectionCall) => void;
      server.addService(service, {
        [METHOD]: (call: ReflectionCall) => {
          answerOneByOne(call);
          answer(call);
        },
      });
    },
  };
  new ReflectionService(onceAFile(definition)).addToServer(registry);
}

/**
 * Of the types whose files are the same, one: the library decodes the files of every type that it is given, and needs
 * nothing else of it.
 */
function onceAFile(definition: PackageDefinition): PackageDefinition {
  const files = new Set<unknown>();
  const isFirst = ([, type]: [string, PackageDefinition[string]]): boolean => {
    if (!('fileDescriptorProtos' in type) || files.has(type.fileDescriptorProtos)) return false;
    files.add(type.fileDescriptorProtos);
    return true;
  };
  return Object.fromEntries(Object.entries(definition).filter(isFirst));
}

/** Reads no further request before the answer to the last has left. */
function answerOneByOne(call: ReflectionCall): void {
  const write = call.write.bind(call) as (message: unknown, callback: () => void) => boolean;
  call.write = (message: unknown) => {
    call.pause();
    return write(message, () => {
      call.resume();
    });
  };
}
