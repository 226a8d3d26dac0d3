// The real server with the demo's content, on a free port, in a folder of its own.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BINARY = new URL('../../target/debug/dytt', import.meta.url).pathname;
const READY_MS = 60_000;
const POLL_MS = 50;

/** Resolves when the file is there and `read` makes something of it. */
function appears(folder, name, read) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      clearInterval(looking);
      reject(new Error(`${name} did not appear`));
    }, READY_MS).unref();
    const look = () => {
      try {
        const found = read(readFileSync(join(folder, name), 'utf8'));
        clearTimeout(late);
        clearInterval(looking);
        resolve(found);
      } catch {
        // Not there, or half written.
      }
    };
    const looking = setInterval(look, POLL_MS).unref();
  });
}

/** A machine that builds and encodes meanwhile may be too busy to be filled at the first try. */
export const start = () => begin().catch(begin);

async function begin() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: cargo build -p dytt`);
  const folder = mkdtempSync(join(tmpdir(), 'dytt-web-'));
  const data = join(folder, 'data');
  const flags = ['--data-dir', data, '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  // The browsers take the machine that the server is on: it waits where it would say that it is busy.
  const settings = {
    DYTT_LIMITS__ENABLED: 'false',
    DYTT_STORE__READ_WAIT_MS: '10000',
    DYTT_STORE__WRITE_WAIT_MS: '10000',
  };
  const options = { stdio: 'ignore', env: { ...process.env, ...settings } };
  mkdirSync(data);
  const child = spawn(BINARY, ['serve', ...flags], options);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const died = ended.then((code) => Promise.reject(new Error(`dytt serve ended with ${code}`)));
    const http = await Promise.race([died, appears(data, 'serve.json', (text) => JSON.parse(text).http)]);
    died.catch(() => undefined);
    const demo = spawnSync(BINARY, ['demo', ...flags], {
      ...options,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (demo.status !== 0) throw new Error('dytt demo failed');
    return { base: `http://${http}`, data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
