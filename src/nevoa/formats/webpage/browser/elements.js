/** The elements of the page. */

/** @template {HTMLElement} T @param {string} id @returns {T} */
export const the = (id) => /** @type {T} */ (document.getElementById(id));

/** @param {string} id */
export const input = (id) => /** @type {HTMLInputElement} */ (the(id));

/** A new element. @template {keyof HTMLElementTagNameMap} T @param {T} name @param {object} properties @param {(Node | string)[]} children */
export function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A new element with the text, or the label for screen readers, of a key. @template {HTMLElement} T @param {T} element @param {"text" | "label"} what @param {string} key */
export function saying(element, what, key) {
  element.dataset[what] = key;
  return element;
}

/** A button of its own for one of several. @param {string} type of the input @param {object} properties @param {string} text */
export const chip = (type, properties, text) => make("label", {}, make("input", { type, ...properties }), make("span", { textContent: text }));
