/** The engine on a graphics card, by WebGPU: all images of a call at once, all operations in one go. */

import { Conditions, upTo } from "./engine.js";
import { sizeOf } from "./plain.js";
import { IMAGE, arranged, needed } from "./program.js";
import { FIELDS, GROUP, NONE, SHADERS, SIDE } from "./shaders.js";

/**
 * @typedef {import("./plain.js").Operation} Operation
 * @typedef {import("./program.js").Program} Program
 * @typedef {import("./engine.js").Condition} Condition
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {Record<string, number>} Fields
 */

const MOST_IMAGES = 16, LARGEST_VALUES = 2 ** 22;
// Of the part of a buffer that a shader is told to read.
const ALIGNED = 256;

/**
 * The engine; null where there is no graphics card.
 *
 * @param {Program} program @param {Float32Array[]} weights @param {boolean} any also one that the processor imitates
 * @returns {Promise<Engine | null>}
 */
export async function gpuEngine(program, weights, any) {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter();
  if (!adapter || (adapter.info?.isFallbackAdapter && !any)) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  device.pushErrorScope("validation");
  const engine = new GpuEngine(device, program, weights);
  if (await device.popErrorScope()) return null;
  return engine;
}

/** Over how many positions an attention goes: those of its second value, or its own. @param {Operation} operation */
const keysOf = ({ from, to }) => { const [, height, width] = from[1] ?? to; return height * width; };

/** The shaders of an operation, each with its number of workgroups. @param {Operation} operation @param {number} images */
function calls(operation, images) {
  const { kind, heads, groups, to } = operation, pixels = to[1] * to[2], dim = to[0] / heads;
  const each = (/** @type {string} */ name, /** @type {number} */ count) => ({ name, count: [Math.ceil((images * count) / GROUP)] });
  if (kind === "conv") return [{ name: kind, count: [Math.ceil((images * pixels) / SIDE), Math.ceil(to[0] / SIDE)] }];
  if (kind === "norm") return [{ name: kind, count: [images * groups] }];
  if (kind === "attention") {
    const result = each("attention_result", sizeOf(to));
    return [each("attention_scores", heads * pixels * keysOf(operation)), each("attention_shares", heads * pixels), result];
  }
  if (kind === "linear_attention") {
    const shares = [each("linear_queries", heads * pixels), each("linear_keys", to[0])];
    return [...shares, each("linear_context", to[0] * dim), each("linear_result", sizeOf(to))];
  }
  return [each(kind, sizeOf(to))];
}

/** How many numbers an operation needs between its shaders, for each image. @param {Operation} operation */
function scratchOf(operation) {
  const { kind, heads, to } = operation;
  if (kind === "attention") return heads * to[1] * to[2] * keysOf(operation);
  return kind === "linear_attention" ? (to[0] * to[0]) / heads : 0;
}

/** @implements {Engine} */
class GpuEngine {
  name = "WebGPU";

  /** @param {any} device @param {Program} program @param {Float32Array[]} weights */
  constructor(device, program, weights) {
    const { places, size } = arranged(program), scratch = Math.max(...program.image.map(scratchOf));
    const largest = Math.max(scratch, ...program.image.map(({ to }) => sizeOf(to)));
    this.device = device;
    this.program = program;
    this.images = 0;
    /** @type {{operation: Operation, fields: Fields}[]} the calls, but for those of one operation with several shaders */
    this.steps = [];
    /** @type {any[][]} */
    this.pipelines = [];
    /** @type {Map<number, number>} where the weights begin */
    this.weightAddress = new Map();
    this.atOnce = Math.max(1, Math.min(MOST_IMAGES, Math.floor(LARGEST_VALUES / largest)));
    this.conditions = new Conditions(program, weights);
    this.address = new Map([...places].map(([value, first]) => [value, first * this.atOnce]));
    // Behind the values of images: those of conditions, and what lies between the shaders of an operation.
    this.conditionAddress = this.conditionEnd = size * this.atOnce;
    for (const value of new Set(program.image.flatMap(({ inputs }) => inputs))) {
      if (this.address.has(value)) continue;
      this.address.set(value, this.conditionEnd);
      this.conditionEnd += sizeOf(program.shapes[value]) * this.atOnce;
    }
    this.memory = this._buffer(4 * (this.conditionEnd + scratch * this.atOnce), 0x8c); // STORAGE | COPY_SRC | COPY_DST
    this.result = this._buffer(4 * this.atOnce * sizeOf(program.shapes[program.output]), 9); // MAP_READ | COPY_DST
    this._load(weights);
    this._prepare();
  }

  /** @param {number} size @param {number} usage */
  _buffer(size, usage) {
    return this.device.createBuffer({ size: upTo(Math.max(size, 16), 16), usage });
  }

  /** Put the weights of the images' operations one after another. @param {Float32Array[]} weights */
  _load(weights) {
    let end = 0;
    for (const weight of new Set(this.program.image.flatMap((operation) => operation.weights))) {
      this.weightAddress.set(weight, end);
      end += weights[weight].length;
    }
    this.weights = this._buffer(4 * end, 0x88); // STORAGE | COPY_DST
    for (const [weight, first] of this.weightAddress) this.device.queue.writeBuffer(this.weights, 4 * first, weights[weight]);
  }

