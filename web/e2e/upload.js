// Publishing, from the first choice of a file to the video in the feed; also when nothing goes well on the way.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { accessible, LAPTOP, PHONE, plays, register, visit } from './browser.js';
import { withClip } from './clip.js';

const pick = (page, clip) => page.getByLabel('Choose a video').setInputFiles(clip);

export const a_newcomer_publishes_and_others_find_it = (base) =>
  withClip(4, false, (clip) =>
    visit(base, PHONE, async (page) => {
      await register(page, `uploader ${Date.now()}`);
      await page.goto('/upload');
      await accessible(page, 'upload');
      await pick(page, clip);
      await page.getByText('Uploaded', { exact: true }).waitFor();
      await page.getByRole('radio').nth(6).waitFor();
      await page.getByRole('radio', { name: '0:02' }).first().check({ force: true });
      const tag = `walk${Date.now()}`;
      await page.getByLabel('Title').fill(`Hello from #${tag}`);
      await page.getByRole('button', { name: 'Friends' }).click();
      await page.getByRole('button', { name: 'Everybody' }).click();
      await accessible(page, 'a chosen video');
      await page.getByRole('button', { name: 'Publish' }).click();
      const watch = page.getByRole('link', { name: 'Watch it' });
      await watch.waitFor();
      await accessible(page, 'a published video');
      await watch.click();
      await plays(page);
      await page.goto(`/tags/${tag}`);
      await page.getByRole('link', { name: /Hello from/ }).waitFor();
    }),
  );

export const an_interrupted_upload_goes_on_where_it_was = (base) =>
  withClip(3, true, (clip) =>
    visit(base, LAPTOP, async (page, wrong) => {
      const size = statSync(clip).size;
      assert.ok(size > 20e6, `large enough to be interrupted: ${size}`);
      page.on('dialog', (dialog) => dialog.accept());
      await register(page, `sender ${Date.now()}`);
      const wire = await page.context().newCDPSession(page);
      const speed = (bytes) =>
        wire.send('Network.emulateNetworkConditions', {
          offline: bytes === 0,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: bytes,
        });
      await wire.send('Network.enable');
      await page.goto('/upload');
      await speed(4e6);
      await pick(page, clip);
      await page.getByLabel('Title').fill('Sent in three pieces');
      const arrived = (share) =>
        page.waitForFunction((share) => {
          const bar = document.querySelector('progress');
          return bar && bar.value / bar.max > share;
        }, share);
      await arrived(0.45);
      await page.reload();
      await page.getByText('An upload was interrupted: choose holiday.mp4 again').waitFor();
      const from = [];
      page.on('request', (request) => {
        const at = request.headers()['upload-offset'];
        if (request.method() === 'PATCH') from.push(Number(at));
      });
      await pick(page, clip);
      assert.equal(await page.getByLabel('Title').inputValue(), 'Sent in three pieces', 'the draft is kept');
      await arrived(0.6);
      await speed(0);
      await page.waitForFunction(() => !navigator.onLine);
      await speed(-1);
      await page.getByText('Uploaded', { exact: true }).waitFor();
      // Noise is nothing for the feeds of other walks.
      await page.getByRole('button', { name: 'Only me' }).click();
      assert.ok(from[0] > 0.3 * size, `it went on at ${from[0]} of ${size}`);
      // What the browser writes down about the connection that was taken away.
      wrong.splice(0);
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByRole('link', { name: 'Watch it' }).click();
      await plays(page);
    }),
  );

export const a_file_that_is_no_video_is_refused_where_it_was_chosen = (base) =>
  visit(base, LAPTOP, async (page, wrong) => {
    await register(page, `wrong ${Date.now()}`);
    await page.goto('/upload');
    const file = (name, mimeType) => ({ name, mimeType, buffer: Buffer.from('this is text') });
    await page.getByLabel('Choose a video').setInputFiles(file('notes.txt', 'text/plain'));
    await page.getByRole('alert').getByText('This file is not a video').waitFor();
    await page.getByLabel('Choose a video').setInputFiles(file('notes.mp4', 'video/mp4'));
    await page.getByText('Uploaded', { exact: true }).waitFor();
    await page.getByLabel('Title').fill('not a video');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('alert').getByText('This file is not a video').waitFor();
    // The refusal, and the player that could not show it.
    wrong.splice(0);
  });
