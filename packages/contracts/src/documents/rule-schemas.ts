import {
  gapsOf,
  slugOf,
  maxTimeoutMs,
  slugPattern,
  type ClientDocument,
  type ProjectDocument,
  type ReflexDocument,
  type RouteDocument,
  type ScheduleDocument,
  type SettingsDocument,
} from '@will/core';
import { z } from 'zod';
import {
  choice,
  choices,
  costTags,
  dates,
  domains,
  keyReference,
  milliseconds95,
  number,
  record,
  slug,
  tags,
  text,
  texts,
  timeOfDay,
  timeZone,
  webhookAddress,
  whole,
  yesNo,
} from './fields.ts';
import { cap } from './cap-schema.ts';
import { quote } from './problem.ts';

const dataClasses = ['open', 'customer', 'sensitive', 'customer-sensitive'] as const;
const modelName = () => text(100);
const maxFallbacks = 20;

const name = (what: string) => text(100).describe(what);
/** A slug that may be left out: the name gives it then. */
export const optionalSlug = () =>
  slug().describe('Its name in keys and addresses. Default: made from the name.').exactOptional();

/** At most an hour each. */
export const timeouts = () =>
  record({
    first_token_ms: whole(1, maxTimeoutMs)
      .describe('How long a model may be silent before its first token. Default: 30 s for `API`, else 180 s.')
      .exactOptional(),
    idle_ms: whole(1, maxTimeoutMs)
      .describe('How long a silence within an answer may last. Default: 30 s.')
      .exactOptional(),
    max_ms: whole(1, maxTimeoutMs)
      .describe('How long a task may take in all. A caller may ask for less, not for more. Default: 10 minutes.')
      .exactOptional(),
  })
    .describe('Timeouts in milliseconds. The client’s count before the route’s, and those before the task type’s.')
    .exactOptional();

/** `fallback_1` to `fallback_20`. */
const fallbackShape = Object.fromEntries(
  Array.from({ length: maxFallbacks }, (_, index) => [
    `fallback_${index + 1}`,
    modelName()
      .describe(`Model tried as number ${index + 2}.`)
      .exactOptional(),
  ]),
) as Record<`fallback_${number}`, z.ZodExactOptional<ReturnType<typeof modelName>>>;

const fallbacksOf = (document: object): { step: string; model: string }[] =>
  Object.keys(fallbackShape).flatMap((step) => {
    const model = (document as Record<string, unknown>)[step];
    return typeof model === 'string' ? [{ step, model }] : [];
  });

/** The slug of a document: its own, else the one of its name. */
export const slugFor = (document: { name: string; slug?: string }, context: z.RefinementCtx): string => {
  const made = document.slug ?? slugOf(document.name);
  if (!slugPattern.test(made))
    context.addIssue({
      code: 'custom',
      path: ['name'],
      message: `${quote(document.name)} has no letter or digit to make a slug from`,
    });
  return made;
};

/** Fields of a route. */
export const routeShape = {
  name: name('Task type: `text_gen`, `code`.'),
  slug: optionalSlug(),
  primary: modelName().describe('Model tried first: name, alias or slug.').exactOptional(),
  ...fallbackShape,
  steps: z
    .array(
      record({
        step: text(32).describe('`primary`, `fallback_1`, …'),
        model: modelName().describe('Model of the step.'),
      }),
      {
        error: (issue) => `${quote(issue.input)} must be a list of maps of step, model`,
      },
    )
    .max(maxFallbacks + 1, {
      error: `must have at most ${maxFallbacks + 1} items`,
    })
    .describe('The same as one list, as it is stored; instead of `primary` and `fallback_…`.')
    .exactOptional(),
  premium_if_empty: yesNo()
    .describe('Use premium models also at normal priority when nothing else is left. Default: no.')
    .exactOptional(),
  wait_ms: whole(0, 60_000)
    .describe('How long a model that is full is waited for before the next is tried, in milliseconds. Default: 200.')
    .exactOptional(),
  adaptive_timeout: yesNo()
    .describe(
      'Whether a service that is silent for far longer than it usually is gives way to the next model. Default: yes.',
    )
    .exactOptional(),
  mode: choice('cascade', 'auto', 'shadow')
    .describe(
      '`cascade`: the declared order. `auto`: by `goal`, from measured speed, cost, quality and success. `shadow`: the declared order, and what auto would do is recorded. Default: `cascade`.',
    )
    .exactOptional(),
  goal: choice('speed', 'cost', 'quality', 'balanced')
    .describe('What `auto` and `shadow` order by; tasks of high priority go by quality. Default: `balanced`.')
    .exactOptional(),
  timeouts: timeouts(),
  hedge_after: milliseconds95()
    .describe(
      'When a streamed task without content is given to the next model besides: after so many milliseconds, or `p95`, the time in which 95 of 100 first tokens of its model come. The first content counts, the other call is cancelled, both are paid. At most 5 % of calls. Default: never.',
    )
    .exactOptional(),
};

