/** Animated GIFs (GIF89a): at most 256 colours for all frames, and LZW. */

/** Write whole numbers of growing width, least bit first, in blocks of up to 255 bytes. */
class Bits {
  constructor() {
    /** @type {number[]} */
    this.bytes = [];
    this.held = 0;
    this.count = 0;
  }

  /** @param {number} code @param {number} width */
  write(code, width) {
    this.held |= code << this.count;
    this.count += width;
    for (; this.count >= 8; this.count -= 8, this.held >>>= 8) this.bytes.push(this.held & 255);
  }

  /** The rest, and all in blocks. */
  blocks() {
    if (this.count) this.bytes.push(this.held & 255);
    const found = [];
    for (let i = 0; i < this.bytes.length; i += 255) {
      const part = this.bytes.slice(i, i + 255);
      found.push(part.length, ...part);
    }
    return [...found, 0];
  }
}

/** Compress numbers below 256. @param {Uint8Array} pixels */
function compressed(pixels) {
  const clear = 256, bits = new Bits();
  let width = 9, next = clear + 2;
  /** @type {Map<number, number>} a sequence, as its code without the last pixel and that pixel */
  let known = new Map();
  bits.write(clear, width);
  let code = pixels[0];
  for (let i = 1; i < pixels.length; i++) {
    const longer = (code << 8) | pixels[i], found = known.get(longer);
    if (found !== undefined) {
      code = found;
      continue;
    }
    bits.write(code, width);
    if (next < 4096) {
      known.set(longer, next);
      if (next++ === 1 << width) width++;
    } else {
      bits.write(clear, width);
      known = new Map();
      width = 9;
      next = clear + 2;
    }
    code = pixels[i];
  }
  bits.write(code, width);
  bits.write(clear + 1, width);
  return bits.blocks();
}

/** Up to 256 colours for pixels of red, green, blue and alpha: median cut of those that occur. */
function palette(/** @type {Uint8ClampedArray[]} */ frames) {
  /** @type {Map<number, number>} how often each colour occurs, by 5 bits of each part; gray ones by all 8 */
  const counts = new Map();
  for (const frame of frames) for (let i = 0; i < frame.length; i += 4) counts.set(key(frame, i), (counts.get(key(frame, i)) ?? 0) + 1);
  const colours = [...counts].map(([name, count]) => ({ name, count, parts: partsOf(name) }));
  const spread = (/** @type {typeof colours} */ box) => [0, 1, 2].map((part) => {
    const values = box.map(({ parts }) => parts[part]);
    return Math.max(...values) - Math.min(...values);
  });
  const boxes = [colours];
  while (boxes.length < 256) {
    const box = boxes.reduce((a, b) => Math.max(...spread(b)) * b.length > Math.max(...spread(a)) * a.length ? b : a);
    if (box.length < 2) break;
    const ranges = spread(box), part = ranges.indexOf(Math.max(...ranges));
    box.sort((a, b) => a.parts[part] - b.parts[part]);
    boxes.splice(boxes.indexOf(box), 1, box.slice(0, box.length >> 1), box.slice(box.length >> 1));
  }
  const table = new Uint8Array(768), index = new Map();
  boxes.forEach((box, i) => {
    const total = box.reduce((sum, { count }) => sum + count, 0);
    for (let part = 0; part < 3; part++) table[3 * i + part] = Math.round(box.reduce((sum, { parts, count }) => sum + parts[part] * count, 0) / total);
    for (const { name } of box) index.set(name, i);
  });
  return { table, index };
}

/** A name of a colour. @param {Uint8ClampedArray} pixels @param {number} i */
const key = (pixels, i) => pixels[i] === pixels[i + 1] && pixels[i] === pixels[i + 2] ? 65536 + pixels[i]
  : ((pixels[i] >> 3) << 10) | ((pixels[i + 1] >> 3) << 5) | (pixels[i + 2] >> 3);

/** The colour of a name. @param {number} name */
const partsOf = (name) => name >= 65536 ? [name - 65536, name - 65536, name - 65536]
  : [name >> 10, (name >> 5) & 31, name & 31].map((part) => (part << 3) + 4);

/** Two bytes, the lower first. @param {number} value */
const word = (value) => [value & 255, value >> 8];

/**
 * @param {ImageData[]} frames of one size
 * @param {number[]} delays hundredths of a second
 */
export function gifOf(frames, delays) {
  const { width, height } = frames[0], { table, index } = palette(frames.map(({ data }) => data));
  const loop = [0x21, 0xff, 11, ...[..."NETSCAPE2.0"].map((letter) => letter.charCodeAt(0)), 3, 1, 0, 0, 0];
  /** @type {BlobPart[]} */
  const parts = [Uint8Array.of(...[..."GIF89a"].map((letter) => letter.charCodeAt(0)), ...word(width), ...word(height), 0xf7, 0, 0, ...table, ...loop)];
  frames.forEach(({ data }, n) => {
    const pixels = Uint8Array.from({ length: width * height }, (_, i) => index.get(key(data, 4 * i)));
    const head = [0x21, 0xf9, 4, 4, ...word(delays[n]), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0, 8];
    parts.push(Uint8Array.from([...head, ...compressed(pixels)]));
  });
  parts.push(Uint8Array.of(0x3b));
  return new Blob(parts, { type: "image/gif" });
}
