// Problems as words: at the field they are about, else as a toast.
import { isKey, t } from '../i18n/index.svelte';
import { toast } from '../parts/toasts.svelte';
import { Problem } from './client';

/** What a person reads; the server's own words where we have none. */
export function words(error: unknown): string {
  if (!(error instanceof Problem)) return t('problem.unknown');
  const key = `problem.${error.reason}`;
  if (isKey(key)) return t(key);
  return error.message || t('problem.unknown');
}

export function tell(error: unknown): void {
  const reason = error instanceof Problem ? `problem.${error.reason}` : '';
  toast(isKey(reason) ? reason : 'problem.unknown', {
    bad: true,
    ...(error instanceof Problem && error.status === 401 ? { action: 'nav.login', href: '/login' } : {}),
  });
}

/** By field, with '' for what is about none of `fields`. */
export function byField(error: unknown, fields: readonly string[]): Record<string, string> {
  const about = error instanceof Problem ? (error.field ?? FIELDS[error.reason] ?? '') : '';
  return { [fields.includes(about) ? about : '']: words(error) };
}

const FIELDS: Record<string, string> = {
  username_taken: 'username',
  wrong_password: 'password',
  code_needed: 'code',
  code_wrong: 'code',
  invitation_invalid: 'invitation',
};