  /** Compile the shaders, and write down what each call is told. */
  _prepare() {
    const layout = this.device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: 4, buffer: { type: "storage" } },
        { binding: 1, visibility: 4, buffer: { type: "read-only-storage" } },
        { binding: 2, visibility: 4, buffer: { type: "uniform", hasDynamicOffset: true } },
      ],
    });
    const pipelineLayout = this.device.createPipelineLayout({ bindGroupLayouts: [layout] }), pipelines = new Map();
    const pipeline = (/** @type {string} */ name) => {
      if (!pipelines.has(name)) {
        const compute = { module: this.device.createShaderModule({ code: SHADERS[name] }), entryPoint: "main" };
        pipelines.set(name, this.device.createComputePipeline({ layout: pipelineLayout, compute }));
      }
      return pipelines.get(name);
    };
    this.steps = this.program.image.flatMap((operation) => this._parts(operation).map((fields) => ({ operation, fields })));
    this.told = this._buffer(ALIGNED * this.steps.length, 0x48); // UNIFORM | COPY_DST
    this.pipelines = this.steps.map(({ operation }) => calls(operation, 1).map(({ name }) => pipeline(name)));
    const binding = { buffer: this.told, size: upTo(4 * (FIELDS.length + 1), 16) };
    this.group = this.device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.memory } },
        { binding: 1, resource: { buffer: this.weights } },
        { binding: 2, resource: binding },
      ],
    });
  }

  /** What an operation is told; the inputs of a concatenation one after another. @param {Operation} operation */
  _parts(operation) {
    const { inputs, output, weights: [w, b], from, to, kernel = [1, 1], channel = 0 } = operation;
    // Without a second value: what lies behind the first part of the only one, which is as large as the output.
    const [second, before] = inputs.length > 1 ? [1, 0] : [0, sizeOf(to)];
    const address = (/** @type {number} */ value) => /** @type {number} */ (this.address.get(value));
    const weight = (/** @type {number | undefined} */ i) => i === undefined ? NONE : /** @type {number} */ (this.weightAddress.get(i));
    const fields = (/** @type {number} */ i, first = channel) => ({
      x: address(inputs[i]), a: address(inputs[second]) + before, y: address(output), w: weight(w), b: weight(b),
      sizeX: sizeOf(from[i]), sizeA: sizeOf(from[second]), sizeY: sizeOf(to), keys: keysOf(operation),
      channels: from[i][0], height: from[i][1], width: from[i][2], outputs: to[0], outHeight: to[1], outWidth: to[2],
      rows: kernel[0], columns: kernel[1], stride: operation.stride ?? 1, top: operation.top ?? 0, left: operation.left ?? 0,
      double: operation.double ?? 0, parts: operation.heads ?? operation.groups ?? operation.factor ?? 1, channel: first,
      scratch: this.conditionEnd, eps: operation.eps ?? 0,
    });
    if (operation.kind !== "concatenate") return [fields(0)];
    let first = 0;
    return inputs.map((_, i) => {
      first += from[i][0];
      return fields(i, first - from[i][0]);
    });
  }

  /** @param {Float32Array} x @param {number} t @param {Condition[]} conditions */
  async evaluate(x, t, conditions) {
    const size = sizeOf(this.program.shapes[IMAGE]), found = new Float32Array(x.length);
    for (let first = 0; first < conditions.length; first += this.atOnce) {
      const some = conditions.slice(first, first + this.atOnce), place = first * size;
      found.set(await this._together(x.subarray(place, place + some.length * size), t, some), place);
    }
    return found;
  }

  /** @param {Float32Array} x @param {number} t @param {Condition[]} conditions */
  async _together(x, t, conditions) {
    const images = conditions.length, { queue } = this.device, { program } = this, isNeeded = needed(program, t);
    queue.writeBuffer(this.memory, 4 * /** @type {number} */ (this.address.get(IMAGE)), x);
    this._tellConditions(conditions.map((condition) => this.conditions.at(t, condition)));
    this._tell(images);
    const encoder = this.device.createCommandEncoder(), pass = encoder.beginComputePass();
    this.steps.forEach(({ operation }, i) => {
      if (!isNeeded(operation)) return;
      calls(operation, images).forEach(({ count }, call) => {
        pass.setPipeline(this.pipelines[i][call]);
        pass.setBindGroup(0, this.group, [ALIGNED * i]);
        pass.dispatchWorkgroups(...count);
      });
    });
    pass.end();
    const bytes = 4 * images * sizeOf(program.shapes[program.output]);
    encoder.copyBufferToBuffer(this.memory, 4 * /** @type {number} */ (this.address.get(program.output)), this.result, 0, bytes);
    queue.submit([encoder.finish()]);
    await this.result.mapAsync(1, 0, bytes);
    const output = new Float32Array(this.result.getMappedRange(0, bytes).slice(0));
    this.result.unmap();
    return output;
  }

  /** @param {Float32Array[][]} known the values of each image */
  _tellConditions(known) {
    const all = new Float32Array(this.conditionEnd - this.conditionAddress);
    for (const [value, address] of this.address) {
      if (address < this.conditionAddress) continue;
      known.forEach((values, n) => all.set(values[value], address - this.conditionAddress + n * values[value].length));
    }
    if (all.length) this.device.queue.writeBuffer(this.memory, 4 * this.conditionAddress, all);
  }

  /** @param {number} images */
  _tell(images) {
    if (images === this.images) return;
    this.images = images;
    const bytes = new ArrayBuffer(ALIGNED * this.steps.length), numbers = new Int32Array(bytes), reals = new Float32Array(bytes);
    this.steps.forEach(({ fields }, i) => {
      const first = (ALIGNED / 4) * i;
      FIELDS.forEach((name, place) => { numbers[first + place] = /** @type {Fields} */ ({ ...fields, images })[name]; });
      reals[first + FIELDS.length] = fields.eps;
    });
    this.device.queue.writeBuffer(this.told, 0, bytes);
  }
}
