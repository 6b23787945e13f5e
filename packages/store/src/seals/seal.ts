import { createHash } from 'node:crypto';
import type { CallRecord, Candidate } from '@will/core';
import { leafDigest, merklePath, merkleRoot } from './merkle.ts';

/** Call records under one digest. Its leaves are its clients; below each client are its records. */
export interface Seal {
  /** From 1, without gaps. */
  readonly number: number;
  /** No record of it started before this instant. */
  readonly fromMs: number;
  /** Every record of it started before this instant. */
  readonly toMs: number;
  /** Merkle root in hex over the leaves, in the order of their keys. */
  readonly root: string;
  readonly records: number;
  readonly clients: number;
}

/** One client in a seal: what its leaf is the digest of. */
export interface SealLeaf {
  /** Names the client within this seal alone; see {@link leafKey}. */
  readonly key: string;
  readonly records: number;
  /** Merkle root in hex over the client's records. */
  readonly root: string;
}

/** `erased`: with its client. `expired`: by age. Either leaves the leaf, so that the digest stays valid. */
export type SealedState = 'kept' | 'erased' | 'expired';

/** One client's records in a seal. */
export interface SealedGroup extends SealLeaf {
  readonly state: SealedState;
  /** Goes with the records: without it nobody can try out what an erased record held. */
  readonly salt: string;
  /** Texts of the records, a line each, compressed by raw DEFLATE; undefined: they are gone. */
  readonly body: Uint8Array | undefined;
}

export interface NewGroup extends SealLeaf {
  readonly client: string;
  readonly salt: string;
  readonly body: Uint8Array;
}

export interface NewSeal {
  readonly seal: Seal;
  readonly groups: readonly NewGroup[];
  /** What is sealed by it. A record that was replaced meanwhile stays unsealed. */
  readonly sealed: readonly Pick<CallRecord, 'attemptId' | 'writtenBy'>[];
}

/** The ranked set behind a decision. */
export interface DecisionBasis {
  readonly decisionId: string;
  readonly setId: string;
  readonly candidates: readonly Candidate[];
}

/** Stores what proves later what the call log held. */
export interface SealStore {
  /** Records that no seal holds, and that started before an instant; oldest first. */
  unsealed(beforeMs: number, limit: number): Promise<readonly CallRecord[]>;
  /** Of those decisions that are here with their sets. */
  basisOf(decisionIds: readonly string[]): Promise<readonly DecisionBasis[]>;
  /** Stores a seal whole. @returns false: its number is taken, and nothing of it is stored */
  addSeal(seal: NewSeal): Promise<boolean>;
  lastSeal(): Promise<Seal | undefined>;
  /** Seals behind a number that may hold calls which started from `fromMs` and before `toMs`; by number. */
  sealsAfter(number: number, fromMs: number, toMs: number, limit: number): Promise<readonly Seal[]>;
  /** By key. */
  leavesOf(number: number): Promise<readonly SealLeaf[]>;
  sealedGroup(number: number, key: string): Promise<SealedGroup | undefined>;
  /** Seals that the audit log has not confirmed; by number. */
  unconfirmedSeals(limit: number): Promise<readonly Seal[]>;
  confirmSeal(number: number): Promise<void>;
  /** Removes the records of seals that end before an instant; their leaves stay. @returns numbers of these seals */
  expireSeals(beforeMs: number): Promise<readonly number[]>;
}

/** A client's key differs from seal to seal, so that who sees one does not follow the client. */
export const leafKey = (sealNumber: number, client: string): string =>
  createHash('sha256').update(`will.seal\n${sealNumber}\n${client}`).digest('hex');

const digestOfLeaf = ({ key, records, root }: SealLeaf): Buffer => leafDigest(`${key} ${records} ${root}`);

export const rootOfLeaves = (leaves: readonly SealLeaf[]): string =>
  merkleRoot(leaves.map(digestOfLeaf)).toString('hex');

/** The root over the records of one client. */
export const rootOfRecords = (salt: string, texts: readonly string[]): string =>
  merkleRoot(texts.map((text) => leafDigest(`${salt}\n${text}`))).toString('hex');

/** A leaf with what leads from it to the root of its seal. */
export interface ProvenLeaf extends SealLeaf {
  readonly index: number;
  readonly path: readonly string[];
}

/** The leaf at an index; undefined: there is none. */
export function provenLeaf(leaves: readonly SealLeaf[], index: number): ProvenLeaf | undefined {
  const leaf = leaves[index];
  if (!leaf) return undefined;
  const path = merklePath(leaves.map(digestOfLeaf), index).map((digest) => digest.toString('hex'));
  return { ...leaf, index, path };
}
