// What people do: join, like, talk, and try to have others run what they write.
import assert from 'node:assert/strict';
import { LAPTOP, leaves, PHONE, plays, register, visit } from './browser.js';

const heart = (page) => page.locator('article:not([inert]) .rail button[aria-pressed]').first();

export const somebody_new_joins_likes_and_talks = (base) =>
  visit(base, PHONE, async (page, wrong) => {
    await page.goto('/register');
    await page.getByLabel('User name').fill('小明');
    await page.getByLabel('Password', { exact: true }).fill('a long enough one');
    const join = page.getByRole('main').getByRole('button', { name: 'Register' });
    await join.click();
    await page.getByRole('alert').getByText('This name is taken.').waitFor();
    // The browser writes down every answer that is no success.
    assert.equal(wrong.splice(0).length, 1);
    await register(page, `ann ${Date.now()}`);

    const [saved] = await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith('/like')),
      page.touchscreen.tap(190, 300).then(() => page.touchscreen.tap(190, 300)),
    ]);
    assert.equal(saved.status(), 204);
    assert.equal(await heart(page).getAttribute('aria-pressed'), 'true');
    assert.equal(
      await page.evaluate(() => document.querySelector('article:not([inert]) video').paused),
      false,
    );
    const watched = new URL(page.url()).pathname;

    await page
      .locator('article:not([inert]) .rail')
      .getByRole('button', { name: /Comments/ })
      .click();
    const field = page.getByRole('textbox', { name: 'Add a comment' });
    await field.fill('first!');
    await page.getByRole('button', { name: 'Send' }).click();
    const said = page.locator('.comment', { hasText: 'first!' });
    await said.getByRole('button', { name: 'Reply' }).click();
    await field.fill('and a reply');
    await field.press('Enter');
    await said.getByRole('button', { name: '1 replies' }).click();
    await page
      .locator('.comment.reply', { hasText: 'and a reply' })
      .getByRole('button', { name: 'Delete' })
      .click();
    await page.locator('.comment.reply').waitFor({ state: 'detached' });

    await page.reload();
    await plays(page);
    assert.equal(new URL(page.url()).pathname, watched);
    assert.equal(await heart(page).getAttribute('aria-pressed'), 'true', 'the like was kept');
    await page.goto('/settings');
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('link', { name: 'Log in' }).waitFor();
  });

export const the_session_is_renewed_before_its_token_ends = (base) =>
  visit(base, LAPTOP, async (page) => {
    await register(page, `ben ${Date.now()}`);
    await page.evaluate(() => {
      const kept = JSON.parse(localStorage.getItem('dytt.session'));
      localStorage.setItem('dytt.session', JSON.stringify({ ...kept, renewAt: 0 }));
    });
    const renewal = page.waitForResponse((answer) => answer.url().endsWith('/sessions/renewal'));
    await page.reload();
    assert.equal((await renewal).status(), 200);
    await plays(page);
  });

export const an_ended_session_is_told = (base) =>
  visit(base, LAPTOP, async (page, wrong) => {
    await register(page, `cat ${Date.now()}`);
    await page.context().clearCookies();
    const before = new URL(page.url()).pathname;
    await page.keyboard.press('l');
    await page.getByText('Your session has ended. Log in again.').first().waitFor();
    await page.getByRole('link', { name: 'Log in' }).first().waitFor();
    assert.ok(wrong.splice(0).every((line) => line.includes('401')));
    await page.keyboard.press('ArrowDown');
    await leaves(page, before);
  });

const PAYLOADS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror=window.hit=1>',
  '<svg onload=window.hit=1>',
  '"><script>window.hit=1</script>',
  "'-window.hit-'",
  'javascript:window.hit=1',
  '{{constructor.constructor("window.hit=1")()}}',
  '<iframe srcdoc="<script>parent.hit=1</script>">',
  '</textarea><script>window.hit=1</script>',
  '<a href="javascript:window.hit=1">x</a>',
  '<details open ontoggle=window.hit=1>',
  '<style>@import"javascript:window.hit=1"</style>',
];

export const what_people_write_is_only_ever_text = (base) =>
  visit(base, LAPTOP, async (page) => {
    await register(page, `<img src=x onerror=window.hit=1> ${Date.now() % 10_000}`);
    await page.keyboard.press('c');
    const field = page.getByRole('textbox', { name: 'Add a comment' });
    for (const payload of PAYLOADS) {
      await field.fill(payload);
      await field.press('Enter');
      await page.locator('.comment .text').getByText(payload, { exact: true }).waitFor();
    }
    await page.reload();
    await plays(page);
    await page.keyboard.press('c');
    await page.locator('.comment .text').getByText(PAYLOADS[0], { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => window.hit), undefined);
  });
