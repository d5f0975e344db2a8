/**
 * What a visitor does: choose, make, look.
 *
 * @typedef {import("./sampling.js").Image} Image
 * @typedef {import("./sampling.js").Way} Way
 * @typedef {import("./viewer.js").Moment} Moment
 * @typedef {{package: import("./worker.js").Package, sampling: import("./controls.js").Sampling, source: string | null,
 *   about: {name: string, parameters: number, data: string, licence: string, distance: [string, string, string] | null}}} Data
 */

import { Controls } from "./controls.js";
import { the } from "./elements.js";
import { Words, preferred } from "./texts.js";
import { MOST_FRAMES, paint, saveGif, savePng } from "./pictures.js";
import { Player } from "./player.js";
import { Viewer } from "./viewer.js";

// Images between two.
const BETWEEN = 7;
// Milliseconds for which each state stays, so that even a fast machine shows the way.
const SHOWN = 70;
// Milliseconds for which a visitor may go on choosing.
const WAIT = 250;

/** Whether a state is one of those that are kept. All of a thousand are a gigabyte at 128x128. @param {{step: number, steps: number}} state */
function stays({ step, steps }) {
  const share = (MOST_FRAMES - 1) / steps;
  return step === Math.round(Math.round(step * share) / share);
}

/** An image in the grid, and how it came. @typedef {{image: Image, moments: Moment[], filled: boolean, button: HTMLButtonElement, canvas: HTMLCanvasElement}} Tile */

class Page {
  /** @param {Data} data @param {import("./texts.js").Language} language */
  constructor(data, language) {
    this.data = data;
    this.words = new Words(language);
    /** @type {Tile[]} */
    this.tiles = [];
    this.runs = 0;
    this.seconds = 0;
    this.engine = "";
    this.status = () => this.words.say("loading");
    /** @type {import("./viewer.js").Picture | null} the first of two images to blend */
    this.first = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.waiting = undefined;
    document.title = data.about.name;
    the("name").textContent = data.about.name;
    this.controls = new Controls(data.sampling, data.package.classes, data.package.conditions, { again: () => this.make(), changed: () => this.soon() });
    this.listen();
    this.viewer = new Viewer(this.words, data.package.shape, {
      fill: data.sampling.filling && ((picture, known) => this.fill(picture, known)),
      blend: (picture) => this.blendWith(picture),
      closed: () => this.stop(),
    });
    this.player = new Player(the("worker").textContent ?? "", (answer) => answer.kind === "ready" ? this.ready(answer) : this.failed(answer.problem, { text: answer.text }));
  }

  get classes() {
    return this.data.package.classes;
  }

  /** How long an image takes. */
  get time() {
    return this.seconds ? this.words.time(this.seconds * this.controls.evaluations(this.data.package.program.guided)) : "";
  }

  async open() {
    this.write();
    this.busy(false);
    const wanted = /** @type {import("./worker.js").Choice} */ (new URLSearchParams(location.hash.slice(1)).get("engine") ?? "auto");
    const block = await this.block();
    if (block) this.player.open({ package: this.data.package, block, engine: wanted });
  }

  /** The weights, from inside the page or beside it. */
  async block() {
    const { source } = this.data;
    if (!source) return the("weights").textContent ?? "";
    try {
      const answer = await fetch(source);
      if (answer.ok) return await answer.arrayBuffer();
    } catch { /* as if it were not there */ }
    this.failed("unreachable", { name: source });
    return null;
  }

  /** @param {{engine: string, seconds: number}} answer */
  ready({ engine, seconds }) {
    this.engine = engine;
    this.seconds = seconds;
    document.body.dataset.engine = engine;
    this.controls.write(this.words, this.time);
    this.make();
  }

  /** @param {string} problem @param {Record<string, string>} values */
  failed(problem, values) {
    this.tell(() => "");
    this.busy(false);
    the("problem").hidden = false;
    the("problem").textContent = this.words.say(problem, values);
  }

  /** Say something, again if the language changes. @param {() => string} what */
  tell(what) {
    this.status = what;
    the("status").textContent = what();
  }

  /** Whether images are being made. Half-made ones can be looked at, too. @param {boolean} on */
  busy(on) {
    const seen = this.tiles.length > 0 && this.tiles.every(({ moments }) => moments.length > 0);
    /** @type {HTMLButtonElement} */ (the("stop")).disabled = !on;
    for (const button of [the("png"), the("gif"), ...this.tiles.map((tile) => tile.button)]) {
      /** @type {HTMLButtonElement} */ (button).disabled = on || !seen;
    }
    document.body.classList.toggle("busy", on);
    /** @type {HTMLProgressElement} */ (the("progress")).value = on ? 0 : 1;
  }

