import { open } from 'node:fs/promises';
import { ProviderConfigError } from '../port.ts';

const headerBytes = 24;
/** No model has more tensors or header fields than this; a file that says so is broken or hostile. */
const mostEntries = 1_000_000n;

/**
 * Looks at a GGUF file's first bytes before native code reads it: magic, version and counts that the file can hold.
 * @throws {ProviderConfigError} says what is wrong.
 */
export async function checkGgufFile(path: string, shownPath: string): Promise<void> {
  const file = await open(path).catch(() => undefined);
  if (!file) throw new ProviderConfigError(`file ${shownPath} is not there or cannot be read`);
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await file.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes || header.toString('latin1', 0, 4) !== 'GGUF')
      throw new ProviderConfigError(`file ${shownPath} is no GGUF`);
    const version = header.readUInt32LE(4);
    if (version !== 2 && version !== 3)
      throw new ProviderConfigError(`file ${shownPath} is GGUF version ${version}; 2 and 3 can be read`);
    for (const at of [8, 16]) {
      const entries = header.readBigUInt64LE(at);
      if (entries > mostEntries || entries * 8n > BigInt(size))
        throw new ProviderConfigError(`file ${shownPath} is damaged: its header promises more than it holds`);
    }
  } finally {
    await file.close();
  }
}
