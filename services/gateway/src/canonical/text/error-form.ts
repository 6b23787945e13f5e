import { errorBody, type HttpError } from '../../server/http/errors.ts';
import { dialects } from '../../api/dialects.ts';

/** The form of errors for the caller that asked for this path: of the dialect whose path it is or is below, else OpenAI's. */
export const errorFormOf = (path: string): ((error: HttpError) => string) =>
  dialects.find((one) => path === one.path || path.startsWith(`${one.path}/`))?.errorBody ?? errorBody;
