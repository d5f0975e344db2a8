/**
 * From noise to images.
 *
 * @typedef {import("./samplers.js").Schedule} Schedule
 * @typedef {import("./samplers.js").Denoiser} Denoiser
 * @typedef {import("./samplers.js").Transition} Transition
 * @typedef {import("./engine.js").Condition} Condition
 * @typedef {{seed: number, number: number, label: number | null, asked?: (number[] | null)[] | null, away?: number[][], named?: string[]}} Wish
 *   image number n of a seed; null: of any class. `asked` are the tensors of the other kinds of condition, in the order of the
 *   model; null: nothing of a kind, or of any. `away` is what the image is guided away from, with holes for kinds of which nothing is said;
 *   `named` all of it in words
 * @typedef {Wish & {other?: Wish, share?: number}} Image with `other`: the image between both, 0 < share < 1, which differ
 *   in their classes alone
 * @typedef {{sampler: string, grid: number[], variance: string, eta: number, clip: boolean, guidance: number[]}} Way `guidance` of each
 *   kind of condition, class first
 * @typedef {{x0: Float32Array, known: Uint8Array}} Kept the only image, and 1 for each number of it that stays
 * @typedef {{shape: [number, number, number], prediction: string, classes: string[],
 *   conditions: import("./asking.js").Kind[], schedule: Schedule}} Model
 */

import { keyOf } from "./engine.js";
import { sharesOf } from "./guidance.js";
import { Noise } from "./random.js";
import { PREDICTIONS, SAMPLERS, combined } from "./samplers.js";

// The number of Python's `Stream.SAMPLE`.
const STREAM = 5;
/** How many times each step draws the pixels that are filled in (Lugmayr et al. 2022). */
const RESAMPLINGS = 10;

/** The noise on the arc between two (Song et al. 2021, appendix D.5). */
function slerp(/** @type {Float32Array} */ a, /** @type {Float32Array} */ b, /** @type {number} */ share) {
  let dot = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(aa * bb)))), sine = Math.sin(angle);
  if (sine < 1e-6) return combined(1 - share, a, share, b);
  return combined(Math.sin((1 - share) * angle) / sine, a, Math.sin(share * angle) / sine, b);
}

/** A function that draws the next noise of all images. @param {Image[]} images @param {number} size of an image */
export function noiseOf(images, size) {
  const of = (/** @type {Wish} */ { seed, number }) => new Noise([seed, STREAM, number]);
  const sources = images.map((image) => ({ own: of(image), other: image.other && of(image.other), share: image.share ?? 0 }));
  return () => {
    const drawn = new Float32Array(images.length * size);
    sources.forEach(({ own, other, share }, n) => {
      const noise = own.draw(size);
      drawn.set(other ? slerp(noise, other.draw(size), share) : noise, n * size);
    });
    return drawn;
  };
}

// The number that fills a tensor where nothing is asked, if it is not 0.
const NOTHING = /** @type {Record<string, number>} */ ({ tags: -1, number: NaN });

/** The condition of an image of which nothing is asked. @param {Pick<Model, "classes" | "conditions">} model @returns {Condition} */
export const nothingOf = ({ classes, conditions }) =>
  [...(classes.length ? [[classes.length]] : []), ...conditions.map(({ kind, size }) => Array(size).fill(NOTHING[kind] ?? 0))];

/** The condition of an image. @param {Model} model @param {Image} image @returns {Condition} */
function conditionOf(model, { label, asked, other, share = 0 }) {
  const none = model.classes.length, labels = other ? [label ?? none, other.label ?? none, share] : [label ?? none];
  const given = none ? [labels, ...(asked ?? [])] : asked ?? [];
  return nothingOf(model).map((nothing, i) => given[i] ?? nothing);
}

/**
 * The conditions whose estimates a guided one is the sum of, with their shares.
 *
 * @param {Model} model @param {Image[]} images @param {number[]} guidance
 */
