// Keys and wheel as what is meant by them.
export type Intent =
  | 'next'
  | 'previous'
  | 'play'
  | 'back'
  | 'on'
  | 'mute'
  | 'like'
  | 'comments'
  | 'share'
  | 'fullscreen'
  | 'keys';

const KEYS: Record<string, Intent> = {
  ArrowDown: 'next',
  PageDown: 'next',
  ArrowUp: 'previous',
  PageUp: 'previous',
  ArrowLeft: 'back',
  ArrowRight: 'on',
  ' ': 'play',
};
const LETTERS: Record<string, Intent> = {
  j: 'next',
  k: 'previous',
  m: 'mute',
  l: 'like',
  c: 'comments',
  s: 'share',
  f: 'fullscreen',
  '?': 'keys',
};

const TYPED = 'textarea, select, input:not([type=range]), [contenteditable]';

export function intent(event: KeyboardEvent, letters: boolean, covered: boolean): Intent | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || covered) return undefined;
  const target = event.target instanceof Element ? event.target : undefined;
  if (target?.closest(`${TYPED}, dialog`)) return undefined;
  if (event.key === ' ' && target?.closest('button, a, summary')) return undefined;
  return KEYS[event.key] ?? (letters ? LETTERS[event.key.toLowerCase()] : undefined);
}

const LOCKED_MS = 450;
const QUIET_MS = 90;
const MIN_DELTA = 8;

/** One step a gesture: what a touchpad sends while it runs out is part of it. */
export function onWheel(step: (by: 1 | -1) => void) {
  let last = 0;
  let locked = 0;
  const turned = (event: WheelEvent) => {
    if (event.ctrlKey) return;
    event.preventDefault();
    const quiet = event.timeStamp - last > QUIET_MS;
    last = event.timeStamp;
    if (Math.abs(event.deltaY) < MIN_DELTA || event.timeStamp < locked || (!quiet && locked)) return;
    locked = event.timeStamp + LOCKED_MS;
    step(event.deltaY > 0 ? 1 : -1);
  };
  return (element: HTMLElement) => {
    element.addEventListener('wheel', turned, { passive: false });
    return () => element.removeEventListener('wheel', turned);
  };
}
