// Every walk through the real server in a real browser: `npm run e2e`, or `npm run e2e -- feed`.
import * as admin from './admin.js';
import { budget } from './budget.js';
import * as feed from './feed.js';
import * as own from './own.js';
import * as people from './people.js';
import { start } from './server.js';
import * as settings from './settings.js';
import * as talk from './talk.js';
import * as upload from './upload.js';

const wanted = process.argv[2] ?? '';
const walks = Object.entries({
  ...feed,
  ...people,
  ...upload,
  ...own,
  ...talk,
  ...settings,
  ...admin,
}).filter(([name]) => name.includes(wanted));
if (!walks.length) throw new Error(`no walk is called ${wanted}`);

console.log('sizes', budget());
const server = await start();
let failed = 0;
try {
  for (const [name, walk] of walks) {
    const began = Date.now();
    try {
      const told = await walk(server.base, server.data);
      console.log(`ok ${name} (${Date.now() - began} ms)`, told ?? '');
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}\n`, error);
    }
  }
} finally {
  await server.stop();
}
console.log(`${walks.length - failed} of ${walks.length} walks went well`);
process.exitCode = failed ? 1 : 0;
