// Which file of a video is played.
import type { Item } from './feed.svelte';

/** The smallest where bytes are dear, else what was chosen, else what the server recommends. */
export function source(item: Item, quality: string, savesData: boolean): string {
  const list = item.detail?.renditions ?? [];
  const chosen = list.find((one) => one.name === quality);
  if (chosen) return chosen.url;
  const smallest = list.toSorted((a, b) => a.bits_per_second - b.bits_per_second)[0];
  if (savesData && smallest) return smallest.url;
  return item.detail?.play_url || item.card.play_url;
}
