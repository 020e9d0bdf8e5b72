// One conversation in the list of the sidebar, and the field in which a title is edited.

import { h, icon, iconButton, opensElsewhere } from "../lib/dom.js";
import { exactTime } from "../lib/format.js";
import { limitLength } from "../lib/limits.js";
/** @import { Sidebar } from "./sidebar.js" */

const MAX_TITLE_CHARS = 120;

export class ConversationRow {
    /**
     * @param {Wire.Conversation} conversation
     * @param {Sidebar} sidebar
     */
    constructor(conversation, sidebar) {
        this.sidebar = sidebar;
        this.conversation = conversation;
        this.link = h("a", { href: `/c/${conversation.id}/`, onclick: (/** @type {MouseEvent} */ event) => this.#open(event) });
        const more = iconButton("more", "", () => sidebar.openMenu(this.conversation, more, () => this.rename()), { "aria-haspopup": "menu" });
        this.more = more;
        this.element = h("li", { "data-id": conversation.id }, this.link, more);
        this.update(conversation);
    }

    /** @param {Wire.Conversation} conversation */
    update(conversation) {
        this.conversation = conversation;
        const { title, unread, live, asks, pinned, folder, schedule_id: scheduleId, active_at: at } = conversation;
        const name = title || "New conversation";
        const states = [unread && "unread", asks ? "asks you" : live && "being answered", scheduleId && "results of a schedule", pinned && "pinned"].filter(Boolean);
        const parts = [
            scheduleId && icon("clock"),
            h("span", { class: "title", dir: "auto" }, name),
            states.length > 0 && h("span", { class: "visually-hidden" }, `, ${states.join(", ")}`),
            asks ? icon("hand") : live ? h("span", { class: "spinner" }) : unread && h("span", { class: "unread-dot" }),
        ];
        this.link.replaceChildren(...parts.filter((part) => part instanceof Node));
        this.link.title = [name, folder && `In ${folder}`, exactTime(at)].filter(Boolean).join("\n");
        this.element.toggleAttribute("data-unread", unread);
        this.more.setAttribute("aria-label", `More for ${name}`);
        this.more.title = "More";
    }

    /** @param {boolean} isCurrent */
    show(isCurrent) {
        if (isCurrent) this.link.setAttribute("aria-current", "page");
        else this.link.removeAttribute("aria-current");
    }

    rename() {
        const { id, title } = this.conversation;
        editTitle(this.link, title, (text) => this.sidebar.change(id, { title: text }), () => this.link.focus());
    }

    /** @param {MouseEvent} event */
    #open(event) {
        if (opensElsewhere(event)) return;
        event.preventDefault();
        this.sidebar.emit("go", this.conversation.id);
    }
}

/**
 * Edits a title in its place. Enter saves it, and so does leaving the field; Escape does not.
 * @param {HTMLElement} element is replaced by the field and comes back
 * @param {string} title
 * @param {(title: string) => void} save
 * @param {() => void} restoreFocus called where Enter or Escape closed the field
 */
export function editTitle(element, title, save, restoreFocus) {
    const field = limitLength(h("input", { type: "text", "aria-label": "Title", class: "rename", dir: "auto" }), MAX_TITLE_CHARS);
    field.value = title;
    let isClosed = false; // removing the field blurs it, which would close it again
    /** @param {boolean} mustSave */
    const close = (mustSave) => {
        if (isClosed || (mustSave && !field.reportValidity())) return;
        isClosed = true;
        field.replaceWith(element);
        const text = field.value.trim();
        if (mustSave && text && text !== title) save(text);
    };
    field.addEventListener("keydown", (event) => {
        if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        close(event.key === "Enter");
        if (isClosed) restoreFocus();
    });
    field.addEventListener("blur", () => close(true));
    element.replaceWith(field);
    field.select();
}
