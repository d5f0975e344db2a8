/**
 * The samplers of nevoa: each is one step from x_t to x_s, 0 <= s < t <= T. Equation numbers are those of the papers
 * that `nevoa/sampling` names.
 *
 * @typedef {{x0: Float32Array, epsilon: Float32Array}} Estimate
 * @typedef {(x: Float32Array, t: number) => Promise<Estimate>} Denoiser
 * @typedef {{signal: Float64Array, noise: Float64Array}} Schedule
 * @typedef {{x: Float32Array, x0: Float32Array}} Transition
 * @typedef {{denoise: Denoiser, schedule: Schedule, fresh: () => Float32Array, variance: string, eta: number}} Process
 * @typedef {(process: Process, x: Float32Array, t: number, s: number, past: {x0: Float32Array, t: number} | null) =>
 *   Promise<Transition>} Step
 */

/** a x + b y, in float32. */
export function combined(/** @type {number} */ a, /** @type {Float32Array} */ x, /** @type {number} */ b, /** @type {Float32Array} */ y) {
  const sum = new Float32Array(x.length);
  for (let i = 0; i < sum.length; i++) sum[i] = a * x[i] + b * y[i];
  return sum;
}

/** Draw from q(x_s | x_t, x_0) with the estimated x_0 (Ho et al. 2020, Algorithm 2). @type {Step} */
async function ddpm({ denoise, schedule: { signal, noise }, fresh, variance }, x, t, s) {
  const { x0 } = await denoise(x, t);
  const kept = signal[t] / signal[s], added = noise[t] ** 2 - (kept * noise[s]) ** 2, varianceT = noise[t] ** 2;
  const mean = combined((signal[s] * added) / varianceT, x0, (kept * noise[s] ** 2) / varianceT, x);
  if (s === 0) return { x: mean, x0 };
  const drawn = variance === "large" ? added : (noise[s] ** 2 / varianceT) * added;
  return { x: combined(1, mean, Math.sqrt(drawn), fresh()), x0 };
}

/** Combine x_0 and epsilon anew (Song et al. 2021, equation 12); `eta` is the share of fresh noise. @type {Step} */
async function ddim({ denoise, schedule: { signal, noise }, fresh, eta }, x, t, s) {
  const { x0, epsilon } = await denoise(x, t);
  const added = noise[t] ** 2 - ((signal[t] / signal[s]) * noise[s]) ** 2;
  const drawn = ((eta * noise[s]) / noise[t]) ** 2 * added;
  const moved = combined(signal[s], x0, Math.sqrt(Math.max(0, noise[s] ** 2 - drawn)), epsilon);
  return { x: drawn ? combined(1, moved, Math.sqrt(drawn), fresh()) : moved, x0 };
}

/** DPM-Solver++ 2M (Lu et al. 2022, Algorithm 2). @type {Step} */
async function dpmSolver({ denoise, schedule: { signal, noise } }, x, t, s, past) {
  const { x0 } = await denoise(x, t);
  if (s === 0) return { x: x0, x0 };
  const lambda = (/** @type {number} */ at) => Math.log(signal[at] / noise[at]);
  const h = lambda(s) - lambda(t), share = past ? h / (2 * (lambda(t) - lambda(past.t))) : 0;
  const between = past ? combined(1 + share, x0, -share, past.x0) : x0;
  return { x: combined(noise[s] / noise[t], x, -signal[s] * Math.expm1(-h), between), x0 };
}

/** Heun's method in tau = noise / (signal + noise) (Karras et al. 2022, Algorithm 1). @type {Step} */
async function heun({ denoise, schedule: { signal, noise } }, x, t, s) {
  const first = await denoise(x, t), moved = combined(signal[s], first.x0, noise[s], first.epsilon);
  if (s === 0) return { x: moved, x0: first.x0 };
  const second = await denoise(moved, s), scale = signal[s] + noise[s];
  const half = (scale * (noise[s] / scale - noise[t] / (signal[t] + noise[t]))) / 2;
  const before = combined(1, first.epsilon, -1, first.x0), after = combined(1, second.epsilon, -1, second.x0);
  return { x: combined(1, moved, half, combined(1, after, -1, before)), x0: first.x0 };
}

/** Euler's method is DDIM without fresh noise. @type {Record<string, Step>} */
export const SAMPLERS = { ddpm, ddim, euler: ddim, dpm_solver: dpmSolver, heun };

/**
 * What x_0 is if a network that predicts such a thing returns `output`.
 *
 * @type {Record<string, (output: number, x: number, signal: number, noise: number) => number>}
 */
export const PREDICTIONS = {
  epsilon: (output, x, signal, noise) => (x - noise * output) / signal,
  x0: (output) => output,
  v: (output, x, signal, noise) => signal * x - noise * output,
  flow: (output, x, signal, noise) => (x - noise * output) / (signal + noise),
};
