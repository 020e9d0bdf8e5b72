// One conversation in the list at the side.

import { h, icon, iconButton } from "../lib/dom.js";
import { rename } from "./renaming.js";
import { exactTime } from "../lib/format.js";

export class Row {
    constructor(conversation, list) {
        this.list = list;
        this.link = h("a", { href: `/c/${conversation.id}/`, onclick: (event) => this.#follow(event) });
        const more = iconButton("more", "", () => list.openMenu(this.conversation, more, () => this.rename()), { "aria-haspopup": "menu" });
        this.more = more;
        this.element = h("li", { "data-id": conversation.id }, this.link, more);
        this.update(conversation);
    }

    update(conversation) {
        this.conversation = conversation;
        const { title, unread, live, asks, pinned, folder, schedule_id: scheduled, active_at: at } = conversation;
        const name = title || "New conversation";
        const told = [unread && "unread", asks ? "asks you" : live && "being answered", scheduled && "results of a schedule", pinned && "pinned"].filter(Boolean);
        this.link.replaceChildren(
            ...[
                scheduled && icon("clock"),
                h("span", { class: "title", dir: "auto" }, name),
                told.length && h("span", { class: "visually-hidden" }, `, ${told.join(", ")}`),
                asks ? icon("hand") : live ? h("span", { class: "spinner" }) : unread && h("span", { class: "unread-dot" }),
            ].filter(Boolean),
        );
        this.link.title = [name, folder && `In ${folder}`, exactTime(at)].filter(Boolean).join("\n");
        this.element.toggleAttribute("data-unread", unread);
        this.more.setAttribute("aria-label", `More for ${name}`);
        this.more.title = "More";
    }

    show(isCurrent) {
        if (isCurrent) this.link.setAttribute("aria-current", "page");
        else this.link.removeAttribute("aria-current");
    }

    rename() {
        const { id, title } = this.conversation;
        rename(this.link, title, (words) => this.list.change(id, { title: words }), () => this.link.focus());
    }

    #follow(event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        this.list.go(this.conversation.id);
    }
}
