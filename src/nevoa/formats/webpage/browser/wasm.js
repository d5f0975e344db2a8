/** The heavy operations by WebAssembly, from `../wasm/kernels.ts`; the light ones stay in JavaScript. */

import { ProcessorEngine, upTo } from "./engine.js";
import { PLAIN, gathered, padded, paddedShape, sizeOf } from "./plain.js";

/**
 * @typedef {import("./plain.js").Kernel} Kernel
 * @typedef {import("./plain.js").Operation} Operation
 * @typedef {import("./program.js").Program} Program
 * @typedef {import("./engine.js").Processor} Processor
 */

const PAGE = 65536, TILE = 8, ROWS = 4;
// The compiler keeps its own data, if it has any, before it.
const FIRST = 1024;

/** The engine; null where the browser lacks 128-bit vectors. */
export function wasmEngine(/** @type {Program} */ program, /** @type {Float32Array[]} */ weights,
  /** @type {Uint8Array<ArrayBuffer>[]} */ modules) {
  const code = modules.find((bytes) => WebAssembly.validate(bytes));
  return code ? new ProcessorEngine(program, weights, new Wasm(program, code)) : null;
}

/** Weights [rows][depth] in the order in which `product` reads them, and the bias of each row. */
function prepared(/** @type {number} */ rows, /** @type {number} */ depth,
  /** @type {(row: number, k: number) => number} */ at, /** @type {Float32Array | undefined} */ bias) {
  const all = upTo(rows, ROWS), tiles = new Float32Array(all * depth), biases = new Float32Array(all);
  for (let row = 0; row < rows; row++) {
    const first = (row - (row % ROWS)) * depth + (row % ROWS);
    for (let k = 0; k < depth; k++) tiles[first + k * ROWS] = at(row, k);
  }
  if (bias) biases.set(bias);
  return [tiles, biases];
}

/**
 * A 3x3 convolution of a doubled image as a transposed one with a 4x4 kernel, which sums the weights that fall on one
 * pixel: 4/9 of the products. [outputs][inputs][3][3] becomes [inputs][outputs][4][4].
 */
function summed(/** @type {Float32Array} */ weight, /** @type {number} */ outputs, /** @type {number} */ inputs) {
  const sums = new Float32Array(inputs * outputs * 16);
  for (let o = 0, w = 0; o < outputs; o++) {
    for (let c = 0; c < inputs; c++) {
      for (let i = 0; i < 9; i++, w++) {
        const place = (c * outputs + o) * 16 + (2 - Math.floor(i / 3)) * 4 + 2 - (i % 3);
        for (const next of [0, 1, 4, 5]) sums[place + next] += weight[w];
      }
    }
  }
  return sums;
}

/** A doubling convolution as the transposed one. @param {Operation} operation @returns {Operation} */
const opened = (operation) => operation.double ? { ...operation, kind: "transposed", stride: 2, kernel: [4, 4] } : operation;

/** Fill with a number for each channel, or with one for all. */
const spread = (/** @type {Float32Array} */ to, /** @type {Float32Array} */ values) =>
  values.length === 1 ? to.fill(values[0]) : to.set(values);

/** @implements {Processor} */
class Wasm {
  name = "WebAssembly";

  /** @param {Program} program @param {Uint8Array<ArrayBuffer>} code */
  constructor(program, code) {
    this.module = new WebAssembly.Module(code);
    /** @type {any} the functions of the module, once there is memory for them */
    this.does = null;
    /** @type {Float32Array[]} */
    this.scratch = [];
    this.sizes = [0, 1, 2, 3, 4].map((i) => Math.max(4, ...program.image.map((operation) => upTo(scratch(opened(operation))[i] ?? 0, 4))));
    /** @type {Record<string, Kernel>} */
    this.kernels = {
      ...PLAIN,
      conv: (operation, ...given) => operation.double ? this._transposed(opened(operation), ...given) : this._conv(operation, ...given),
      transposed: (...given) => this._transposed(...given),
      depthwise: (...given) => this._depthwise(...given),
      attention: (...given) => this._attention(...given),
      linear_attention: (...given) => this._linearAttention(...given),
      norm: (...given) => this._norm(...given),
      add: (operation, [a, b], _, y) => {
        if (a.length !== b.length) this._scaled(operation, a, y, (scale, shift) => { scale.fill(1); spread(shift, b); });
        // A value of the condition, such as a picture, lies elsewhere.
        else if (a.buffer !== y.buffer || b.buffer !== y.buffer) PLAIN.add(operation, [a, b], [], y);
        else this.does.add(a.byteOffset, b.byteOffset, y.byteOffset, y.length);
      },
      multiply: (operation, [a, b], _, y) => {
        if (a.length === b.length) PLAIN.multiply(operation, [a, b], [], y);
        else this._scaled(operation, a, y, (scale, shift) => { spread(scale, b); shift.fill(0); });
      },
      silu: (_, [x], __, y) => this.does.silu(x.byteOffset, y.byteOffset, x.length),
      gelu: (_, [x], __, y) => this.does.gelu(x.byteOffset, y.byteOffset, x.length),
    };
  }

