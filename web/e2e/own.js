// What people do with their own profile and their own videos.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { accessible, PHONE, plays, register, visit } from './browser.js';
import { withClip } from './clip.js';

const CAPTIONS = 'WEBVTT\n\n00:00.000 --> 00:04.000\nHello from the captions\n';

export const a_profile_is_edited_and_an_own_video_managed = (base) =>
  withClip(4, false, (clip) =>
    visit(base, PHONE, async (page) => {
      await register(page, `own ${Date.now()}`);
      await page.getByRole('link', { name: 'Profile' }).click();
      await page.getByText('No videos yet').waitFor();
      await accessible(page, 'an empty profile');
      await page.getByRole('button', { name: 'Edit profile' }).click();
      const picture = join(clip, '../face.png');
      const made = spawnSync('ffmpeg', [
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=400x300',
        '-frames:v',
        '1',
        picture,
      ]);
      assert.equal(made.status, 0);
      await page.getByLabel('Picture', { exact: true }).setInputFiles(picture);
      await page.getByRole('button', { name: 'Take away' }).waitFor();
      await page.getByLabel('What you are called').fill('小小 The Second');
      await page.getByLabel('About you').fill('I film what moves.');
      await accessible(page, 'editing a profile');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('heading', { name: '小小 The Second' }).waitFor();
      await page.getByText('I film what moves.').waitFor();
      await page.waitForFunction(() => document.querySelector('main .avatar img')?.naturalWidth === 512);

      await page.getByRole('main').getByRole('link', { name: 'Upload' }).first().click();
      await page.getByLabel('Choose a video').setInputFiles(clip);
      await page.getByLabel('Title').fill('my first');
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByRole('link', { name: 'Watch it' }).waitFor();
      await page.getByRole('link', { name: 'Profile' }).click();
      const manage = page.getByRole('button', { name: 'Manage “my first”' });
      await manage.click();
      const sheet = page.getByRole('dialog');
      await sheet.getByLabel('Title').fill('my very first');
      await sheet.getByLabel('Language').fill('en');
      await sheet
        .getByLabel('Add captions')
        .setInputFiles({ name: 'en.vtt', mimeType: 'text/vtt', buffer: Buffer.from(CAPTIONS) });
      await sheet.getByRole('link', { name: 'en' }).waitFor();
      await accessible(page, 'managing a video');
      await sheet.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('link', { name: /my very first/ }).click();
      await plays(page);
      const shown = () =>
        [...document.querySelectorAll('article:not([inert]) video')].some((video) =>
          [...video.textTracks].some((track) => track.mode === 'showing' && track.cues?.length),
        );
      await page.waitForFunction(shown);
      await page.goBack();
      await page.getByRole('button', { name: 'Manage “my very first”' }).click();
      await sheet.getByRole('button', { name: 'Delete this video', exact: true }).click();
      await sheet.getByText('There is no way back').waitFor();
      await sheet.getByRole('button', { name: 'Delete', exact: true }).last().click();
      await page.getByText('No videos yet').waitFor();
    }),
  );