/** Reads a route as an operator writes it. */
export const routeSchema = record(routeShape).transform((route, context): RouteDocument => {
  const { premium_if_empty, wait_ms } = route;
  const named = [
    ...(route.primary === undefined ? [] : [{ step: 'primary', model: route.primary }]),
    ...fallbacksOf(route),
  ];
  if (route.steps && named.length > 0)
    context.addIssue({
      code: 'custom',
      path: ['steps'],
      message: 'must not stand beside primary or fallback_…; write one of the two',
    });
  else if (!route.steps?.length && route.primary === undefined)
    context.addIssue({
      code: 'custom',
      path: ['primary'],
      message: 'is missing; a route must name at least its primary model',
    });
  return {
    name: route.name,
    slug: slugFor(route, context),
    steps: route.steps ?? named,
    ...(premium_if_empty !== undefined && { premium_if_empty }),
    ...(wait_ms !== undefined && { wait_ms }),
    ...(route.adaptive_timeout !== undefined && { adaptive_timeout: route.adaptive_timeout }),
    ...(route.mode !== undefined && { mode: route.mode }),
    ...(route.goal !== undefined && { goal: route.goal }),
    ...(route.timeouts && { timeouts: route.timeouts }),
    ...(route.hedge_after !== undefined && { hedge_after: route.hedge_after }),
  };
});

const overrideShape = {
  slug: optionalSlug(),
  aliases: texts(0, 50, 100).describe('Other names that callers may use.').exactOptional(),
  default_model: modelName().describe('Model tried before the route: name, alias or slug.').exactOptional(),
  unavailable_model: choice('error', 'route')
    .describe(
      'What happens when a task names a model that does not exist or that a rule excludes. `error`: the task is rejected. `route`: the route answers instead. Default: `error`.',
    )
    .exactOptional(),
  force_tone: text(200).describe('Tone every answer must have: `formal`.').exactOptional(),
  data_rules: record({
    use_compliant_only: yesNo()
      .describe('Only models that comply with what `compliance` lists, or with any standard where it is absent.')
      .exactOptional(),
    avoid_cloud: yesNo()
      .describe('Only models whose call method is not `API` and whose address is private.')
      .exactOptional(),
    data_residency: choice('US', 'EU', 'Global')
      .describe('Only models whose data stays there. `Global` as a demand is met by all that state one.')
      .exactOptional(),
  })
    .describe('Hard rules on data. Those of client and project add up.')
    .exactOptional(),
  compliance: choices(1, 'HIPAA', 'GDPR')
    .describe('Standards that `use_compliant_only` asks for, all of them. Absent: any one is enough.')
    .exactOptional(),
  data_class: choice(...dataClasses)
    .describe('Class of its data where a task does not say. Default: that of the settings.')
    .exactOptional(),
  mode: choice('cascade', 'auto', 'shadow').describe('In place of the route’s `mode`.').exactOptional(),
  goal: choice('speed', 'cost', 'quality', 'balanced')
    .describe('In place of the route’s `goal`, also for high priority.')
    .exactOptional(),
  budget: record({
    daily: cap.describe('What may be used per day.').exactOptional(),
    monthly: cap.describe('What may be used per month.').exactOptional(),
    warn_at: number(0, 1).describe('Share of a cap from which on operators are warned. Default: 0.8.').exactOptional(),
    alerts: record({
      url: webhookAddress().describe('Address that is told: `https://`, or `http://` on a private address.'),
      secret: keyReference().describe('Where telemetry finds the secret that signs: `whsec_…` in base64, or any text.'),
    })
      .describe(
        'A webhook that is told once per period when 80, 95 and 100 % are used, and when a task is rejected since it is used up.',
      )
      .exactOptional(),
  })
    .describe(
      'What may be used in all, on every model. Days and months are those of the client’s `time_zone`, else UTC.',
    )
    .exactOptional(),
};

/** Fields of a client. */
export const clientShape = {
  name: name('Client.'),
  ...overrideShape,
  strict_requests: yesNo()
    .describe(
      'Whether what a request names and Will does not know, such as a reflex, is an error. Default: no, it is ignored with a notice.',
    )
    .exactOptional(),
  time_zone: timeZone()
    .describe(
      'Zone in which schedules are read for this client, and its days and months are counted. Absent: that of the schedule; UTC.',
    )
    .exactOptional(),
  keep_content_hours: whole(1, 720)
    .describe(
      'Keeps what is said in its calls, prompts and answers, for so many hours (`willm logs content`). Absent: never.',
    )
    .exactOptional(),
  timeouts: timeouts(),
  cost_tags: costTags()
    .describe(
      'Keys that its tasks may count their cost under, and the values of each: `{ team: [search, ads] }`. A task that states any other is rejected. Absent: none.',
    )
    .exactOptional(),
};
/** Reads a client as an operator writes it. */
export const clientSchema = record(clientShape).transform(
  (client, context): ClientDocument => ({
    ...client,
    slug: slugFor(client, context),
  }),
);

