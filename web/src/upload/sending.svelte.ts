// A file on its way: sent in pieces that stay (tus), paused and gone on with, also after a reload.
import { type PreviousUpload, Upload } from 'tus-js-client';
import { fresh, Problem } from '../api/client';

const ENDPOINT = '/api/v1/uploads';
/** What is sent again when a connection breaks, at most. */
const PIECE_BYTES = 8 * 1024 * 1024;
const PAUSES_MS = [0, 1000, 3000, 5000, 10_000, 20_000];
/** Over how long the speed is told. */
const WINDOW_MS = 5000;

type State = 'sending' | 'paused' | 'sent' | 'failed';

export class Sending {
  state = $state<State>('sending');
  done = $state(0);
  /** Bytes a second; 0 while it is not known. */
  speed = $state(0);
  error = $state<Problem>();
  readonly all: number;
  #upload: Upload;
  #seen: { at: number; done: number }[] = [];
  #ends: (() => void)[] = [];

  constructor(file: File) {
    this.all = file.size;
    this.#upload = new Upload(file, {
      endpoint: ENDPOINT,
      chunkSize: PIECE_BYTES,
      retryDelays: PAUSES_MS,
      metadata: { filename: file.name },
      onBeforeRequest: fresh,
      // Without a connection it waits for one; what the server refuses it refuses again.
      onShouldRetry: (error) =>
        [0, 409, 423, 429, 500, 502, 503, 504].includes(error.originalResponse?.getStatus() ?? 0),
      onProgress: (done) => this.#progress(done),
      onSuccess: () => this.#end('sent'),
      onError: (error) => {
        this.error = problem(error);
        this.#end('failed');
      },
    });
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const before = await this.#upload.findPreviousUploads();
    const latest = before.filter((one) => one.size === this.all).pop();
    if (latest) this.#upload.resumeFromPreviousUpload(latest);
    this.#upload.start();
  }

  #progress(done: number): void {
    const at = performance.now();
    this.done = done;
    this.#seen = [...this.#seen.filter((one) => at - one.at < WINDOW_MS), { at, done }];
    const [first] = this.#seen;
    if (first && at > first.at) this.speed = ((done - first.done) / (at - first.at)) * 1000;
  }

  #end(state: State): void {
    this.state = state;
    for (const tell of this.#ends.splice(0)) tell();
  }

  /** Seconds until it has arrived, as far as that is known. */
  get left(): number | undefined {
    return this.speed > 0 ? (this.all - this.done) / this.speed : undefined;
  }

  /** What the server calls it, once it has begun. */
  get name(): string {
    return this.#upload.url?.split('/').pop() ?? '';
  }

  pause(): void {
    void this.#upload.abort();
    this.state = 'paused';
    this.speed = 0;
  }

  goOn(): void {
    this.#seen = [];
    this.state = 'sending';
    this.error = undefined;
    this.#upload.start();
  }

  /** Resolves when it has arrived; throws what is against it. */
  async arrived(): Promise<void> {
    while (this.state !== 'sent') {
      if (this.state === 'failed') throw this.error;
      await new Promise<void>((tell) => this.#ends.push(tell));
    }
  }

  /** Gives it up, here and there. */
  async forget(): Promise<void> {
    await this.#upload.abort(true).catch(() => undefined);
    await forgetAll();
  }
}

/** What of another visit waits to be gone on with: its file's name, and how much of it has arrived, from 0 to 1. */
export async function interrupted(): Promise<{ name: string; share: number } | undefined> {
  await fresh();
  for (const one of stored().reverse()) {
    const answer = await fetch(one.uploadUrl ?? '', {
      method: 'HEAD',
      headers: { 'tus-resumable': '1.0.0' },
    });
    const arrived = Number(answer.headers.get('upload-offset'));
    if (answer.ok && one.size) return { name: one.metadata.filename ?? '', share: arrived / one.size };
    if (answer.status === 404) localStorage.removeItem(one.urlStorageKey);
  }
  return undefined;
}

const KEY = /^tus::/;

function stored(): PreviousUpload[] {
  const keys = Object.keys(localStorage).filter((key) => KEY.test(key));
  return keys.map((key) => ({ ...JSON.parse(localStorage.getItem(key) ?? '{}'), urlStorageKey: key }));
}

export function forgetAll(): void {
  for (const one of stored()) localStorage.removeItem(one.urlStorageKey);
}

function problem(error: Error): Problem {
  const answer =
    'originalResponse' in error
      ? (error as { originalResponse?: { getBody(): string } | null }).originalResponse
      : null;
  try {
    const told = JSON.parse(answer?.getBody() ?? '');
    return new Problem(told.status, told.reason, told.detail, told.field, told.trace_id);
  } catch {
    return new Problem(0, 'offline', error.message);
  }
}
