/**
 * What computes, in a thread of its own, so that the page never waits.
 *
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {import("./sampling.js").Model} Model
 * @typedef {import("./sampling.js").Image} Image
 * @typedef {import("./sampling.js").Way} Way
 * @typedef {{program: import("./program.js").Program, first: number, checksum: number, wasm: string[]} & Model} Package
 *   `first` is the byte of the block at which the weights begin; the tables of the schedule come before.
 * @typedef {"auto" | "webgpu" | "wasm" | "javascript"} Choice
 * @typedef {{kind: "open", package: Package, block: string | ArrayBuffer, engine: Choice}
 *   | {kind: "make", id: number, images: Image[], way: Way, kept: {bytes: Uint8ClampedArray, known: Uint8Array} | null}
 *   | {kind: "stop"}} Request
 * @typedef {{kind: "ready", engine: string, seconds: number}
 *   | {kind: "state", id: number, step: number, steps: number, t: number, x: Uint8ClampedArray, x0: Uint8ClampedArray}
 *   | {kind: "done", id: number}
 *   | {kind: "failed", problem: "damaged" | "numbers" | "other", text: string}} Answer
 */

import { checksum } from "./checksum.js";
import { ProcessorEngine } from "./engine.js";
import { gpuEngine } from "./gpu.js";
import { sizeOf } from "./plain.js";
import { shaped, unpacked } from "./program.js";
import { bytesOf, nothingOf, trajectory, unitOf } from "./sampling.js";
import { wasmEngine } from "./wasm.js";

/** Bytes of base64. @param {string} text */
export function decoded(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** The bytes that were deflated and written in base64. @param {string} text */
export async function inflated(text) {
  // The stream of a Blob would be shorter; WebKit refuses to read one where the page is a file.
  const stream = /** @type {ReadableStream} */ (new Response(decoded(text)).body).pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Something that the page tells its reader. */
class Problem extends Error {
  /** @param {"damaged" | "numbers"} problem */
  constructor(problem) {
    super(problem);
    this.problem = problem;
  }
}

/** The bytes of the block, whether it came inside the page or beside it. @param {string | ArrayBuffer} block */
function blockOf(block) {
  try {
    return typeof block === "string" ? decoded(block) : new Uint8Array(block);
  } catch {
    throw new Problem("damaged");
  }
}

/** The seconds that an image takes in an evaluation, and what the network predicts for a blank one: at timestep 0, which needs no guide. */
async function measured(/** @type {Engine} */ engine, /** @type {Package} */ given) {
  const evaluated = async (/** @type {number} */ count) => {
    const start = performance.now(), conditions = Array.from({ length: count }, () => nothingOf(given));
    const output = await engine.evaluate(new Float32Array(count * sizeOf(given.shape)), 0, conditions);
    return { output, seconds: (performance.now() - start) / 1000 / count };
  };
  const first = await evaluated(1); // which also compiles
  if (first.seconds > 1) return { engine, ...first };
  return { engine, output: first.output, seconds: (await evaluated(engine.atOnce)).seconds };
}

/** The engine that somebody asked for, or the fastest that works. */
async function chosen(/** @type {Package} */ given, /** @type {Float32Array[]} */ weights, /** @type {Choice} */ choice) {
  const { program } = given, plain = choice === "javascript" || typeof DecompressionStream === "undefined";
  const wasm = plain ? null : wasmEngine(program, weights, await Promise.all(given.wasm.map(inflated)));
  const processor = await measured(wasm ?? new ProcessorEngine(program, weights), given);
  if (choice === "wasm" || choice === "javascript") return processor;
  try {
    const engine = await gpuEngine(program, weights, choice === "webgpu");
    const gpu = engine && await measured(engine, given);
    // A driver may be wrong, and a small network faster on the processor.
    const same = gpu && gpu.output.every((value, i) => Math.abs(value - processor.output[i]) < 1e-2 * (1 + Math.abs(value)));
    return gpu && same && (choice === "webgpu" || gpu.seconds < processor.seconds) ? gpu : processor;
  } catch {
    return processor;
  }
}

/** A model that is ready to make images. */
export class Studio {
  /** @param {Extract<Request, {kind: "open"}>} request */
  static async opened({ package: given, block, engine }) {
    const bytes = blockOf(block);
    if (checksum(bytes) !== given.checksum) throw new Problem("damaged");
    const tables = new Float64Array(bytes.buffer, 0, given.first / 8).slice(), length = tables.length / 2; // a copy, which keeps no weights
    given.schedule = { signal: tables.subarray(0, length), noise: tables.subarray(length) };
    const weights = unpacked(shaped(given.program), bytes.buffer, given.first);
    const { engine: fastest, seconds } = await chosen(given, weights, engine);
    return { studio: new Studio(given, fastest), seconds };
  }

  /** @param {Package} model @param {Engine} engine */
  constructor(model, engine) {
    this.model = model;
    this.engine = engine;
    this.current = 0;
    this.ended = Promise.resolve();
  }

  /** Make images once those before have ended, because an engine has one memory. @param {Extract<Request, {kind: "make"}>} request */
  async make(request, /** @type {(answer: Answer) => void} */ send) {
    this.current = request.id;
    const made = this.ended.then(() => this.run(request, send));
    this.ended = made.catch(() => {});
    await made;
  }

  /** Send every state, unless another request comes meanwhile. @param {Extract<Request, {kind: "make"}>} request */
  async run({ id, images, way, kept }, /** @type {(answer: Answer) => void} */ send) {
    if (this.current !== id) return;
    const steps = way.grid.length - 1;
    const kept32 = kept && { x0: unitOf(kept.bytes), known: kept.known };
    let step = 0;
    for await (const { x, t, x0 } of trajectory(this.engine, this.model, images, way, kept32)) {
      await new Promise((resolve) => setTimeout(resolve)); // lets messages in
      if (this.current !== id) return;
      if (!x0.every(Number.isFinite)) throw new Problem("numbers");
      send({ kind: "state", id, step, steps, t, x: bytesOf(x), x0: bytesOf(x0) });
      step++;
    }
    send({ kind: "done", id });
  }
}

/** Answer the page. @param {any} scope the worker's */
export function serve(scope) {
  /** @type {Studio | undefined} */
  let studio;
  const send = (/** @type {Answer} */ answer) => scope.postMessage(answer);
  scope.onmessage = async (/** @type {{data: Request}} */ { data }) => {
    try {
      if (data.kind === "open") {
        const { studio: opened, seconds } = await Studio.opened(data);
        studio = opened;
        send({ kind: "ready", engine: opened.engine.name, seconds });
      } else if (data.kind === "make") await studio?.make(data, send);
      else if (studio) studio.current = 0;
    } catch (error) {
      send({ kind: "failed", problem: error instanceof Problem ? error.problem : "other", text: String(error) });
    }
  };
}
