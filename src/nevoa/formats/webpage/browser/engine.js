/**
 * Evaluates a network on the processor, image after image.
 *
 * @typedef {import("./plain.js").Kernel} Kernel
 * @typedef {import("./plain.js").Operation} Operation
 * @typedef {import("./program.js").Program} Program
 * @typedef {number[][]} Condition what an image is asked to be: the numbers of each tensor that the network takes. In place of
 *   a label there may be two, and the share of the second.
 * @typedef {{name: string, atOnce: number, evaluate: (x: Float32Array, t: number, conditions: Condition[]) => Promise<Float32Array>}} Engine
 *   `evaluate` takes images side by side, the timestep of all and the condition of each; it returns their predictions.
 *   `atOnce` images are evaluated together.
 */

import { ENCODERS } from "./encoders.js";
import { PLAIN, sizeOf } from "./plain.js";
import { ASKED, IMAGE, TIMESTEP, arranged, needed } from "./program.js";

/** @type {Record<string, Kernel>} */
const KERNELS = { ...PLAIN, ...ENCODERS };

/** @type {WeakMap<number[], string>} */
const KEYS = new WeakMap();

/**
 * What a map has under a key, computed if it has nothing.
 *
 * @template K, V
 * @param {{get: (key: K) => V | undefined, set: (key: K, value: V) => unknown}} known @param {K} key @param {() => V} compute
 */
function kept(known, key, compute) {
  const found = known.get(key) ?? compute();
  known.set(key, found);
  return found;
}

/** A text that tells a tensor from others, kept because that of a picture takes long. @param {number[]} x */
export const keyOf = (x) => kept(KEYS, x, () => `${x}`);

/** The values that depend on timestep and condition alone, kept while the timestep stays. */
export class Conditions {
  /** @param {Program} program @param {Float32Array[]} weights */
  constructor(program, weights) {
    this.program = program;
    this.t = 0;
    /** @type {Map<string, Float32Array[]>} */
    this.known = new Map();
    /** Those that depend on the condition alone, kept until the timestep rises, as it does when other images begin. */
    this.lasting = new Map(this.known);
    const timed = new Set([TIMESTEP]);
    // Each keeps the weights that it reads, and none of the image's, which the engine has in an order of its own.
    const operations = program.condition.map((operation) => ({ ...operation, read: operation.weights.map((i) => weights[i]) }));
    const [later, once] = [true, false].map((wanted) => operations.filter(({ inputs, output }) => {
      if (inputs.some((value) => timed.has(value))) timed.add(output);
      return timed.has(output) === wanted;
    }));
    this.once = once;
    this.later = later;
  }

  /** Values by number. @param {number} t @param {Condition} condition */
  at(t, condition) {
    if (t !== this.t) this.known.clear();
    if (t > this.t) this.lasting.clear();
    this.t = t;
    const key = condition.map(keyOf).join();
    return kept(this.known, key, () => {
      const asked = () => /** @type {Float32Array[]} */ (Array(ASKED)).concat(condition.map((x) => Float32Array.from(x)));
      const values = [...kept(this.lasting, key, () => this._computed(this.once, asked()))];
      values[TIMESTEP] = Float32Array.of(t);
      return this._computed(this.later, values);
    });
  }

  /** Values, with those that operations make of them. @param {(Operation & {read: Float32Array[]})[]} operations @param {Float32Array[]} values */
  _computed(operations, values) {
    for (const operation of operations) {
      const output = new Float32Array(sizeOf(operation.to));
      KERNELS[operation.kind](operation, operation.inputs.map((value) => values[value]), operation.read, output);
      values[operation.output] = output;
    }
    return values;
  }
}

/**
 * How a processor computes: its kernels; weights in the order in which they read them; memory in which they work.
 *
 * @typedef {{name: string, kernels: Record<string, Kernel>,
 *   prepare: (operation: Operation, weights: Float32Array[]) => Float32Array[],
 *   allocate: (size: number) => Float32Array}} Processor
 */

/** @type {Processor} */
const JAVASCRIPT = {
  name: "JavaScript",
  kernels: PLAIN,
  prepare: (_, weights) => weights,
  allocate: (size) => new Float32Array(size),
};

/** The first multiple of `unit` that is not below a number. @param {number} number @param {number} unit */
export const upTo = (number, unit) => Math.ceil(number / unit) * unit;

/** @implements {Engine} */
export class ProcessorEngine {
  /** @param {Program} program @param {Float32Array[]} weights @param {Processor} processor */
  constructor(program, weights, processor = JAVASCRIPT) {
    this.name = processor.name;
    this.atOnce = 1;
    this.conditions = new Conditions(program, weights);
    const prepared = program.image.map((operation) => processor.prepare(operation, operation.weights.map((i) => weights[i])));
    const { places, size } = arranged(program);
    const total = prepared.flat().reduce((sum, weight) => sum + upTo(weight.length, 4), size);
    const memory = processor.allocate(total);
    let free = size;
    const kept = (/** @type {Float32Array} */ weight) => {
      const place = memory.subarray(free, free + weight.length);
      place.set(weight);
      free += upTo(weight.length, 4);
      return place;
    };
    const view = (/** @type {number} */ value) => {
      const first = places.get(value);
      return first === undefined ? null : memory.subarray(first, first + sizeOf(program.shapes[value]));
    };
    this.input = /** @type {Float32Array} */ (view(IMAGE));
    this.output = /** @type {Float32Array} */ (view(program.output));
    this.steps = program.image.map((operation, i) => ({
      operation,
      kernel: processor.kernels[operation.kind],
      weights: prepared[i].map(kept),
      inputs: operation.inputs.map(view),
      output: /** @type {Float32Array} */ (view(operation.output)),
    }));
  }

  /** @param {Float32Array} x @param {number} t @param {Condition[]} conditions */
  async evaluate(x, t, conditions) {
    const size = this.input.length, found = new Float32Array(x.length), { program } = this.conditions;
    const steps = this.steps.filter(({ operation }) => needed(program, t)(operation));
    for (let n = 0; n * size < x.length; n++) {
      const known = this.conditions.at(t, conditions[n]);
      this.input.set(x.subarray(n * size, (n + 1) * size));
      for (const { operation, kernel, inputs, weights, output } of steps) {
        kernel(operation, inputs.map((view, i) => view ?? known[operation.inputs[i]]), weights, output);
      }
      found.set(this.output, n * size);
    }
    return found;
  }
}
