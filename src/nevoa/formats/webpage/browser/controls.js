/**
 * What a visitor can choose.
 *
 * @typedef {import("./sampling.js").Image} Image
 * @typedef {import("./sampling.js").Way} Way
 * @typedef {import("./texts.js").Words} Words
 * @typedef {{name: string, steps: number, grids: Record<string, number[]>, variance: string, eta: number, evaluations: number}} Sampler
 * @typedef {{samplers: Sampler[], filling: Sampler | null, clip: boolean, guidance: number[], guided: boolean, away: number | null, needs: boolean}} Sampling
 *   `guidance` of each kind of condition, class first; `away`: the place of the kind that images can be guided away from; `needs`: the model
 *   makes no images of which nothing is asked
 */

import { Asking } from "./asking.js";
import { chip, input, make, the } from "./elements.js";
import { sharesOf } from "./guidance.js";

// As many images as classes, within these bounds; without classes, or of one class, the upper.
const FEW = 6, MANY = 12;
const NAMES = { ddpm: "DDPM", ddim: "DDIM", dpm_solver: "DPM-Solver++", euler: "Euler", heun: "Heun" };
const MOST = 2 ** 32;

/** The form. */
export class Controls {
  /**
   * @param {Sampling} sampling @param {string[]} classes @param {import("./asking.js").Kind[]} conditions
   * @param {{again: () => void, changed: () => void}} does `again`: asked for other images; `changed`: chose something
   */
  constructor(sampling, classes, conditions, does) {
    this.sampling = sampling;
    this.classes = classes;
    /** Whether images are of all classes in turn, if none is chosen. */
    this.takesTurns = classes.length > 0 && !conditions.length;
    this.asking = new Asking(conditions, classes, sampling.away, { changed: does.changed, typed: () => { this.typed = true; } });
    the("sampler").replaceChildren(...sampling.samplers.map(() => document.createElement("option")));
    this._choices();
    this._slider();
    the("guidance-control").hidden = !sampling.guided;
    /** The slider of the guidance of each kind of condition, class first. */
    this.weights = this._weights(conditions, does.changed);
    /** Whether the seed or a prompt was typed, and not asked for yet: what is drawn meanwhile, when the engine is ready, changes nothing. */
    this.typed = false;
    the("seed").oninput = () => { this.typed = true; };
    the("seed").onchange = () => this.checkSeed();
    the("controls").onsubmit = (event) => {
      event.preventDefault();
      if (!this.typed) input("seed").value = String((this.seed + 1) % MOST);
      this.typed = false;
      if (!this.checkSeed()) the("seed").focus();
      does.again();
    };
    the("steps").oninput = does.changed;
    the("choices").onchange = does.changed;
    the("sampler").onchange = () => {
      this._slider();
      does.changed();
    };
  }

  /** The class that is chosen, or null for all. */
  get label() {
    const chosen = /** @type {HTMLInputElement | null} */ (document.querySelector("#choices :checked"));
    return chosen && chosen.value ? Number(chosen.value) : null;
  }

  get seed() {
    return input("seed").valueAsNumber;
  }

  /** Whether the field holds a seed; if not, a sentence beside it says so. */
  checkSeed() {
    const { valid } = input("seed").validity;
    the("seed-problem").hidden = valid;
    the("seed").setAttribute("aria-invalid", String(!valid));
    return valid;
  }

  /** What keeps images from being made, as a key of the texts; null if nothing does. */
  get problem() {
    if (!this.checkSeed()) return "wrongSeed";
    return this.sampling.needs && !this.asked.includes(true) ? "askFirst" : null;
  }

  /** Whether anything is asked of each kind of condition, class first. */
  get asked() {
    const { away } = this, labels = this.classes.length ? [this.takesTurns || this.label !== null] : [];
    return [...labels, ...this.asking.parts.map((part) => part.tensor() !== null)].map((one, i) => one || i in away);
  }

  get sampler() {
    return this.sampling.samplers[/** @type {HTMLSelectElement} */ (the("sampler")).selectedIndex];
  }

  get steps() {
    return Number(Object.keys(this.sampler.grids)[input("steps").valueAsNumber]);
  }

  /** That of each kind of condition, class first. */
  get guidance() {
    const { guided, guidance } = this.sampling;
    return guided ? this.weights.map(({ valueAsNumber }) => valueAsNumber) : guidance;
  }

