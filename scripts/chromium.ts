// `npm run chromium`: brings Debian's Chromium, which journeys through the console need. Nothing else of the product does.
import { existsSync } from 'node:fs';
import { runProgram } from './run-program.ts';
import { say } from './say.ts';

const path = '/usr/bin/chromium';

if (existsSync(path)) say(`Chromium is at ${path}`);
else if (!existsSync('/usr/bin/apt-get')) {
  say('no apt-get is here: install Chromium yourself, and set WILL_CHROMIUM to its program');
  process.exitCode = 1;
} else {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  const install = [...sudo, 'apt-get', 'install', '--yes', '--no-install-recommends', 'chromium'];
  say(`${install.join(' ')} (81 MB)`);
  const { code = 1 } = await runProgram(install[0] as string, install.slice(1), { shown: true });
  process.exitCode = code;
}
