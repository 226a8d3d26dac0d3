// What one does with a video: shown at once, taken back when the server refuses.
import { api, ask } from '../api/client';
import { tell } from '../api/problem';
import { toast } from '../parts/toasts.svelte';
import { mustLogIn, session } from '../session.svelte';
import type { Item } from './feed.svelte';

export async function like(item: Item, liked = !item.card.is_liked): Promise<void> {
  const { card } = item;
  if (mustLogIn() || card.is_liked === liked) return;
  const show = (value: boolean) => {
    card.like_count += value ? 1 : -1;
    card.is_liked = value;
  };
  show(liked);
  const params = { path: { id: item.id } };
  try {
    await ask(
      liked
        ? api.PUT('/api/v1/videos/{id}/like', { params })
        : api.DELETE('/api/v1/videos/{id}/like', { params }),
    );
    toast(liked ? 'feed.liked' : 'feed.unliked', { quiet: true });
  } catch (error) {
    show(!liked);
    tell(error);
  }
}

export async function bookmark(item: Item): Promise<void> {
  const { detail } = item;
  if (mustLogIn() || !detail) return;
  const wanted = !detail.is_bookmarked;
  detail.is_bookmarked = wanted;
  const params = { path: { id: item.id } };
  try {
    await ask(
      wanted
        ? api.PUT('/api/v1/videos/{id}/bookmark', { params })
        : api.DELETE('/api/v1/videos/{id}/bookmark', { params }),
    );
  } catch (error) {
    detail.is_bookmarked = !wanted;
    tell(error);
  }
}

/** Follows the author, on every video of theirs that is shown. */
export async function follow(item: Item, items: Item[]): Promise<void> {
  if (mustLogIn()) return;
  const { author } = item.card;
  const show = (value: boolean) => {
    for (const one of items) if (one.card.author.id === author.id) one.card.author.is_followed = value;
  };
  show(true);
  try {
    const call = api.PUT('/api/v1/users/{id}/follow', { params: { path: { id: author.id } } });
    const { response } = await call;
    await ask(call);
    if (response.status === 202) toast('feed.requested');
  } catch (error) {
    show(false);
    tell(error);
  }
}

/** How long it was watched, told also while the page closes. */
export function watched(id: number, seconds: number): void {
  if (!session.user || seconds < 0.5) return;
  const body = { watched_ms: Math.round(seconds * 1000) };
  void api
    .PUT('/api/v1/videos/{id}/view', { params: { path: { id } }, body, keepalive: true })
    .catch(() => undefined);
}