  /** What images are guided away from. */
  get away() {
    return this.asking.away(this.guidance);
  }

  /** How to sample. @returns {Way} */
  get way() {
    const { name, grids, variance, eta } = this.sampler;
    return { sampler: name, grid: grids[this.steps], variance, eta, clip: this.sampling.clip, guidance: this.guidance };
  }

  /**
   * How often the network and its guide are evaluated for an image.
   *
   * @param {[number, number]} guided the first and the last timestep that need the guide; zeros without one
   */
  evaluations([first, last]) {
    const { grid } = this.way, guides = grid.filter((t) => t && first <= t && t <= last);
    return (this.steps + guides.length) * this.sampler.evaluations * sharesOf(this.guidance, this.asked).filter(Boolean).length;
  }

  /** The images to make. @param {Words} words @returns {Image[]} */
  order(words) {
    const { label, seed, takesTurns, classes: { length } } = this, asked = this.asking.tensors, { away } = this, named = this.asking.names(words, this.guidance);
    const count = label === null && takesTurns ? Math.max(FEW, Math.min(MANY, length)) : MANY;
    return Array.from({ length: count }, (_, number) => ({ seed, number, label: label ?? (takesTurns ? number % length : null), asked, away, named }));
  }

  /** A button for each class, and one for all. */
  _choices() {
    the("classes").hidden = !this.classes.length;
    const all = chip("radio", { name: "class", value: "", checked: true }, "");
    /** @type {HTMLElement} */ (all.lastChild).dataset.text = "all";
    the("choices").replaceChildren(all, ...this.classes.map((name, i) => chip("radio", { name: "class", value: String(i) }, name)));
  }

  /** The slider of the guidance, and of several kinds one for each, which it moves. @param {import("./asking.js").Kind[]} conditions @param {() => void} changed */
  _weights(conditions, changed) {
    const { guidance } = this.sampling, all = input("guidance"), kinds = [...(this.classes.length ? [{ kind: "class", name: "" }] : []), ...conditions];
    // A range keeps to its steps and ends; the run's own values must stay what they are.
    if (guidance.some((weight) => weight % 0.5)) all.step = "any";
    all.max = String(Math.max(6, ...guidance));
    all.value = String(guidance[0] ?? 1);
    all.oninput = () => {
      for (const slider of this.weights) slider.value = all.value;
      changed();
    };
    the("by-kind").hidden = kinds.length < 2;
    if (kinds.length < 2) return kinds.map(() => all);
    return kinds.map((kind, i) => {
      const slider = /** @type {HTMLInputElement} */ (all.cloneNode()), id = `guidance-${i}`, label = make("label", { htmlFor: id });
      if ("name" in kind && kind.name) label.textContent = kind.name;
      else label.dataset.text = `kind_${kind.kind}`;
      Object.assign(slider, { id, value: String(guidance[i]), oninput: changed });
      the("by-kind").append(make("div", { className: "control" }, label, make("output", { id: `${id}-value` }), slider));
      return slider;
    });
  }

  /** The numbers of steps of the sampler. */
  _slider() {
    const counts = Object.keys(this.sampler.grids).map(Number);
    input("steps").min = "0";
    input("steps").max = String(counts.length - 1);
    input("steps").value = String(counts.indexOf(this.sampler.steps));
  }

  /** What the controls stand at. @param {Words} words @param {string} time of an image; "" if unknown */
  write(words, time) {
    [...the("sampler").children].forEach((option, i) => {
      const name = /** @type {Record<string, string>} */ (NAMES)[this.sampling.samplers[i].name];
      option.textContent = i ? name : words.say("own", { name });
    });
    the("steps-value").textContent = time ? `${this.steps} · ${time}` : String(this.steps);
    const said = this.guidance.map((weight) => words.number(weight, { minimumFractionDigits: 1, maximumFractionDigits: 2 }));
    the("guidance-value").textContent = [...new Set(said)].join(" · ");
    if (said.length > 1) said.forEach((text, i) => { the(`guidance-${i}-value`).textContent = text; });
    the("steps").setAttribute("aria-valuetext", String(this.steps));
    this.asking.write(words, this.guidance);
  }
}
