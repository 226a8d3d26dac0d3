// What comes from others while one is there: messages between two browsers, and what happened to one's own.
import assert from 'node:assert/strict';
import { accessible, LAPTOP, PHONE, register, visit } from './browser.js';

const own = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('dytt.session')).user);

export const two_browsers_chat_and_both_see_it_at_once = (base) =>
  visit(base, LAPTOP, (ann) =>
    visit(base, PHONE, async (bob) => {
      const annName = `ann ${Date.now()}`;
      await register(ann, annName);
      await register(bob, `bob ${Date.now()}`);
      const [annId, bobId] = [await own(ann), await own(bob)];
      await ann.goto(`/users/${bobId}`);
      await ann.getByRole('link', { name: 'Write a message' }).click();
      await ann.getByText('Nothing was written yet').waitFor();
      const write = async (page, text) => {
        await page.getByRole('textbox', { name: 'Write a message' }).fill(text);
        await page.getByRole('textbox', { name: 'Write a message' }).press('Enter');
      };
      await write(ann, 'hello from a laptop');
      await ann.locator('.message.mine', { hasText: 'hello from a laptop' }).getByText('now').waitFor();
      // Told by the stream, wherever bob is.
      await bob.getByRole('link', { name: /Inbox/ }).click();
      await bob.getByRole('navigation', { name: 'Inbox' }).getByRole('link', { name: 'Messages' }).click();
      await bob.getByRole('button', { name: /Requests 1/ }).click();
      await accessible(bob, 'conversations');
      await bob.getByRole('link', { name: new RegExp(annName) }).click();
      await bob.getByRole('log').getByText('hello from a laptop').waitFor();
      await accessible(bob, 'a chat');
      await write(bob, 'hello from a phone <b>not bold</b>');
      await ann.getByRole('log').getByText('hello from a phone <b>not bold</b>').waitFor();
      await accessible(ann, 'a chat beside its list');
      for (let turn = 0; turn < 5; turn += 1) {
        await write(ann, `and ${turn}`);
        await bob.getByRole('log').getByText(`and ${turn}`, { exact: true }).waitFor();
      }
      // Nobody is told of what they are reading.
      await ann.waitForFunction(() => !document.querySelector('nav i b, .list a i'));
      await bob.goto('/messages');
      await bob.getByRole('link', { name: new RegExp(annName) }).waitFor();
      assert.equal(await bob.getByText('unread:').count(), 0);

      await bob.goto('/notifications');
      await bob.getByText('Nothing happened yet').waitFor();
      await ann.evaluate((id) => fetch(`/api/v1/users/${id}/follow`, { method: 'PUT' }), bobId);
      await bob.getByText(`${annName} follows you`).waitFor();
      await accessible(bob, 'notifications');
      await bob.getByRole('link', { name: /follows you/ }).click();
      await bob.waitForURL(`/users/${annId}`);
    }),
  );

export const a_message_that_does_not_get_there_says_so_and_is_sent_again = (base) =>
  visit(base, PHONE, async (page, wrong) => {
    await register(page, `cut ${Date.now()}`);
    await page.goto('/messages/1');
    await page.getByRole('textbox', { name: 'Write a message' }).waitFor();
    await page.context().setOffline(true);
    await page.getByRole('textbox', { name: 'Write a message' }).fill('into the void');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('No connection. Try again').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.message.mine', { hasText: 'into the void' }).getByText('now').waitFor();
    wrong.splice(0);
  });
