/**
 * The operations of a network in plain JavaScript: the meaning of each, and what runs where nothing faster does.
 *
 * A kernel reads arrays of float32 and fills another. Values are (channels, height, width), row by row.
 *
 * @typedef {[number, number, number]} Shape
 * @typedef {{kind: string, inputs: number[], weights: number[], output: number, from: Shape[], to: Shape,
 *   [option: string]: any}} Operation
 * @typedef {(operation: Operation, inputs: Float32Array[], weights: Float32Array[], output: Float32Array) => void} Kernel
 */

/** Number of elements of a shape. @param {Shape} shape */
export const sizeOf = ([channels, height, width]) => channels * height * width;

/** A kernel that maps each number. @param {(x: number) => number} map @returns {Kernel} */
const each = (map) => (_, [x], __, y) => {
  for (let i = 0; i < y.length; i++) y[i] = map(x[i]);
};

/** A kernel of two values; the second may be one number, or one for each channel. @returns {Kernel} */
const pairwise = (/** @type {(a: number, b: number) => number} */ join) => (operation, [a, b], _, y) => {
  const [channels, height, width] = operation.to, size = height * width;
  const perChannel = b.length < y.length, step = b.length === 1 ? 0 : 1;
  for (let c = 0, i = 0; c < channels; c++) {
    for (let end = i + size; i < end; i++) y[i] = join(a[i], b[perChannel ? c * step : i]);
  }
};

/** The error function, to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26). @param {number} x */
export function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - tail * Math.exp(-x * x));
}

/** The shape of the image with what the kernel sees around it. @param {Operation} operation @returns {Shape} */
export const paddedShape = ({ kernel: [rows, columns], stride, from: [[channels]], to: [, height, width] }) =>
  [channels, (height - 1) * stride + rows, (width - 1) * stride + columns];

/** The image, doubled if the operation says so, with what the kernel sees around it. */
export function padded(/** @type {Operation} */ operation, /** @type {Float32Array} */ x, /** @type {Float32Array} */ to = new Float32Array(sizeOf(paddedShape(operation)))) {
  const { top, left, double, from: [[, height, width]] } = operation, [channels, rows, columns] = paddedShape(operation);
  if (!top && !left && !double && rows === height && columns === width) return x;
  const image = to.subarray(0, channels * rows * columns), shift = double ? 1 : 0;
  for (let c = 0, i = 0; c < channels; c++) {
    for (let row = -top; row < rows - top; row++) {
      const first = (c * height + (row >> shift)) * width, inside = row >= 0 && row < height << shift;
      for (let column = -left; column < columns - left; column++, i++) {
        image[i] = inside && column >= 0 && column < width << shift ? x[first + (column >> shift)] : 0;
      }
    }
  }
  return image;
}

/** @param {Float32Array} output @param {Float32Array | undefined} bias @param {Shape} shape */
function fillWithBias(output, bias, [channels, height, width]) {
  const size = height * width;
  for (let c = 0; c < channels; c++) output.fill(bias ? bias[c] : 0, c * size, (c + 1) * size);
}

/** Add to `y` the image `x` of `columns`, from place `first`, times a weight. @param {Operation} operation */
function addTimes({ stride, to: [, height, width] }, /** @type {Float32Array} */ y, /** @type {number} */ out,
  /** @type {Float32Array} */ x, /** @type {number} */ first, /** @type {number} */ columns, /** @type {number} */ weight) {
  for (let row = 0; row < height; row++) {
    for (let column = 0, i = first + row * stride * columns; column < width; column++, i += stride) y[out++] += weight * x[i];
  }
}

/** What the kernel sees at each pixel: [channels][kernel][pixels]. */
function unfolded(/** @type {Operation} */ operation, /** @type {Float32Array} */ image) {
  const [channels, rows, columns] = paddedShape(operation), { kernel, to } = operation, pixels = to[1] * to[2];
  const seen = new Float32Array(channels * kernel[0] * kernel[1] * pixels);
  for (let c = 0, out = 0; c < channels; c++) {
    for (let place = 0; place < kernel[0] * kernel[1]; place++, out += pixels) {
      const first = (c * rows + Math.floor(place / kernel[1])) * columns + (place % kernel[1]);
      addTimes(operation, seen, out, image, first, columns, 1);
    }
  }
  return seen;
}

