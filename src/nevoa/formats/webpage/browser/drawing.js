/**
 * A canvas on which a visitor draws the picture that images are made from.
 *
 * @typedef {import("./photo.js").PictureKind} PictureKind
 * @typedef {import("./photo.js").Pixels} Pixels
 */

import { Brush, COVER, PAINTED } from "./brush.js";
import { make, saying } from "./elements.js";
import { pictured, read, sidesOf } from "./photo.js";
import { context, imageData } from "./pictures.js";

// Not any image: a phone that takes photos in another format gives one of these.
const FORMATS = "image/png,image/jpeg,image/webp,image/gif,image/avif,image/bmp";
const BLACK = "#000000", WHITE = "#ffffff";
const GRAYS = { black: BLACK, darkGray: "#404040", gray: "#808080", lightGray: "#c0c0c0", white: WHITE };
const COLOURS = { black: BLACK, gray: "#808080", white: WHITE, red: "#d03030", yellow: "#f0c030", green: "#309040", blue: "#3060c0", brown: "#805030" };
// Pixels: lines are as wide as edges, one of large pixels is narrower, and a missing part wider; the widest brush is a share of the picture.
const LINE = 2, LARGE = 1, PART = 5, WIDEST = 3;

/** The three numbers of a colour. @param {string} colour such as #ff0000 */
const rgb = (colour) => [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));

/** The numbers of a picture as a network gets them: its colours in [-1, 1], 0 where they are missing, then 1 where they are not. @param {Pixels} pixels @param {PictureKind} kind */
function tensorOf({ colours, there }, { height, width, factor }) {
  const places = Array.from({ length: height * width }, (_, i) => Math.floor(i / width / factor) * (width / factor) + Math.floor(i % width / factor));
  return [...colours.map((plane) => places.map((i) => there[i] && plane[i] / 127.5 - 1)), places.map((i) => there[i])].flat();
}

/** The picture in bytes, channel after channel. @param {string} start in base64 @param {number} count of colours @returns {Pixels} */
function startOf(start, count) {
  const bytes = Uint8ClampedArray.from(atob(start), (letter) => letter.charCodeAt(0)), size = bytes.length / (count + 1);
  const planes = Array.from({ length: count + 1 }, (_, i) => bytes.slice(i * size, (i + 1) * size));
  return { colours: planes.slice(0, count), there: Uint8Array.from(planes[count], (alpha) => Number(alpha > 0)) };
}

/** The canvas of a kind of picture, and what is drawn on it. */
export class Drawing {
  /** @param {PictureKind} kind @param {HTMLElement} parent where the controls go @param {() => void} changed */
  constructor(kind, parent, changed) {
    const { height, width, count } = sidesOf(kind);
    this.kind = kind;
    this.changed = changed;
    this.erases = kind.kind === "masked";
    this.paper = kind.kind === "edges" ? 0 : 255;
    this.notice = "";
    this.canvas = saying(make("canvas", { height, width, tabIndex: 0 }), "label", "canvas");
    this.canvas.setAttribute("role", "application");
    /** @type {Pixels} */
    this.blank = { colours: Array.from({ length: count }, () => new Uint8ClampedArray(height * width).fill(this.paper)), there: new Uint8Array(height * width).fill(1) };
    this.pixels = this.blank;
    const side = Math.min(height, width), line = Math.min(side, this.erases ? PART : kind.factor > 1 ? LARGE : LINE);
    this.brush = new Brush(this.canvas, line / 2, { paint: (i) => this._paint(i), show: () => this._show(), done: () => this._done() });
    this.said = make("p", {});
    this.said.setAttribute("role", "status");
    this._controls(parent, line, Math.max(line, Math.ceil(side / WIDEST)), count);
    this.clear();
    if (kind.start) this.set(startOf(kind.start, count));
  }

  /** @param {HTMLElement} parent @param {number} line @param {number} widest @param {number} count of colours */
  _controls(parent, line, widest, count) {
    const help = make("p", { id: `draw-${this.kind.kind}` }), output = make("output", { textContent: String(line) });
    const width = make("input", { type: "range", min: "1", max: String(widest), value: String(line), id: `brush-${this.kind.kind}` });
    const file = make("input", { type: "file", accept: FORMATS, hidden: true });
    width.oninput = () => {
      output.textContent = width.value;
      this.brush.radius = width.valueAsNumber / 2;
    };
    file.onchange = () => this.open(/** @type {FileList} */ (file.files)[0]).then(() => { file.value = ""; });
    const opens = make("button", { type: "button", onclick: () => file.click() });
    const clears = make("button", { type: "button", onclick: () => { this.clear(); this.changed(); } });
    this.canvas.setAttribute("aria-describedby", help.id);
    parent.append(make("fieldset", { className: "drawing" },
      saying(make("legend", {}), "text", `kind_${this.kind.kind}`),
      make("div", { className: "frame" }, this.canvas),
      make("div", { className: "tools control" },
        saying(help, "text", `draw_${this.kind.kind}`), this._paints(count),
        saying(make("label", { htmlFor: width.id }), "text", "brush"), output, width,
        make("div", { className: "row" }, saying(opens, "text", "openPhoto"), saying(clears, "text", "clear"), file), this.said)));
  }

