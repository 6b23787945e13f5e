/** A package that others install: built from the sources of the workspace, with what it needs of them inside. */
export interface InstallablePackage {
  readonly name: string;
  /** Folder of its README, and of the folder that is made. */
  readonly folder: string;
  readonly description: string;
  readonly keywords: readonly string[];
  /** Name of a built module → its source. */
  readonly modules: Readonly<Record<string, string>>;
  /** Modules that have types, by the path that they are imported by. */
  readonly exports: Readonly<Record<string, string>>;
  /** Command → built module that it runs. */
  readonly commands: Readonly<Record<string, string>>;
  /** Folder or file in the repository → place in the package. */
  readonly files: Readonly<Record<string, string>>;
}

const none = { exports: {}, commands: {}, files: {} };

export const installablePackages: readonly InstallablePackage[] = [
  {
    ...none,
    name: '@will/client',
    folder: 'packages/client',
    description: "Runs tasks on Will's model router, over NATS or gRPC.",
    keywords: ['llm', 'router', 'nats', 'grpc', 'client'],
    modules: { index: 'packages/client/src/index.ts' },
    exports: { '.': 'index' },
  },
  {
    ...none,
    name: '@will/extension',
    folder: 'packages/extension',
    description: "Types of what others add to Will's model router: providers, hooks around calls, rankings.",
    keywords: ['llm', 'router', 'extension', 'provider'],
    modules: { index: 'packages/extension/src/index.ts' },
    exports: { '.': 'index' },
  },
  {
    ...none,
    name: '@will/proto',
    folder: 'proto',
    description:
      "The wire contract of Will's model router: proto files, their descriptors, and messages for TypeScript.",
    keywords: ['llm', 'router', 'protobuf', 'grpc', 'nats'],
    modules: { index: 'packages/contracts/src/messages.ts' },
    exports: { '.': 'index' },
    files: { 'proto/will': 'proto/will', 'proto/google': 'proto/google' },
  },
  {
    ...none,
    name: '@will/cli',
    folder: 'packages/cli',
    description: "willm, the command line of Will's model router.",
    keywords: ['llm', 'router', 'cli'],
    // The stores' thread is started by its path.
    modules: { main: 'packages/cli/src/main.ts', thread: 'packages/store/src/sqlite/thread.ts' },
    commands: { willm: 'willm' },
    files: {
      'scripts/pack/willm.js': 'dist/willm.js',
      'packages/cli/src/catalogue': 'dist',
    },
  },
];
