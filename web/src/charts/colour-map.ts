/** Diverging colours: blue below zero, red above, the page's own ground at zero. */

type Rgb = readonly [number, number, number];

const LIGHT: readonly Rgb[] = [
  [5, 48, 97],
  [33, 102, 172],
  [103, 169, 207],
  [209, 229, 240],
  [250, 250, 248],
  [253, 219, 199],
  [239, 138, 98],
  [178, 24, 43],
  [103, 0, 31],
];

const DARK: readonly Rgb[] = [
  [164, 214, 255],
  [86, 171, 240],
  [43, 110, 178],
  [26, 60, 96],
  [18, 22, 28],
  [92, 40, 34],
  [184, 74, 52],
  [243, 140, 96],
  [255, 214, 184],
];

const STEPS = 512;

/** Whether the page is dark. */
export const darkness = matchMedia('(prefers-color-scheme: dark)');

/** Red, green and blue of each of `STEPS` values from -1 to 1. */
export function colourTable(isDark: boolean): Uint8ClampedArray {
  const stops = isDark ? DARK : LIGHT;
  const table = new Uint8ClampedArray(STEPS * 3);
  for (let step = 0; step < STEPS; step++) {
    const place = (step / (STEPS - 1)) * (stops.length - 1);
    const below = Math.min(stops.length - 2, Math.floor(place));
    const part = place - below;
    for (let channel = 0; channel < 3; channel++) {
      const [from = 0, to = 0] = [stops[below]?.[channel], stops[below + 1]?.[channel]];
      table[step * 3 + channel] = from + (to - from) * part;
    }
  }
  return table;
}

/** Draws cells, row-major, into an image of as many pixels; `scale` is the value of the outermost colours. */
export function paint(
  values: Float32Array,
  columns: number,
  scale: number,
  table: Uint8ClampedArray,
): ImageData {
  const image = new ImageData(columns, values.length / columns);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    const place = scale > 0 ? Math.min(1, Math.max(-1, value / scale)) : 0;
    const step = Math.round(((place + 1) / 2) * (STEPS - 1)) * 3;
    image.data[index * 4] = table[step] as number;
    image.data[index * 4 + 1] = table[step + 1] as number;
    image.data[index * 4 + 2] = table[step + 2] as number;
    image.data[index * 4 + 3] = 255;
  }
  return image;
}
