// Where in a video one was when the page was left.
const KEY = 'dytt.place';

export function keepPlace(id: number, seconds: number): void {
  sessionStorage.setItem(KEY, JSON.stringify({ id, seconds }));
}

/** Once: who comes to the video again begins anew. */
export function takePlace(id: number): number {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
  if (kept.id !== id) return 0;
  sessionStorage.removeItem(KEY);
  return Number(kept.seconds) || 0;
}
