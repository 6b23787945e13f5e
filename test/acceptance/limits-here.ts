import { NotPossibleHere } from './not-possible-here.ts';
import { reasonOf, type World } from './world.ts';

/** @throws {NotPossibleHere} the product's containers are not those of this run */
export function mustHaveOurEngine({ product }: World): void {
  if (!product.isOurs) throw new NotPossibleHere('its container engine is not the one of this run');
}

/** @throws {NotPossibleHere} the product's workers do not see the files of this run */
export function mustReadOurFiles(world: World): void {
  const reason = reasonOf(world, 'tiny');
  if (reason !== '')
    throw new NotPossibleHere(`a gguf file of this machine is not served: ${reason ?? 'by no worker'}`);
}

/** @throws {NotPossibleHere} a model that must have a GPU is served */
export function mustHaveNoGpu(world: World): void {
  if (reasonOf(world, 'on-a-gpu') === '') throw new NotPossibleHere('it has a GPU');
}
