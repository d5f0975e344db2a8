/**
 * A photo as a picture that images are made from, with the pixels that `nevoa/conditions/picture.py` and Pillow give it.
 *
 * @typedef {{kind: "picture" | "downscaled" | "gray" | "edges" | "masked", size: number, height: number, width: number, factor: number, start?: string}} PictureKind
 *   of so many pixels; `size` is that of its tensor; `start`: what the canvas begins with, bytes in base64
 * @typedef {{colours: Uint8ClampedArray[], there: Uint8Array}} Pixels gray, or red, green and blue, each row by row; 1 for each pixel that is not missing
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Photo red, green, blue and alpha
 * @typedef {{reach: number, weigh: (x: number) => number}} Filter
 */

import { context } from "./pictures.js";

// A larger photo is first reduced by the browser, so that a phone has the memory for it.
const LONGEST = 2048;
// Pillow's weights are whole numbers.
const ONE = 2 ** 22;
// A step in brightness of so many of 255 is an edge; a transparent pixel is missing if its alpha is below.
const EDGE = 40, HALF = 128;

/** @param {number} x */
const sinc = (x) => x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);

/** @type {Filter} */
const LANCZOS = { reach: 3, weigh: (x) => Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0 };
/** @type {Filter} the mean of squares */
const BOX = { reach: 0.5, weigh: (x) => x > -0.5 && x <= 0.5 ? 1 : 0 };

/** How many pixels the picture has, and how many colours. @param {PictureKind} kind */
export const sidesOf = ({ size, height, width, factor }) => ({ height: height / factor, width: width / factor, count: size / height / width - 1 });

/** The photo in a file. An error if it is none. @param {Blob} file @returns {Promise<Photo>} */
export async function read(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height)), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const pen = context(canvas);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/** For each of `count` pixels, the first that it is made of, of so many, and what each of them weighs, from `start` to `end`. */
function weights(/** @type {number} */ start, /** @type {number} */ end, /** @type {number} */ size, /** @type {number} */ count, /** @type {Filter} */ { reach, weigh }) {
  const step = (end - start) / count, wide = Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - reach * wide + 0.5)), last = Math.min(size, Math.trunc(centre + reach * wide + 0.5));
    const found = Array.from({ length: last - first }, (_, k) => weigh((first + k - centre + 0.5) / wide)), sum = found.reduce((a, b) => a + b);
    return { first, shares: found.map((one) => Math.sign(one) * Math.trunc(0.5 + Math.abs(one / sum) * ONE)) };
  });
}

/** Resize rows of `length` pixels; the result has columns in their place. */
function turned(/** @type {Uint8ClampedArray} */ x, /** @type {number} */ length, /** @type {ReturnType<typeof weights>} */ all) {
  const rows = x.length / length, y = new Uint8ClampedArray(all.length * rows);
  all.forEach(({ first, shares }, i) => {
    for (let row = 0; row < rows; row++) {
      let sum = ONE / 2;
      for (let k = 0; k < shares.length; k++) sum += x[row * length + first + k] * shares[k];
      y[i * rows + row] = Math.floor(sum / ONE);
    }
  });
  return y;
}

/** Resize and crop the middle, as `ImageOps.fit`. @param {Uint8ClampedArray[]} planes @param {Photo} photo @param {{height: number, width: number}} to @param {Filter} filter */
function fitted(planes, { width, height }, to, filter) {
  const ratio = to.width / to.height, wide = Math.min(width, ratio * height), high = Math.min(height, width / ratio);
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  const across = weights(left, left + wide, width, to.width, filter), down = weights(top, top + high, height, to.height, filter);
  return planes.map((plane) => turned(turned(plane, width, across), height, down));
}

/** Gray as Pillow makes it. @param {Uint8ClampedArray[]} planes */
const luminance = ([red, green, blue]) => red.map((value, i) => (value * 19595 + green[i] * 38470 + blue[i] * 7471 + 0x8000) >> 16);

/** White where the luminance changes by a step (Sobel), else black. @param {Uint8ClampedArray} gray @param {{height: number, width: number}} sides */
function edges(gray, { height, width }) {
  const at = (/** @type {number} */ y, /** @type {number} */ x) => gray[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  return gray.map((_, i) => {
    const y = Math.floor(i / width), x = i % width;
    const across = [1, 2, 1].reduce((sum, weight, k) => sum + weight * (at(y + k - 1, x + 1) - at(y + k - 1, x - 1)), 0);
    const down = [1, 2, 1].reduce((sum, weight, k) => sum + weight * (at(y + 1, x + k - 1) - at(y - 1, x + k - 1)), 0);
    return across ** 2 + down ** 2 >= (4 * EDGE) ** 2 ? 255 : 0;
  });
}

/** The picture of a photo: what is transparent is missing if parts may be, or else white. @param {Photo} photo @param {PictureKind} kind @returns {Pixels} */
export function pictured(photo, kind) {
  const { data } = photo, sides = sidesOf(kind), clear = kind.kind === "masked", length = data.length / 4;
  const plane = (/** @type {(i: number) => number} */ value) => {
    const found = new Uint8ClampedArray(length);
    for (let i = 0; i < length; i++) found[i] = value(4 * i);
    return found;
  };
  const behind = clear ? 0 : 255, planes = [0, 1, 2].map((part) => plane((i) => (data[i + part] * data[i + 3] + behind * (255 - data[i + 3])) / 255));
  const [alpha, ...all] = fitted([plane((i) => clear ? data[i + 3] : 255), ...planes], photo, sides, kind.kind === "downscaled" ? BOX : LANCZOS);
  const colours = all.map((one) => one.map((value, i) => alpha[i] < 255 ? Math.floor(255 * value / Math.max(1, alpha[i])) : value));
  const found = sides.count === 1 ? [luminance(colours)] : colours;
  return { colours: kind.kind === "edges" ? [edges(found[0], sides)] : found, there: Uint8Array.from(alpha, (value) => Number(value >= HALF)) };
}
