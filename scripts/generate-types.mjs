// Generates src/gen from proto/: the types that the server and the client speak, and in src/gen/es those of the explorer.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'src/gen');
rmSync(out, { recursive: true, force: true });
// The options must be those of src/contract/proto-definition.ts.
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js'),
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    `--includeDirs=${join(root, 'proto')}`,
    `--outDir=${out}`,
    'logah/v1/logah.proto',
    'logah/v1/admin.proto',
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/@bufbuild/buf/bin/buf'),
    'generate',
    'proto',
    '--template',
    JSON.stringify({
      version: 'v2',
      plugins: [
        {
          local: ['node', join(root, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es')],
          out: join(out, 'es'),
          opt: ['target=ts', 'import_extension=none'],
        },
      ],
    }),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
// The generator writes the absolute path of each source and trailing blanks; neither belongs in a repository.
for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const text = readFileSync(path, 'utf8')
    .replaceAll(`${root}/proto/`, 'proto/')
    .replace(/[ \t]+$/gm, '');
  writeFileSync(path, text);
}
