// A person's messages that the server has not confirmed: shown at once, with their state.

import { attachmentList } from "../compose/attachments.js";
import { h, icon, smallButton } from "../lib/dom.js";
import { messageText } from "./message.js";
/** @import { Composer } from "../compose/composer.js" */
/** @import { Entry, Outbox } from "../compose/outbox.js" */
/** @import { Connection } from "../page/connection.js" */

export class UnsentMessages {
    /** @type {Map<string, HTMLElement>} an element is kept while it would look the same, so that the focus stays */
    #shown = new Map();

    /**
     * @param {Outbox} outbox
     * @param {Connection} connection
     * @param {Composer} composer
     */
    constructor(outbox, connection, composer) {
        this.outbox = outbox;
        this.connection = connection;
        this.composer = composer;
    }

    /** @param {Entry[]} entries */
    elements(entries) {
        const { name } = this.connection.state;
        const before = this.#shown;
        this.#shown = new Map();
        return entries.map((entry) => {
            const key = [entry.client_msg_id, entry.error, name, Boolean(entry.sentAt)].join(" ");
            const element = before.get(key) ?? this.#makeElement(entry, name);
            this.#shown.set(key, element);
            return element;
        });
    }

    /**
     * @param {Entry} entry
     * @param {string} state
     */
    #makeElement(entry, state) {
        const { error } = entry;
        const mayWithdraw = error || (state !== "live" && !entry.sentAt); // what was sent may have arrived
        const status = h(
            "div",
            { class: error ? "sending failed" : "sending", role: error && "alert" },
            h("span", {}, icon(error ? "warn" : "clock"), error ? `Not sent: ${error}` : stateText(state)),
            error && smallButton("Try again", () => this.outbox.retry(entry.client_msg_id)),
            mayWithdraw && [smallButton("Edit", () => this.#withdraw(entry, true)), smallButton("Cancel", () => this.#withdraw(entry, false))],
        );
        const bubble = entry.text && h("div", { class: "bubble" }, messageText(entry.text));
        return h("article", { class: "message user unsent", "aria-label": error ? "You, not sent" : "You, sending" }, attachmentList(entry.attachments), bubble, status);
    }

    /**
     * @param {Entry} entry
     * @param {boolean} toEdit
     */
    #withdraw(entry, toEdit) {
        this.outbox.remove(entry.client_msg_id);
        if (toEdit) this.composer.prepend(entry.text, entry.attachments);
        else this.composer.restoreFocus();
    }
}

/** @param {string} state */
function stateText(state) {
    if (state === "offline") return "Will be sent when you are back online";
    return state === "live" ? "Sending" : "Will be sent when the connection is back";
}
