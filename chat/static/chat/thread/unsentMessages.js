// A person's words that the server has not confirmed: shown at once, with what becomes of them.

import { button, h, icon } from "../lib/dom.js";
import { filesOf } from "../compose/attachments.js";
import { folded } from "./folding.js";

export class Unsent {
    #shown = new Map(); // what was made for an entry stands, as long as the same is to be said: focus stays

    constructor(outbox, connection, composer) {
        Object.assign(this, { outbox, connection, composer });
    }

    elements(entries) {
        const { name } = this.connection.state;
        const before = this.#shown;
        this.#shown = new Map();
        return entries.map((entry) => {
            const key = [entry.client_msg_id, entry.error, name, Boolean(entry.sentAt)].join(" ");
            const element = before.get(key) ?? this.#make(entry, name);
            this.#shown.set(key, element);
            return element;
        });
    }

    #make(entry, state) {
        const isHere = entry.error || (state !== "live" && !entry.sentAt); // what went out may have come in
        const told = h("span", {}, icon(entry.error ? "warn" : "clock"), entry.error ? `Not sent: ${entry.error}` : waits(state));
        const status = h(
            "div",
            { class: entry.error ? "sending failed" : "sending", role: entry.error && "alert" },
            told,
            entry.error && word("Try again", () => this.outbox.retry(entry.client_msg_id)),
            isHere && [word("Edit", () => this.#takeBack(entry, true)), word("Withdraw", () => this.#takeBack(entry, false))],
        );
        const bubble = entry.text && h("div", { class: "bubble" }, folded(entry.text));
        return h("article", { class: "message user unsent", "aria-label": entry.error ? "You, not sent" : "You, sending" }, filesOf(entry.attachments), bubble, status);
    }

    #takeBack(entry, isWanted) {
        this.outbox.drop(entry.client_msg_id);
        if (isWanted) this.composer.fill(entry.text, entry.attachments);
        else this.composer.refocus();
    }
}

function word(label, onclick) {
    return button(label, onclick, { class: "button small" });
}

function waits(state) {
    if (state === "offline") return "Will be sent when you are back online";
    return state === "live" ? "Sending" : "Will be sent when the connection is back";
}
