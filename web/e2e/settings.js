// What people decide about their browser and their account.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { accessible, LAPTOP, PHONE, register, visit } from './browser.js';

const PASSWORD = 'a long enough one';

/** What a device shows now (RFC 6238). */
function code(secret) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

export const a_browser_is_set_as_one_likes_it = (base) =>
  visit(base, PHONE, async (page) => {
    await page.goto('/settings');
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { name: '设置' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
    await accessible(page, 'settings in Chinese');
    await page.getByRole('button', { name: '浅色' }).click();
    await accessible(page, 'settings in light');
    await page.reload();
    await page.getByRole('heading', { name: '设置' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
  });

export const an_account_gets_a_second_factor_another_password_and_an_end = (base) =>
  visit(base, LAPTOP, async (page, wrong) => {
    const name = `leaver ${Date.now()}`;
    await register(page, name);
    await page.getByRole('link', { name: 'Settings' }).click();
    const second = page.getByRole('region', { name: 'Second factor' });
    await second.getByLabel('Your password now').fill('not this one');
    await second.getByRole('button', { name: 'Set up' }).click();
    await second.getByRole('alert').getByText('Wrong user name or password.').waitFor();
    await second.getByLabel('Your password now').fill(PASSWORD);
    await second.getByRole('button', { name: 'Set up' }).click();
    const secret = await second.locator('code').textContent();
    await page.waitForFunction(() => document.querySelector('img[alt^="QR"]').naturalWidth > 100);
    await accessible(page, 'a second factor');
    await second.getByLabel('Code').fill(code(secret));
    await second.getByRole('button', { name: 'Turn on' }).click();
    await second.getByRole('listitem').nth(9).waitFor();
    const recovery = await second.getByRole('listitem').first().textContent();

    const passwords = page.getByRole('region', { name: 'Password', exact: true });
    await passwords.getByLabel('Your password now').fill(PASSWORD);
    await passwords.getByLabel('New password').fill('another long one');
    await passwords.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('The password was changed').waitFor();
    await page.getByRole('region', { name: 'Where you are logged in' }).getByText('this one').waitFor();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.goto('/login');
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password', { exact: true }).fill('another long one');
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Code of your device').fill(recovery);
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'Profile' }).waitFor();

    await page.goto('/settings');
    const [archive] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download all of it' }).click(),
    ]);
    assert.match(archive.suggestedFilename(), /\.tar$/);
    await page.getByRole('button', { name: 'Delete the account' }).click();
    const sure = page.getByRole('dialog');
    await sure.getByLabel('Your password now').fill('another long one');
    await sure.getByLabel('I am sure').check();
    await accessible(page, 'going');
    await sure.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByText('Your account is deleted').waitFor();
    // The wrong password, and the login that wanted a code.
    assert.ok(
      wrong.splice(0).every((line) => line.includes('401')),
      'nothing else failed',
    );
  });
