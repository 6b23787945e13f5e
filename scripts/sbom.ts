// `npm run sbom -- --out DIR`: what the image is made of, as CycloneDX (sbom.cdx.json) and as a list of licences.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { say } from './say.ts';

export interface Part {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** SHA-512 in hex, as the lockfile pins it. */
  readonly sha512: string | undefined;
}

type Licenses = Readonly<Record<string, readonly { readonly name: string; readonly versions: readonly string[] }[]>>;
interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>;
}

/** What the image holds; test and testkit are not in it. */
const shipped = ['--filter', '{./services/**}...', '--filter', '@will/cli...'];

/** Every package that runs with the product, by name. Tools of development are none of it. */
export async function partsOf(): Promise<readonly Part[]> {
  const { code, output } = await runProgram('pnpm', [...shipped, 'licenses', 'list', '--prod', '--json'], {
    cwd: root,
  });
  if (code !== 0) throw new Error(output);
  const byLicense = JSON.parse(output.slice(output.indexOf('{'))) as Licenses;
  const { packages } = parse(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')) as Lockfile;
  const parts = Object.entries(byLicense).flatMap(([license, all]) =>
    all.flatMap(({ name, versions }) =>
      versions.map((version) => {
        const integrity = packages[`${name}@${version}`]?.resolution?.integrity;
        return { name, version, license, sha512: integrity && hexOf(integrity) };
      }),
    ),
  );
  return parts.toSorted((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

const hexOf = (integrity: string): string => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');

/** The same parts give the same text: it holds no time and no chance. */
export function cycloneDx(parts: readonly Part[], version: string): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', name: 'will', version, licenses: [{ license: { id: 'Apache-2.0' } }] },
    },
    components: parts.map(({ name, version: ofPart, license, sha512 }) => ({
      type: 'library',
      'bom-ref': purlOf(name, ofPart),
      name,
      version: ofPart,
      purl: purlOf(name, ofPart),
      licenses: [{ expression: license }],
      ...(sha512 && { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
    })),
  };
}

const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

export const licenceList = (parts: readonly Part[]): string =>
  parts.map(({ name, version, license }) => `${name} ${version} ${license}\n`).join('');

if (import.meta.main) {
  const { out = '.' } = parseArgs({ options: { out: { type: 'string' } } }).values;
  const parts = await partsOf();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  mkdirSync(resolve(out), { recursive: true });
  writeFileSync(join(resolve(out), 'sbom.cdx.json'), `${JSON.stringify(cycloneDx(parts, version), undefined, 2)}\n`);
  writeFileSync(join(resolve(out), 'licences.txt'), licenceList(parts));
  say(`${parts.length} packages in ${resolve(out)}`);
}