function termsOf(model, images, guidance) {
  const asked = images.map((image) => conditionOf(model, image)), nothing = nothingOf(model);
  const start = images.map(({ away = [] }) => nothing.map((none, i) => away[i] ?? none));
  const shares = sharesOf(guidance, guidance.map((_, i) => asked.some((one, n) => keyOf(one[i]) !== keyOf(start[n][i]))));
  return shares.map((share, i) => ({ share, conditions: asked.map((one, n) => [...one.slice(0, i), ...start[n].slice(i)]) })).filter(({ share }) => share);
}

/**
 * The denoiser of images with their conditions.
 *
 * @param {import("./engine.js").Engine} engine @param {Model} model @param {Image[]} images @param {Way} way
 * @returns {Denoiser}
 */
function denoiserOf(engine, model, images, { guidance, clip }) {
  const { prediction, schedule } = model, predicted = PREDICTIONS[prediction], terms = termsOf(model, images, guidance);
  return async (x, t) => {
    let output = new Float32Array(x.length);
    for (const { share, conditions } of terms) output = combined(1, output, share, await engine.evaluate(x, t, conditions));
    const signal = schedule.signal[t], noise = schedule.noise[t];
    const x0 = new Float32Array(x.length), epsilon = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const found = predicted(output[i], x[i], signal, noise);
      x0[i] = clip ? Math.min(1, Math.max(-1, found)) : found;
      epsilon[i] = (x[i] - signal * (clip ? x0[i] : found)) / noise;
    }
    return { x0, epsilon };
  };
}

/**
 * Every state from noise to images: x_t, the timestep, and the estimate of x_0 from it.
 *
 * @param {import("./engine.js").Engine} engine @param {Model} model @param {Image[]} images @param {Way} way
 * @param {Kept | null} kept
 */
export async function* trajectory(engine, model, images, way, kept = null) {
  const fresh = noiseOf(images, model.shape.reduce((a, b) => a * b)), step = SAMPLERS[way.sampler];
  const process = { denoise: denoiserOf(engine, model, images, way), schedule: model.schedule, fresh, variance: way.variance, eta: way.eta };
  /** @type {Float32Array} */
  let x = fresh();
  let past = null;
  for (let i = 0; i + 1 < way.grid.length; i++) {
    const [t, s] = [way.grid[i], way.grid[i + 1]];
    /** @type {Transition} */
    const moved = kept ? await filled(step, process, x, t, s, kept) : await step(process, x, t, s, past);
    yield { x, t, x0: moved.x0 };
    past = { x0: moved.x0, t };
    x = moved.x;
  }
  yield { x, t: 0, x0: x };
}

/**
 * A step that keeps the known pixels (RePaint, Lugmayr et al. 2022): drawn several times, with noise added back in
 * between.
 *
 * @param {import("./samplers.js").Step} step @param {import("./samplers.js").Process} process @param {Float32Array} x
 * @param {number} t @param {number} s @param {Kept} kept
 * @returns {Promise<Transition>}
 */
async function filled(step, process, x, t, s, { x0, known }) {
  const { signal, noise } = process.schedule, scale = signal[t] / signal[s];
  const over = (/** @type {Float32Array} */ there, /** @type {Float32Array} */ here) => here.map((value, i) => known[i] ? there[i] : value);
  for (let left = RESAMPLINGS - 1; ; left--) {
    const moved = await step(process, x, t, s, null);
    const next = over(s ? combined(signal[s], x0, noise[s], process.fresh()) : x0, moved.x);
    if (left === 0 || s === 0) return { x: next, x0: over(x0, moved.x0) };
    x = combined(scale, next, Math.sqrt(noise[t] ** 2 - (scale * noise[s]) ** 2), process.fresh());
  }
}

/** Numbers in [-1, 1] as bytes. @param {Float32Array} x */
export const bytesOf = (x) => Uint8ClampedArray.from(x, (value) => (value + 1) * 127.5);

/** Bytes as numbers in [-1, 1]. @param {Uint8ClampedArray} bytes */
export const unitOf = (bytes) => Float32Array.from(bytes, (value) => value / 127.5 - 1);
