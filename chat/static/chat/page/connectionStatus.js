// The state of the connection; hidden by the style sheet while it is live and nothing is unsent.

import { h, icon } from "../lib/dom.js";
/** @import { Outbox } from "../compose/outbox.js" */
/** @import { Connection } from "./connection.js" */

export class ConnectionStatus {
    #countdown = h("span", { "aria-hidden": "true" }); // a screen reader must not count the seconds

    /**
     * @param {HTMLElement} element
     * @param {Connection} connection
     * @param {Outbox} outbox
     */
    constructor(element, connection, outbox) {
        this.element = element;
        this.connection = connection;
        this.outbox = outbox;
        connection.on("state", () => this.show());
        outbox.on("change", () => this.show());
        this.show();
    }

    show() {
        const { name, seconds } = this.connection.state;
        const text = {
            live: "live",
            connecting: "connecting",
            waiting: "reconnecting",
            offline: this.outbox.pendingCount ? "offline, will send when back" : "offline",
            over: "signed out",
        }[name];
        const countdown = name === "waiting" ? ` in ${seconds} s` : "";
        if (this.element.dataset.text !== text) this.#draw(name, text);
        if (this.#countdown.textContent !== countdown) this.#countdown.textContent = countdown;
    }

    /**
     * @param {string} name
     * @param {string} text
     */
    #draw(name, text) {
        this.element.dataset.text = text;
        this.element.dataset.state = name;
        this.#countdown.textContent = "";
        const symbol = name === "offline" ? icon("cloud-off") : h("span", { class: "dot" });
        this.element.replaceChildren(symbol, h("span", { class: "status-text" }, text, this.#countdown));
    }
}
