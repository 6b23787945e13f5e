import type { TaskRequest } from '@will/client';
import { type DataClass, dataClasses, strictestOf } from '@will/core';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { name } from '../api/schemas.ts';
import type { Viewer } from '../viewer.ts';

/** Facts that a task states beside its content. */
export const facts = z.object({
  type: name,
  client: name.optional(),
  project: name.optional(),
  reflex: name.optional(),
  priority: z.enum(['background', 'normal', 'high']).optional(),
  model: name.optional(),
  unavailable_model: z.enum(['error', 'route']).optional(),
  data_class: z.enum(dataClasses as readonly [DataClass, ...DataClass[]]).optional(),
  max_output_tokens: z.number().int().min(1).max(10_000_000).optional(),
});

/** A task that a viewer states, bound to the task types and the data class of the viewer's key. @throws {AdminError} 'forbidden' */
export function taskAs(viewer: Viewer, said: z.infer<typeof facts>): Omit<TaskRequest, 'input'> {
  const { type, client, project, reflex, priority, model, max_output_tokens: maxOutputTokens } = said;
  if (viewer.taskTypes.length > 0 && !viewer.taskTypes.includes(type))
    throw new AdminError(
      'forbidden',
      `task type ${JSON.stringify(type.slice(0, 64))} must be one of this key's: ${viewer.taskTypes.join(', ')}`,
    );
  const dataClass =
    viewer.dataClass && said.data_class
      ? strictestOf(viewer.dataClass, said.data_class)
      : (viewer.dataClass ?? said.data_class);
  const unavailableModel = said.unavailable_model ?? viewer.unavailableModel;
  return {
    type,
    ...(client !== undefined && { client }),
    ...(project !== undefined && { project }),
    ...(reflex !== undefined && { reflex }),
    ...(priority !== undefined && { priority }),
    ...(model !== undefined && { model }),
    ...(dataClass !== undefined && { dataClass }),
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
}
