/**
 * The words of a prompt and the rows of the network's table that they have, as in `nevoa/conditions/text.py`.
 *
 * @typedef {{kind: "text", size: number, words: number, pieces: number, buckets: number, lengths: number[], longest: number,
 *   seen: string, prompts: string[]}} TextKind `seen`: bits, in base64, that say which words the captions had; `prompts` to try
 */

import { checksum } from "./checksum.js";

// Letters and digits, and anything else but blanks by itself, as in Python's expressions: marks are no letters there.
const WORD = /[\p{L}\p{N}_]+|[^\p{L}\p{N}_\t-\r\x1c-\x20\x85\p{Z}\u200b]/gu;

// Characters that only say how others are drawn.
const INVISIBLE = /[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0000}-\u{e01ef}]/gu;

/** @param {string} text @returns {string[]} */
export const wordsOf = (text) => text.replace(INVISIBLE, "").normalize("NFKC").toLowerCase().match(WORD) ?? [];

/** @param {string} text */
const hashOf = (text) => checksum(new TextEncoder().encode(text));

/** A word with its ends marked, then all parts of it of some lengths. @param {string} word @param {number[]} lengths */
function piecesOf(word, lengths) {
  const letters = [...`<${word}>`], parts = lengths.flatMap((length) => letters.map((_, i) => letters.slice(i, i + length)).filter((part) => part.length === length));
  return [...new Set([letters, ...parts].map((part) => part.join("")))];
}

/** The row of each piece of each word; 0 where there is none. @param {string} text @param {TextKind} kind @returns {number[]} */
export function rowsOf(text, { size, words, pieces, buckets, lengths }) {
  const rows = Array(size).fill(0);
  wordsOf(text).slice(0, words).forEach((word, n) => {
    piecesOf(word, lengths).slice(0, pieces).forEach((piece, i) => { rows[n * pieces + i] = 1 + hashOf(piece) % (buckets - 1); });
  });
  return rows;
}

/** Whether captions had a word, or one that passes for it. @param {string} word @param {TextKind} kind */
export function knows(word, { seen }) {
  const bits = atob(seen), place = hashOf(word) % (8 * bits.length);
  return (bits.charCodeAt(place >> 3) >> (place & 7) & 1) === 1;
}
