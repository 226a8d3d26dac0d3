// Who is logged in. The tokens are cookies that scripts cannot read; kept here is that there are some.
import { toast } from './parts/toasts.svelte';

interface Opened {
  user_id: number;
  access_expires_in: number;
}

const KEY = 'dytt.session';
const EARLY_MS = 60_000;

function load(): { user: number; renewAt: number } {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return { user: Number(kept.user) || 0, renewAt: Number(kept.renewAt) || 0 };
  } catch {
    return { user: 0, renewAt: 0 };
  }
}

/** `user` is 0 for nobody. */
export const session = $state(load());

// Another tab logs in, out, or renews.
addEventListener('storage', (event) => {
  if (event.key === KEY) Object.assign(session, load());
});

export function renewed(opened: Opened): void {
  session.user = opened.user_id;
  session.renewAt = Date.now() + opened.access_expires_in * 1000 - EARLY_MS;
  localStorage.setItem(KEY, JSON.stringify(session));
}

export function forget(): void {
  session.user = 0;
  localStorage.removeItem(KEY);
}

/** The server ended it. */
export function expire(): void {
  forget();
  toast('session.expired', { action: 'nav.login', href: '/login' });
}

/** Whether somebody is logged in; if not, they are asked to. */
export function mustLogIn(): boolean {
  if (!session.user) {
    const href = `/login?to=${encodeURIComponent(location.pathname)}`;
    toast('problem.token_missing', { action: 'nav.login', href });
  }
  return !session.user;
}
