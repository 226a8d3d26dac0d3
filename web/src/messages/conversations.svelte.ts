// Whom somebody writes with. It outlives the page, so that going from one to the next does not load it anew.
import { api, ask, type Schemas } from '../api/client';
import { Pages } from '../lib/pages.svelte';

export type Conversation = Schemas['Conversation'] & { id: number };

const load = (requests: boolean) =>
  new Pages<Conversation>(async (cursor) => {
    const query = { requests, ...(cursor && { cursor }) };
    const page = await ask(api.GET('/api/v1/account/conversations', { params: { query } }));
    return { ...page, items: page.items.map((one) => ({ ...one, id: one.user.id })) };
  });

export const conversations = $state({ of: 0, known: load(false), strangers: load(true) });

/** Whose they are: somebody else's are forgotten. */
export function begin(user: number): void {
  if (conversations.of !== user) reload(user);
}

export function reload(user: number): void {
  Object.assign(conversations, { of: user, known: load(false), strangers: load(true) });
  void conversations.known.more();
  void conversations.strangers.more();
}

/** They were read here. */
export function wasRead(peer: number): void {
  for (const list of [conversations.known, conversations.strangers]) {
    const found = list.items.find((one) => one.id === peer);
    if (found) found.unread_count = 0;
  }
}
