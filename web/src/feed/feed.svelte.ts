// The videos of a feed, in the order they are met, and which one is watched.
import { api, ask, type Card, Problem, type Video } from '../api/client';
import { session } from '../session.svelte';

export type Kind = 'for-you' | 'following' | 'newest';

export interface Item {
  id: number;
  card: Card;
  detail?: Video;
  problem?: Problem;
}

const AHEAD = 4;

export class Feed {
  items = $state<Item[]>([]);
  active = $state(0);
  /** Whether the active video has what it needs, so that its neighbours may load. */
  ready = $state(false);
  busy = $state(false);
  done = $state(false);
  error = $state<unknown>();
  #cursor: string | undefined;
  /** Whether what is chosen has run out; then comes what is newest. */
  #chosenOut = !session.user;

  constructor(
    readonly kind: Kind,
    readonly first?: number,
  ) {}

  get current(): Item | undefined {
    return this.items[this.active];
  }

  async more(): Promise<void> {
    if (this.busy || this.done) return;
    this.busy = true;
    this.error = undefined;
    try {
      if (this.first && !this.items.length) this.items.push(await opened(this.first));
      else await this.#page();
    } catch (error) {
      this.error = error;
    } finally {
      this.busy = false;
    }
    if (!this.error && !this.done && this.items.length < this.active + AHEAD) await this.more();
  }

  async #page(): Promise<void> {
    if (this.kind === 'for-you' && !this.#chosenOut) {
      const { items } = await ask(api.GET('/api/v1/feeds/for-you'));
      this.#chosenOut = this.#add(items) === 0;
      return;
    }
    const query = this.#cursor ? { cursor: this.#cursor } : {};
    const page = await ask(
      this.kind === 'following'
        ? api.GET('/api/v1/feeds/following', { params: { query } })
        : api.GET('/api/v1/feeds/newest', { params: { query } }),
    );
    this.#add(page.items);
    this.#cursor = page.next_cursor ?? undefined;
    this.done = !this.#cursor;
  }

  #add(cards: Card[]): number {
    const known = new Set(this.items.map((item) => item.id));
    const fresh = cards.filter((card) => !known.has(card.id));
    this.items.push(...fresh.map((card) => ({ id: card.id, card })));
    return fresh.length;
  }

  watch(index: number): void {
    if (index === this.active || !this.items[index]) return;
    this.active = index;
    this.ready = false;
    if (index + AHEAD > this.items.length) void this.more();
  }

  /** What a card does not tell: hash, qualities, captions. */
  async describe(item: Item): Promise<void> {
    if (item.detail || item.problem) return;
    try {
      item.detail = await ask(api.GET('/api/v1/videos/{id}', { params: { path: { id: item.id } } }));
    } catch (error) {
      if (error instanceof Problem && error.status === 404) item.problem = error;
    }
  }

  remove(id: number): void {
    const at = this.items.findIndex((item) => item.id === id);
    if (at < 0) return;
    this.items.splice(at, 1);
    this.active = Math.min(this.active, Math.max(0, this.items.length - 1));
    if (this.items.length < this.active + AHEAD) void this.more();
  }
}

async function opened(id: number): Promise<Item> {
  try {
    const detail = await ask(api.GET('/api/v1/videos/{id}', { params: { path: { id } } }));
    return { id, detail, card: cardOf(detail) };
  } catch (error) {
    if (!(error instanceof Problem) || error.status === 0 || error.status >= 500) throw error;
    const author = { id: 0, name: '', display_name: '', is_followed: false };
    const nothing = { title: '', tags: [], cover_url: '', play_url: '', like_count: 0, comment_count: 0 };
    return { id, problem: error, card: { id, author, is_liked: false, ...nothing } };
  }
}

function cardOf(video: Video): Card {
  const { id, author, title, tags, is_liked, like_count, comment_count, play_url, published_at } = video;
  const rest = { cover_url: video.cover.jpeg_url, published_at: published_at ?? null };
  return { id, author, title, tags, is_liked, like_count, comment_count, play_url, ...rest };
}

let last: { feed: Feed; user: number } | undefined;

/** The feed of an address; coming back, the one that was left, where it was left. */
export function feedAt(kind: Kind, id?: number): Feed {
  if (id && last?.user === session.user && last.feed.kind === kind) {
    const at = last.feed.items.findIndex((item) => item.id === id);
    if (at >= 0) {
      last.feed.active = at;
      return last.feed;
    }
  }
  last = { feed: new Feed(kind, id), user: session.user };
  return last.feed;
}
