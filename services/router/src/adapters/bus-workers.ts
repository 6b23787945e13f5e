import { contained } from '@will/runtime';
import { fromBinary } from '@bufbuild/protobuf';
import type { Bus, ProcessesView } from '@will/bus';
import { patterns, wire } from '@will/contracts';
import type { Workers } from '../ports.ts';
import type { SlotQueues } from '../task/slots.ts';

const nobody: ReadonlySet<string> = new Set();

/** Models, as live workers announce them. Computed again only after a change. */
export function busWorkers(view: ProcessesView): Workers {
  let served = new Map<string, Set<string>>();
  let unserved = new Map<string, string>();
  const read = (): void => {
    served = new Map();
    unserved = new Map();
    for (const { processId, models } of view.processes.values()) {
      for (const { model, reason } of models) {
        if (reason === '') served.set(model, (served.get(model) ?? new Set()).add(processId));
        else if (!unserved.has(model)) unserved.set(model, reason);
      }
    }
    for (const model of served.keys()) unserved.delete(model);
  };
  view.onChange(read);
  read();
  return {
    unserved: () => unserved,
    isServed: (model) => served.has(model),
    serving: (model) => served.get(model) ?? nobody,
  };
}

/** Lets waiting tasks go when workers say that they have slots, and one per model every 250 ms besides. */
export function followFreeSlots(bus: Bus, slots: SlotQueues): { stop(): void } {
  const words = bus.listen(patterns.free, (message) => {
    const model = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const { slots: free, reservedSlots } = fromBinary(wire.FreeSlotsSchema, message.data);
    slots.free(model, free, reservedSlots);
  });
  let timer: NodeJS.Timeout;
  const poll = (): void => {
    // Jitter keeps routers from polling in step.
    timer = setTimeout(contained(poll), 200 + Math.random() * 100);
    slots.poll();
  };
  timer = setTimeout(contained(poll), 250);
  return {
    stop() {
      words.unsubscribe();
      clearTimeout(timer);
    },
  };
}
