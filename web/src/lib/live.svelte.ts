// What happens to whoever is logged in, as it happens: one stream for the whole client (server-sent events).
import { api, ask, fresh, type Schemas } from '../api/client';
import { session } from '../session.svelte';

export type Message = Schemas['Message'];
export type Notification = Schemas['Notification'];
interface Told {
  message: Message;
  notification: Notification;
}

/** What was not seen yet. */
export const unseen = $state({ notifications: 0, messages: 0 });

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const heard = {
  message: new Set<(one: Message) => void>(),
  notification: new Set<(one: Notification) => void>(),
};

/** Calls `tell` with each from now on, until what it returns is called. */
export function on<K extends keyof Told>(kind: K, tell: (one: Told[K]) => void): () => void {
  const all = heard[kind] as unknown as Set<(one: Told[K]) => void>;
  all.add(tell);
  return () => {
    all.delete(tell);
  };
}

export async function count(): Promise<void> {
  if (!session.user) {
    Object.assign(unseen, { notifications: 0, messages: 0 });
    return;
  }
  const [told, written] = await Promise.all([
    ask(api.GET('/api/v1/account/notifications/new')),
    ask(api.GET('/api/v1/account/conversations')),
  ]).catch(() => []);
  if (!told || !written) return;
  unseen.notifications = told.count;
  unseen.messages = written.items.reduce((sum, one) => sum + one.unread_count, 0);
}

/** Listens while somebody is logged in and the page is seen; gives what ends it. */
export function listen(): () => void {
  let stream: EventSource | undefined;
  let timer = 0;
  let pause = FIRST_PAUSE_MS;
  const close = () => {
    clearTimeout(timer);
    stream?.close();
    stream = undefined;
  };
  const open = async () => {
    close();
    if (!session.user || document.hidden) return;
    await fresh();
    if (!session.user || stream) return;
    const opened = new EventSource('/api/v1/stream');
    stream = opened;
    opened.onopen = () => {
      pause = FIRST_PAUSE_MS;
    };
    opened.addEventListener('message', (event) => {
      const one = JSON.parse(event.data);
      for (const tell of heard.message) tell(one);
      void count();
    });
    opened.addEventListener('notification', (event) => {
      const one = JSON.parse(event.data);
      for (const tell of heard.notification) tell(one);
      void count();
    });
    opened.onerror = () => {
      // A browser comes again by itself, but not after a refusal.
      if (opened.readyState !== EventSource.CLOSED || stream !== opened) return;
      timer = window.setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
  };
  const seen = () => {
    if (document.hidden) return close();
    void count();
    void open();
  };
  document.addEventListener('visibilitychange', seen);
  seen();
  return () => {
    document.removeEventListener('visibilitychange', seen);
    close();
  };
}
