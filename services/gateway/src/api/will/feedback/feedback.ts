import { z } from 'zod';
import { checkFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { parseJsonObject } from '../../../server/http/json.ts';

/** `POST /v1/feedback`, closed. */
export const feedbackSchema = z.strictObject({
  task_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /** 1 (useless) to 10. */
  score: z.number().min(1).max(10),
});

/** Feedback on a task's output. @throws {HttpError} 400 */
export const readFeedback = (bytes: Buffer): z.infer<typeof feedbackSchema> =>
  checkFields(feedbackSchema, withoutNulls(parseJsonObject(bytes)));
