// An OpenAI-compatible model server with a fixed time per call.
import { createServer } from 'node:http';
const ms = Number(process.env.MS ?? 2000);
let inFlight = 0;
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ object: 'list', data: [{ id: 'mock', object: 'model' }], inFlight }));
  }
  let text = '';
  request.on('data', (c) => (text += c));
  request.on('end', async () => {
    const asked = JSON.parse(text);
    inFlight++;
    const words = 'one two three four five six seven eight nine ten'.split(' ');
    if (asked.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const w of words) {
        await new Promise((r) => setTimeout(r, ms / words.length));
        response.write(
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'mock', choices: [{ index: 0, delta: { content: w + ' ' }, finish_reason: null }] })}\n\n`,
        );
      }
      response.write(
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'mock', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 10, total_tokens: 15 } })}\n\ndata: [DONE]\n\n`,
      );
    } else {
      await new Promise((r) => setTimeout(r, ms));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(
        JSON.stringify({
          id: 'c',
          object: 'chat.completion',
          created: 1,
          model: 'mock',
          choices: [{ index: 0, message: { role: 'assistant', content: words.join(' ') }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 5, completion_tokens: 10, total_tokens: 15 },
        }),
      );
    }
    inFlight--;
    response.end();
  });
});
// As a service's: while the machine stands still, Node would close connections on which a call has come.
server.keepAliveTimeout = 75_000;
server.listen(Number(process.env.PORT ?? 8000), process.env.HOST ?? '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
