/**
 * The operations in WGSL, the language of WebGPU. All values of all images lie in `memory`; a call of a shader reads
 * where its own begin, and their shapes, from `op`. Image n of a value begins at its address + n times its size.
 */

/** The numbers that a shader is told. */
export const FIELDS = ["x", "a", "y", "w", "b", "images", "sizeX", "sizeA", "sizeY", "keys", "channels", "height", "width", "outputs", "outHeight",
  "outWidth", "rows", "columns", "stride", "top", "left", "double", "parts", "channel", "scratch"];

/** There is no such weight. */
export const NONE = 0xffffffff;
/** Threads of a workgroup. */
export const GROUP = 256;
/** The side of a tile of a convolution: outputs and pixels. */
export const SIDE = 32;

const HEAD = `
struct Operation { ${FIELDS.map((name) => `${name}: ${name === "top" || name === "left" ? "i32" : "u32"}`).join(", ")}, eps: f32 }
@group(0) @binding(0) var<storage, read_write> memory: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<uniform> op: Operation;
fn bias(o: u32) -> f32 { if (op.b == ${NONE}u) { return 0.0; } return weights[op.b + o]; }
`;

/** A shader of one thread for each of so many numbers of each image: `n` is the image, `i` the place. */
const many = (/** @type {string} */ count, /** @type {string} */ body) => `
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixels = op.outHeight * op.outWidth;
  let dim = op.outputs / op.parts;
  let count = ${count};
  if (id.x >= op.images * count) { return; }
  let n = id.x / count;
  let i = id.x % count;
  let q = op.x + n * op.sizeX;
  let k = op.a + n * op.sizeA;
  let v = k + op.outputs * op.keys;
  ${body}
}`;

/** A shader of one thread for each number of the output. */
const each = (/** @type {string} */ body) => many("op.sizeY", `
  let source = op.x + n * op.sizeX;
  let to = op.y + n * op.sizeY + i;
  let channel = i / pixels;
  let row = i % pixels / op.outWidth;
  let column = i % op.outWidth;
  ${body}`);

/** Two values; the second is as large, or has a number for each channel, or one. */
const pairwise = (/** @type {string} */ sign) => each(`
  var place = i;
  if (op.sizeA == 1u) { place = 0u; } else if (op.sizeA < op.sizeY) { place = channel; }
  memory[to] = memory[source + i] ${sign} memory[op.a + n * op.sizeA + place];`);

/** Each thread sums 4 outputs at 4 pixels; the 64 of a workgroup read 32 numbers of depth at a time into shared memory. */
const CONV = `
const DEPTH = 32u;
var<workgroup> seen: array<f32, ${32 * SIDE}>;
var<workgroup> weight: array<f32, ${32 * SIDE}>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) thread: u32) {
  let area = op.rows * op.columns;
  let depth = op.channels * area;
  let pixels = op.outHeight * op.outWidth;
  let up = op.double;
  var sums: array<array<f32, 4>, 4>;
  for (var first = 0u; first < depth; first += DEPTH) {
    for (var i = thread; i < DEPTH * ${SIDE}u; i += 64u) {
      let k = first + i / ${SIDE}u;
      let o = id.y * ${SIDE}u + i % ${SIDE}u;
      weight[i] = 0.0;
      if (k < depth && o < op.outputs) { weight[i] = weights[op.w + o * depth + k]; }
      let pixel = id.x * ${SIDE}u + i % ${SIDE}u;
      let p = pixel % pixels;
      let tap = k % area;
      let row = i32(p / op.outWidth * op.stride + tap / op.columns) - op.top;
      let column = i32(p % op.outWidth * op.stride + tap % op.columns) - op.left;
      seen[i] = 0.0;
      if (k < depth && pixel < pixels * op.images && row >= 0 && column >= 0 && row < i32(op.height << up) && column < i32(op.width << up)) {
        let place = (k / area * op.height + (u32(row) >> up)) * op.width + (u32(column) >> up);
        seen[i] = memory[op.x + pixel / pixels * op.sizeX + place];
      }
    }
    workgroupBarrier();
    let across = thread % 8u * 4u;
    let down = thread / 8u * 4u;
    for (var k = 0u; k < DEPTH; k++) {
      for (var i = 0u; i < 4u; i++) {
        let w = weight[k * ${SIDE}u + down + i];
        for (var j = 0u; j < 4u; j++) { sums[i][j] += w * seen[k * ${SIDE}u + across + j]; }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let o = id.y * ${SIDE}u + thread / 8u * 4u + i;
      let pixel = id.x * ${SIDE}u + thread % 8u * 4u + j;
      if (o < op.outputs && pixel < pixels * op.images) {
        memory[op.y + pixel / pixels * op.sizeY + o * pixels + pixel % pixels] = sums[i][j] + bias(o);
      }
    }
  }
}`;

