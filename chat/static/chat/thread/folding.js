// A person's words in their bubble. Very long ones, a pasted log say, show their beginning and unfold.

import { button, h } from "../lib/dom.js";

const MOST_LINES = 24;
const MOST_LETTERS = 2400;

export function folded(text) {
    const words = h("div", { class: "said", dir: "auto" }, text);
    if (text.length <= MOST_LETTERS && text.split("\n", MOST_LINES + 1).length <= MOST_LINES) return [words];
    const turn = button("", () => show(words.classList.contains("whole")), { class: "button small" });
    const show = (isFolded) => {
        words.classList.toggle("whole", !isFolded);
        turn.textContent = isFolded ? "Show all" : "Show less";
        turn.setAttribute("aria-expanded", !isFolded);
    };
    words.classList.add("long");
    show(true);
    return [words, turn];
}
