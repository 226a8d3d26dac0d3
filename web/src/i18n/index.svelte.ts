// Words in the reader's language, numbers and times as they write them.
import { prefs } from '../lib/prefs.svelte';
import { en, type Key } from './en';
import { zh } from './zh';

export type Language = 'en' | 'zh-CN';

export function pick(wanted: string, offered: readonly string[]): Language {
  if (wanted === 'en' || wanted === 'zh-CN') return wanted;
  const known = offered.find((one) => /^(en|zh)\b/i.test(one));
  return known?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export const language = (): Language => pick(prefs.language, navigator.languages);

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return fill((language() === 'zh-CN' ? zh : en)[key], values);
}

export const isKey = (key: string): key is Key => key in en;

/** 1万, 10K. */
export function compact(value: number): string {
  return new Intl.NumberFormat(language(), { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** Two hours ago. */
export function ago(at: number, now = Date.now()): string {
  const seconds = (at - now) / 1000;
  const words = new Intl.RelativeTimeFormat(language(), { numeric: 'auto', style: 'short' });
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return unit ? words.format(Math.round(seconds / unit[1]), unit[0]) : words.format(0, 'second');
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** 12 MB. */
export function bytes(value: number): string {
  const step = Math.min(SIZES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const unit = SIZES[step] ?? 'byte';
  const words = new Intl.NumberFormat(language(), {
    style: 'unit',
    unit,
    maximumFractionDigits: value < 10 * 1000 ** step ? 1 : 0,
  });
  return words.format(value / 1000 ** step);
}

/** 1:05. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
