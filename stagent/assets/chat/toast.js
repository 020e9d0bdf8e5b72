// A word about what just happened, at the foot of the page, perhaps with a way to undo it.

import { button, find, h, iconButton } from "./dom.js";

const STAYS_MS = 8000;

export function toast(text, undo) {
    const stack = find("#toasts");
    const element = h("div", { class: "toast" }, h("span", {}, text));
    const close = () => element.remove();
    const back = () => {
        close();
        undo();
    };
    element.append(undo ? button("Undo", back, { class: "button small" }) : "", iconButton("close", "Dismiss", close));
    stack.replaceChildren(...[...stack.children].slice(-2), element);
    let timer = setTimeout(close, STAYS_MS);
    element.addEventListener("pointerenter", () => clearTimeout(timer));
    element.addEventListener("focusin", () => clearTimeout(timer));
    element.addEventListener("pointerleave", () => (timer = setTimeout(close, STAYS_MS)));
}
