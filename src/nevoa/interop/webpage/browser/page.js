/**
 * What a visitor does: choose, make, look.
 *
 * @typedef {import("./sampling.js").Image} Image
 * @typedef {import("./sampling.js").Way} Way
 * @typedef {import("./viewer.js").Moment} Moment
 * @typedef {{name: string, steps: number, grids: Record<string, number[]>, variance: string, eta: number, evaluations: number}} Sampler
 * @typedef {{samplers: Sampler[], filling: Sampler, clip: boolean, guidance: number, guided: boolean}} Sampling
 * @typedef {{package: import("./worker.js").Package, sampling: Sampling, source: string | null,
 *   about: {name: string, parameters: number, data: string, licence: string, distance: [string, string, string] | null}}} Data
 */

import { Words, preferred } from "./texts.js";
import { paint, saveGif, savePng } from "./pictures.js";
import { Player } from "./player.js";
import { Viewer } from "./viewer.js";

// As many images as classes, within these bounds; without classes, or of one class, the upper.
const FEW = 6, MANY = 12;
const BETWEEN = 7;
const NAMES = { ddpm: "DDPM", ddim: "DDIM", dpm_solver: "DPM-Solver++", euler: "Euler", heun: "Heun" };
// Milliseconds for which each state stays, so that even a fast machine shows the way.
const SHOWN = 70;

