import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import {
  leafKey,
  provenLeaf,
  type ProvenLeaf,
  type Seal,
  type SealedGroup,
  type SealLeaf,
  type SealStore,
} from '@will/store';
import type { SigningKey } from './signing-key.ts';

/** The subject of a report. Equal questions give equal reports, as long as nothing is erased. */
export interface ProofQuestion {
  /** Slug. */
  readonly client: string;
  /** Calls that started at this instant or later. */
  readonly fromMs: number;
  /** Calls that started before this instant. */
  readonly toMs: number;
  /** The last seal that it looks at. */
  readonly throughSeal: number;
  /** When it was asked for. */
  readonly madeAtMs: number;
}

/** The end of a page: the seal, and how many of its records are told. 0, 0: nothing yet. */
export interface ProofPlace {
  readonly seal: number;
  readonly told: number;
}

export interface ProofPage {
  /** JSON objects, one each. */
  readonly lines: readonly string[];
  /** Undefined: this was the last. */
  readonly next: ProofPlace | undefined;
}

const maxPageBytes = 512 * 1024;
const start: ProofPlace = { seal: 0, told: 0 };
const inflate = promisify(inflateRaw);

/** Reports of every call of a client, with what proves them. Its format is in docs/operations/proof.md. */
export class Proofs {
  readonly #log: SealStore;

  constructor(log: SealStore) {
    this.#log = log;
  }

  /** Lines from a place on, as many as fit one message. */
  async page(question: ProofQuestion, place: ProofPlace): Promise<ProofPage> {
    const { client, fromMs, toMs, throughSeal, madeAtMs } = question;
    const lines: string[] = [];
    if (place.seal === 0)
      lines.push(JSON.stringify({ kind: 'will.proof', version: 1, client, fromMs, toMs, throughSeal, madeAtMs }));
    let { seal: number, told } = place;
    let bytes = 0;
    const add = (line: string): void => {
      lines.push(line);
      bytes += line.length;
    };
    while (bytes < maxPageBytes) {
      // The one that is half told is read again.
      const [seal] = await this.#log.sealsAfter(told > 0 ? number - 1 : number, fromMs, toMs, 1);
      if (!seal || seal.number > throughSeal) return { lines, next: undefined };
      const { head, records } = await this.#sealOf(seal, client);
      if (told === 0) add(head);
      while (told < records.length && bytes < maxPageBytes) {
        add(`{"kind":"call","seal":${seal.number},"record":${records[told]}}`);
        told += 1;
      }
      number = seal.number;
      if (told < records.length) return { lines, next: { seal: number, told } };
      told = 0;
    }
    return { lines, next: { seal: number, told: 0 } };
  }

  /** The last line: the digest of all lines before it, signed. */
  async signature(question: ProofQuestion, key: SigningKey): Promise<string> {
    const hash = createHash('sha256');
    for (let place: ProofPlace | undefined = start; place; ) {
      const page: ProofPage = await this.page(question, place);
      for (const line of page.lines) hash.update(`${line}\n`);
      place = page.next;
    }
    const digest = hash.digest();
    const { publicKey } = key;
    return JSON.stringify({ kind: 'end', digest: digest.toString('hex'), publicKey, signature: key.sign(digest) });
  }

  async #sealOf(seal: Seal, client: string): Promise<{ readonly head: string; readonly records: readonly string[] }> {
    const leaves = await this.#log.leavesOf(seal.number);
    const key = leafKey(seal.number, client);
    const index = leaves.findIndex((leaf) => leaf.key === key);
    const { number, fromMs, toMs, root, clients } = seal;
    const told = { kind: 'seal', number, fromMs, toMs, root, clients };
    const leaf = provenLeaf(leaves, index);
    if (!leaf) return { head: JSON.stringify({ ...told, ...absenceIn(leaves, key) }), records: [] };
    const group = await this.#log.sealedGroup(number, key);
    const head = JSON.stringify({ ...told, state: group?.state, salt: group?.salt, leaf });
    return { head, records: group ? await textsIn(group) : [] };
  }
}

/** The leaves between which the client's would stand. */
function absenceIn(
  leaves: readonly SealLeaf[],
  key: string,
): { readonly state: 'absent'; readonly before: ProvenLeaf | undefined; readonly after: ProvenLeaf | undefined } {
  const found = leaves.findIndex((leaf) => leaf.key > key);
  const at = found === -1 ? leaves.length : found;
  return { state: 'absent', before: provenLeaf(leaves, at - 1), after: provenLeaf(leaves, at) };
}

async function textsIn({ body }: SealedGroup): Promise<readonly string[]> {
  return body ? (await inflate(body)).toString('utf8').split('\n') : [];
}
