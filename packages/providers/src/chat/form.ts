import type { Answer } from './answer.ts';

/** The form of one vendor's answers. One object reads one answer. */
export interface Form {
  /** Reads a whole answer: JSON, of whatever shape. @throws {AnswerError} */
  whole(body: unknown, raw: string, answer: Answer): void;
  /** Reads one event of a stream: JSON, of whatever shape. @throws {AnswerError} */
  event(event: unknown, raw: string, answer: Answer): void;
}
