/** One server-sent event. JSON has no line breaks of its own. */
export const serverEvent = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** A comment that keeps the connection open. */
export const heartbeat = ': \n\n';
