/**
 * Evaluates a network on the processor, image after image.
 *
 * @typedef {import("./plain.js").Kernel} Kernel
 * @typedef {import("./plain.js").Operation} Operation
 * @typedef {import("./program.js").Program} Program
 * @typedef {{name: string, atOnce: number, evaluate: (x: Float32Array, t: number, labels: number[][]) => Promise<Float32Array>}} Engine
 *   `evaluate` takes images side by side, the timestep of all and the label of each, or two labels and the share of the
 *   second; it returns their predictions.
 *   `atOnce` images are evaluated together.
 */

import { PLAIN, sizeOf } from "./plain.js";
import { IMAGE, LABEL, TIMESTEP, arranged, needed } from "./program.js";

/** The values that depend on timestep and label alone, kept while the timestep stays. */
export class Conditions {
  /** @param {Program} program @param {Float32Array[]} weights */
  constructor(program, weights) {
    this.program = program;
    this.weights = weights;
    this.t = 0;
    /** @type {Map<string, Float32Array[]>} */
    this.known = new Map();
  }

  /** Values by number. @param {number} t @param {number[]} label */
  at(t, label) {
    if (t !== this.t) this.known.clear();
    this.t = t;
    const found = this.known.get(`${label}`) ?? this._computed(t, label);
    this.known.set(`${label}`, found);
    return found;
  }

  /** @param {number} t @param {number[]} label */
  _computed(t, label) {
    /** @type {Float32Array[]} */
    const values = [];
    values[TIMESTEP] = Float32Array.of(t);
    values[LABEL] = Float32Array.from(label);
    for (const operation of this.program.condition) {
      const output = new Float32Array(sizeOf(operation.to));
      const given = operation.weights.map((weight) => this.weights[weight]);
      PLAIN[operation.kind](operation, operation.inputs.map((value) => values[value]), given, output);
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

  /** @param {Float32Array} x @param {number} t @param {number[][]} labels */
  async evaluate(x, t, labels) {
    const size = this.input.length, found = new Float32Array(x.length), { program } = this.conditions;
    const steps = this.steps.filter(({ operation }) => needed(program, t)(operation));
    for (let n = 0; n * size < x.length; n++) {
      const known = this.conditions.at(t, labels[n]);
      this.input.set(x.subarray(n * size, (n + 1) * size));
      for (const { operation, kernel, inputs, weights, output } of steps) {
        kernel(operation, inputs.map((view, i) => view ?? known[operation.inputs[i]]), weights, output);
      }
      found.set(this.output, n * size);
    }
    return found;
  }
}
