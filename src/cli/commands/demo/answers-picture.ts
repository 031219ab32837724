/** Test images with what the network says of each, as an SVG document. */

import { CLASSES, type LabelledImages } from './images';
import { grayscalePng } from './png';

const COLUMNS = 10;
const ROWS = 6;
const CELL = 84;
const IMAGE = 56;
const CAPTION = 20;
const TOP = 64;

/** The first images in rows; the answer stands below each, in red with the label behind it where it is wrong. */
export function answersPicture(
  images: LabelledImages,
  answers: readonly number[],
  headings: readonly [string, string],
): string {
  const { side, pixels, labels } = images;
  const area = side * side;
  const cells = Array.from({ length: COLUMNS * ROWS }, (_, index) => {
    const x = (index % COLUMNS) * CELL + (CELL - IMAGE) / 2;
    const y = TOP + Math.floor(index / COLUMNS) * (IMAGE + CAPTION + 8);
    const png = grayscalePng(pixels.subarray(index * area, (index + 1) * area), side, side);
    const [answer, label] = [answers[index] ?? 0, labels[index] ?? 0];
    const said = CLASSES[answer] ?? '';
    const right = answer === label;
    return (
      `<image x="${x}" y="${y}" width="${IMAGE}" height="${IMAGE}" href="data:image/png;base64,${png.toString('base64')}"/>` +
      `<text x="${x + IMAGE / 2}" y="${y + IMAGE + 14}" fill="${right ? '#1a7f37' : '#cf222e'}">` +
      `${right ? said : `${said}, not ${CLASSES[label] ?? ''}`}</text>`
    );
  });
  const width = COLUMNS * CELL;
  const height = TOP + ROWS * (IMAGE + CAPTION + 8) + 8;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>` +
    '<g font-family="Helvetica, Arial, sans-serif">' +
    `<text x="14" y="26" font-size="16" fill="#1f2328">${headings[0]}</text>` +
    `<text x="14" y="47" font-size="13" fill="#59636e">${headings[1]}</text>` +
    `<g font-size="9.5" text-anchor="middle">${cells.join('')}</g></g></svg>\n`
  );
}
