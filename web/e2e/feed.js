// The feed: every line of what its keys, fingers and wheel do.
import assert from 'node:assert/strict';
import { accessible, LAPTOP, leaves, PHONE, plays, swipe, visit } from './browser.js';

const FIRST_FRAME_MS = 1000;
const current = (page) => page.locator('article:not([inert])');
const path = (page) => new URL(page.url()).pathname;

/** Counts layout shifts, long tasks and frames from the first moment on. */
const measure = (page) =>
  page.addInitScript(() => {
    window.seen = { shift: 0, long: 0, frame: 0 };
    const on = (type, add) =>
      new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type, buffered: true });
    on('layout-shift', (entry) => {
      window.seen.shift += entry.hadRecentInput ? 0 : entry.value;
    });
    on('longtask', (entry) => {
      window.seen.long = Math.max(window.seen.long, entry.duration);
    });
    document.addEventListener(
      'loadeddata',
      (event) => {
        event.target.requestVideoFrameCallback?.(() => {
          window.seen.frame ||= performance.now();
        });
      },
      true,
    );
  });

export const the_first_frame_is_there_at_once_and_is_a_picture = (base) =>
  visit(base, PHONE, async (page) => {
    await measure(page);
    await page.goto('/');
    await plays(page);
    await page.waitForFunction(() => window.seen.frame > 0);
    const colours = await page.evaluate(() => {
      const video = document.querySelector('article:not([inert]) video');
      const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, 32, 32);
      return new Set(context.getImageData(0, 0, 32, 32).data).size;
    });
    assert.ok(colours > 16, 'the picture is not black');
    assert.equal(
      await page.evaluate(() => document.querySelector('video').muted),
      true,
      'without sound first',
    );
    const { frame } = await page.evaluate(() => window.seen);
    console.log('first frame', Math.round(frame), 'ms');
    assert.ok(frame <= FIRST_FRAME_MS, `first frame after ${frame} ms`);
  });

export const fingers_lead_on_without_jumps_or_stutter = (base) =>
  visit(base, PHONE, async (page) => {
    await measure(page);
    await page.goto('/');
    await plays(page);
    await page.evaluate(() => {
      window.seen.long = 0;
    });
    const known = new Set([path(page)]);
    for (let step = 0; step < 6; step += 1) {
      await swipe(page, 1);
      const next = await leaves(page, [...known].at(-1));
      assert.ok(!known.has(next), 'one slide further, never back');
      known.add(next);
      await plays(page);
      const videos = await page.evaluate(() => {
        const all = [...document.querySelectorAll('video')];
        return { there: all.length, playing: all.filter((one) => !one.paused).length };
      });
      assert.ok(videos.there <= 4 && videos.playing === 1, JSON.stringify(videos));
    }
    await swipe(page, -1);
    assert.equal(await leaves(page, [...known].at(-1)), [...known].at(-2));
    const { shift, long } = await page.evaluate(() => window.seen);
    assert.ok(shift <= 0.05, `layout shift ${shift}`);
    assert.ok(long <= 100, `a task of ${long} ms`);
    return { shift, long };
  });

export const keys_do_what_their_list_says = (base) =>
  visit(base, LAPTOP, async (page) => {
    await page.goto('/');
    await plays(page);
    const first = path(page);
    await page.keyboard.press('ArrowDown');
    const second = await leaves(page, first);
    await plays(page);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'ARTICLE', 'focus goes along');
    await page.keyboard.press('k');
    assert.equal(await leaves(page, second), first);
    await page.mouse.move(640, 400);
    await page.mouse.wheel(0, 120);
    assert.equal(await leaves(page, first), second, 'the wheel leads one on');
    await plays(page);
    const video = () =>
      page.evaluate(() => {
        const { paused, muted, currentTime } = document.querySelector('article:not([inert]) video');
        return { paused, muted, currentTime };
      });
    await page.keyboard.press(' ');
    await page.waitForFunction(() => document.querySelector('article:not([inert]) video').paused);
    const { currentTime } = await video();
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(
      (before) => document.querySelector('article:not([inert]) video').currentTime < before,
      currentTime,
    );
    await page.keyboard.press(' ');
    await plays(page);
    await page.keyboard.press('m');
    await page.waitForFunction(() => !document.querySelector('article:not([inert]) video').muted);
    for (const [key, name] of [
      ['?', 'Keys'],
      ['s', 'Share'],
      ['c', 'comments'],
    ]) {
      await page.keyboard.press(key);
      await page.getByRole('dialog', { name }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await page.reload();
    await plays(page);
    assert.equal(path(page), second, 'it goes on where it was');
    // Sound is remembered, and comes as soon as the browser lets it.
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => !document.querySelector('article:not([inert]) video').muted);
  });

export const a_video_that_is_gone_is_told_and_the_feed_goes_on = (base) =>
  visit(base, LAPTOP, async (page, wrong) => {
    await page.goto('/video/999999');
    await page.getByText('This video is not here any more').waitFor();
    await page.keyboard.press('ArrowDown');
    await leaves(page, '/video/999999');
    await plays(page);
    // The browser itself writes that the address answered 404.
    assert.ok(wrong.splice(0).every((line) => line.includes('404')));
  });

export const without_a_connection_it_says_so_and_goes_on_later = (base) =>
  visit(base, PHONE, async (page, wrong) => {
    await page.route('**/api/v1/feeds/**', (route) => route.abort('internetdisconnected'));
    await page.goto('/');
    await page.getByRole('alert').getByText('No connection').waitFor();
    await page.unroute('**/api/v1/feeds/**');
    wrong.length = 0;
    await page.getByRole('button', { name: 'Try again' }).click();
    await plays(page);
  });

export const every_part_is_accessible_in_both_languages = async (base) => {
  let rules = 0;
  for (const [locale, view, colorScheme] of [
    ['en-US', LAPTOP, 'dark'],
    ['zh-CN', PHONE, 'light'],
  ]) {
    await visit(base, { ...view, locale, colorScheme }, async (page) => {
      await page.goto('/');
      await plays(page);
      assert.equal(
        await page.evaluate(() => document.documentElement.lang),
        locale === 'zh-CN' ? locale : 'en',
      );
      rules += await accessible(page, `feed ${locale}`);
      for (const key of ['c', 's', '?']) {
        await page.keyboard.press(key);
        await page.locator('dialog').waitFor();
        rules += await accessible(page, `${key} ${locale}`);
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
      }
      await current(page).locator('.rail button').last().click();
      await page.locator('dialog').waitFor();
      rules += await accessible(page, `menu ${locale}`);
      for (const address of ['/login', '/register', '/following', '/nowhere']) {
        await page.goto(address);
        await page.locator('main h1, main h2').first().waitFor();
        rules += await accessible(page, `${address} ${locale}`);
      }
    });
  }
  return { rules };
};

export const who_wants_less_motion_gets_none = (base) =>
  visit(base, { ...PHONE, reducedMotion: 'reduce' }, async (page) => {
    await page.goto('/');
    await page.locator('article:not([inert]) .glyph').waitFor();
    assert.equal(
      await page.evaluate(() => document.querySelector('article:not([inert]) video').paused),
      true,
    );
    await current(page).getByRole('button', { name: 'Play' }).click();
    await plays(page);
  });
