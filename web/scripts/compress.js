// Writes `.br` and `.gz` beside every built text that is worth it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = /\.(js|css|svg|webmanifest)$/;
const dist = new URL('../dist/', import.meta.url).pathname;

for (const name of readdirSync(dist, { recursive: true })) {
  if (!TEXT.test(name)) continue;
  const text = readFileSync(join(dist, name));
  if (text.length <= 512) continue;
  writeFileSync(join(dist, `${name}.gz`), gzipSync(text, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(text, { params }));
}
