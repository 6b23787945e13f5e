// A hook that raises the data class of what holds a mail address: models that may not see it are passed over.
// Named by WILL_EXTENSIONS where provider-workers run.
import type { Extension, HookedCall } from '@will/extension';

const mailAddress = /[\w.+-]+@[\w-]+\.[a-z]{2,}/i;
const decoder = new TextDecoder();

const holdsMailAddress = ({ inputKind, input }: HookedCall): boolean =>
  inputKind === 'chat' && mailAddress.test(decoder.decode(input));

export default {
  name: 'mail-addresses',
  hooks: [
    {
      name: 'mail-addresses',
      before: (call) => (holdsMailAddress(call) ? { dataClass: 'customer' } : undefined),
    },
  ],
} satisfies Extension;
