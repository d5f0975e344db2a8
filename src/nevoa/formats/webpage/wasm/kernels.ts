/**
 * The heavy operations in WebAssembly with 128-bit vectors. Addresses are bytes in the memory that the page gives.
 *
 * A convolution is a matrix product: `unfold` writes what the kernel sees at each pixel, `product` multiplies. Both
 * matrices lie in the order in which `product` reads them: pixels in tiles of 8, output channels in tiles of 4. Eight sums
 * of four pixels stay in the registers of V8 with what they need; with twelve, some went to memory, and a product took
 * 1.5 times as long without fused multiply-add and twice as long with it (Zen 3).
 */

const TILE: i32 = 8;

// @ts-ignore: decorator
@inline
function multiplyAdd(a: v128, b: v128, sum: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(f32x4.mul(a, b), sum);
}

/** Write the padded image `x` as tiles of 8 pixels, each with all the numbers that the kernel sees. */
export function unfold(
  x: usize, panels: usize, channels: i32, height: i32, width: i32, rows: i32, columns: i32, stride: i32,
  outHeight: i32, outWidth: i32,
): void {
  const pixels = outHeight * outWidth;
  for (let tile = 0; tile < pixels; tile += TILE) {
    for (let lane = 0; lane < TILE; lane++) {
      // Beyond the last pixel, repeat it.
      const pixel = min(tile + lane, pixels - 1);
      let from = x + (<usize>((pixel / outWidth * width + pixel % outWidth) * stride) << 2);
      let to = panels + (<usize>lane << 2);
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < rows; i++) {
          const row = from + (<usize>(i * width) << 2);
          for (let j = 0; j < columns; j++) {
            store<f32>(to, load<f32>(row + (<usize>j << 2)));
            to += TILE << 2;
          }
        }
        from += <usize>(height * width) << 2;
      }
    }
    panels += <usize>(channels * rows * columns * TILE) << 2;
  }
}

/** Write a matrix, whose rows and columns are so many numbers apart, in tiles of rows: [rows / tile][depth][tile]. */
export function tiles(x: usize, to: usize, rows: i32, depth: i32, tile: i32, perRow: i32, perColumn: i32): void {
  for (let first = 0; first < rows; first += tile) {
    for (let k = 0; k < depth; k++) {
      for (let row = first; row < first + tile; row++) {
        store<f32>(to, row < rows ? load<f32>(x + (<usize>(row * perRow + k * perColumn) << 2)) : 0);
        to += 4;
      }
    }
  }
}

/** Store the first `count` of four numbers. */
// @ts-ignore: decorator
@inline
function storeSome(to: usize, numbers: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, numbers);
    return;
  }
  if (count > 0) store<f32>(to, f32x4.extract_lane(numbers, 0));
  if (count > 1) store<f32>(to + 4, f32x4.extract_lane(numbers, 1));
  if (count > 2) store<f32>(to + 8, f32x4.extract_lane(numbers, 2));
}

/** out[o][p] = bias[o] + sum over k of weights[o][k] panels[k][p], for `outputs` rows of `pixels`. */
export function product(
  panels: usize, weights: usize, bias: usize, out: usize, depth: i32, outputs: i32, pixels: i32,
): void {
  for (let o = 0; o < outputs; o += 4) {
    let panel = panels;
    for (let tile = 0; tile < pixels; tile += TILE) {
      const to = out + (<usize>(o * pixels + tile) << 2);
      if (pixels - tile > 4) eight(panel, weights, bias, to, depth, outputs - o, pixels, pixels - tile);
      else four(panel, weights, bias, to, depth, outputs - o, pixels, pixels - tile);
      panel += <usize>(depth * TILE) << 2;
    }
    weights += <usize>depth << 4;
    bias += 16;
  }
}

/** A tile of the product: up to four rows of five to eight pixels. */
function eight(
  panel: usize, weight: usize, bias: usize, out: usize, depth: i32, rows: i32, pixels: i32, count: i32,
): void {
  let a0 = v128.load32_splat(bias), b0 = v128.load32_splat(bias, 4);
  let c0 = v128.load32_splat(bias, 8), d0 = v128.load32_splat(bias, 12);
  let a1 = a0, b1 = b0, c1 = c0, d1 = d0;
  for (let k = 0; k < depth; k++) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16);
    let w = v128.load32_splat(weight);
    a0 = multiplyAdd(x0, w, a0);
    a1 = multiplyAdd(x1, w, a1);
    w = v128.load32_splat(weight, 4);
    b0 = multiplyAdd(x0, w, b0);
    b1 = multiplyAdd(x1, w, b1);
    w = v128.load32_splat(weight, 8);
    c0 = multiplyAdd(x0, w, c0);
    c1 = multiplyAdd(x1, w, c1);
    w = v128.load32_splat(weight, 12);
    d0 = multiplyAdd(x0, w, d0);
    d1 = multiplyAdd(x1, w, d1);
    panel += TILE << 2;
    weight += 16;
  }
  storeRows(out, a0, b0, c0, d0, rows, pixels, count);
  storeRows(out + 16, a1, b1, c1, d1, rows, pixels, count - 4);
}

/** The tile at the end of a row, if it has up to four pixels. */
function four(
  panel: usize, weight: usize, bias: usize, out: usize, depth: i32, rows: i32, pixels: i32, count: i32,
): void {
  let a = v128.load32_splat(bias), b = v128.load32_splat(bias, 4);
  let c = v128.load32_splat(bias, 8), d = v128.load32_splat(bias, 12);
  for (let k = 0; k < depth; k++) {
    const x = v128.load(panel);
    a = multiplyAdd(x, v128.load32_splat(weight), a);
    b = multiplyAdd(x, v128.load32_splat(weight, 4), b);
    c = multiplyAdd(x, v128.load32_splat(weight, 8), c);
    d = multiplyAdd(x, v128.load32_splat(weight, 12), d);
    panel += TILE << 2;
    weight += 16;
  }
  storeRows(out, a, b, c, d, rows, pixels, count);
}

