// What an administrator does, and what everybody else then sees.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessible, LAPTOP, logOut, register, visit } from './browser.js';
import { BINARY } from './server.js';

export const an_operator_hides_a_reported_video_and_shows_it_again = (base, data) =>
  visit(base, LAPTOP, async (page, wrong) => {
    // Somebody reports what they see.
    await register(page, `reporter ${Date.now()}`);
    const video = new URL(page.url()).pathname.split('/').pop();
    await page.locator('article:not([inert])').getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'Report' }).click();
    await page.getByLabel('Violence').check({ force: true });
    await page.getByRole('button', { name: 'Report' }).last().click();
    await page.getByText('An administrator will look at it').waitFor();
    await logOut(page);

    const name = `operator ${Date.now()}`;
    await register(page, name);
    assert.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0);
    await page.goto('/admin');
    await page.getByText('Only administrators see this.').waitFor();
    const made = spawnSync(BINARY, ['user', 'admin', name, '--data-dir', data], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    await page.reload();
    await page.getByRole('heading', { name: 'Services' }).waitFor();
    for (const [part, shows] of [
      ['Overview', 'Storage'],
      ['People', 'Nobody'],
      ['Invitations', 'Invite'],
      ['Words', 'Comments that wait'],
      ['Jobs', 'Look again'],
      ['Webhooks', 'What it is told'],
      ['Audit log', 'Administration'],
      ['Reports', 'Violence'],
    ]) {
      await page.getByRole('main').getByRole('link', { name: part }).click();
      await page.getByText(shows).first().waitFor();
      await accessible(page, part);
    }
    const report = page.locator('article', { hasText: 'Violence' });
    await report.getByRole('button', { name: 'Hide the video' }).click();
    await page.getByLabel('Reason').fill('too violent');
    await page.getByRole('dialog').getByRole('button', { name: 'Hide the video' }).click();
    await report.waitFor({ state: 'detached' });
    // Its files are moved: that takes a moment.
    const answers = (status) =>
      page.waitForFunction(
        ([id, status]) =>
          fetch(`/api/v1/videos/${id}`, { credentials: 'omit' }).then((answer) => answer.status === status),
        [video, status],
      );
    await answers(404);
    await page.getByRole('button', { name: 'Upheld' }).click();
    await report.getByRole('button', { name: 'Show the video again' }).click();
    await report.waitFor({ state: 'detached' });
    await answers(200);
    wrong.splice(0);
    await page.getByRole('main').getByRole('link', { name: 'Audit log' }).click();
    await page.getByText('too violent').waitFor();
    await page.getByText(`${name} showed again`).first().waitFor();
    // Undone at once, its files may go once more and come back: then it is gone for another moment.
    const isThere = async () => {
      await page.goto(`/video/${video}`);
      const found = await page.waitForFunction(() => {
        const slide = document.querySelector('article:not([inert])');
        const player = slide?.querySelector('video');
        if (player && !player.paused && player.currentTime > 0.3) return 'plays';
        return slide?.querySelector('.gone') ? 'gone' : undefined;
      });
      return (await found.jsonValue()) === 'plays';
    };
    while (!(await isThere()));
    wrong.splice(0);
  });