  /** What to paint with. @param {number} count of colours */
  _paints(count) {
    const { kind } = this.kind, name = `paint-${kind}`, few = { white: WHITE, black: BLACK };
    const offered = this.erases ? { missing: "", putBack: "" } : kind === "edges" ? few : count === 1 ? GRAYS : COLOURS;
    const swatches = Object.entries(offered).map(([key, colour], i) => {
      const radio = saying(make("input", { type: "radio", name, checked: !i, onchange: () => this._take(key, colour) }), "label", key);
      const shown = make("span", {});
      if (colour) shown.style.background = colour;
      else saying(shown, "text", key);
      return make("label", { className: colour ? "swatch" : "" }, radio, shown);
    });
    const [first] = Object.entries(offered);
    this._take(...first);
    const group = saying(make("div", { className: "choices" }, ...swatches), "label", "paintWith");
    group.setAttribute("role", "radiogroup");
    return make("div", { className: "paints" }, group, ...(count > 1 && !this.erases ? [this._own(group)] : []));
  }

  /** A colour of the visitor's own. @param {HTMLElement} group */
  _own(group) {
    const own = saying(make("input", { type: "color", value: "#e0a080" }), "label", "ownColour");
    own.onclick = own.oninput = () => {
      for (const radio of group.querySelectorAll("input")) radio.checked = false;
      this._take("", own.value);
    };
    return own;
  }

  /** @param {string} key @param {string} colour */
  _take(key, colour) {
    this.there = Number(key !== "missing");
    this.colour = colour ? rgb(colour) : null;
  }

  /** @param {number} i */
  _paint(i) {
    const { colours, there } = this.pixels;
    if (this.colour) colours.forEach((plane, part) => { plane[i] = /** @type {number[]} */ (this.colour)[part]; });
    else there[i] = /** @type {number} */ (this.there);
  }

  /** A stroke has ended. */
  _done() {
    this.notice = "";
    this.changed();
  }

  clear() {
    const { colours, there } = this.blank;
    this.set({ colours: colours.map((plane) => plane.slice()), there: there.slice() });
  }

  /** @param {Pixels} pixels @param {string} notice what to tell the visitor, as a key of the texts */
  set(pixels, notice = "") {
    this.pixels = pixels;
    this.notice = notice;
    this._show();
  }

  /** Draw a photo. @param {Blob} file */
  async open(file) {
    try {
      const found = pictured(await read(file), this.kind);
      this.set(found, this.erases && found.there.every(Boolean) ? "paintOver" : "");
    } catch {
      this.notice = "noPhoto";
    }
    this.changed();
  }

  _show() {
    const { colours, there } = this.pixels, { height, width } = this.canvas, size = height * width;
    const bytes = new Uint8ClampedArray(colours.length * size);
    colours.forEach((plane, part) => bytes.set(plane, part * size));
    const image = imageData(bytes, [colours.length, height, width]);
    there.forEach((one, i) => {
      if (!one) PAINTED.forEach((value, part) => { image.data[4 * i + part] = COVER * value + (1 - COVER) * image.data[4 * i + part]; });
    });
    context(this.canvas).putImageData(image, 0, 0);
  }

  /** Whether nothing is drawn; or, of a picture of which a part may be missing, nothing is missing. */
  get empty() {
    const { colours, there } = this.pixels;
    return there.every(Boolean) && (this.erases || colours.every((plane) => plane.every((value) => value === this.paper)));
  }

  /** What is drawn, for the network; null if nothing is. */
  tensor() {
    return this.empty ? null : tensorOf(this.pixels, this.kind);
  }

  /** @param {import("./texts.js").Words} say */
  names(say) {
    return this.empty ? [] : [say.say("fromCanvas")];
  }

  /** @param {import("./texts.js").Words} say */
  write(say) {
    this.said.className = this.notice === "noPhoto" ? "wrong" : "";
    this.said.textContent = this.notice && say.say(this.notice);
  }
}