/** Fields of a project. */
export const projectShape = {
  name: name('Project.'),
  ...overrideShape,
  client: text(100).describe('Client it belongs to. Absent: any client may name it.').exactOptional(),
};
/** Reads a project as an operator writes it. */
export const projectSchema = record(projectShape).transform(
  (project, context): ProjectDocument => ({
    ...project,
    slug: slugFor(project, context),
  }),
);

/** Fields of a reflex. */
export const reflexShape = {
  name: name('Reflex: `auto_debug_logs`.'),
  slug: optionalSlug(),
  preferred_model: modelName().describe('Model tried first: name, alias or slug.').exactOptional(),
  fallback: texts(1, maxFallbacks, 100)
    .describe('Model, or list of models, tried after it; then the route goes on.')
    .exactOptional(),
  ...fallbackShape,
};
/** Reads a reflex as an operator writes it. */
export const reflexSchema = record(reflexShape).transform((reflex, context): ReflexDocument => {
  const fallback = [...(reflex.fallback ?? []), ...fallbacksOf(reflex).map(({ model }) => model)];
  if (reflex.preferred_model === undefined && fallback.length === 0)
    context.addIssue({
      code: 'custom',
      path: ['preferred_model'],
      message: 'is missing; a reflex must name a preferred_model or a fallback',
    });
  for (const { field, message } of gapsOf(fallbacksOf(reflex)))
    context.addIssue({ code: 'custom', path: [field], message });
  return {
    name: reflex.name,
    slug: slugFor(reflex, context),
    ...(reflex.preferred_model !== undefined && {
      preferred_model: reflex.preferred_model,
    }),
    ...(fallback.length > 0 && { fallback }),
  };
});

const preference = z
  .union([choice('local', 'cheapest'), record({ tags: tags(1).describe('Models with one of these tags.') })], {
    error: (issue) => `${quote(issue.input)} must be local, cheapest, or a map of tags`,
  })
  .meta({ allowed: 'local, cheapest, or a map of tags' });

/** Fields of a schedule. */
export const scheduleShape = {
  name: name('Schedule: `off_hours`.'),
  slug: optionalSlug(),
  time_zone: timeZone().describe('Zone of its times, where the client has none. Default: `UTC`.').exactOptional(),
  days: choices(1, 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
    .describe('Days on which the window opens. Default: every day.')
    .exactOptional(),
  from: timeOfDay().describe('When the window opens.'),
  to: timeOfDay().describe('When it closes; earlier than `from` means the next day.'),
  except_dates: dates().describe('Dates on which it does not open.').exactOptional(),
  prefer: preference.describe('What is preferred inside the window.').exactOptional(),
  priorities: choices(1, 'background', 'normal', 'high')
    .describe('Tasks it is for, by priority. Default: all.')
    .exactOptional(),
  task_types: tags(1).describe('Tasks it is for, by type. Default: all.').exactOptional(),
};
/** Reads a schedule as an operator writes it. */
export const scheduleSchema = record(scheduleShape).transform((schedule, context): ScheduleDocument => {
  if (schedule.from === schedule.to)
    context.addIssue({
      code: 'custom',
      path: ['to'],
      message: `${quote(schedule.to)} must differ from from; a whole day is 00:00 to 24:00`,
    });
  return {
    ...schedule,
    slug: slugFor(schedule, context),
    time_zone: schedule.time_zone ?? 'UTC',
  };
});

/** Fields of the settings. */
export const settingsShape = {
  name: name('Always `global`, which is the default.').exactOptional(),
  slug: slug().describe('Always `global`.').exactOptional(),
  default_data_class: choice(...dataClasses)
    .describe('Class of data of which nobody said anything. Default: `customer-sensitive`, the strictest.')
    .exactOptional(),
  strict_changes: yesNo()
    .describe('Refuse a change that loosens a rule on data, unless `--allow-loosening` is given. Default: no.')
    .exactOptional(),
  unnamed: choice('default', 'reject')
    .describe('What a request is that names no client: the client `default`, or an error. Default: `default`.')
    .exactOptional(),
  private_domains: domains()
    .describe(
      'Domains whose names are private addresses for `avoid_cloud`, such as `svc.cluster.local`: a model below one is called only where its name resolves to an address that is not public. Default: none.',
    )
    .exactOptional(),
};
/** Reads the settings as an operator writes them. */
export const settingsSchema = record(settingsShape).transform((settings, context): SettingsDocument => {
  for (const field of ['name', 'slug'] as const)
    if (settings[field] !== undefined && settings[field] !== 'global')
      context.addIssue({
        code: 'custom',
        path: [field],
        message: `${quote(settings[field])} must be global; there is one document of settings`,
      });
  return { ...settings, name: 'global', slug: 'global' };
});
