/**
 * What a visitor asks for besides a class: a text, tags, numbers, a picture.
 *
 * @typedef {import("./words.js").TextKind} TextKind
 * @typedef {{kind: "tags", size: number, tags: string[]}} TagsKind
 * @typedef {{kind: "number", size: number, name: string, low: number, high: number}} NumberKind
 * @typedef {import("./photo.js").PictureKind} PictureKind
 * @typedef {TextKind | TagsKind | NumberKind | PictureKind} Kind a kind of condition; `size` is that of its tensor
 * @typedef {import("./texts.js").Words} Words
 * @typedef {{changed: () => void, typed: () => void}} Does `typed`: a text that is not drawn yet
 * @typedef {{tensor: () => number[] | null, names: (say: Words) => string[], write: (say: Words) => void}} Part the controls of a kind:
 *   its tensor, null if nothing is asked; what is asked, in words; and to write what they stand at
 */

import { Drawing } from "./drawing.js";
import { chip, input, make, the } from "./elements.js";
import { knows, rowsOf, wordsOf } from "./words.js";

// From so many tags on, they can be searched.
const MANY_TAGS = 30;
// A slider has so many steps, or one for each whole number if they are not too few or too many.
const STEPS = 100, FEW = 10, MANY = 1000;
// Digits of a number: at least so many, two more than tell its steps apart, and no more than a number has.
const DIGITS = 6, MOST_DIGITS = 15;

/** @param {NumberKind} kind @param {number} steps */
function digitsOf({ low, high }, steps) {
  const apart = Math.log10(steps * Math.max(Math.abs(low), Math.abs(high)) / (high - low));
  return steps ? Math.min(MOST_DIGITS, Math.max(DIGITS, Math.ceil(apart) + 2)) : MOST_DIGITS;
}

/** The number that a slider stands at. @param {NumberKind} kind @param {number} place @param {number} steps */
const numberAt = (kind, place, steps) =>
  place === steps ? kind.high : Math.max(kind.low, Number((kind.low + (kind.high - kind.low) * place / steps).toPrecision(digitsOf(kind, steps))));

/** @param {NumberKind} kind */
function stepsOf({ low, high }) {
  const span = high - low;
  return Number.isInteger(low) && Number.isInteger(high) && span >= FEW && span <= MANY ? span : span ? STEPS : 0;
}

/** A text box. @param {TextKind} kind @param {"prompt" | "not"} id @param {Does} does @returns {Part} */
function described(kind, id, { changed, typed }) {
  const box = input(id);
  the(`${id}-control`).hidden = false;
  Object.assign(box, { maxLength: kind.longest, onchange: changed, oninput: typed });
  const draw = (/** @type {string} */ text) => {
    box.value = text;
    typed();
    changed();
    box.form?.requestSubmit();
  };
  if (id === "prompt") the("examples").replaceChildren(...kind.prompts.map((text) => make("button", { type: "button", textContent: text, onclick: () => draw(text) })));
  return {
    tensor: () => wordsOf(box.value).length ? rowsOf(box.value, kind) : null,
    names: () => wordsOf(box.value).length ? [box.value.trim()] : [],
    write: (say) => {
      const words = wordsOf(box.value), read = words.slice(0, kind.words), unread = words.slice(kind.words);
      const unknown = [...new Set(read)].filter((word) => !knows(word, kind));
      the("prompt-help").textContent = say.say("promptHelp", { words: kind.words });
      the(`${id}-notice`).textContent = [
        ...(unread.length ? [say.say("unread", { words: unread.join(" ") })] : []),
        ...(unknown.length ? [say.say("unknownWords", { words: unknown.join(", ") })] : []),
      ].join(" ");
    },
  };
}

/** A button for each tag, and where there are many, a text box to find one. @param {TagsKind} kind @param {() => void} changed @returns {Part} */
function tagged({ tags }, changed) {
  const chips = tags.map((tag) => chip("checkbox", {}, tag)), boxes = chips.map((one) => /** @type {HTMLInputElement} */ (one.firstChild));
  the("tags").hidden = false;
  the("find-control").hidden = tags.length < MANY_TAGS;
  the("tag-choices").replaceChildren(...chips);
  the("tag-choices").onchange = changed;
  input("find").oninput = () => chips.forEach((one, i) => { one.hidden = !boxes[i].checked && !tags[i].includes(input("find").value.trim().toLowerCase()); });
  return {
    tensor: () => boxes.some(({ checked }) => checked) ? boxes.map(({ checked }) => Number(checked)) : null,
    names: () => tags.filter((_, i) => boxes[i].checked),
    write: () => {},
  };
}