/** Add to y[row] the sum of weight[row][k] x[k] over k; rows and k are so far apart in the weights. */
function addProduct(/** @type {Float32Array} */ y, /** @type {Float32Array} */ weight, /** @type {Float32Array} */ x,
  /** @type {number} */ pixels, /** @type {number} */ perRow, /** @type {number} */ perK) {
  const depth = x.length / pixels;
  for (let row = 0, first = 0; first < y.length; row++, first += pixels) {
    // Four at a time, a row in one stretch: 0.35 s for a network of width 64, 1.4 s pixel row by pixel row (Node 20, Zen 3).
    let k = 0;
    for (; k + 4 <= depth; k += 4) {
      const w = row * perRow + k * perK, a = weight[w], b = weight[w + perK], c = weight[w + 2 * perK], d = weight[w + 3 * perK];
      const xa = k * pixels, xb = xa + pixels, xc = xb + pixels, xd = xc + pixels;
      for (let i = 0; i < pixels; i++) y[first + i] += a * x[xa + i] + b * x[xb + i] + c * x[xc + i] + d * x[xd + i];
    }
    for (; k < depth; k++) {
      const a = weight[row * perRow + k * perK];
      for (let i = 0; i < pixels; i++) y[first + i] += a * x[k * pixels + i];
    }
  }
}

/** @type {Kernel} */
function conv(operation, [x], [weight, bias], y) {
  const { from: [[channels]], kernel, to } = operation;
  fillWithBias(y, bias, to);
  const seen = unfolded(operation, padded(operation, x));
  addProduct(y, weight, seen, to[1] * to[2], channels * kernel[0] * kernel[1], 1);
}

/** @type {Kernel} */
function depthwise(operation, [x], [weight, bias], y) {
  const image = padded(operation, x), [channels, rows, columns] = paddedShape(operation), { kernel, to } = operation;
  fillWithBias(y, bias, to);
  for (let c = 0, w = 0; c < channels; c++) {
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++, w++) {
        addTimes(operation, y, c * to[1] * to[2], image, (c * rows + i) * columns + j, columns, weight[w]);
      }
    }
  }
}

/** Add the parts of a transposed convolution, [outputs][kernel][pixels], to the pixels that they fall on. */
export function gathered(/** @type {Operation} */ operation, /** @type {Float32Array} */ parts,
  /** @type {Float32Array | undefined} */ bias, /** @type {Float32Array} */ y) {
  const { kernel: [rows, columns], stride, top, left, from: [[, height, width]], to } = operation;
  fillWithBias(y, bias, to);
  for (let o = 0, part = 0; o < to[0]; o++) {
    for (let place = 0; place < rows * columns; place++) {
      const firstRow = Math.floor(place / columns) - top, firstColumn = (place % columns) - left;
      for (let row = firstRow; row < firstRow + height * stride; row += stride) {
        const line = (o * to[1] + row) * to[2], inside = row >= 0 && row < to[1];
        for (let column = firstColumn; column < firstColumn + width * stride; column += stride, part++) {
          if (inside && column >= 0 && column < to[2]) y[line + column] += parts[part];
        }
      }
    }
  }
}

/** Every pixel gives a part to each of those that the kernel reaches from it. @type {Kernel} */
function transposed(operation, [x], [weight, bias], y) {
  const { from: [[, height, width]], kernel, to } = operation, rows = to[0] * kernel[0] * kernel[1];
  const parts = new Float32Array(rows * height * width);
  addProduct(parts, weight, x, height * width, 1, rows);
  gathered(operation, parts, bias, y);
}

/** @type {Kernel} */
export function linear(_, [x], [weight, bias], y) {
  for (let o = 0, w = 0; o < y.length; o++) {
    let sum = bias ? bias[o] : 0;
    for (let i = 0; i < x.length; i++, w++) sum += x[i] * weight[w];
    y[o] = sum;
  }
}

/** Group norm (Wu and He 2018). @type {Kernel} */
function norm({ groups, eps, to }, [x], [scale, shift], y) {
  const size = x.length / groups, pixels = to[1] * to[2];
  for (let group = 0; group < groups; group++) {
    const first = group * size;
    let sum = 0, squares = 0;
    for (let i = first; i < first + size; i++) sum += x[i];
    const mean = sum / size;
    for (let i = first; i < first + size; i++) squares += (x[i] - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / size + eps);
    for (let i = first; i < first + size; i++) {
      const channel = Math.floor(i / pixels), normal = (x[i] - mean) * inverse;
      y[i] = scale ? normal * scale[channel] + shift[channel] : normal;
    }
  }
}

/** Turn numbers into shares, in place: `count` of them, `stride` apart. */
export function softmax(/** @type {Float32Array} */ x, /** @type {number} */ first, /** @type {number} */ count, stride = 1) {
  const end = first + count * stride;
  let most = -Infinity, sum = 0;
  for (let i = first; i < end; i += stride) most = Math.max(most, x[i]);
  for (let i = first; i < end; i += stride) sum += x[i] = Math.exp(x[i] - most);
  for (let i = first; i < end; i += stride) x[i] /= sum;
}

