import { open, type FileHandle } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';

interface Entry {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly packedBytes: number;
  readonly headerAt: number;
}

/** Reads the first file of a zip archive whose name ends so. @throws when there is none or the archive is damaged. */
export async function readFromZip(path: string, ending: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const entry = (await entriesOf(file)).find(({ name }) => name.endsWith(ending));
    if (!entry) throw new Error(`no file ending in ${ending} is in the archive`);
    const header = await readAt(file, entry.headerAt, 30);
    const dataAt = entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = await readAt(file, dataAt, entry.packedBytes);
    return entry.isDeflated ? inflateRawSync(packed) : packed;
  } finally {
    await file.close();
  }
}

/** The directory stands at the archive's end, and a record after it says where it begins. */
async function entriesOf(file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, 65_557);
  const tail = await readAt(file, size - tailBytes, tailBytes);
  const endAt = tail.lastIndexOf(Buffer.from('PK\x05\x06'));
  if (endAt < 0) throw new Error('this is no zip archive');
  const directory = await readAt(file, tail.readUInt32LE(endAt + 16), tail.readUInt32LE(endAt + 12));
  const entries: Entry[] = [];
  for (let at = 0; at < directory.length; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      isDeflated: directory.readUInt16LE(at + 10) === 8,
      packedBytes: directory.readUInt32LE(at + 20),
      headerAt: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new Error('the archive is cut short');
  return buffer;
}