  /** End what is being made or shown. */
  halt() {
    this.runs++;
    this.player.stop();
    this.busy(false);
  }

  stop() {
    if (!document.body.classList.contains("busy")) return;
    this.halt();
    this.tell(() => this.words.say("stopped"));
  }

  /** Make new images in the grid. */
  async make() {
    if (!this.engine) return;
    clearTimeout(this.waiting);
    if (this.first) this.leaveBlend();
    the("problem").hidden = true;
    const { problem } = this.controls, start = performance.now();
    if (problem) return this.tell(() => this.words.say(problem));
    const images = this.controls.order(this.words);
    this.tell(() => this.words.say("estimateOfTime", { time: this.time, engine: this.engine }));
    this.tiles = images.map((image, n) => this.tile(image, n));
    the("grid").replaceChildren(...this.tiles.map(({ button }) => button));
    const finished = await this.run(images, this.controls.way, null, (moments, step, steps) => {
      this.tiles.forEach((tile, n) => this.add(tile, moments[n]));
      if (step) this.tell(() => this.words.say("working", { step, steps, time: this.time }));
    });
    if (!finished) return;
    const seconds = (performance.now() - start) / 1000;
    this.tell(() => this.words.say("done", { time: this.words.time(seconds) }));
  }

  /**
   * Let the worker make images, and see each of their states for a moment; where less motion is preferred, all at the
   * end, so that only the last is drawn. Whether they were finished.
   *
   * @param {Image[]} images @param {Way} way @param {import("./player.js").Order["kept"]} kept
   * @param {(moments: Moment[], step: number, steps: number) => void} see
   */
  async run(images, way, kept, see) {
    const run = ++this.runs, current = () => run === this.runs;
    this.busy(true);
    /** @type {import("./player.js").State[]} */
    const states = [];
    let open = true;
    const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const done = this.player.make({ images, way, kept }, (state) => {
      if (!quiet || stays(state)) states.push(state);
      /** @type {HTMLProgressElement} */ (the("progress")).value = state.step / state.steps;
    }).then((finished) => {
      open = false;
      return finished;
    });
    const size = this.data.package.shape.reduce((a, b) => a * b);
    while (current() && (open || states.length)) {
      const state = quiet && open ? null : states.shift();
      if (state) {
        const part = (/** @type {Uint8ClampedArray} */ all, /** @type {number} */ n) => all.subarray(n * size, (n + 1) * size);
        const { t, step, steps } = state;
        see(images.map((_, n) => ({ x: part(state.x, n), x0: part(state.x0, n), t, step, steps })), step, steps);
      }
      if (quiet && !open) continue;
      await new Promise((resolve) => setTimeout(resolve, state ? (states.length > 20 ? 0 : SHOWN) : 15));
    }
    if (!current()) return false;
    this.busy(false);
    return done;
  }

  /** A place in the grid. @param {Image} image @param {number} n @returns {Tile} */
  tile(image, n) {
    const button = document.createElement("button"), canvas = document.createElement("canvas"), name = document.createElement("span");
    const tile = { image, moments: /** @type {Moment[]} */ ([]), filled: false, button, canvas };
    button.type = "button";
    name.textContent = image.label === null ? "" : this.classes[image.label];
    [canvas.height, canvas.width] = this.data.package.shape.slice(1);
    button.append(canvas, name);
    button.setAttribute("aria-label", this.title(image, n));
    button.onclick = () => this.first ? this.blend(this.first, this.picture(tile, n)) : this.viewer.open(this.picture(tile, n));
    return tile;
  }

  /** @param {Image} image @param {number} n */
  title({ label, named = [] }, n) {
    const asked = [...(label === null ? [] : [this.classes[label]]), ...named].join(", ");
    return this.words.say(asked ? "imageOf" : "image", { number: n + 1, label: asked });
  }

  /** @param {Tile} tile @param {number} n */
  picture({ image, moments, filled }, n) {
    return { image, moments, title: this.title(image, n), number: n, filled };
  }

  /** Show a state, and keep it until the next one or for good. @param {Tile} tile @param {Moment} moment */
  add(tile, moment) {
    const { moments } = tile, last = moments.at(-1);
    if (last && !stays(last)) moments.pop();
    moments.push(moment);
    paint(tile.canvas, moment.x, this.data.package.shape);
  }

