// `npm run gpu`: adds the builds of llama.cpp for graphics cards (CUDA, Vulkan, Metal), which weigh up to 700 MB.
// After an install that changed node-llama-cpp, run it again.
import { addLlamaBuilds, llamaBuilds } from './llama-builds.ts';
import { Mendable, messageOf, say, seconds } from './say.ts';

const started = Date.now();
const { all, missing, version } = llamaBuilds();
if (missing.length === 0) {
  say(`nothing to add: ${all.join(', ') || 'node-llama-cpp has no builds for this machine'}`);
} else {
  say(`fetching ${missing.join(', ')} ${version} from npm (up to 700 MB unpacked)`);
  try {
    await addLlamaBuilds(missing, version);
    say(`added in ${seconds(started)}; restart the workers to use them`);
  } catch (error) {
    if (!(error instanceof Mendable)) throw error;
    say(messageOf(error));
    process.exitCode = 1;
  }
}
