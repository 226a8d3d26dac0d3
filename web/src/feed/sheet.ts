// What every sheet of the feed is given.
import type { Feed, Item } from './feed.svelte';

export interface SheetProps {
  item: Item;
  feed: Feed;
  onclose: () => void;
  onstep: (step: 1 | -1) => void;
}