/** @template {HTMLElement} T @param {string} id @returns {T} */
const the = (id) => /** @type {T} */ (document.getElementById(id));

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
    this.viewer = new Viewer(this.words, data.package.shape, {
      fill: (picture, known) => this.fill(picture, known),
      blend: (picture) => this.blendWith(picture),
      closed: () => this.stop(),
    });
    this.player = new Player(the("worker").textContent ?? "", (answer) => answer.kind === "ready" ? this.ready(answer) : this.failed(answer.problem, { text: answer.text }));
  }

  get classes() {
    return this.data.package.classes;
  }

  /** The class that is chosen, or null for all. */
  get label() {
    const chosen = /** @type {HTMLInputElement | null} */ (document.querySelector("#choices :checked"));
    return chosen && chosen.value ? Number(chosen.value) : null;
  }

  get sampler() {
    return this.data.sampling.samplers[/** @type {HTMLSelectElement} */ (the("sampler")).selectedIndex];
  }

  get steps() {
    return Number(Object.keys(this.sampler.grids)[/** @type {HTMLInputElement} */ (the("steps")).valueAsNumber]);
  }

  /** How to sample, as the controls say. @returns {Way} */
  get way() {
    const { name, grids, variance, eta } = this.sampler;
    return { sampler: name, grid: grids[this.steps], variance, eta, clip: this.data.sampling.clip, guidance: this.guidance };
  }

  get guidance() {
    return this.data.sampling.guided ? /** @type {HTMLInputElement} */ (the("guidance")).valueAsNumber : this.data.sampling.guidance;
  }

  /** How long an image takes. */
  get time() {
    const twice = this.classes.length && ![0, 1].includes(this.guidance) ? 2 : 1;
    return this.words.time(this.seconds * this.steps * this.sampler.evaluations * twice);
  }

  async open() {
    this.build();
    this.write();
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
    this.show();
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

  /** The images that the controls ask for. @returns {Image[]} */
  wishes() {
    const { label } = this, seed = Math.max(0, Math.floor(/** @type {HTMLInputElement} */ (the("seed")).valueAsNumber || 0));
    const count = label === null && this.classes.length ? Math.max(FEW, Math.min(MANY, this.classes.length)) : MANY;
    return Array.from({ length: count }, (_, number) => ({
      seed, number, label: label ?? (this.classes.length ? number % this.classes.length : null),
    }));
  }

  /** Make new images in the grid. */
  async make() {
    if (!this.engine) return;
    clearTimeout(this.waiting);
    the("problem").hidden = true;
    this.tell(() => this.words.say("estimateOfTime", { time: this.time, engine: this.engine }));
    const images = this.wishes(), start = performance.now();
    this.tiles = images.map((image, n) => this.tile(image, n));
    the("grid").replaceChildren(...this.tiles.map(({ button }) => button));
    const finished = await this.run(images, this.way, null, (moments, step, steps) => {
      this.tiles.forEach((tile, n) => this.add(tile, moments[n]));
      if (step) this.tell(() => this.words.say("working", { step, steps, time: this.time }));
    });
    if (!finished) return;
    const seconds = (performance.now() - start) / 1000;
    this.tell(() => this.words.say("done", { time: this.words.time(seconds) }));
  }

  /**
   * Let the worker make images, and see each of their states for a moment. Whether they were finished.
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
    const done = this.player.make({ images, way, kept }, (state) => states.push(state)).then((finished) => {
      open = false;
      return finished;
    });
    const size = this.data.package.shape.reduce((a, b) => a * b);
    const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
    while (current() && (open || states.length)) {
      const state = states.shift();
      if (state) {
        const part = (/** @type {Uint8ClampedArray} */ all, /** @type {number} */ n) => all.subarray(n * size, (n + 1) * size);
        see(images.map((_, n) => ({ x: part(state.x, n), x0: part(state.x0, n), t: state.t })), state.step, state.steps);
        /** @type {HTMLProgressElement} */ (the("progress")).value = state.step / state.steps;
      }
      const hurry = quiet || states.length > 20;
      await new Promise((resolve) => setTimeout(resolve, state ? (hurry ? 0 : SHOWN) : 15));
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
  title({ label }, n) {
    return label === null ? this.words.say("image", { number: n + 1 }) : this.words.say("imageOf", { number: n + 1, label: this.classes[label] });
  }

  /** @param {Tile} tile @param {number} n */
  picture({ image, moments, filled }, n) {
    return { image, moments, title: this.title(image, n), number: n, filled };
  }

  /** @param {Tile} tile @param {Moment} moment */
  add(tile, moment) {
    tile.moments.push(moment);
    paint(tile.canvas, moment.x, this.data.package.shape);
  }

  /** Draw the rest of an image anew. @param {import("./viewer.js").Picture} picture @param {Uint8Array} known */
  async fill(picture, known) {
    const { name, grids, steps, variance, eta } = this.data.sampling.filling, bytes = picture.moments[picture.moments.length - 1].x;
    const way = { ...this.way, sampler: name, grid: grids[steps], variance, eta };
    const image = { ...picture.image, seed: Math.floor(Math.random() * 2 ** 32) };
    /** @type {Moment[]} */
    const moments = [];
    const finished = await this.run([image], way, { bytes, known }, ([moment], step, of) => {
      moments.push(moment);
      this.viewer.update(moments);
      this.viewer.say("filling", { step, steps: of });
    });
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
    const finished = await this.run(images, this.way, null, (moments, step, steps) => {
      const percent = (/** @type {number} */ share) => this.words.say("between", { percent: Math.round(100 * share) });
      this.viewer.openRow(title(), moments.map(({ x }, n) => ({ bytes: x, caption: percent(shares[n]) })));
      this.viewer.say("blending", { step, steps });
    });
    if (finished) this.viewer.say("blended");
  }

  /** The controls, and what they do. */
  build() {
    const { about, sampling } = this.data, again = () => {
      clearTimeout(this.waiting);
      this.halt();
      this.tell(() => "");
      this.waiting = setTimeout(() => this.make(), 250);
    };
    document.title = about.name;
    the("name").textContent = about.name;
    the("sampler").replaceChildren(...sampling.samplers.map(() => document.createElement("option")));
    this.choices();
    the("controls").onsubmit = (event) => {
      event.preventDefault();
      const seed = /** @type {HTMLInputElement} */ (the("seed"));
      seed.value = String((Math.floor(seed.valueAsNumber || 0) + 1) % 2 ** 32);
      this.make();
    };
    the("stop").onclick = () => this.stop();
    for (const id of ["steps", "guidance", "seed"]) the(id).oninput = () => { this.show(); again(); };
    the("choices").onchange = again;
    the("sampler").onchange = () => { this.slider(); this.show(); again(); };
    the("png").onclick = () => savePng(this.tiles.map(({ moments }) => moments[moments.length - 1].x), this.data.package.shape, this.columns, about.name);
    the("gif").onclick = () => saveGif(this.tiles[0].moments.map((_, i) => this.tiles.map(({ moments }) => moments[i].x)), this.data.package.shape, this.columns, about.name);
    the("language").onclick = () => {
      this.words.language = this.words.language === "en" ? "pt" : "en";
      this.write();
    };
    addEventListener("keydown", ({ key }) => { if (key === "Escape" && this.first) this.leaveBlend(); });
    the("guidance-control").hidden = !sampling.guided;
    /** @type {HTMLInputElement} */ (the("guidance")).value = String(sampling.guidance);
    this.slider();
    this.busy(false);
  }

  get columns() {
    return Math.ceil(Math.sqrt(this.tiles.length));
  }

  /** A button for each class, and one for all. */
  choices() {
    the("classes").hidden = !this.classes.length;
    the("choices").replaceChildren(...["", ...this.classes].map((name, i) => {
      const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("span");
      Object.assign(input, { type: "radio", name: "class", value: i ? String(i - 1) : "", checked: !i });
      text.textContent = name;
      if (!i) text.dataset.text = "all";
      label.append(input, text);
      return label;
    }));
  }

  /** The numbers of steps of the sampler. */
  slider() {
    const input = /** @type {HTMLInputElement} */ (the("steps")), counts = Object.keys(this.sampler.grids).map(Number);
    input.min = "0";
    input.max = String(counts.length - 1);
    input.value = String(counts.indexOf(this.sampler.steps));
  }

  /** All words, in the language of now. */
  write() {
    const { words, data: { about, sampling } } = this;
    words.write();
    the("language").textContent = words.language === "en" ? "PT" : "EN";
    [...the("sampler").children].forEach((option, i) => {
      const name = /** @type {Record<string, string>} */ (NAMES)[sampling.samplers[i].name];
      option.textContent = i ? name : words.say("own", { name });
    });
    const model = words.say("aboutModel", { parameters: words.number(about.parameters), data: about.data, licence: about.licence });
    const [metric, distance, floor] = about.distance ?? ["", "", ""];
    the("about-text").textContent = `${model} ${about.distance ? words.say("aboutDistance", { metric, distance, floor }) : words.say("aboutUnmeasured")}`;
    this.tiles.forEach(({ button, image }, n) => button.setAttribute("aria-label", this.title(image, n)));
    this.tell(this.status);
    this.show();
  }

  /** What the sliders stand at. */
  show() {
    the("steps-value").textContent = `${this.steps}${this.seconds ? ` · ${this.time}` : ""}`;
    the("guidance-value").textContent = this.words.number(this.guidance, { minimumFractionDigits: 1 });
    the("steps").setAttribute("aria-valuetext", String(this.steps));
  }
}

export function start() {
  /** @type {Data} */
  const data = JSON.parse(the("data").textContent ?? "");
  new Page(data, preferred()).open();
}

