#!/usr/bin/env node
// The installed command works on the caller's folder, as the repository's works on its own.
process.env.WILL_DATA_DIR ||= `${process.cwd()}/.will`;
await import('./main.js');
