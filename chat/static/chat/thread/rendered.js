// An answer as the server rendered it: cleaned there, highlighted, dressed here with our buttons.

import { dress } from "./codeBlock.js";
import { scrolling } from "./markdown.js";

const BLOCKS = ":not(li, blockquote) > p, h1, h2, h3, h4, h5, h6, ul, ol, blockquote, table"; // as their letters run

export function rendered(html) {
    const inert = new DOMParser().parseFromString(`<div class="prose">${html}</div>`, "text/html");
    const prose = document.importNode(inert.body.firstElementChild, true);
    for (const pre of prose.querySelectorAll("pre")) frame(pre);
    for (const table of prose.querySelectorAll("table")) wrapped(table);
    for (const block of prose.querySelectorAll(BLOCKS)) block.dir = "auto";
    for (const link of prose.querySelectorAll("a[href]")) outwards(link);
    return prose;
}

function frame(pre) {
    const place = document.createComment("");
    pre.before(place);
    place.replaceWith(dress(pre));
}

function wrapped(table) {
    const place = document.createComment("");
    table.before(place);
    place.replaceWith(scrolling(table));
}

function outwards(link) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
}
