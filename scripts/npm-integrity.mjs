// Which npm packages are what they were when this release was made. Plain JavaScript: it runs before anything is installed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SHA-512 of packages that are fetched by npm outside the lockfile, `name@version` → as npm writes it. */
export const pinned = JSON.parse(readFileSync(new URL('npm-integrity.json', import.meta.url), 'utf8'));

/**
 * Compares what npm has put into a folder with what is pinned. npm has checked each package against the integrity that
 * the registry told, and notes it: so a registry that tells another one shows here, before anything of it runs.
 * @param {string} folder the one that holds `node_modules`
 * @returns {{ wrong: string[], unpinned: string[] }} packages that differ, and those of which nothing is pinned
 */
export function compareWithPinned(folder, pins = pinned) {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'));
  const wrong = [];
  const unpinned = [];
  for (const [path, { version, integrity }] of Object.entries(lock.packages)) {
    const name = `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`;
    if (!Object.hasOwn(pins, name)) unpinned.push(name);
    else if (pins[name] !== integrity) wrong.push(`${name} is ${integrity ?? 'without a checksum'}, not ${pins[name]}`);
  }
  return { wrong, unpinned };
}
