// One conversation in the list at the side.

import { h, icon, iconButton } from "./dom.js";
import { exactTime } from "./times.js";

export class Row {
    constructor(conversation, list) {
        this.list = list;
        this.link = h("a", { href: `/c/${conversation.id}/`, onclick: (event) => this.#follow(event) });
        const more = iconButton("more", "", () => list.openMenu(this, more), { "aria-haspopup": "menu" });
        this.more = more;
        this.element = h("li", { "data-id": conversation.id }, this.link, more);
        this.update(conversation);
    }

    update(conversation) {
        this.conversation = conversation;
        const { title, unread, live, pinned, schedule_id: scheduled, active_at: at } = conversation;
        const name = title || "New conversation";
        const told = [unread && "unread", live && "being answered", scheduled && "results of a schedule", pinned && "pinned"].filter(Boolean);
        this.link.replaceChildren(
            ...[
                scheduled && icon("clock"),
                h("span", { class: "title" }, name),
                told.length && h("span", { class: "visually-hidden" }, `, ${told.join(", ")}`),
                live ? h("span", { class: "spinner" }) : unread && h("span", { class: "unread-dot" }),
            ].filter(Boolean),
        );
        this.link.title = `${name}\n${exactTime(at)}`;
        this.element.toggleAttribute("data-unread", unread);
        this.more.setAttribute("aria-label", `More for ${name}`);
        this.more.title = "More";
    }

    show(isCurrent) {
        if (isCurrent) this.link.setAttribute("aria-current", "page");
        else this.link.removeAttribute("aria-current");
    }

    rename(save) {
        const field = h("input", { type: "text", "aria-label": "Title", maxlength: "120", class: "rename" });
        field.value = this.conversation.title;
        let closed = false; // leaving the page, the field loses the focus, which would close it again
        const close = (keep) => {
            if (closed) return;
            closed = true;
            field.replaceWith(this.link);
            if (keep && field.value.trim() && field.value.trim() !== this.conversation.title) save(field.value.trim());
        };
        field.addEventListener("keydown", (event) => {
            if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
            event.stopPropagation();
            close(event.key === "Enter");
            this.link.focus();
        });
        field.addEventListener("blur", () => close(true));
        this.link.replaceWith(field);
        field.select();
    }

    #follow(event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        this.list.go(this.conversation.id);
    }
}
