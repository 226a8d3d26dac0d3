// Short words at the edge of the screen: what was done, and what could not be.
import type { Key } from '../i18n/en';

export interface Toast {
  id: number;
  text: Key;
  bad?: boolean;
  /** Only said, to those who do not see that it was done. */
  quiet?: boolean;
  action?: Key;
  href?: string;
}

export const toasts = $state<Toast[]>([]);
const SHOWN_MS = 5000;
let last = 0;

export function toast(text: Key, more: Omit<Toast, 'id' | 'text'> = {}): void {
  if (toasts.some((one) => one.text === text)) return;
  last += 1;
  const id = last;
  toasts.push({ id, text, ...more });
  setTimeout(() => drop(id), SHOWN_MS);
}

export function drop(id: number): void {
  const at = toasts.findIndex((one) => one.id === id);
  if (at >= 0) toasts.splice(at, 1);
}