/** Store up to four rows of up to four pixels. */
function storeRows(to: usize, a: v128, b: v128, c: v128, d: v128, rows: i32, pixels: i32, count: i32): void {
  const row = <usize>pixels << 2;
  storeSome(to, a, count);
  if (rows > 1) storeSome(to + row, b, count);
  if (rows > 2) storeSome(to + 2 * row, c, count);
  if (rows > 3) storeSome(to + 3 * row, d, count);
}

/** Convolve each channel of the padded image `x` with a kernel of its own. Rows have at least four pixels. */
export function depthwise(
  x: usize, weights: usize, bias: usize, out: usize, channels: i32, height: i32, width: i32, rows: i32, columns: i32,
  outHeight: i32, outWidth: i32,
): void {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < outHeight; y++) {
      for (let step = 0; step < outWidth; step += 4) {
        const column = min(step, outWidth - 4); // the last four overlap those before them
        let sum = v128.load32_splat(bias);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const w = v128.load32_splat(weights + (<usize>(i * columns + j) << 2));
            sum = multiplyAdd(v128.load(x + (<usize>((y + i) * width + column + j) << 2)), w, sum);
          }
        }
        v128.store(out + (<usize>(y * outWidth + column) << 2), sum);
      }
    }
    x += <usize>(height * width) << 2;
    out += <usize>(outHeight * outWidth) << 2;
    weights += <usize>(rows * columns) << 2;
    bias += 4;
  }
}

/** e^x to the precision of float32: 2^n times a polynomial for the rest, which is at most log(2) / 2. */
// @ts-ignore: decorator
@inline
function exponential(x: v128): v128 {
  const limited = f32x4.max(f32x4.min(x, f32x4.splat(88)), f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(limited, f32x4.splat(1.44269504)));
  // log(2) in two parts, so that the product with n loses nothing.
  const rest = f32x4.sub(f32x4.sub(limited, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let sum = f32x4.splat(1.0 / 5040);
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.0 / 720));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.0 / 120));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.0 / 24));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1.0 / 6));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(0.5));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1));
  sum = f32x4.add(f32x4.mul(sum, rest), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(sum, power);
}

/** Replace numbers by e^x. `count` is rounded up to a multiple of four, here and below. */
export function exp(x: usize, count: i32): void {
  for (const end = x + (<usize>count << 2); x < end; x += 16) v128.store(x, exponential(v128.load(x)));
}

/** x / (1 + e^-x) */
export function silu(x: usize, y: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (const end = x + (<usize>count << 2); x < end; x += 16, y += 16) {
    const value = v128.load(x);
    v128.store(y, f32x4.div(value, f32x4.add(one, exponential(f32x4.neg(value)))));
  }
}

/** x (1 + erf(x / sqrt(2))) / 2, with erf to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26). */
export function gelu(x: usize, y: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (const end = x + (<usize>count << 2); x < end; x += 16, y += 16) {
    const value = v128.load(x), z = f32x4.mul(f32x4.abs(value), f32x4.splat(0.70710678));
    const t = f32x4.div(one, f32x4.add(one, f32x4.mul(z, f32x4.splat(0.3275911))));
    let sum = f32x4.splat(1.061405429);
    sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(-1.453152027));
    sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(1.421413741));
    sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(-0.284496736));
    sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.254829592));
    // The half of the tail, which is what is left of the distribution beyond |x|.
    const tail = f32x4.mul(f32x4.mul(f32x4.mul(sum, t), f32x4.splat(0.5)), exponential(f32x4.neg(f32x4.mul(z, z))));
    const share = v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(value, f32x4.splat(0)));
    v128.store(y, f32x4.mul(value, share));
  }
}

/** a + b */
export function add(a: usize, b: usize, y: usize, count: i32): void {
  for (const end = y + (<usize>count << 2); y < end; a += 16, b += 16, y += 16) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
  }
}

/** scale x + shift, with one scale and one shift for each channel. */
export function scaled(x: usize, y: usize, scale: usize, shift: usize, channels: i32, pixels: i32): void {
  for (let c = 0; c < channels; c++, scale += 4, shift += 4) {
    const factor = v128.load32_splat(scale), summand = v128.load32_splat(shift);
    for (let left = pixels; left > 0; left -= 4) {
      storeSome(y, f32x4.add(f32x4.mul(v128.load(x), factor), summand), left);
      x += <usize>min(left, 4) << 2;
      y += <usize>min(left, 4) << 2;
    }
  }
}

// @ts-ignore: decorator
@inline
function total(sums: v128): f32 {
  return f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
}

/** The mean of (x - from)^power, for power 1 or 2. */
export function moment(x: usize, count: i32, from: f32, power: i32): f32 {
  const zero = f32x4.splat(from), whole = x + (<usize>(count & ~3) << 2), end = x + (<usize>count << 2);
  let sums = f32x4.splat(0), sum: f32 = 0;
  for (; x < whole; x += 16) {
    const away = f32x4.sub(v128.load(x), zero);
    sums = f32x4.add(sums, power === 2 ? f32x4.mul(away, away) : away);
  }
  for (; x < end; x += 4) {
    const away = load<f32>(x) - from;
    sum += power === 2 ? away * away : away;
  }
  return (sum + total(sums)) / <f32>count;
}