  /** Memory, and with it the places for what an operation needs on its way. @param {number} size */
  allocate(size) {
    const total = FIRST + 4 * this.sizes.reduce((sum, part) => sum + part, size);
    const memory = new WebAssembly.Memory({ initial: Math.ceil(total / PAGE) });
    this.does = new WebAssembly.Instance(this.module, { env: { memory } }).exports;
    let first = FIRST + 4 * size;
    this.scratch = this.sizes.map((part) => {
      first += 4 * part;
      return new Float32Array(memory.buffer, first - 4 * part, part);
    });
    return new Float32Array(memory.buffer, FIRST, size);
  }

  /** @param {Operation} given @param {Float32Array[]} weights */
  prepare(given, [weight, bias]) {
    const operation = opened(given), { kind, from: [[channels]], to: [outputs], kernel } = operation;
    const area = kernel?.[0] * kernel?.[1];
    if (kind === "conv") return prepared(outputs, channels * area, (o, k) => weight[o * channels * area + k], bias);
    if (kind === "depthwise") return [weight, bias ?? new Float32Array(outputs)];
    if (kind !== "transposed") return weight ? [weight, bias] : [];
    const values = operation === given ? weight : summed(weight, outputs, channels), rows = outputs * area;
    return [...prepared(rows, channels, (row, c) => values[c * rows + row], undefined), bias ?? new Float32Array(outputs)];
  }

  /** The panels of a matrix [depth][pixels], or of one whose numbers are so far apart. */
  _panels(/** @type {Float32Array} */ x, /** @type {number} */ depth, /** @type {number} */ pixels, perPixel = 1, perK = pixels) {
    this.does.tiles(x.byteOffset, this.scratch[1].byteOffset, pixels, depth, TILE, perPixel, perK);
  }

  /** A matrix [rows][depth] as weights, or one whose numbers are so far apart. */
  _tiles(/** @type {Float32Array} */ x, /** @type {number} */ rows, /** @type {number} */ depth, perRow = depth, perK = 1) {
    this.does.tiles(x.byteOffset, this.scratch[0].byteOffset, rows, depth, ROWS, perRow, perK);
    return this.scratch[0];
  }

  /** y = weights times panels. */
  _product(/** @type {Float32Array} */ weights, /** @type {number} */ bias, /** @type {Float32Array} */ y,
    /** @type {number} */ depth, /** @type {number} */ rows, /** @type {number} */ pixels) {
    this.does.product(this.scratch[1].byteOffset, weights.byteOffset, bias, y.byteOffset, depth, rows, pixels);
  }

  /** @type {Kernel} */
  _conv(operation, [x], [weights, bias], y) {
    const { kernel: [rows, columns], stride, to: [outputs, outHeight, outWidth] } = operation;
    const [channels, height, width] = paddedShape(operation), image = padded(operation, x, this.scratch[0]);
    this.does.unfold(image.byteOffset, this.scratch[1].byteOffset, channels, height, width, rows, columns, stride, outHeight, outWidth);
    this._product(weights, bias.byteOffset, y, channels * rows * columns, outputs, outHeight * outWidth);
  }

  /** @type {Kernel} */
  _transposed(operation, [x], [weights, none, bias], y) {
    const { kernel, from: [[channels, height, width]], to: [outputs] } = operation, pixels = height * width;
    this._panels(x, channels, pixels);
    this._product(weights, none.byteOffset, this.scratch[0], channels, outputs * kernel[0] * kernel[1], pixels);
    gathered(operation, this.scratch[0], bias, y);
  }

  /** y = scale x + shift in each channel. @param {Operation} operation */
  _scaled({ to: [channels, height, width] }, /** @type {Float32Array} */ x, /** @type {Float32Array} */ y,
    /** @type {(scale: Float32Array, shift: Float32Array) => void} */ fill) {
    const scale = this.scratch[0].subarray(0, channels), shift = this.scratch[0].subarray(channels, 2 * channels);
    fill(scale, shift);
    this.does.scaled(x.byteOffset, y.byteOffset, scale.byteOffset, shift.byteOffset, channels, height * width);
  }

  /** @type {Kernel} */
  _norm(operation, [x], [weight, bias], y) {
    const { groups, eps, to: [channels] } = operation, size = x.length / groups, width = channels / groups;
    this._scaled(operation, x, y, (scale, shift) => {
      for (let group = 0; group < groups; group++) {
        const from = x.byteOffset + 4 * group * size, mean = this.does.moment(from, size, 0, 1);
        const inverse = 1 / Math.sqrt(this.does.moment(from, size, mean, 2) + eps);
        for (let c = group * width; c < (group + 1) * width; c++) {
          scale[c] = weight ? weight[c] * inverse : inverse;
          shift[c] = (bias ? bias[c] : 0) - mean * scale[c];
        }
      }
    });
  }

  /** @type {Kernel} */
  _depthwise(operation, [x], weights, y) {
    const { kernel, stride, to: [, outHeight, outWidth] } = operation;
    if (stride > 1 || outWidth < 4) return PLAIN.depthwise(operation, [x], weights, y);
    const [weight, bias] = weights, image = padded(operation, x, this.scratch[0]);
    this.does.depthwise(image.byteOffset, weight.byteOffset, bias.byteOffset, y.byteOffset, ...paddedShape(operation), ...kernel, outHeight, outWidth);
  }

