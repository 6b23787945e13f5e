// A service of its own: runs a task, streams one, and submits one that outlives this process.
// WILL_URL names where: nats://host:4222, or grpc://host:50051 for a gateway, which takes the key in WILL_API_KEY.
import { connectClient, TaskError } from '@will/client';

const apiKey = process.env['WILL_API_KEY'];
const will = await connectClient({
  servers: process.env['WILL_URL'] ?? 'nats://127.0.0.1:4222',
  client: process.env['WILL_CLIENT'] ?? 'default',
  ...(apiKey !== undefined && { apiKey }),
});

try {
  const answer = await will.run({ type: 'text_gen', input: 'Name a bread.', maxOutputTokens: 20 });
  console.log('run:', answer.model, answer.output.length > 0);

  let pieces = 0;
  for await (const part of will.stream({ type: 'text_gen', input: 'Name another.', maxOutputTokens: 20 })) {
    if (part.kind === 'delta') pieces += 1;
    if (part.kind === 'end') console.log('stream:', part.result.model, pieces > 0);
  }

  const { taskId } = await will.submit({ type: 'text_gen', input: 'Name a cheese.', maxOutputTokens: 20 });
  const stored = await will.result(taskId, { timeoutMs: 60_000 });
  console.log('submit:', stored.model, stored.output.length > 0);
} catch (error) {
  if (!(error instanceof TaskError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await will.close();
}
