/** The engine on the graphics card, by WebGPU. */

/** @returns {Promise<import("./engine.js").Engine | null>} null where there is none */
export async function gpuEngine(/** @type {import("./program.js").Program} */ program, /** @type {Float32Array[]} */ weights, anyAdapter = false) {
  return null;
}
