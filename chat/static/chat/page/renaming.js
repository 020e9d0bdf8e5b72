// A title that is edited in its place. Enter keeps it, and so does leaving the field; Escape does not.

import { h } from "../lib/dom.js";
import { bound } from "../lib/limits.js";

const LONGEST_TITLE = 120;

// `element` makes room for the field and comes back; `after` takes the keyboard where Enter or Escape ended it.
export function rename(element, title, save, after) {
    const field = bound(h("input", { type: "text", "aria-label": "Title", class: "rename", dir: "auto" }), LONGEST_TITLE);
    field.value = title;
    let closed = false; // leaving the page, the field loses the focus, which would close it again
    const close = (keep) => {
        if (closed || (keep && !field.reportValidity())) return;
        closed = true;
        field.replaceWith(element);
        const words = field.value.trim();
        if (keep && words && words !== title) save(words);
    };
    field.addEventListener("keydown", (event) => {
        if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        close(event.key === "Enter");
        if (closed) after();
    });
    field.addEventListener("blur", () => close(true));
    element.replaceWith(field);
    field.select();
}
