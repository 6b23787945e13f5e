import type { Model } from '@will/core';
import { openEngineSocket } from '../egress/engine-socket.ts';
import type { Provider } from '../port.ts';
import { ContainerConnection } from './connection.ts';
import { Engine } from './engine.ts';

/** Settings of models in containers. */
export interface ContainerOptions {
  /** The engine's socket: `unix:///var/run/docker.sock`. */
  readonly engine: string;
}

/**
 * A provider whose models may live in containers. A model of call method `container` that names an image gets its address from
 * the engine; every other one is opened as before.
 */
export function withContainers(provider: Provider, { engine: address }: ContainerOptions): Provider {
  return {
    name: provider.name,
    async open(model) {
      const image = model.callMethod === 'container' ? model.document.local?.container : undefined;
      if (image === undefined) return provider.open(model);
      const socket = openEngineSocket(address);
      const connection = new ContainerConnection({
        model,
        image,
        engine: new Engine(socket),
        openAt: (endpoint) => provider.open(at(model, endpoint)),
        onClose: () => socket.close(),
      });
      try {
        await connection.open();
        return connection;
      } catch (error) {
        await connection.close();
        throw error;
      }
    },
  };
}

const at = (model: Model, endpoint: string): Model => ({ ...model, document: { ...model.document, endpoint } });
