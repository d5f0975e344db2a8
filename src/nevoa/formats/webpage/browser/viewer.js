/**
 * The window with one image: its way out of the noise, a mask, a blend.
 *
 * @typedef {import("./sampling.js").Image} Image
 * @typedef {{x: Uint8ClampedArray, x0: Uint8ClampedArray, t: number, step: number, steps: number}} Moment
 * @typedef {{image: Image, moments: Moment[], title: string, number: number, filled: boolean}} Picture `filled`: a part was drawn anew, so that
 *   its noise alone does not give the image
 */

import { Brush, COVER, PAINTED } from "./brush.js";
import { the } from "./elements.js";
import { context, imageData, paint, saveGif, savePng } from "./pictures.js";

const THUMBNAILS = 9, BRUSH = 0.11;

/** @param {string} id */
const canvas = (id) => /** @type {HTMLCanvasElement} */ (the(id));

export class Viewer {
  /**
   * @param {import("./texts.js").Words} words @param {[number, number, number]} shape
   * @param {{fill: ((picture: Picture, known: Uint8Array) => void) | null, blend: (picture: Picture) => void, closed: () => void}} does
   *   `fill` is null where no part of an image can be drawn anew
   */
  constructor(words, shape, does) {
    this.words = words;
    this.shape = shape;
    this.fills = !!does.fill;
    this.making = false;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {{bytes: Uint8ClampedArray, estimate: Uint8ClampedArray | null, caption: string, step: number}[]} */
    this.frames = [];
    this.dialog = /** @type {HTMLDialogElement} */ (the("viewer"));
    this.scrub = /** @type {HTMLInputElement} */ (the("scrub"));
    this.mask = new Mask(canvas("mask"), shape);
    this.dialog.onclose = () => does.closed();
    this.dialog.onclick = ({ target, clientX: x, clientY: y }) => {
      const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
      // The gaps between its parts are the dialog, too.
      if (target === this.dialog && (x < left || x > right || y < top || y > bottom)) this.dialog.close();
    };
    the("close").onclick = () => this.dialog.close();
    this.scrub.oninput = () => this.show(this.scrub.valueAsNumber);
    the("image-png").onclick = () => savePng([this.frames[this.scrub.valueAsNumber].bytes], shape, 1, "image");
    the("image-gif").onclick = () => saveGif(this.frames.map(({ bytes }) => [bytes]), shape, 1, "image");
    the("paint").onclick = () => { if (!this.making) this.painting(true); };
    the("leave").onclick = () => this.leave();
    the("clear").onclick = () => this.mask.clear();
    the("blend").onclick = () => {
      const picture = /** @type {Picture} */ (this.picture);
      this.dialog.close();
      does.blend(picture);
    };
    the("fill").onclick = () => {
      const known = this.mask.known(shape);
      if (known.every(Boolean)) return this.say("nothingPainted");
      this.leave();
      does.fill?.(/** @type {Picture} */ (this.picture), known);
    };
  }

  /** Show an image and its way. @param {Picture} picture */
  open(picture) {
    this.picture = picture;
    this.frames = picture.moments.map(({ x, x0, t, step, steps }) => ({
      bytes: x, estimate: x0, step, caption: this.words.say("scrub", { step, steps, t }),
    }));
    this._open(picture.title, true);
  }

  /** Show images in a row, such as those from one to another. @param {{bytes: Uint8ClampedArray, caption: string}[]} frames */
  openRow(/** @type {string} */ title, frames) {
    this.picture = null;
    this.frames = frames.map((frame, step) => ({ ...frame, estimate: null, step }));
    this._open(title, false);
  }

  /** Whether a part is being made, of which there is nothing to paint on yet. @param {boolean} on */
  busy(on) {
    this.making = on;
    the("paint").setAttribute("aria-disabled", String(on)); // not `disabled`, which would take the focus away
  }

  /** Show the states of an image of which a part is being made. @param {Moment[]} moments */
  update(moments) {
    if (this.picture) this.open({ ...this.picture, moments, filled: true });
  }

