// What the built client may weigh, in bytes as a browser loads them with gzip.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

const DIST = new URL('../dist/', import.meta.url);
const KB = 1024;

const size = (name) => {
  const packed = new URL(`${name}.gz`, DIST);
  return statSync(existsSync(packed) ? packed : new URL(name, DIST)).size;
};

export function budget() {
  const html = readFileSync(new URL('index.html', DIST), 'utf8');
  const first = [...html.matchAll(/"\/(app\/[^"]+)"/g)].map((found) => found[1]);
  const sum = (ending) =>
    first.filter((name) => name.endsWith(ending)).reduce((so, name) => so + size(name), 0);
  const [js, css] = [sum('.js'), sum('.css')];
  assert.ok(js > 0 && js <= 60 * KB, `initial JS is ${js} bytes`);
  assert.ok(css > 0 && css <= 15 * KB, `initial CSS is ${css} bytes`);
  const later = readdirSync(new URL('app/', DIST))
    .map((name) => `app/${name}`)
    .filter((name) => name.endsWith('.js') && !first.includes(name));
  for (const name of later) assert.ok(size(name) <= 40 * KB, `${name} is ${size(name)} bytes`);
  return { js, css, later: Math.max(...later.map(size)) };
}
