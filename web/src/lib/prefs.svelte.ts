// What this browser remembers: choices that are nobody else's business.
type Theme = 'auto' | 'dark' | 'light';
type Language = 'auto' | 'en' | 'zh-CN';

const KEPT = {
  theme: 'auto' as Theme,
  language: 'auto' as Language,
  captions: true,
  shortcuts: true,
  autoplay: true,
  dataSaver: false,
};

const KEY = 'dytt.prefs';

function load(): typeof KEPT {
  try {
    return { ...KEPT, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return { ...KEPT };
  }
}

export const prefs = $state(load());
/** Videos begin without sound; the first choice holds for the session. */
export const sound = $state({ muted: sessionStorage.getItem('dytt.sound') !== 'on', rate: 1 });

export function change(changed: Partial<typeof KEPT>): void {
  Object.assign(prefs, changed);
  localStorage.setItem(KEY, JSON.stringify(prefs));
  apply();
}

export function setMuted(muted: boolean): void {
  sound.muted = muted;
  sessionStorage.setItem('dytt.sound', muted ? 'off' : 'on');
}

/** A browser refuses sound before somebody did something here: then it comes with the first thing they do. */
export function waitWithSound(): void {
  sound.muted = true;
  const stop = new AbortController();
  const on = () => {
    stop.abort();
    sound.muted = sessionStorage.getItem('dytt.sound') !== 'on';
  };
  for (const name of ['pointerup', 'keydown']) addEventListener(name, on, { signal: stop.signal });
}

/** Lets the page look as chosen. */
export function apply(): void {
  document.documentElement.dataset.theme = prefs.theme;
}

export const reducedMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether bytes are dear here: nothing is loaded ahead, and the smallest picture will do. */
export function savesData(): boolean {
  const link = (navigator as { connection?: { saveData?: boolean; effectiveType?: string } }).connection;
  return prefs.dataSaver || link?.saveData === true || /2g|3g/.test(link?.effectiveType ?? '');
}
