// Debian's Chromium, one fresh profile a person, and what a page must never do.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
const ARGUMENTS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
export const LAPTOP = { viewport: { width: 1280, height: 800 } };

/** Runs `walk` with a page of somebody new; nothing may be written to the console as an error. */
export async function visit(base, options, walk) {
  const profile = mkdtempSync(join(tmpdir(), 'dytt-browser-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    args: ARGUMENTS.split(' '),
    baseURL: base,
    locale: 'en-US',
    ...options,
  });
  const wrong = [];
  try {
    const [page] = browser.pages();
    page.setDefaultTimeout(30_000);
    // A server that is busy says 503, and the client asks again; that it gets there is what the walks see.
    const isWrong = (line) => line.type() === 'error' && !line.text().includes('status of 503');
    page.on('console', (line) => isWrong(line) && wrong.push(`${line.text()} ${line.location().url}`));
    page.on('pageerror', (error) => wrong.push(String(error)));
    const told = await walk(page, wrong);
    assert.deepEqual(wrong, [], 'no errors in the console');
    return told;
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Waits until the video that is watched moves. */
export const plays = (page) =>
  page.waitForFunction(() => {
    const video = document.querySelector('article:not([inert]) video');
    return video && !video.paused && video.currentTime > 0.3;
  });

/** Somebody new, who then watches. */
export async function register(page, name) {
  await page.goto('/register');
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill('a long enough one');
  await page.getByRole('main').getByRole('button', { name: 'Register' }).click();
  await plays(page);
}

export async function logOut(page) {
  await page.goto('/settings');
  const button = page.getByRole('button', { name: 'Log out', exact: true });
  // What is loaded when it is seen is there before, or it would be refused.
  await button.scrollIntoViewIfNeeded();
  await page.getByRole('region', { name: 'Blocked and muted' }).getByText('Nobody').waitFor();
  await button.click();
  await page.getByRole('link', { name: 'Log in' }).waitFor();
}

/** Waits until another video than this one is watched, and gives its address. */
export async function leaves(page, path) {
  await page.waitForFunction((old) => location.pathname !== old, path);
  return new URL(page.url()).pathname;
}

export async function accessible(page, what) {
  // Text is measured where it stands, not while it comes in; what turns without an end is not waited for.
  await page.evaluate(() => {
    const ends = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
    return Promise.all(
      document
        .getAnimations()
        .filter(ends)
        .map((one) => one.finished.catch(() => 0)),
    );
  });
  await page.evaluate(`if (!window.axe) { ${AXE} }`);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`);
  assert.deepEqual(told, [], `axe: ${what}`);
  return passes.length;
}

export async function swipe(page, by) {
  // A finger that comes while it still moves stops it.
  await page.waitForFunction(() => {
    const track = document.querySelector('.track');
    return (
      Math.abs(track.scrollTop / track.clientHeight - Math.round(track.scrollTop / track.clientHeight)) <
      0.002
    );
  });
  const client = await page.context().newCDPSession(page);
  const touch = (type, y) =>
    client.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: type === 'touchEnd' ? [] : [{ x: 190, y }],
    });
  const from = by > 0 ? 620 : 220;
  await touch('touchStart', from);
  for (let step = 1; step <= 8; step += 1) await touch('touchMove', from - (by * 400 * step) / 8);
  await touch('touchEnd', 0);
}