  /** Draw the rest of an image anew. @param {import("./viewer.js").Picture} picture @param {Uint8Array} known */
  async fill(picture, known) {
    const { name, grids, steps, variance, eta } = /** @type {import("./controls.js").Sampler} */ (this.data.sampling.filling), bytes = picture.moments[picture.moments.length - 1].x;
    const way = { ...this.controls.way, sampler: name, grid: grids[steps], variance, eta };
    const image = { ...picture.image, seed: Math.floor(Math.random() * 2 ** 32) };
    /** @type {Moment[]} */
    const moments = [];
    this.viewer.busy(true);
    const finished = await this.run([image], way, { bytes, known }, ([moment], step, of) => {
      moments.push(moment);
      this.viewer.update(moments);
      this.viewer.say("filling", { step, steps: of });
    });
    this.viewer.busy(false);
    if (!finished) return;
    this.viewer.say("filled");
    const tile = this.tiles.find(({ moments: own }) => own === picture.moments);
    if (tile) {
      tile.moments = moments;
      tile.filled = true;
      paint(tile.canvas, moments[moments.length - 1].x, this.data.package.shape);
    }
  }

  /** Ask for the second image. @param {import("./viewer.js").Picture} picture */
  blendWith(picture) {
    this.first = picture;
    the("gallery").classList.add("choosing");
    for (const { button, filled } of this.tiles) button.disabled = filled;
    this.tell(() => this.words.say("blendHelp"));
    this.tiles.find(({ filled }) => !filled)?.button.focus();
  }

  leaveBlend() {
    this.first = null;
    the("gallery").classList.remove("choosing");
    for (const { button } of this.tiles) button.disabled = false;
    this.tell(() => "");
  }

  /** Make the images between two. @param {import("./viewer.js").Picture} first @param {import("./viewer.js").Picture} second */
  async blend(first, second) {
    this.leaveBlend();
    const shares = Array.from({ length: BETWEEN + 2 }, (_, i) => i / (BETWEEN + 1));
    const images = shares.map((share) => share === 0 ? first.image : share === 1 ? second.image : { ...first.image, other: second.image, share });
    const title = () => this.words.say("betweenTitle", { first: first.number + 1, second: second.number + 1 });
    const finished = await this.run(images, this.controls.way, null, (moments, step, steps) => {
      const percent = (/** @type {number} */ share) => this.words.say("between", { percent: Math.round(100 * share) });
      this.viewer.openRow(title(), moments.map(({ x }, n) => ({ bytes: x, caption: percent(shares[n]) })));
      this.viewer.say("blending", { step, steps });
    });
    if (finished) this.viewer.say("blended");
  }

  /** Buttons that are not of the form. */
  listen() {
    const { about, package: { shape } } = this.data;
    the("stop").onclick = () => this.stop();
    the("png").onclick = () => savePng(this.tiles.map(({ moments }) => moments[moments.length - 1].x), shape, this.columns, about.name);
    the("gif").onclick = () => saveGif(this.frames, shape, this.columns, about.name);
    the("language").onclick = () => {
      this.words.language = this.words.language === "en" ? "pt" : "en";
      this.write();
    };
    addEventListener("keydown", ({ key }) => { if (key === "Escape" && this.first) this.leaveBlend(); });
  }

  /** Make other images, once nothing else is chosen for a moment. */
  soon() {
    clearTimeout(this.waiting);
    if (this.first) this.leaveBlend();
    this.halt();
    this.tell(() => "");
    this.controls.write(this.words, this.time);
    this.waiting = setTimeout(() => {
      this.controls.typed = false;
      this.make();
    }, WAIT);
  }

  /** The pixels of all tiles, state by state; a tile with fewer states than another waits at its last. */
  get frames() {
    const most = Math.max(...this.tiles.map(({ moments }) => moments.length));
    const at = (/** @type {number} */ i) => this.tiles.map(({ moments }) => moments[Math.min(i, moments.length - 1)].x);
    return Array.from({ length: most }, (_, i) => at(i));
  }

  get columns() {
    return Math.ceil(Math.sqrt(this.tiles.length));
  }

  /** All words, in the language of now. */
  write() {
    const { words, data: { about } } = this;
    words.write();
    the("language").lang = words.language === "en" ? "pt" : "en";
    const model = words.say("aboutModel", { parameters: words.number(about.parameters), data: about.data, licence: words.licence(about.licence) });
    const [metric, distance, floor] = about.distance ?? ["", "", ""];
    the("about-text").textContent = `${model} ${about.distance ? words.say("aboutDistance", { metric, distance: words.decimal(distance), floor: words.decimal(floor) }) : words.say("aboutUnmeasured")}`;
    this.tiles.forEach(({ button, image }, n) => button.setAttribute("aria-label", this.title(image, n)));
    this.tell(this.status);
    this.controls.write(words, this.time);
  }
}

export function start() {
  /** @type {Data} */
  const data = JSON.parse(the("data").textContent ?? "");
  new Page(data, preferred()).open();
}