/**
 * softmax(q k^T / sqrt(dim)) v in each head, over all positions (Vaswani et al. 2017): those of the image itself, whose keys
 * and values lie behind its queries, or those of a second value.
 *
 * @type {Kernel}
 */
function attention({ heads, to }, [x, kv = x.subarray(x.length / 3)], _, y) {
  const dim = to[0] / heads, positions = to[1] * to[2], keys = kv.length / 2 / to[0], scale = 1 / Math.sqrt(dim);
  const shares = new Float32Array(keys);
  for (let head = 0; head < heads; head++) {
    const q = head * dim * positions, k = head * dim * keys, v = k + kv.length / 2;
    for (let i = 0; i < positions; i++) {
      shares.fill(0);
      for (let d = 0; d < dim; d++) {
        const here = x[q + d * positions + i] * scale;
        for (let j = 0; j < keys; j++) shares[j] += here * kv[k + d * keys + j];
      }
      softmax(shares, 0, keys);
      for (let d = 0; d < dim; d++) {
        let sum = 0;
        for (let j = 0; j < keys; j++) sum += shares[j] * kv[v + d * keys + j];
        y[q + d * positions + i] = sum;
      }
    }
  }
}

/** q (k^T v), q a softmax over channels and k one over positions (Shen et al. 2021). @type {Kernel} */
function linearAttention({ heads, to }, [qkv], _, y) {
  const dim = to[0] / heads, positions = to[1] * to[2], part = y.length, scale = 1 / Math.sqrt(dim);
  const x = qkv.slice();
  y.fill(0);
  for (let head = 0; head < heads; head++) {
    const q = head * dim * positions, k = q + part, v = k + part;
    for (let i = 0; i < positions; i++) softmax(x, q + i, dim, positions);
    for (let d = 0; d < dim; d++) softmax(x, k + d * positions, positions);
    for (let d = 0; d < dim; d++) {
      for (let e = 0; e < dim; e++) {
        let sum = 0;
        for (let i = 0; i < positions; i++) sum += x[k + d * positions + i] * x[v + e * positions + i];
        sum *= scale;
        for (let i = 0; i < positions; i++) y[q + e * positions + i] += sum * x[q + d * positions + i];
      }
    }
  }
}

/** Copy a part of a value, with zeros where it reaches beyond. @type {Kernel} */
function window({ channel, top, left, from: [[, height, width]], to: [channels, outHeight, outWidth] }, [x], _, y) {
  for (let c = 0, i = 0; c < channels; c++) {
    for (let row = top; row < top + outHeight; row++) {
      for (let column = left; column < left + outWidth; column++, i++) {
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        y[i] = inside ? x[((c + channel) * height + row) * width + column] : 0;
      }
    }
  }
}

/** @type {Kernel} */
function concatenate(_, inputs, __, y) {
  let first = 0;
  for (const x of inputs) {
    y.set(x, first);
    first += x.length;
  }
}

/** Visit the pairs of places that (un)shuffling exchanges: that in the large image, and that in its folded form. */
function folds(/** @type {number} */ factor, /** @type {Shape} */ [channels, height, width],
  /** @type {(large: number, folded: number) => void} */ visit) {
  for (let c = 0, large = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, large++) {
        const channel = (c * factor + y % factor) * factor + x % factor;
        visit(large, (channel * (height / factor) + Math.floor(y / factor)) * (width / factor) + Math.floor(x / factor));
      }
    }
  }
}

/** @type {Record<string, Kernel>} */
export const PLAIN = {
  conv, depthwise, transposed, linear, norm, attention, linear_attention: linearAttention, window, concatenate,
  silu: each((x) => x / (1 + Math.exp(-x))),
  gelu: each((x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))),
  sin: each(Math.sin),
  cos: each(Math.cos),
  add: pairwise((a, b) => a + b),
  multiply: pairwise((a, b) => a * b),
  constant: (_, __, [weight], y) => y.set(weight),
  /** The row of a label, or the mix of two rows. */
  embedding: (_, [[from, to = from, share = 0]], [table], y) => {
    for (let i = 0; i < y.length; i++) y[i] = (1 - share) * table[from * y.length + i] + share * table[to * y.length + i];
  },
  pixel_unshuffle: ({ factor, from: [shape] }, [x], _, y) => folds(factor, shape, (large, folded) => { y[folded] = x[large]; }),
  pixel_shuffle: ({ factor, to }, [x], _, y) => folds(factor, to, (large, folded) => { y[large] = x[folded]; }),
};
