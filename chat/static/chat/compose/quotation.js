// Quotes from messages in the message field: a selection, by the button beside it, or a whole message.

import { h, icon } from "../lib/dom.js";
/** @import { Composer } from "./composer.js" */

const TEXTS = ".bubble, .answer-text";
const SETTLE_MS = 120; // while a selection is being drawn
const GAP_PX = 8;

export class QuoteButton {
    #timer = 0;

    /**
     * @param {Composer} composer
     * @param {HTMLElement} scroll
     */
    constructor(composer, scroll) {
        this.composer = composer;
        this.scroll = scroll;
        /** @param {Event} event */
        const keepSelection = (event) => event.preventDefault();
        this.button = h(
            "button",
            { type: "button", class: "button small quote", hidden: true, onclick: () => this.#quote(), onpointerdown: keepSelection, onmousedown: keepSelection },
            icon("quote"),
            "Quote",
        );
        document.body.append(this.button);
        document.addEventListener("selectionchange", () => this.#selectionChanged());
        scroll.addEventListener("scroll", () => this.#place(), { passive: true });
        addEventListener("resize", () => this.#place());
    }

    #selectionChanged() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#place(), SETTLE_MS);
    }

    // Below the end of the selection, where a phone has no menu of its own.
    #place() {
        const range = selectionInMessage()?.range;
        const at = range && ([...range.getClientRects()].at(-1) ?? range.getBoundingClientRect());
        const { top: highest, bottom: lowest } = this.scroll.getBoundingClientRect();
        this.button.hidden = !at || at.bottom < highest || at.top > lowest;
        if (!at || this.button.hidden) return;
        const { offsetWidth: width, offsetHeight: height } = this.button;
        const top = Math.min(at.bottom + GAP_PX, lowest - height - GAP_PX);
        this.button.style.left = `${Math.max(GAP_PX, Math.min(at.right - width / 2, innerWidth - width - GAP_PX))}px`;
        this.button.style.top = `${top}px`;
    }

    #quote() {
        const text = selectionInMessage()?.text;
        getSelection()?.removeAllRanges();
        if (text) this.composer.quote(text);
    }
}

/**
 * Returns the selected text of this message; null where the selection is elsewhere or goes beyond it.
 * @param {Element} element
 */
export function selectedTextIn(element) {
    const selection = selectionInMessage();
    return selection && element.contains(selection.range.commonAncestorContainer) ? selection.text : null;
}

/** Writes a text as a Markdown quotation. @param {string} text */
export function asQuotation(text) {
    const lines = text.trim().split("\n");
    return lines.map((line) => `> ${line}`.trimEnd()).join("\n");
}

function selectionInMessage() {
    const selection = getSelection();
    if (!selection?.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const [start, end] = [range.startContainer, range.endContainer].map(messageElement);
    const text = selection.toString().trim();
    return text && start && start === end ? { range, text } : null;
}

/** @param {Node} node */
function messageElement(node) {
    const element = node instanceof Element ? node : node.parentElement;
    return element?.closest(TEXTS) ? element.closest(".message") : null;
}
