// What only the one who is logged in knows of themselves.
import { api, ask } from '../api/client';
import { session } from '../session.svelte';

export const account = $state({ user: 0, isAdmin: false, hasPassword: true });

/** Asks once for each login. */
export async function whoAmI(): Promise<void> {
  if (account.user === session.user) return;
  const user = session.user;
  const own = user ? await ask(api.GET('/api/v1/account')).catch(() => undefined) : undefined;
  if (user && !own) return;
  Object.assign(account, { user, isAdmin: own?.is_admin ?? false, hasPassword: own?.has_password ?? true });
}