  _open(/** @type {string} */ title, /** @type {boolean} */ ofOne) {
    the("viewer-title").textContent = title;
    the("estimate-figure").hidden = !ofOne;
    the("paint").hidden = !ofOne || !this.fills;
    the("blend").hidden = !ofOne || !!this.picture?.filled;
    this.scrub.max = String(this.frames.length - 1);
    this.painting(false);
    this._strip();
    this.show(this.frames.length - 1);
    if (this.dialog.open) return;
    this.say();
    this.dialog.showModal();
    the("viewer-title").focus();
  }

  /** @param {number} i */
  show(i) {
    const { bytes, estimate, caption } = this.frames[i];
    this.scrub.value = String(i);
    this.scrub.setAttribute("aria-valuetext", caption);
    paint(canvas("picture"), bytes, this.shape);
    if (estimate) paint(canvas("estimate"), estimate, this.shape);
    the("picture-caption").textContent = this.picture ? this.words.say("soFar") : caption;
    the("scrub-label").textContent = caption;
    [...the("strip").children].forEach((button) => button.setAttribute("aria-pressed", String(Number(/** @type {HTMLElement} */ (button).dataset.frame) === i)));
  }

  /** A small picture of some frames; each is a button. */
  _strip() {
    const last = this.frames.length - 1, count = Math.min(THUMBNAILS, last + 1);
    const chosen = Array.from({ length: count }, (_, i) => Math.round((i * last) / Math.max(1, count - 1)));
    the("strip").replaceChildren(...chosen.map((frame) => {
      const button = document.createElement("button"), small = document.createElement("canvas");
      button.type = "button";
      button.dataset.frame = String(frame);
      button.setAttribute("aria-label", this.picture ? this.words.say("frame", { step: this.frames[frame].step }) : this.frames[frame].caption);
      button.onclick = () => this.show(frame);
      paint(small, this.frames[frame].bytes, this.shape);
      button.append(small);
      return button;
    }));
  }

  /** Paint a mask, or look. @param {boolean} on */
  painting(on) {
    the("painting").hidden = !on;
    for (const id of ["actions", "scrubber", "estimate-figure"]) the(id).hidden = on || (id === "estimate-figure" && !this.picture);
    the("mask").hidden = !on;
    if (!on) return;
    this.show(this.frames.length - 1);
    this.mask.clear();
    this.say("paintHelp");
    the("mask").focus();
  }

  /** Paint no more; the focus goes back to where the painting began. */
  leave() {
    this.painting(false);
    the("paint").focus();
  }

  /** Tell the reader something. @param {string} [key] @param {Record<string, string | number>} values */
  say(key, values = {}) {
    the("viewer-status").textContent = key ? this.words.say(key, values) : "";
  }
}

/** The pixels that somebody paints over. */
class Mask {
  /** @param {HTMLCanvasElement} layer @param {[number, number, number]} shape */
  constructor(layer, [, height, width]) {
    [layer.height, layer.width] = [height, width];
    this.layer = layer;
    this.painted = new Uint8Array(height * width);
    this.brush = new Brush(layer, Math.max(1, BRUSH * Math.max(height, width)), { paint: (i) => { this.painted[i] = 1; }, show: () => this._show() });
  }

  clear() {
    this.painted.fill(0);
    this.brush.draw();
  }

  _show() {
    const { width, height } = this.layer, image = imageData(new Uint8ClampedArray(width * height), [1, height, width]);
    this.painted.forEach((painted, i) => image.data.set([...PAINTED, painted && 255 * COVER], 4 * i));
    context(this.layer).putImageData(image, 0, 0);
  }

  /** 1 for each number of the image that stays. @param {[number, number, number]} shape */
  known([channels]) {
    const known = new Uint8Array(channels * this.painted.length);
    for (let i = 0; i < known.length; i++) known[i] = 1 - this.painted[i % this.painted.length];
    return known;
  }
}
