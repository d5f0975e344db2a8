/** Pixels on canvases and in files. @typedef {[number, number, number]} Shape */

import { gifOf } from "./gif.js";

// The longer side of a saved image, about.
const LARGE = 512;
// Hundredths of a second: of all frames of an animation, but for the last, and of the last.
const WAY = 300, STAY = 200;
/** Of an image, one more where it was stopped: browsers show no frame for less than 3 hundredths. */
export const MOST_FRAMES = WAY / 3;

/** Bytes (channels, height, width) as red, green, blue and alpha. @param {Uint8ClampedArray} bytes @param {Shape} shape */
export function imageData(bytes, [channels, height, width]) {
  const image = new ImageData(width, height), size = width * height;
  for (let i = 0; i < size; i++) {
    for (let part = 0; part < 3; part++) image.data[4 * i + part] = bytes[(channels === 3 ? part : 0) * size + i];
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Show an image on a canvas of its size. @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray} bytes @param {Shape} shape */
export function paint(canvas, bytes, shape) {
  if (canvas.width !== shape[2] || canvas.height !== shape[1]) [canvas.height, canvas.width] = [shape[1], shape[2]];
  context(canvas).putImageData(imageData(bytes, shape), 0, 0);
}

/** @param {HTMLCanvasElement} canvas */
export const context = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));

/** Images side by side, each pixel a square. @param {Uint8ClampedArray[]} images @param {Shape} shape @param {number} columns */
function sheet(images, shape, columns) {
  const [, height, width] = shape, rows = Math.ceil(images.length / columns);
  const scale = Math.max(1, Math.floor(LARGE / (Math.max(width, height) * Math.sqrt(images.length))));
  const canvas = document.createElement("canvas"), one = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns * width * scale, rows * height * scale];
  const pen = context(canvas);
  pen.imageSmoothingEnabled = false;
  images.forEach((bytes, i) => {
    paint(one, bytes, shape);
    pen.drawImage(one, (i % columns) * width * scale, Math.floor(i / columns) * height * scale, width * scale, height * scale);
  });
  return canvas;
}

/** Save images as a PNG. @param {Uint8ClampedArray[]} images @param {Shape} shape @param {number} columns @param {string} name */
export const savePng = (images, shape, columns, name) =>
  sheet(images, shape, columns).toBlob((blob) => blob && save(blob, `${name}.png`), "image/png");

/** Save images that change as a GIF. @param {Uint8ClampedArray[][]} frames @param {Shape} shape @param {number} columns @param {string} name */
export function saveGif(frames, shape, columns, name) {
  const pictures = frames.map((images) => {
    const canvas = sheet(images, shape, columns);
    return context(canvas).getImageData(0, 0, canvas.width, canvas.height);
  });
  const delay = Math.max(3, Math.round(WAY / frames.length));
  save(gifOf(pictures, frames.map((_, i) => frames[i + 1] ? delay : STAY)), `${name}.gif`);
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
