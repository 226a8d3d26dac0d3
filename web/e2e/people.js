// What people do: join, like, talk, and try to have others run what they write.
import assert from 'node:assert/strict';
import { LAPTOP, leaves, logOut, PHONE, plays, register, visit } from './browser.js';
import { withClip } from './clip.js';
import { PAYLOADS } from './payloads.js';

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
    await logOut(page);
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

/** Fields that are shown to others, by what fills them with a text: each gives where it is then seen. */
const FIELDS = {
  comment: (text, { video }) => [`/videos/${video}/comments`, 'POST', { content: text }],
  title: (text, { own }) => [`/videos/${own}`, 'PATCH', { title: text }],
  display_name: (text) => ['/account', 'PATCH', { display_name: text.slice(0, 64) }],
  signature: (text) => ['/account', 'PATCH', { signature: text }],
  message: (text, { peer }) => [`/users/${peer}/messages`, 'POST', { content: text }],
  report: (text, { video }) => [`/videos/${video}/reports`, 'POST', { reason: 'other', detail: text }],
};

/** Nothing ran, and nothing of what was written became an element. */
async function unharmed(page, where) {
  const found = await page.evaluate(() => ({
    hit: window.hit,
    made: document.querySelectorAll(
      'main :is(script, iframe, object, embed, base, meta, marquee, form[action], [onerror], [onload], [onfocus], [ontoggle])',
    ).length,
  }));
  assert.deepEqual(found, { hit: undefined, made: 0 }, where);
}

export const what_people_write_is_only_ever_text = (base) =>
  withClip(2, false, (clip) =>
    visit(base, LAPTOP, async (page, wrong) => {
      assert.ok(PAYLOADS.length >= 60);
      page.on('dialog', () => assert.fail('something ran'));
      await register(page, `<img src=x onerror=window.hit=1> ${Date.now() % 10_000}`);
      const video = new URL(page.url()).pathname.split('/').pop();
      const me = await page.evaluate(() => JSON.parse(localStorage.getItem('dytt.session')).user);
      await page.goto('/upload');
      await page.getByLabel('Choose a video').setInputFiles(clip);
      await page.getByLabel('Title').fill(PAYLOADS[0]);
      await page.getByRole('button', { name: 'Publish' }).click();
      const own = (await page.getByRole('link', { name: 'Watch it' }).getAttribute('href')).split('/').pop();
      const about = { video, own, peer: 1 };
      const ask = (path, method, body) =>
        page.evaluate(
          async ([path, method, body]) => {
            const headers = { 'content-type': 'application/json' };
            const answer = await fetch(`/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
            return answer.status;
          },
          [path, method, body],
        );
      // Everything that keeps many of them is filled with all, by the way a program fills it.
      for (const text of PAYLOADS) {
        for (const field of ['comment', 'message']) {
          assert.ok((await ask(...FIELDS[field](text, about))) < 300, `${field}: ${text}`);
        }
      }
      await ask(...FIELDS.report(PAYLOADS[15], about));
      await page.goto(`/video/${video}`);
      await plays(page);
      await page.keyboard.press('c');
      const said = page.locator('.comment .text');
      await said.getByText(PAYLOADS.at(-1), { exact: true }).first().waitFor();
      await unharmed(page, 'comments');
      await page.goto('/messages/1');
      await page.getByRole('log').getByText(PAYLOADS.at(-1), { exact: true }).waitFor();
      await unharmed(page, 'messages');
      // What there is one of is seen once with each.
      for (const text of PAYLOADS) {
        for (const field of ['title', 'signature', 'display_name']) {
          // What nobody sees is refused in a name.
          if (field === 'display_name' && text.includes('\t')) continue;
          assert.ok((await ask(...FIELDS[field](text, about))) < 300, `${field}: ${text}`);
        }
        await page.goto(`/users/${me}`);
        await page.locator('.video-grid a').first().waitFor();
        await unharmed(page, `a profile with ${text}`);
      }
      for (const text of PAYLOADS) {
        await page.goto(`/search?q=${encodeURIComponent(text)}`);
        await page.getByRole('searchbox').waitFor();
        await unharmed(page, `a search for ${text}`);
        await page.goto(`/tags/${encodeURIComponent(text.replaceAll('/', ''))}`);
        await page.getByRole('heading').first().waitFor();
        await unharmed(page, `a tag ${text}`);
      }
      // What is no tag is refused, and the browser writes that down.
      const others = wrong.splice(0).filter((line) => !/status of 400.*\/api\/v1\/(tags|search)/.test(line));
      assert.deepEqual(others, []);
      // The page that others are given, where nothing runs yet.
      const page_of = await page.evaluate(
        (id) => fetch(`/video/${id}`, { headers: { accept: 'text/html' } }).then((answer) => answer.text()),
        own,
      );
      assert.equal(page_of.match(/<script/g).length, 1, 'our own alone');
    }),
  );
