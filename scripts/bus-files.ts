// Writes the files of deploy/nats that are shipped; a test holds them to what this writes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shippedFiles } from '@will/bus-server';
import { root } from './paths.ts';

for (const [name, text] of shippedFiles()) await writeFile(join(root, 'deploy/nats', name), text);
