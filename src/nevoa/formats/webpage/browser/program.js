/**
 * A network as Python wrote it: operations, and one block of weights.
 *
 * @typedef {import("./plain.js").Operation} Operation
 * @typedef {import("./plain.js").Shape} Shape
 * @typedef {{first: number, size: number, half: boolean}} Weight where a weight begins in the block, in bytes
 * @typedef {{shapes: Shape[], condition: Operation[], image: Operation[], weights: Weight[], output: number,
 *   guided: [number, number]}} Program
 *   `condition` depends on the timestep and the condition alone; `guided` are the first and the last timestep that need a guide.
 */

import { sizeOf } from "./plain.js";

/** The numbers of the inputs. */
export const IMAGE = 0;
export const TIMESTEP = 1;
/** The first of the tensors that say what an image is asked to be. */
export const ASKED = 2;

/** Give each operation the shapes of its values. @param {Program} program @returns {Program} */
export function shaped(program) {
  for (const operation of [...program.condition, ...program.image]) {
    operation.from = operation.inputs.map((value) => program.shapes[value]);
    operation.to = program.shapes[operation.output];
  }
  return program;
}

/** Whether an operation is needed at a timestep. @param {Program} program @param {number} t */
export const needed = ({ guided: [first, last] }, t) => (/** @type {Operation} */ { guide }) => !guide || (first <= t && t <= last);

/** The weights as float32, and nothing that keeps the block. @param {Program} program @param {ArrayBuffer} block @param {number} start of the weights */
export const unpacked = (program, block, start = 0) => program.weights.map(({ first, size, half }) =>
  half ? floats(new Uint16Array(block, start + first, size)) : new Float32Array(block, start + first, size).slice());

/** float16 as float32. @param {Uint16Array} halves */
export function floats(halves) {
  const found = new Float32Array(halves.length), bits = new Uint32Array(found.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i], sign = (half & 0x8000) << 16, exponent = (half >> 10) & 31, rest = half & 1023;
    if (exponent) bits[i] = sign | ((exponent + 112) << 23) | (rest << 13);
    else found[i] = (sign ? -1 : 1) * rest * 2 ** -24;
  }
  return found;
}

/**
 * Where the values that depend on the image lie in one stretch of memory; a place is used again once its value is read
 * for the last time.
 *
 * @param {Program} program
 * @returns {{places: Map<number, number>, size: number}} first elements, multiples of four, and the size of the stretch
 */
export function arranged({ shapes, image, output }) {
  const last = new Map([[output, Infinity]]);
  image.forEach(({ inputs }, i) => inputs.forEach((value) => last.get(value) === Infinity || last.set(value, i)));
  /** @type {{first: number, end: number, until: number}[]} */
  let taken = [];
  const places = new Map();
  let size = 0;
  const place = (/** @type {number} */ value) => {
    const needed = Math.ceil(sizeOf(shapes[value]) / 4) * 4;
    let first = 0;
    for (const other of taken.sort((a, b) => a.first - b.first)) if (first + needed > other.first && first < other.end) first = other.end;
    taken.push({ first, end: first + needed, until: last.get(value) ?? -1 });
    places.set(value, first);
    size = Math.max(size, first + needed);
  };
  place(IMAGE);
  image.forEach(({ output: value }, i) => {
    place(value);
    taken = taken.filter(({ until }) => until > i);
  });
  return { places, size };
}
