// A message about what just happened, at the foot of the page, perhaps with a way to undo it.

import { find, h, iconButton, smallButton } from "./dom.js";

const VISIBLE_MS = 8000;
const UNDO = "Undo";
/** @type {(() => void) | null} */
let undoable = null;

/** Undoes what the latest visible toast offers to undo. */
export function undoLast() {
    undoable?.();
}

export function canUndo() {
    return undoable !== null;
}

/**
 * @param {string} text
 * @param {() => void} [action]
 * @param {string} [label] of the action; the keys for undoing take only one that is called "Undo"
 */
export function toast(text, action, label = UNDO) {
    const stack = find("#toasts");
    const element = h("div", { class: "toast" }, h("span", {}, text));
    const act = () => {
        close();
        action?.();
    };
    const close = () => {
        element.remove();
        if (undoable === act) undoable = null;
    };
    if (action && label === UNDO) undoable = act;
    element.append(action ? smallButton(label, act) : "", iconButton("close", "Dismiss", close));
    stack.replaceChildren(...[...stack.children].slice(-2), element);
    let timer = setTimeout(close, VISIBLE_MS);
    element.addEventListener("pointerenter", () => clearTimeout(timer));
    element.addEventListener("focusin", () => clearTimeout(timer));
    element.addEventListener("pointerleave", () => (timer = setTimeout(close, VISIBLE_MS)));
}
