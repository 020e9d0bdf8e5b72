// A word about what just happened, at the foot of the page, perhaps with a way to undo it.

import { button, find, h, iconButton } from "./dom.js";

const STAYS_MS = 8000;
const UNDO = "Undo";
let undoable = null;

// Undoes what was said last that it can be undone, while it says so.
export function undoLast() {
    undoable?.();
}

export function canUndo() {
    return undoable !== null;
}

// `label` names another way out than undoing; the keys for undoing do not take that one.
export function toast(text, undo, label = UNDO) {
    const stack = find("#toasts");
    const element = h("div", { class: "toast" }, h("span", {}, text));
    const back = () => {
        close();
        undo();
    };
    const close = () => {
        element.remove();
        if (undoable === back) undoable = null;
    };
    if (undo && label === UNDO) undoable = back;
    element.append(undo ? button(label, back, { class: "button small" }) : "", iconButton("close", "Dismiss", close));
    stack.replaceChildren(...[...stack.children].slice(-2), element);
    let timer = setTimeout(close, STAYS_MS);
    element.addEventListener("pointerenter", () => clearTimeout(timer));
    element.addEventListener("focusin", () => clearTimeout(timer));
    element.addEventListener("pointerleave", () => (timer = setTimeout(close, STAYS_MS)));
}
