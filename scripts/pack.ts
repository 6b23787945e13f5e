// `npm run pack -- --out DIR`: builds every package that others install with npm.
import { parseArgs } from 'node:util';
import { packAll } from './pack/pack.ts';
import { messageOf, say } from './say.ts';

const { values } = parseArgs({ options: { out: { type: 'string' }, repository: { type: 'string' } } });
if (values.out === undefined) {
  say('--out is missing: name a folder, as in `npm run pack -- --out packages-built`');
  process.exit(2);
}
try {
  for (const { name, archive } of await packAll({ out: values.out, repository: values.repository }))
    console.log(`${name} ${archive}`);
} catch (error) {
  say(messageOf(error));
  process.exit(1);
}
