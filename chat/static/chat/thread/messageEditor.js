// Edits a person's message in its place; sending it makes a branch beside the earlier version.

import { button, find, h, isComposing } from "../lib/dom.js";
/** @import { UserMessage } from "./message.js" */

/**
 * @param {UserMessage} view
 * @param {(text: string) => void} send
 */
export function editMessage(view, send) {
    if (view.element.querySelector(".editor")) return;
    const hasFiles = view.message.attachments.length > 0;
    const area = h("textarea", { "aria-label": "Edit your message", rows: "1", dir: "auto" });
    area.value = view.message.text;
    const close = () => {
        editor.remove();
        view.bubble.hidden = !view.message.text;
        view.actions.element.hidden = false;
        find("#message-field").focus();
    };
    const submit = () => {
        const text = area.value.trim();
        if (!text && !hasFiles) return area.focus();
        close();
        send(text);
    };
    const note = h("span", {}, `The earlier version is kept${hasFiles ? ", and so are its files" : ""}.`);
    const foot = h("div", { class: "editor-foot" }, note, button("Cancel", close), button("Send", submit, { class: "button main" }));
    const onkeydown = (/** @type {KeyboardEvent} */ event) => keyPressed(event, submit, close);
    const editor = h("div", { class: "editor", onkeydown }, area, foot);
    view.bubble.hidden = view.actions.element.hidden = true;
    view.element.append(editor);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
}

/**
 * @param {KeyboardEvent} event
 * @param {() => void} submit
 * @param {() => void} close
 */
function keyPressed(event, submit, close) {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
        event.stopPropagation();
        close();
    } else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        submit();
    }
}
