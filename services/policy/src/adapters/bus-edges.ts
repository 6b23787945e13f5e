import { toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@will/bus';
import { create, subjects, wire } from '@will/contracts';
import type { Edge } from './cron-edges.ts';

/** Tells routers of edges. While NATS is not connected the word is lost, and decisions end by their own instant. */
export const busEdges =
  (bus: Bus) =>
  ({ schedule, timeZone, isOpen, atMs }: Edge): void => {
    if (!bus.isConnected) return;
    const edge = create(wire.ScheduleEdgeSchema, { schedule, timeZone, isOpen, atUnixMs: BigInt(Math.round(atMs)) });
    bus.publish(subjects.policyEdge, toBinary(wire.ScheduleEdgeSchema, edge));
  };
