// Shows Markdown while it is still being written: closed blocks are made once, only the last one anew.

import { cut } from "./markdownBlocks.js";
import { dress } from "./codeBlock.js";
import { h } from "../lib/dom.js";
import { inline } from "./markdownInline.js";

export class Markdown {
    #text = "";
    #from = 0; // where the block begins that may still grow
    #open = 0; // how many elements at the end belong to it

    constructor() {
        this.element = h("div", { class: "prose" });
    }

    show(text) {
        if (text === this.#text) return;
        if (!text.startsWith(this.#text.slice(0, this.#from))) this.#restart();
        this.#text = text;
        const lines = text.slice(this.#from).split("\n");
        const blocks = cut(lines);
        for (; this.#open; this.#open -= 1) this.element.lastChild.remove();
        blocks.slice(0, -1).forEach((block) => this.element.append(element(block)));
        const last = blocks.at(-1);
        if (!last) return;
        this.element.append(element(closed(last)));
        this.#open = 1;
        this.#from += lines.slice(0, last.line).reduce((length, line) => length + line.length + 1, 0);
    }

    #restart() {
        this.element.replaceChildren();
        this.#from = this.#open = 0;
    }
}

// An emphasis or code that was begun looks begun, not like stars.
function closed(block) {
    if (block.type !== "paragraph") return block;
    const odd = (mark) => block.text.split(mark).length % 2 === 0;
    if (odd("`")) return { ...block, text: `${block.text}\`` };
    return odd("**") ? { ...block, text: `${block.text.replace(/\*{1,2}$/, "")}**` } : block;
}

const AUTO = { dir: "auto" }; // as its letters run; what is inside another runs with that

const MAKERS = {
    paragraph: (block) => h("p", AUTO, inline(block.text)),
    heading: (block) => h(`h${block.level}`, AUTO, inline(block.text)),
    rule: () => h("hr"),
    quote: (block) => h("blockquote", AUTO, block.blocks.map(inner)),
    code,
    list,
    table,
};

function element(block) {
    return MAKERS[block.type](block);
}

function inner(block) {
    return block.type === "paragraph" ? h("p", {}, inline(block.text)) : element(block);
}

function code(block) {
    const language = block.language.replace(/[^\w+#.-]/g, "");
    const inner = h("code", language ? { class: `language-${language}` } : {}, block.text);
    return dress(h("pre", {}, inner));
}

function list(block) {
    const items = block.items.map((blocks) => item(blocks, block.loose));
    const start = block.ordered && block.start !== 1 ? { start: block.start } : {};
    return h(block.ordered ? "ol" : "ul", { ...start, ...AUTO }, items);
}

function item(blocks, loose) {
    const [first, ...rest] = blocks;
    if (!first) return h("li");
    const words = first.type === "paragraph" && !loose ? inline(first.text) : inner(first);
    return h("li", {}, words, rest.map(inner));
}

function table(block) {
    const cell = (tag) => (text, column) => h(tag, { class: block.align[column] }, inline(text ?? ""));
    const head = h("thead", {}, h("tr", {}, block.head.map(cell("th"))));
    const rows = block.rows.map((row) => h("tr", {}, block.head.map((_, column) => cell("td")(row[column], column))));
    return scrolling(h("table", AUTO, head, h("tbody", {}, rows)));
}

export function scrolling(tableElement) {
    return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, tableElement);
}
