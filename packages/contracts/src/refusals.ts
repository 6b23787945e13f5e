import { type CallerProblem, projectNotTheirs } from '@will/core';
import * as wire from './gen/will/v1/task_pb.js';

/** Tells a caller that what it names is not there for it: code and message. */
export type Refusals = (problem: CallerProblem) => readonly [wire.FailureCode, string];

const { UNKNOWN_CLIENT, UNKNOWN_PROJECT, BLOCKED, INVALID_TASK, FORBIDDEN } = wire.FailureCode;
const codes: Readonly<Record<CallerProblem['rule'], wire.FailureCode>> = {
  unknown_client: UNKNOWN_CLIENT,
  unknown_project: UNKNOWN_PROJECT,
  foreign_project: BLOCKED,
  unknown_reflex: INVALID_TASK,
};

/** For servers on which callers say themselves who they are. */
export const openRefusals: Refusals = ({ rule, detail }) => [codes[rule], detail];

/** For servers that know who asks: a project that does not exist and one of another client get the same answer. */
export const closedRefusals: Refusals = (problem) =>
  problem.rule === 'unknown_project' || problem.rule === 'foreign_project'
    ? [FORBIDDEN, projectNotTheirs(problem.said)]
    : openRefusals(problem);

/** A bus with users, of which each has its own seed, knows who asks. */
export const refusalsOnBus = (seedFile: string | undefined): Refusals =>
  seedFile === undefined ? openRefusals : closedRefusals;
