// The one way to the server: the generated client, a session that renews itself, and failures as `Problem`s.
import createClient from 'openapi-fetch';
import { expire, renewed, session } from '../session.svelte';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Card = Schemas['Card'];
export type Video = Schemas['Video'];
export type Comment = Schemas['Comment'];
export type Person = Schemas['Person'];

/** What went wrong, as the server or the network tells it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
    readonly field?: string,
    readonly trace?: string,
  ) {
    super(detail);
  }
}

let renewal: Promise<void> | undefined;

/** A new token before the old one ends: without one the server would take us for nobody. */
function renew(): Promise<void> {
  renewal ??= (async () => {
    const answer = await fetch('/api/v1/sessions/renewal', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const opened = answer.ok && (await answer.json());
    // Who has logged out meanwhile stays so.
    if (opened && session.user) renewed(opened);
    else if (!answer.ok && answer.status < 500 && answer.status !== 429) expire();
  })()
    .catch(() => undefined)
    .finally(() => {
      renewal = undefined;
    });
  return renewal;
}

/** Lets a request that does not go by `api` have a token that is good. */
export async function fresh(): Promise<void> {
  if (session.user && session.renewAt < Date.now()) await renew();
}

const TRIES = 3;

/** Asks again what only reads while the server is busy, when it says to. */
async function patiently(request: Request): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const again = request.method === 'GET' && tries < TRIES ? request.clone() : undefined;
    const answer = await globalThis.fetch(request);
    if (answer.status !== 503 || !again) return answer;
    const seconds = Math.min(Number(answer.headers.get('retry-after')) || 1, 3);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    request = again;
  }
}

const OWN_ANSWER = /\/(sessions|accounts)$/;

async function send(request: Request): Promise<Response> {
  await fresh();
  const spare = request.body ? undefined : request.clone();
  const answer = await patiently(request);
  if (answer.status !== 401 || !session.user || OWN_ANSWER.test(new URL(request.url).pathname)) return answer;
  await renew();
  if (!session.user) return answer;
  return spare ? globalThis.fetch(spare) : answer;
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** The body of an answer, or its problem thrown. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch(() => {
    throw new Problem(0, 'offline', 'no connection');
  });
  if (response.ok) return data as T;
  const told = (typeof error === 'object' ? error : {}) as Partial<Schemas['Problem']>;
  throw new Problem(
    response.status,
    told.reason ?? 'unknown',
    told.detail ?? response.statusText,
    told.field ?? undefined,
    told.trace_id ?? response.headers.get('x-trace-id') ?? undefined,
  );
}
