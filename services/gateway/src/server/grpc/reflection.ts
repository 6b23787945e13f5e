import { type DescFile, type DescMessage, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';

/** Lets a caller ask a server for its descriptors, so that it needs no proto files. `details` are messages of errors. */
export function addReflection(server: Server, services: readonly DescService[], details: readonly DescMessage[]): void {
  const files = new Map<string, Buffer>();
  for (const { file } of [...services, ...details]) collect(file, files);
  // The library reads the descriptors of one entry and the method names of each service; nothing else of a package.
  const described = {
    files: {
      format: 'Protocol Buffer 3 DescriptorProto',
      type: {},
      fileDescriptorProtos: [...files.values(), ...healthFiles()],
    },
    ...Object.fromEntries(
      services.map(({ typeName, methods }) => [typeName, Object.fromEntries(methods.map(({ name }) => [name, {}]))]),
    ),
  };
  new ReflectionService(described as unknown as ConstructorParameters<typeof ReflectionService>[0]).addToServer(
    readingEverything(server),
  );
}

/** The library that answers the health service brings its descriptors. */
const healthFiles = (): readonly Buffer[] => healthService['Check']?.requestType.fileDescriptorProtos ?? [];

/** What cannot be read is answered like an empty question: the library would call it a failure of ours, INTERNAL. */
const readingEverything = (server: Server): Server =>
  ({
    addService: (service: ServiceDefinition, methods: UntypedServiceImplementation) =>
      server.addService(
        Object.fromEntries(
          Object.entries(service).map(([name, method]) => {
            const requestDeserialize = (bytes: Buffer): object => {
              try {
                return method.requestDeserialize(bytes) as object;
              } catch {
                return {};
              }
            };
            return [name, { ...method, requestDeserialize }];
          }),
        ),
        methods,
      ),
  }) as unknown as Server;

function collect(file: DescFile, into: Map<string, Buffer>): void {
  if (into.has(file.name)) return;
  into.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  for (const dependency of file.dependencies) collect(dependency, into);
}
