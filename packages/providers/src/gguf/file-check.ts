import { open } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { ProviderConfigError } from '../port.ts';

const headerBytes = 24;
/** No model has more tensors or header fields than this; a file that says so is broken or hostile. */
const mostEntries = 1_000_000n;

/**
 * Looks at a GGUF file before native code reads it: magic, version, counts that the file can hold, and that the machine
 * has the memory for it at all. What else runs here is not counted: that changes by the second.
 * @throws {ProviderConfigError} says what is wrong.
 */
export async function checkGgufFile(path: string, shownPath: string, totalMemoryBytes = totalmem()): Promise<void> {
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
    if (size > totalMemoryBytes)
      throw new ProviderConfigError(
        `file ${shownPath} of ${inMib(size)} MiB does not fit this machine’s ${inMib(totalMemoryBytes)} MiB`,
      );
  } finally {
    await file.close();
  }
}

const inMib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024);