/** A slider, and a box that is checked if the number is asked for. @param {NumberKind} kind @param {() => void} changed @returns {Part} */
function numbered(kind, changed) {
  const { name } = kind, steps = stepsOf(kind), output = make("output", {}), box = make("input", { type: "checkbox", onchange: changed });
  const slider = make("input", { type: "range", min: "0", max: String(steps) });
  slider.setAttribute("aria-label", name);
  slider.value = String(Math.round(steps / 2));
  slider.oninput = () => {
    box.checked = true;
    changed();
  };
  the("numbers").hidden = false;
  the("numbers").append(make("div", { className: "control" }, make("label", {}, box, ` ${name}`), output, slider));
  const value = () => numberAt(kind, slider.valueAsNumber, steps);
  const said = (/** @type {Words} */ say) => say.number(value(), { maximumSignificantDigits: digitsOf(kind, steps), useGrouping: false });
  return {
    tensor: () => box.checked ? [value()] : null,
    names: (say) => box.checked ? [`${name} ${said(say)}`] : [],
    write: (say) => {
      output.textContent = box.checked ? said(say) : "";
      slider.setAttribute("aria-valuetext", said(say));
    },
  };
}

/** @param {Kind} kind @param {Does} does @returns {Part} */
function partOf(kind, does) {
  if (kind.kind === "text") return described(kind, "prompt", does);
  if (kind.kind === "tags") return tagged(kind, does.changed);
  return kind.kind === "number" ? numbered(kind, does.changed) : new Drawing(kind, the("drawings"), does.changed);
}

/** A list of tags or classes, of which one may be chosen. @param {string[]} names @param {(place: number) => number[]} tensorOf @param {Does} does @returns {Part} */
function listed(names, tensorOf, { changed }) {
  const list = /** @type {HTMLSelectElement} */ (the("unwanted"));
  list.replaceChildren(...["–", ...names].map((textContent) => make("option", { textContent })));
  list.onchange = changed;
  const place = () => list.selectedIndex - 1;
  return {
    tensor: () => place() < 0 ? null : tensorOf(place()),
    names: () => place() < 0 ? [] : [names[place()]],
    write: () => {},
  };
}

/** What images are guided away from, of the kind at a place, class first. */
class Away {
  /** @param {Kind[]} kinds @param {string[]} classes @param {number} place @param {Does} does */
  constructor(kinds, classes, place, does) {
    const kind = kinds[place - Math.min(1, classes.length)];
    this.place = place;
    this.control = the(kind?.kind === "text" ? "not-control" : "unwanted-control");
    this.part = kind?.kind === "text" ? described(kind, "not", does) :
      kind?.kind === "tags" ? listed(kind.tags, (chosen) => kind.tags.map((_, i) => Number(i === chosen)), does) : listed(classes, (label) => [label], does);
  }

  /** At a guidance of 1 it drops out of the sum. @param {number[]} guidance */
  counts(guidance) {
    return guidance[this.place] > 1;
  }
}

/** The controls of the kinds of condition that a model knows besides classes, and of what images are guided away from. */
export class Asking {
  /** @param {Kind[]} kinds @param {string[]} classes @param {number | null} away the place of the kind that images can be guided away from @param {Does} does */
  constructor(kinds, classes, away, does) {
    this.parts = kinds.map((kind) => partOf(kind, does));
    this.unwanted = away === null ? null : new Away(kinds, classes, away, does);
  }

  /** The tensor of each kind, null for one of which nothing is asked; null if nothing is asked at all. */
  get tensors() {
    const tensors = this.parts.map((part) => part.tensor());
    return tensors.some(Boolean) ? tensors : null;
  }

  /** What images are guided away from: a tensor at the place of its kind. @param {number[]} guidance of each kind, class first */
  away(guidance) {
    const { unwanted } = this, tensor = unwanted?.counts(guidance) && unwanted.part.tensor(), /** @type {number[][]} */ found = [];
    if (unwanted && tensor) found[unwanted.place] = tensor;
    return found;
  }

  /** All that is asked, in words. @param {Words} say @param {number[]} guidance */
  names(say, guidance) {
    const { unwanted } = this, not = unwanted?.counts(guidance) ? unwanted.part.names(say) : [];
    return [...this.parts.flatMap((part) => part.names(say)), ...not.map((text) => say.say("notNamed", { text }))];
  }

  /** What the controls stand at. @param {Words} say @param {number[]} guidance */
  write(say, guidance) {
    for (const part of this.parts) part.write(say);
    if (!this.unwanted) return;
    this.unwanted.part.write(say);
    this.unwanted.control.hidden = !this.unwanted.counts(guidance);
  }
}
