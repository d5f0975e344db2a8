/**
 * The operations that read what an image is asked to be. They run once for each thing asked, in JavaScript whatever the engine.
 *
 * @typedef {import("./plain.js").Kernel} Kernel
 */

import { PLAIN, linear, softmax } from "./plain.js";

// Weights of a layer of the transformer.
const WEIGHTS = 12;

/** A number of parts, one after another. @param {Float32Array} x @param {number} size @returns {Float32Array[]} */
const parts = (x, size) => Array.from({ length: x.length / size }, (_, i) => x.subarray(i * size, (i + 1) * size));

/** Add vectors, and divide by the root of their number, which keeps their length. */
function sum(/** @type {Float32Array[]} */ vectors, /** @type {Float32Array} */ y) {
  const scale = 1 / Math.sqrt(Math.max(1, vectors.length));
  for (let i = 0; i < y.length; i++) y[i] = scale * vectors.reduce((total, vector) => total + vector[i], 0);
}

/** A linear layer. */
function through(/** @type {Float32Array} */ x, /** @type {Float32Array} */ weight, /** @type {Float32Array} */ bias) {
  const y = new Float32Array(bias.length);
  linear(/** @type {any} */ (null), [x], [weight, bias], y);
  return y;
}

/** Layer norm (Ba et al. 2016). */
function normed(/** @type {Float32Array} */ x, /** @type {Float32Array} */ scale, /** @type {Float32Array} */ shift, /** @type {number} */ eps) {
  const y = new Float32Array(x.length);
  PLAIN.norm(/** @type {any} */ ({ groups: 1, eps, to: [x.length, 1, 1] }), [x], [scale, shift], y);
  return y;
}

/** @param {Float32Array} x @param {Float32Array} y */
const add = (x, y) => x.forEach((value, i) => { x[i] = value + y[i]; });

/** A layer of the transformer: attention between words, then a perceptron for each. */
function layer(/** @type {Float32Array[]} */ words, /** @type {Float32Array[]} */ weights, /** @type {number} */ heads, /** @type {number} */ eps) {
  const [scale, shift, qkv, qkvBias, out, outBias, scale2, shift2, up, upBias, down, downBias] = weights;
  const width = scale.length, dim = width / heads;
  const all = words.map((word) => parts(through(normed(word, scale, shift, eps), qkv, qkvBias), width));
  words.forEach((word, n) => {
    const seen = new Float32Array(width);
    for (let first = 0; first < width; first += dim) {
      const shares = Float32Array.from(all, ([, k]) => {
        let dot = 0;
        for (let d = first; d < first + dim; d++) dot += all[n][0][d] * k[d];
        return dot / Math.sqrt(dim);
      });
      softmax(shares, 0, shares.length);
      for (let d = first; d < first + dim; d++) seen[d] = all.reduce((total, [, , v], i) => total + shares[i] * v[d], 0);
    }
    add(word, through(seen, out, outBias));
    const wide = through(normed(word, scale2, shift2, eps), up, upBias);
    PLAIN.silu(/** @type {any} */ (null), [wide], [], wide);
    add(word, through(wide, down, downBias));
  });
}

/**
 * The words of a text, each from the rows of its pieces, through a transformer; those that are not there, the last, are 0.
 *
 * @type {Kernel}
 */
function words({ heads, eps, from: [[, pieces]], to: [, width] }, [rows], [table, places, ...weights], y) {
  const place = parts(places, width), row = parts(table, width);
  const found = parts(rows, pieces).filter(([first]) => first).map((word, n) => {
    const vector = new Float32Array(width);
    sum([...word].filter(Boolean).map((i) => row[i]), vector);
    add(vector, place[n]);
    return vector;
  });
  for (let i = 0; i < weights.length; i += WEIGHTS) layer(found, weights.slice(i, i + WEIGHTS), heads, eps);
  y.fill(0);
  found.forEach((vector, n) => y.set(vector, n * width));
}

/** The sum of the words that are there. @type {Kernel} */
function pooled({ from: [[, pieces]] }, [rows, tokens], _, y) {
  const { length } = parts(rows, pieces).filter(([first]) => first);
  sum(parts(tokens, y.length).slice(0, length), y);
}

/** @type {Record<string, Kernel>} */
export const ENCODERS = {
  words, pooled,
  /** The sum of the tags that are asked for. */
  tags: (_, [has], [table], y) => sum(parts(table, y.length).filter((_, i) => has[i] > 0), y),
  /** Where a number lies in the range of the data. */
  place: ({ span }, [[number]], [[low, high]], y) => y.fill(span * (number - low) / Math.max(high - low, 1e-9)),
  transpose: ({ from: [[rows, columns]] }, [x], _, y) => x.forEach((value, i) => { y[(i % columns) * rows + Math.floor(i / columns)] = value; }),
  /** What was found, or what stands for nothing asked. */
  unless_nothing: ({ least }, [asked, found], [none], y) => y.set(asked[0] >= least ? found : none),
};
