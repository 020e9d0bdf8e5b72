// What was said as a quotation in the field: a piece that is selected, by the button beside it, or a whole message.

import { h, icon } from "../lib/dom.js";

const WORDS = ".bubble, .words";
const SETTLES_MS = 120; // a selection that is being drawn
const GAP_PX = 8;

export class Quoting {
    #timer = 0;

    constructor(composer, scroll) {
        Object.assign(this, { composer, scroll });
        const keep = (event) => event.preventDefault(); // a press would take the selection away
        this.button = h("button", { type: "button", class: "button small quote", hidden: true, onclick: () => this.#quote(), onpointerdown: keep, onmousedown: keep }, icon("quote"), "Quote");
        document.body.append(this.button);
        document.addEventListener("selectionchange", () => this.#look());
        scroll.addEventListener("scroll", () => this.#place(), { passive: true });
        addEventListener("resize", () => this.#place());
    }

    #look() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#place(), SETTLES_MS);
    }

    // Below the end of what is selected, where a phone has no menu of its own.
    #place() {
        const range = selected()?.range;
        const at = range && ([...range.getClientRects()].at(-1) ?? range.getBoundingClientRect());
        const { top: highest, bottom: lowest } = this.scroll.getBoundingClientRect();
        this.button.hidden = !range || at.bottom < highest || at.top > lowest;
        if (this.button.hidden) return;
        const { offsetWidth: width, offsetHeight: height } = this.button;
        const top = Math.min(at.bottom + GAP_PX, lowest - height - GAP_PX);
        this.button.style.left = `${Math.max(GAP_PX, Math.min(at.right - width / 2, innerWidth - width - GAP_PX))}px`;
        this.button.style.top = `${top}px`;
    }

    #quote() {
        const words = selected()?.text;
        getSelection().removeAllRanges();
        if (words) this.composer.quote(words);
    }
}

// What is selected in the words of this message; nothing if it is elsewhere, or goes beyond.
export function selectedIn(element) {
    const found = selected();
    return found && element.contains(found.range.commonAncestorContainer) ? found.text : null;
}

// Some words as Markdown quotes them.
export function quotation(words) {
    const lines = words.trim().split("\n");
    return lines.map((line) => `> ${line}`.trimEnd()).join("\n");
}

function selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const ends = [range.startContainer, range.endContainer].map(messageOf);
    const text = selection.toString().trim();
    return text && ends[0] && ends[0] === ends[1] ? { range, text } : null;
}

function messageOf(node) {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    return element?.closest(WORDS) ? element.closest(".message") : null;
}