  /** Turn each column of a matrix into shares. */
  _shareColumns(/** @type {Float32Array} */ x, /** @type {number} */ columns, scale = 1) {
    const most = new Float32Array(columns).fill(-Infinity), sums = new Float32Array(columns);
    for (let i = 0; i < x.length; i += columns) {
      for (let j = 0; j < columns; j++) most[j] = Math.max(most[j], x[i + j] * scale);
    }
    for (let i = 0; i < x.length; i += columns) {
      for (let j = 0; j < columns; j++) x[i + j] = x[i + j] * scale - most[j];
    }
    this.does.exp(x.byteOffset, x.length);
    for (let i = 0; i < x.length; i += columns) {
      for (let j = 0; j < columns; j++) sums[j] += x[i + j];
    }
    for (let i = 0; i < x.length; i += columns) {
      for (let j = 0; j < columns; j++) x[i + j] /= sums[j];
    }
  }

  /** Turn each row of a matrix into shares. */
  _shareRows(/** @type {Float32Array} */ x, /** @type {number} */ columns) {
    for (let first = 0; first < x.length; first += columns) {
      let most = -Infinity;
      for (let i = first; i < first + columns; i++) most = Math.max(most, x[i]);
      for (let i = first; i < first + columns; i++) x[i] -= most;
    }
    this.does.exp(x.byteOffset, x.length);
    for (let first = 0; first < x.length; first += columns) {
      let sum = 0;
      for (let i = first; i < first + columns; i++) sum += x[i];
      for (let i = first; i < first + columns; i++) x[i] /= sum;
    }
  }

  /** scores[j][i] = k_j q_i, shares over j, then v times the shares. @type {Kernel} */
  _attention({ heads, to: [inner, height, width] }, [x, second], _, y) {
    const dim = inner / heads, n = height * width, [, , all, copy, none] = this.scratch;
    // A value of the condition lies elsewhere.
    if (second) copy.set(second);
    const kv = second ? copy.subarray(0, second.length) : x.subarray(y.length), keys = kv.length / 2 / inner;
    const scores = all.subarray(0, keys * n);
    for (let head = 0; head < heads; head++) {
      const first = head * dim, k = kv.subarray(first * keys), v = kv.subarray((inner + first) * keys);
      this._panels(x.subarray(first * n), dim, n);
      this._product(this._tiles(k, keys, dim, 1, keys), none.byteOffset, scores, dim, keys, n);
      this._shareColumns(scores, n, 1 / Math.sqrt(dim));
      this._panels(scores, keys, n);
      this._product(this._tiles(v, dim, keys), none.byteOffset, y.subarray(first * n), keys, dim, n);
    }
  }

  /** context[e][d] = v_e k_d, then the context times q. @type {Kernel} */
  _linearAttention({ heads, to: [inner, height, width] }, [qkv], _, y) {
    const dim = inner / heads, n = height * width, size = dim * n, [, , shares, all, none] = this.scratch;
    const context = all.subarray(0, dim * dim), scale = 1 / Math.sqrt(dim);
    for (let first = 0; first < y.length; first += size) {
      const [q, k, v] = [0, 1, 2].map((part) => qkv.subarray(part * y.length + first, part * y.length + first + size));
      const copy = shares.subarray(0, size);
      copy.set(k);
      this._shareRows(copy, n);
      this._panels(copy, n, dim, n, 1);
      this._product(this._tiles(v, dim, n), none.byteOffset, context, n, dim, dim);
      copy.set(q);
      this._shareColumns(copy, n);
      this._panels(copy, dim, n);
      for (let i = 0; i < context.length; i++) context[i] *= scale;
      this._product(this._tiles(context, dim, dim), none.byteOffset, y.subarray(first), dim, dim, n);
    }
  }
}

/** How many numbers an operation needs on its way: work, panels, a matrix between two products, a small one or a copy, zeros. */
function scratch(/** @type {Operation} */ operation) {
  const { kind, heads, kernel, from: [shape, second], to: [outputs, height, width] } = operation, pixels = height * width;
  if (["norm", "add", "multiply"].includes(kind)) return [2 * outputs];
  if (kind === "attention" || kind === "linear_attention") {
    const dim = outputs / heads, keys = second ? second[1] * second[2] : pixels, longest = Math.max(dim, pixels, keys);
    const most = upTo(longest, TILE), between = kind === "attention" ? keys * pixels : dim * pixels;
    return [most * longest, most * longest, between, second ? sizeOf(second) : dim * dim, most];
  }
  const area = kernel?.[0] * kernel?.[1];
  if (kind === "conv") return [sizeOf(paddedShape(operation)), shape[0] * area * upTo(pixels, TILE)];
  if (kind === "depthwise") return [sizeOf(paddedShape(operation))];
  const before = upTo(shape?.[1] * shape?.[2], TILE);
  return kind === "transposed" ? [outputs * area * before, shape[0] * before] : [];
}