/** A group of channels of an image in each workgroup, whose 64 threads share their sums. */
const NORM = `
var<workgroup> sums: array<f32, 64>;
fn total(thread: u32, value: f32) -> f32 {
  workgroupBarrier();
  sums[thread] = value;
  workgroupBarrier();
  var all = 0.0;
  for (var i = 0u; i < 64u; i++) { all += sums[i]; }
  return all;
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = op.sizeX / op.parts;
  let n = id.x / op.parts;
  let part = id.x % op.parts;
  let source = op.x + n * op.sizeX + part * size;
  let to = op.y + n * op.sizeY + part * size;
  let pixels = op.outHeight * op.outWidth;
  var sum = 0.0;
  for (var i = thread; i < size; i += 64u) { sum += memory[source + i]; }
  let mean = total(thread, sum) / f32(size);
  var squares = 0.0;
  for (var i = thread; i < size; i += 64u) { let away = memory[source + i] - mean; squares += away * away; }
  let scale = inverseSqrt(total(thread, squares) / f32(size) + op.eps);
  for (var i = thread; i < size; i += 64u) {
    let channel = (part * size + i) / pixels;
    var value = (memory[source + i] - mean) * scale;
    if (op.w != ${NONE}u) { value = value * weights[op.w + channel] + weights[op.b + channel]; }
    memory[to + i] = value;
  }
}`;

/** Turn `length` numbers of memory, `step` apart, into shares. */
const SOFTMAX = `
  var top = -3.4e38;
  for (var j = 0u; j < length; j++) { top = max(top, memory[first + j * step]); }
  var sum = 0.0;
  for (var j = 0u; j < length; j++) {
    let value = exp(memory[first + j * step] - top);
    memory[first + j * step] = value;
    sum += value;
  }
  for (var j = 0u; j < length; j++) { memory[first + j * step] /= sum; }`;

