import type { ContentDelta } from './port.ts';

/** What one message on the bus may hold beside the rest of a frame. */
const mostDataBytes = 512 * 1024;

/** The data fits into one message beside everything else. */
export const fitsOneMessage = ({ data }: ContentDelta): boolean => (data?.length ?? 0) <= mostDataBytes;

/** What fits no single message goes as a stream, also to a caller that asked for none: it puts it together. */
export function inPieces({ text, data, dataType }: ContentDelta, onDelta: (delta: ContentDelta) => void): void {
  for (let at = 0; data && at < data.length; at += mostDataBytes)
    onDelta({
      ...(at === 0 && text !== undefined && { text }),
      data: data.subarray(at, at + mostDataBytes),
      ...(dataType !== undefined && { dataType }),
    });
}
