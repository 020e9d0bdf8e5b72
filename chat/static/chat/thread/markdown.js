// Shows Markdown while it is being written: finished blocks are drawn once, only the last one anew.

import { h } from "../lib/dom.js";
import { codeBlock } from "./codeBlock.js";
import { parseBlocks } from "./markdownBlocks.js";
import { parseInline } from "./markdownInline.js";
/** @import { Block, BlockOf } from "./markdownBlocks.js" */

export class Markdown {
    #text = "";
    #from = 0; // where the block begins that may still grow
    #open = 0; // how many elements at the end belong to it

    constructor() {
        this.element = h("div", { class: "prose" });
    }

    /** @param {string} text */
    show(text) {
        if (text === this.#text) return;
        if (!text.startsWith(this.#text.slice(0, this.#from))) this.#restart();
        this.#text = text;
        const lines = text.slice(this.#from).split("\n");
        const blocks = parseBlocks(lines);
        for (; this.#open; this.#open -= 1) this.element.lastChild?.remove();
        blocks.slice(0, -1).forEach(({ block }) => this.element.append(blockElement(block)));
        const last = blocks.at(-1);
        if (!last) return;
        this.element.append(blockElement(closed(last.block)));
        this.#open = 1;
        this.#from += lines.slice(0, last.line).reduce((length, line) => length + line.length + 1, 0);
    }

    #restart() {
        this.element.replaceChildren();
        this.#from = this.#open = 0;
    }
}

/** Closes an emphasis or code that has only begun, so that it does not look like stars. @param {Block} block */
function closed(block) {
    if (block.type !== "paragraph") return block;
    const isOpen = (/** @type {string} */ mark) => block.text.split(mark).length % 2 === 0;
    if (isOpen("`")) return { ...block, text: `${block.text}\`` };
    return isOpen("**") ? { ...block, text: `${block.text.replace(/\*{1,2}$/, "")}**` } : block;
}

const AUTO = { dir: "auto" }; // directed by its letters; what is inside another block follows that one

/**
 * @param {Block} block
 * @returns {HTMLElement}
 */
function blockElement(block) {
    switch (block.type) {
        case "paragraph": return h("p", AUTO, parseInline(block.text));
        case "heading": return h(/** @type {"h1"} */ (`h${block.level}`), AUTO, parseInline(block.text));
        case "rule": return h("hr");
        case "quote": return h("blockquote", AUTO, block.blocks.map(innerElement));
        case "code": return codeElement(block);
        case "list": return listElement(block);
        case "table": return tableElement(block);
    }
}

/** @param {Block} block */
function innerElement(block) {
    return block.type === "paragraph" ? h("p", {}, parseInline(block.text)) : blockElement(block);
}

/** @param {BlockOf<"code">} block */
function codeElement(block) {
    const language = block.language.replace(/[^\w+#.-]/g, "");
    const code = h("code", language ? { class: `language-${language}` } : {}, block.text);
    return codeBlock(h("pre", {}, code));
}

/** @param {BlockOf<"list">} block */
function listElement(block) {
    const items = block.items.map((blocks) => itemElement(blocks, block.isLoose));
    const start = block.isOrdered && block.start !== 1 ? { start: block.start } : {};
    return h(block.isOrdered ? "ol" : "ul", { ...start, ...AUTO }, items);
}

/**
 * @param {Block[]} blocks
 * @param {boolean} isLoose
 */
function itemElement(blocks, isLoose) {
    const [first, ...rest] = blocks;
    if (!first) return h("li");
    const content = first.type === "paragraph" && !isLoose ? parseInline(first.text) : innerElement(first);
    return h("li", {}, content, rest.map(innerElement));
}

/** @param {BlockOf<"table">} block */
function tableElement({ head, align, rows }) {
    /**
     * @param {"th" | "td"} tag
     * @param {string[]} texts
     */
    const row = (tag, texts) => h("tr", {}, head.map((_, column) => h(tag, { class: align[column] }, parseInline(texts[column] ?? ""))));
    return scrollableTable(h("table", AUTO, h("thead", {}, row("th", head)), h("tbody", {}, rows.map((texts) => row("td", texts)))));
}

/** @param {HTMLTableElement} table */
export function scrollableTable(table) {
    return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, table);
}
