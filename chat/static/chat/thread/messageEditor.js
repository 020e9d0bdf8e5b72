// Edits a person's message in its place; sending makes a branch beside it.

import { button, h } from "../lib/dom.js";

export function edit(view, send) {
    if (view.element.querySelector(".editor")) return;
    const area = h("textarea", { "aria-label": "Edit your message", rows: "1", dir: "auto" });
    area.value = view.message.text;
    const close = () => {
        editor.remove();
        view.bubble.hidden = !view.message.text;
        view.actions.element.hidden = false;
        document.querySelector("#words").focus();
    };
    const done = () => {
        const text = area.value.trim();
        if (!text && !view.message.attachments?.length) return area.focus();
        close();
        send(text);
    };
    const editor = h(
        "div",
        { class: "editor", onkeydown: (event) => keys(event, done, close) },
        area,
        h("div", { class: "editor-foot" }, h("span", {}, `The earlier version is kept${view.message.attachments?.length ? ", and so are its files" : ""}.`), button("Cancel", close), button("Send", done, { class: "button main" })),
    );
    view.bubble.hidden = view.actions.element.hidden = true;
    view.element.append(editor);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
}

function keys(event, done, close) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
        event.stopPropagation();
        close();
    } else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        done();
    }
}
