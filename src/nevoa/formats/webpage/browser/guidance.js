/**
 * How much the estimates of a guided image count, as in `nevoa.diffusion.Guided`: those of which nothing is asked, only the first kind of
 * condition, the first two, and so on. One that does not count is 0.
 *
 * @param {number[]} guidance the weight of each kind @param {boolean[]} asked whether anything is asked of it
 */
export function sharesOf(guidance, asked) {
  const weights = [1];
  guidance.forEach((weight, i) => weights.push(asked[i] ? weight : weights[i]));
  return weights.map((weight, i) => weight - (weights[i + 1] ?? 0));
}
