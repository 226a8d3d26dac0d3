// A ThumbHash (https://evanw.github.io/thumbhash/) as pixels: some 25 bytes that stand for a cover.

export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

const LONG_EDGE = 32;

export function decode(hex: string): Pixels | undefined {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (bytes.length < 6) return undefined;
  const at = (index: number) => bytes[index] ?? 0;
  const head = at(0) | (at(1) << 8) | (at(2) << 16);
  const tail = at(3) | (at(4) << 8);
  const alpha = head >> 23 === 1;
  const landscape = tail >> 15 === 1;
  const long = alpha ? 5 : 7;
  const columns = Math.max(3, landscape ? long : tail & 7);
  const rows = Math.max(3, landscape ? tail & 7 : long);

  let nibble = (alpha ? 6 : 5) * 2;
  // The waves of a channel: how often across, how often down, how strong.
  const waves = (across: number, down: number, scale: number) => {
    const found: [number, number, number][] = [];
    for (let y = 0; y < down; y += 1) {
      for (let x = y ? 0 : 1; x * down < across * (down - y); x += 1) {
        const value = (at(nibble >> 1) >> ((nibble & 1) * 4)) & 15;
        nibble += 1;
        found.push([x, y, (value / 7.5 - 1) * scale * 2]);
      }
    }
    return found;
  };
  const light = waves(columns, rows, ((head >> 18) & 31) / 31);
  const yellow = waves(3, 3, (((tail >> 3) & 63) / 63) * 1.25);
  const red = waves(3, 3, (((tail >> 9) & 63) / 63) * 1.25);

  const ratio = columns / rows;
  const width = Math.round(ratio > 1 ? LONG_EDGE : LONG_EDGE * ratio);
  const height = Math.round(ratio > 1 ? LONG_EDGE / ratio : LONG_EDGE);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = [(Math.PI * (x + 0.5)) / width, (Math.PI * (y + 0.5)) / height];
      const sum = (base: number, list: [number, number, number][]) =>
        list.reduce((so, [i, j, strength]) => so + strength * Math.cos(u * i) * Math.cos(v * j), base);
      const l = sum((head & 63) / 63, light);
      const p = sum(((head >> 6) & 63) / 31.5 - 1, yellow);
      const q = sum(((head >> 12) & 63) / 31.5 - 1, red);
      const b = l - (2 / 3) * p;
      const r = (3 * l - b + q) / 2;
      rgba.set([r * 255, (r - q) * 255, b * 255, 255], (y * width + x) * 4);
    }
  }
  return { width, height, rgba };
}
