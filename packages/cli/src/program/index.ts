import type { Register } from './cli.ts';
import { registerAlerts } from './alerts.ts';
import { registerApply } from './apply.ts';
import { registerAudit } from './audit.ts';
import { registerBus } from './bus.ts';
import { registerCompletion } from './completion.ts';
import { registerDecision } from './decision.ts';
import { registerDiff } from './diff.ts';
import { registerExplain } from './explain.ts';
import { registerExport } from './export.ts';
import { registerFeedback } from './feedback.ts';
import { registerGet } from './get.ts';
import { registerHistory } from './history.ts';
import { registerImport } from './import.ts';
import { registerKeys } from './keys.ts';
import { registerLimits } from './limits.ts';
import { registerLogs } from './logs.ts';
import { registerModels } from './models.ts';
import { registerPrices } from './prices.ts';
import { registerProve } from './prove.ts';
import { registerReplay } from './replay.ts';
import { registerRollback } from './rollback.ts';
import { registerRun } from './run.ts';
import { registerStatus } from './status.ts';
import { registerStores } from './stores.ts';
import { registerSubmit } from './submit.ts';
import { registerTasks } from './tasks.ts';
import { registerTop } from './top.ts';
import { registerUsage } from './usage.ts';
import { registerValidate } from './validate.ts';

/** Every command, in the order of the help text. A new one is a file beside this one and a line here. */
export const registrations: readonly Register[] = [
  registerRun,
  registerSubmit,
  registerTasks,
  registerApply,
  registerGet,
  registerValidate,
  registerImport,
  registerExport,
  registerHistory,
  registerDiff,
  registerRollback,
  registerExplain,
  registerLogs,
  registerStores,
  registerUsage,
  registerTop,
  registerFeedback,
  registerLimits,
  registerAlerts,
  registerModels,
  registerKeys,
  registerBus,
  registerAudit,
  registerProve,
  registerPrices,
  registerStatus,
  registerReplay,
  registerDecision,
  registerCompletion,
];
