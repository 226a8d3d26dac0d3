// A clip to publish, made anew for each walk.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `walk` with a clip of so many seconds, of noise when it is to be large. */
export async function withClip(seconds, noise, walk) {
  const folder = mkdtempSync(join(tmpdir(), 'dytt-clip-'));
  const clip = join(folder, 'holiday.mp4');
  const picture = `testsrc2=size=360x640:rate=25:duration=${seconds}${noise ? ',noise=alls=90:allf=t' : ''}`;
  const words = `-v error -f lavfi -i ${picture} -f lavfi -i sine=duration=${seconds} -c:v libx264 -preset ultrafast`;
  const quality = `-pix_fmt yuv420p ${noise ? '-qp 4' : ''} -c:a aac -shortest ${clip}`;
  const made = spawnSync('ffmpeg', `${words} ${quality}`.trim().split(/\s+/), { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  try {
    return await walk(clip);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
