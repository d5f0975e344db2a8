/** A brush for the pixels of a canvas, by pointer or keyboard. */

import { context } from "./pictures.js";

// Red, green and blue over what is painted, and how much of them covers it.
export const PAINTED = [255, 122, 89];
export const COVER = 0.75;

/** @typedef {{x: number, y: number}} Point */

/** How far a point is from the line between two. @param {number} x @param {number} y @param {Point} from @param {Point} to */
function away(x, y, from, to) {
  const [across, down] = [to.x - from.x, to.y - from.y], length = across ** 2 + down ** 2;
  const share = length && Math.min(1, Math.max(0, ((x - from.x) * across + (y - from.y) * down) / length));
  return Math.hypot(from.x + share * across - x, from.y + share * down - y);
}

export class Brush {
  /**
   * @param {HTMLCanvasElement} layer @param {number} radius in its pixels
   * @param {{paint: (place: number) => void, show: () => void, done?: () => void}} does `paint` a pixel; `show` all; `done`: a stroke has ended
   */
  constructor(layer, radius, does) {
    this.layer = layer;
    this.radius = radius;
    this.does = does;
    /** @type {Point} */
    this.place = { x: layer.width / 2, y: layer.height / 2 };
    this.byKeys = true;
    const paints = (/** @type {PointerEvent} */ { pointerId }) => layer.hasPointerCapture(pointerId); // if the stroke began here
    layer.onpointerdown = (event) => {
      if (!event.isPrimary || event.button) return; // a second finger, or another button
      layer.setPointerCapture(event.pointerId);
      this.byKeys = false;
      this._paint(this._at(event));
    };
    layer.onpointermove = (event) => { if (paints(event)) this._paint(this.place, this._at(event)); };
    layer.onpointerup = layer.onpointercancel = (event) => { if (paints(event)) does.done?.(); };
    layer.onkeydown = (event) => this._key(event);
    layer.onfocus = () => this.draw();
    layer.onblur = () => {
      this.byKeys = true;
      this.draw();
    };
  }

  /** @param {PointerEvent} event @returns {Point} */
  _at({ clientX, clientY }) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return { x: ((clientX - left) / width) * this.layer.width, y: ((clientY - top) / height) * this.layer.height };
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const [x, y] = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0],
    })[event.key] ?? [NaN, NaN];
    if (Number.isNaN(x)) return;
    event.preventDefault();
    const odd = Math.round(2 * this.radius) % 2 / 2; // the middle of a brush of odd width is that of a pixel
    const within = (/** @type {number} */ value, /** @type {number} */ side) => Math.min(side - odd, Math.max(odd, Math.floor(value) + odd));
    this.byKeys = true;
    this.place = { x: within(this.place.x + x, this.layer.width), y: within(this.place.y + y, this.layer.height) };
    if (event.key !== " ") return this.draw();
    this._paint(this.place);
    this.does.done?.();
  }

  /** Paint from one point to another: a fast pointer leaves out those between. @param {Point} from @param {Point} to */
  _paint(from, to = from) {
    const { width, height } = this.layer, radius = Math.max(Math.SQRT1_2, this.radius); // the pixel below it, at least
    this.place = to;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (away(x + 0.5, y + 0.5, from, to) <= radius) this.does.paint(y * width + x);
      }
    }
    this.draw();
  }

  /** Show what is painted, and for the keyboard where the brush is. */
  draw() {
    this.does.show();
    if (document.activeElement !== this.layer || !this.byKeys) return;
    const { x, y } = this.place, { width, height } = this.layer, pen = context(this.layer);
    pen.fillStyle = "rgb(64 160 255 / 0.8)";
    pen.fillRect(Math.min(width - 1, Math.floor(x)), Math.min(height - 1, Math.floor(y)), 1, 1);
  }
}
