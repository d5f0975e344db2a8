/**
 * The page's side of the worker.
 *
 * @typedef {import("./worker.js").Request} Request
 * @typedef {import("./worker.js").Answer} Answer
 * @typedef {Extract<Answer, {kind: "state"}>} State
 * @typedef {Extract<Request, {kind: "make"}>} Order
 */

/** Starts the worker, and hands it one order after another. */
export class Player {
  /** @param {string} code @param {(answer: Extract<Answer, {kind: "ready" | "failed"}>) => void} hear */
  constructor(code, hear) {
    this.worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    this.orders = 0;
    /** @type {((state: State) => void) | null} */
    this.see = null;
    this.end = (/** @type {boolean} */ _) => {};
    this.worker.onerror = (event) => hear({ kind: "failed", problem: "other", text: event.message });
    this.worker.onmessage = ({ data }) => this._hear(data, hear);
  }

  /** @param {Answer} answer @param {(answer: Extract<Answer, {kind: "ready" | "failed"}>) => void} hear */
  _hear(answer, hear) {
    if (answer.kind === "ready" || answer.kind === "failed") {
      this.end(false);
      hear(answer);
    } else if (answer.id === this.orders) {
      if (answer.kind === "state") this.see?.(answer);
      else this.end(true);
    }
  }

  /** @param {Omit<Extract<Request, {kind: "open"}>, "kind">} what */
  open(what) {
    this.worker.postMessage({ kind: "open", ...what }, what.block instanceof ArrayBuffer ? [what.block] : []);
  }

  /**
   * Make images; an order before it ends. Returns whether they were finished.
   *
   * @param {Omit<Order, "kind" | "id">} order @param {(state: State) => void} see
   * @returns {Promise<boolean>}
   */
  make(order, see) {
    this.end(false);
    this.see = see;
    this.worker.postMessage({ kind: "make", id: ++this.orders, ...order });
    return new Promise((resolve) => { this.end = resolve; });
  }

  stop() {
    this.orders++;
    this.end(false);
    this.worker.postMessage({ kind: "stop" });
  }
}
