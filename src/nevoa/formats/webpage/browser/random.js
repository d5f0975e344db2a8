/**
 * The noise of `nevoa sample`: numpy's generator of images number 0, 1, 2, … of a seed, bit for bit.
 *
 * SeedSequence (O'Neill 2015) turns a seed into the state of a PCG64 (O'Neill 2014), whose bits a ziggurat
 * (Marsaglia and Tsang 2000) turns into Gaussian float32.
 */

const MASK64 = (1n << 64n) - 1n, MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 47026247687942121848144207491837523525n;

/** The words of 32 bits that numpy mixes a seed from. @param {number} value */
function words(value) {
  const found = [];
  for (let left = BigInt(value); left > 0n || !found.length; left >>= 32n) found.push(Number(left & 0xffffffffn));
  return found;
}

/** Four numbers of 64 bits from any list of whole numbers: `SeedSequence(list).generate_state(4, uint64)`. */
export function seedState(/** @type {number[]} */ entropy) {
  const given = entropy.flatMap(words);
  let constant = 0x43b0d7e5;
  const hash = (/** @type {number} */ value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (/** @type {number} */ x, /** @type {number} */ y) => {
    const result = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return result ^ (result >>> 16);
  };
  const pool = [0, 1, 2, 3].map((i) => hash(given[i] ?? 0));
  for (let source = 0; source < 4; source++) {
    for (let to = 0; to < 4; to++) if (to !== source) pool[to] = mix(pool[to], hash(pool[source]));
  }
  for (const value of given.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(value));
  let next = 0x8b51f9dd;
  const state = Array.from({ length: 8 }, (_, i) => {
    let value = pool[i % 4] ^ next;
    next = Math.imul(next, 0x58f38ded);
    value = Math.imul(value, next);
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => state[i] | (state[i + 1] << 32n));
}

const LAYERS = 256, TAIL = 3.6541528853610087963519472518, BITS23 = 2 ** 23;

/** The layers of the ziggurat: thresholds, widths and heights. */
function layers() {
  const height = (/** @type {number} */ x) => Math.exp(-0.5 * x * x);
  const area = 0.0049286732339746519; // of each layer, with the tail in the lowest
  const threshold = new Uint32Array(LAYERS), width = new Float32Array(LAYERS), top = new Float32Array(LAYERS);
  let x = TAIL, above = TAIL;
  threshold[0] = Math.floor((TAIL * height(TAIL) / area) * BITS23);
  width[0] = area / height(TAIL) / BITS23;
  top[0] = 1;
  width[LAYERS - 1] = TAIL / BITS23;
  top[LAYERS - 1] = height(TAIL);
  for (let i = LAYERS - 2; i > 0; i--) {
    x = Math.sqrt(-2 * Math.log(area / x + height(x)));
    threshold[i + 1] = Math.floor((x / above) * BITS23);
    above = x;
    width[i] = x / BITS23;
    top[i] = height(x);
  }
  threshold[1] = 0;
  return { threshold, width, top };
}

const { threshold, width, top } = layers();

/** Gaussian noise of one image. */
export class Noise {
  /** @param {number[]} entropy as of `numpy.random.default_rng` */
  constructor(entropy) {
    const [high, low, streamHigh, streamLow] = seedState(entropy);
    this.increment = ((((streamHigh << 64n) | streamLow) << 1n) | 1n) & MASK128;
    this.state = 0n;
    this._step();
    this.state = (this.state + ((high << 64n) | low)) & MASK128;
    this._step();
    this.kept = -1; // the upper half of the last 64 bits
  }

  _step() {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK128;
  }

  /** The next 32 bits. */
  _bits() {
    if (this.kept >= 0) {
      const kept = this.kept;
      this.kept = -1;
      return kept;
    }
    this._step();
    const folded = (this.state >> 64n) ^ (this.state & MASK64), turn = this.state >> 122n;
    const drawn = ((folded >> turn) | (folded << (64n - turn))) & MASK64;
    this.kept = Number(drawn >> 32n);
    return Number(drawn & 0xffffffffn);
  }

  /** A number from 0 to below 1. */
  _uniform() {
    return (this._bits() >>> 8) / 16777216;
  }

  _normal() {
    for (;;) {
      const bits = this._bits(), layer = bits & 0xff, place = bits >>> 9;
      const x = Math.fround(place * width[layer]) * (bits & 0x100 ? -1 : 1);
      if (place < threshold[layer]) return x;
      if (layer === 0) return this._tail(place);
      const between = Math.fround(Math.fround(top[layer - 1] - top[layer]) * this._uniform());
      if (Math.fround(between + top[layer]) < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** @param {number} place whose bits also give the sign */
  _tail(place) {
    const start = Math.fround(TAIL);
    for (;;) {
      const x = Math.fround(-Math.fround(1 / TAIL) * Math.fround(Math.log1p(-this._uniform())));
      const y = -Math.fround(Math.log1p(-this._uniform()));
      if (Math.fround(y + y) > Math.fround(x * x)) return (place >>> 8) & 1 ? -(start + x) : start + x;
    }
  }

  /** The next `size` numbers. @param {number} size */
  draw(size) {
    return Float32Array.from({ length: size }, () => this._normal());
  }
}