/** @type {Record<string, string>} */
export const SHADERS = Object.fromEntries(Object.entries({
  conv: CONV,
  norm: NORM,
  depthwise: each(`
  var sum = bias(channel);
  for (var k = 0u; k < op.rows * op.columns; k++) {
    let r = i32(row * op.stride + k / op.columns) - op.top;
    let c = i32(column * op.stride + k % op.columns) - op.left;
    if (r >= 0 && c >= 0 && r < i32(op.height) && c < i32(op.width)) {
      sum += weights[op.w + channel * op.rows * op.columns + k] * memory[source + (channel * op.height + u32(r)) * op.width + u32(c)];
    }
  }
  memory[to] = sum;`),
  transposed: each(`
  var sum = bias(channel);
  let area = op.rows * op.columns;
  for (var k = 0u; k < area; k++) {
    let r = i32(row) + op.top - i32(k / op.columns);
    let c = i32(column) + op.left - i32(k % op.columns);
    let stride = i32(op.stride);
    if (r < 0 || c < 0 || r % stride != 0 || c % stride != 0 || r / stride >= i32(op.height) || c / stride >= i32(op.width)) { continue; }
    let place = u32(r / stride) * op.width + u32(c / stride);
    for (var d = 0u; d < op.channels; d++) {
      sum += weights[op.w + (d * op.outputs + channel) * area + k] * memory[source + d * op.height * op.width + place];
    }
  }
  memory[to] = sum;`),
  silu: each("let x = memory[source + i]; memory[to] = x / (1.0 + exp(-x));"),
  gelu: each(`
  let x = memory[source + i];
  let z = abs(x) * 0.70710678;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * exp(-z * z);
  memory[to] = x * select(1.0 - 0.5 * tail, 0.5 * tail, x < 0.0);`),
  add: pairwise("+"),
  multiply: pairwise("*"),
  window: each(`
  let r = i32(row) + op.top;
  let c = i32(column) + op.left;
  var value = 0.0;
  if (r >= 0 && c >= 0 && r < i32(op.height) && c < i32(op.width)) {
    value = memory[source + ((channel + op.channel) * op.height + u32(r)) * op.width + u32(c)];
  }
  memory[to] = value;`),
  // A part of the output; its other parts have calls of their own.
  concatenate: each(`
  if (channel < op.channel || channel >= op.channel + op.channels) { return; }
  memory[to] = memory[source + i - op.channel * pixels];`),
  pixel_shuffle: each(`
  let folded = (channel * op.parts + row % op.parts) * op.parts + column % op.parts;
  memory[to] = memory[source + (folded * op.height + row / op.parts) * op.width + column / op.parts];`),
  pixel_unshuffle: each(`
  let place = channel % (op.parts * op.parts);
  let r = row * op.parts + place / op.parts;
  let c = column * op.parts + place % op.parts;
  memory[to] = memory[source + (channel / (op.parts * op.parts) * op.height + r) * op.width + c];`),
  // In scratch, [head][key][query] of each image.
  attention_scores: many("op.parts * pixels * op.keys", `
  let head = i / (pixels * op.keys) * dim;
  var dot = 0.0;
  for (var d = head; d < head + dim; d++) { dot += memory[q + d * pixels + i % pixels] * memory[k + d * op.keys + i / pixels % op.keys]; }
  memory[op.scratch + n * count + i] = dot * inverseSqrt(f32(dim));`),
  attention_shares: many("op.parts * pixels", `
  let first = op.scratch + (n * op.parts + i / pixels) * op.keys * pixels + i % pixels;
  let step = pixels;
  let length = op.keys;
  ${SOFTMAX}`),
  attention_result: many("op.sizeY", `
  let channel = i / pixels;
  let scores = op.scratch + (n * op.parts + channel / dim) * op.keys * pixels + i % pixels;
  var sum = 0.0;
  for (var j = 0u; j < op.keys; j++) { sum += memory[scores + j * pixels] * memory[v + channel * op.keys + j]; }
  memory[op.y + n * op.sizeY + i] = sum;`),
  // Queries and keys become shares in place: nothing else reads them.
  linear_queries: many("op.parts * pixels", `
  let first = q + i / pixels * dim * pixels + i % pixels;
  let step = pixels;
  let length = dim;
  ${SOFTMAX}`),
  linear_keys: many("op.outputs", `
  let first = k + i * pixels;
  let step = 1u;
  let length = pixels;
  ${SOFTMAX}`),
  // In scratch, [head][e][d] of each image: the sum over positions of v_e k_d.
  linear_context: many("op.outputs * dim", `
  let e = i / dim;
  let d = e / dim * dim + i % dim;
  var sum = 0.0;
  for (var j = 0u; j < pixels; j++) { sum += memory[v + e * pixels + j] * memory[k + d * pixels + j]; }
  memory[op.scratch + n * count + i] = sum * inverseSqrt(f32(dim));`),
  linear_result: many("op.sizeY", `
  let channel = i / pixels;
  let context = op.scratch + (n * op.outputs + channel) * dim;
  var sum = 0.0;
  for (var d = 0u; d < dim; d++) { sum += memory[context + d] * memory[q + (channel / dim * dim + d) * pixels + i % pixels]; }
  memory[op.y + n * op.sizeY + i] = sum;`),
}).map(([name, code]) => [name, HEAD + code]));
