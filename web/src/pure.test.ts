import { describe, expect, test, vi } from 'vitest';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => undefined });

const { decode } = await import('./feed/thumbhash');
const { intent } = await import('./feed/input');
const { source } = await import('./feed/source');
const { fill, pick, clock } = await import('./i18n/index.svelte');
const { en } = await import('./i18n/en');
const { zh } = await import('./i18n/zh');
const { match } = await import('./match');

vi.stubGlobal('Element', class {});

describe('words', () => {
  test('the language is the first one offered that is known', () => {
    expect(pick('auto', ['fr', 'zh-TW', 'en'])).toBe('zh-CN');
    expect(pick('auto', ['fr'])).toBe('en');
    expect(pick('en', ['zh'])).toBe('en');
  });

  test('both languages fill in the same values', () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((one) => one[0]).toSorted();
    for (const [key, text] of Object.entries(en))
      expect(places(zh[key as keyof typeof zh]), key).toEqual(places(text));
  });

  test('what is filled in is never filled again', () => {
    expect(fill('{a} {b}', { a: '{b}', b: 'x' })).toBe('{b} x');
    expect(clock(65.9)).toBe('1:05');
    expect(clock(Number.NaN)).toBe('0:00');
  });
});

describe('routes', () => {
  const list = [{ path: '/' }, { path: '/video/:id' }];

  test('an address is taken apart', () => {
    expect(match('/video/7', list)?.params).toEqual({ id: '7' });
    expect(match('/video/%E4%B8%AD/', list)?.params).toEqual({ id: '中' });
    expect(match('/video/7/x', list)).toBeUndefined();
    expect(match('/video/%E4', list)).toBeUndefined();
  });
});

describe('keys', () => {
  const key = (name: string, more = {}) => ({ key: name, target: null, ...more }) as unknown as KeyboardEvent;

  test('letters can be switched off, arrows cannot', () => {
    expect(intent(key('L'), true, false)).toBe('like');
    expect(intent(key('l'), false, false)).toBeUndefined();
    expect(intent(key('ArrowDown'), false, false)).toBe('next');
    expect(intent(key('l', { ctrlKey: true }), true, false)).toBeUndefined();
    expect(intent(key('l'), true, true)).toBeUndefined();
  });
});

describe('pictures', () => {
  test('a ThumbHash is as light and as coloured as it says', () => {
    // By hand: lightness 63 of 63, both colours in the middle, waves of no strength.
    const white = decode(`fff7010500${'00'.repeat(10)}`);
    expect(Math.min(...(white?.rgba ?? [0]))).toBeGreaterThan(245);
    const real = decode('5b560614026a46a689879f4467a80a65706df8');
    expect([real?.width, real?.height]).toEqual([18, 32]);
    expect(decode('3f')).toBeUndefined();
  });

  test('the file is the chosen one, the smallest where bytes are dear, else the usual', () => {
    const rendition = (name: string, bits_per_second: number) => ({ name, bits_per_second, url: name });
    const detail = { play_url: 'usual', renditions: [rendition('720p', 2), rendition('480p', 1)] };
    const item = { id: 1, card: { play_url: 'card' }, detail } as unknown as Parameters<typeof source>[0];
    expect(source(item, 'auto', false)).toBe('usual');
    expect(source(item, 'auto', true)).toBe('480p');
    expect(source(item, '720p', true)).toBe('720p');
    expect(source({ ...item, detail: undefined } as never, '720p', true)).toBe('card');
  });
});
