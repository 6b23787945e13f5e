// Writes the generated code: that of proto/ by buf, and that of tables in the program.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedSources } from './generate/sources.ts';
import { root } from './paths.ts';
import { runProgram } from './run-program.ts';

const { code, output } = await runProgram('buf', ['generate'], { cwd: root });
process.stderr.write(output);
process.exitCode = code;
for (const [path, text] of await generatedSources()) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
